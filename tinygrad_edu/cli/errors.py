"""The error of the command line: one clear sentence, exit code 2."""


class UsageError(Exception):
    """What the user gave cannot be used; the text says what, where, and what was expected."""
