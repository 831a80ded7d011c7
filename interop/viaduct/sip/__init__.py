"""The oracle's own SIP parser: strict, from the grammar of RFC 3261 section 25, positions kept."""
