"""The one error that means: the command line, or a file that it names, is wrong."""


class UsageError(Exception):
    """Ends the program with exit code 2; the message says what to change."""


class NothingMeant(Exception):
    """No case has what was asked for in its id: nothing ran, which is exit code 4."""
