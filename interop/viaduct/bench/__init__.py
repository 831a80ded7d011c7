"""Measures what a SIP server costs, side by side with another one, in one run."""
