"""The scene: a trace, indexed once, as the rules look at it.

Who is under test, which messages passed between it and the agents around it, over which link, which
message leaving it came of which one entering, and what the agents learned of dialogs and bindings.
"""
