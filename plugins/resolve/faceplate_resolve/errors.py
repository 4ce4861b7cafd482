"""The adapter's own refusal."""

from __future__ import annotations

__all__ = ["HostError"]


class HostError(Exception):
    """One sentence for the person at the desk, and a stable `code`.

    `step` says what was being done, `undone` what was taken back, `left` what could not be.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.step = ""
        self.undone: list[str] = []
        self.left: list[str] = []

    def __str__(self) -> str:
        text = f"While {self.step}: {self.message}" if self.step else self.message
        if self.undone:
            text += f" Undone: {', '.join(self.undone)}."
        if self.left:
            text += f" Could not be undone, please do it by hand: {', '.join(self.left)}."
        return text
