"""User agents that nobody here wrote, driven and watched: browsers with a SIP library, and SIPp."""
