"""What a user did wrong, said once and rendered once.

Every error that a user can cause is a `UserError`: a message that says what was given and what is allowed, a remedy
that says what to do instead, an exit code for the command line and a status for HTTP. Broken invariants of our own
stay plain `AssertionError` or `ValueError` and end in a traceback.
"""

from __future__ import annotations

from typing import ClassVar


class UserError(Exception):
    """Base of every error whose cause is an input; never raised itself.

    Args:
        message: what is wrong, with the offending value in it.
        remedy: what to do instead; shown after the message.
    """

    exit_code: ClassVar[int] = 2
    http_status: ClassVar[int] = 422

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}"

    def __reduce__(self):  # worker processes hand errors back by pickle
        return type(self), (self.message, self.remedy)


class RequestError(UserError):
    """A request that cannot be met: a bad form string, a bar outside the song, an option out of range."""


class UnreadableFileError(UserError):
    """A file that is not what it should be: not MIDI, truncated, empty, a corpus that is none."""

    exit_code = 3


class UnsupportedScoreError(UserError):
    """A readable song that this version or these weights cannot treat, such as a meter the model does not speak."""


class CheckpointError(UserError):
    """Weights of another format, vocabulary or shape, or two sets that do not belong together."""

    exit_code = 3


class ParseError(RequestError):
    """A text that does not parse; points at the token, in the line that holds it.

    Args:
        text: the whole text as given.
        start: index of the first character of the offending token.
        end: index behind its last character.
        message: what is wrong with it.
        remedy: what to type instead.
    """

    def __init__(self, text: str, start: int, end: int, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.text = text
        self.start = start
        self.end = end

    def __str__(self) -> str:
        line_start = self.text.rfind("\n", 0, self.start) + 1
        line = self.text[line_start:].partition("\n")[0]
        marks = " " * (self.start - line_start) + "^" * max(1, self.end - self.start)
        return f"{self.message}\n  {line}\n  {marks}\n  {self.remedy}"

    def __reduce__(self):
        return type(self), (self.text, self.start, self.end, self.message, self.remedy)
