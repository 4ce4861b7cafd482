"""Every refusal that a person can meet: a stable code and one sentence that says what is wrong and what to do.

A caller shows `str(error)`; a host or a farm script matches `error.code`. Codes never change meaning once released.
"""

from __future__ import annotations

import re

__all__ = ["FaceplateError", "RenderError", "UsageError"]

_LONGEST_WORD, _LONGEST_MESSAGE = 500, 5000


class FaceplateError(Exception):
    """A refusal with a stable `code` (kebab-case) and one sentence for a person.

    `exit_code` is what the command line ends with: 2 when the request itself is wrong, 1 when the work failed.
    """

    exit_code = 1

    def __init__(self, code: str, message: str) -> None:
        message = _printable(message)
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """Return the sentence for a person."""
        return self.message


class UsageError(FaceplateError):
    """The request cannot be carried out as it was made: a wrong option, an unknown colour space, a missing folder."""

    exit_code = 2


class RenderError(FaceplateError):
    """The request was right but the work could not be done: a damaged plate, no face in the frame, a full disk."""


def _printable(message: str) -> str:
    """Return the message as people can read it: no null character, and a path of 100,000 characters is shortened."""
    plain = message.replace("\0", "\\0")
    plain = re.sub(rf"\S{{{_LONGEST_WORD},}}", lambda word: f"{word[0][:120]}…{word[0][-60:]}", plain)
    return plain if len(plain) <= _LONGEST_MESSAGE else f"{plain[:1000]}…{plain[-500:]}"
