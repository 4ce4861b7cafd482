"""Every refusal that a person can meet: a stable code and one sentence that says what is wrong and what to do.

A caller shows `str(error)`; a host or a farm script matches `error.code`. Codes never change meaning once released.
"""

from __future__ import annotations

__all__ = ["FaceplateError", "RenderError", "UsageError"]


class FaceplateError(Exception):
    """A refusal with a stable `code` (kebab-case) and one sentence for a person.

    `exit_code` is what the command line ends with: 2 when the request itself is wrong, 1 when the work failed.
    """

    exit_code = 1

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class UsageError(FaceplateError):
    """The request cannot be carried out as it was made: a wrong option, an unknown colour space, a missing folder."""

    exit_code = 2


class RenderError(FaceplateError):
    """The request was right but the work could not be done: a damaged plate, no face in the frame, a full disk."""
