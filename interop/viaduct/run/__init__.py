"""The run engine: cases against a target, judged."""
