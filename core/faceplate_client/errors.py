"""Errors of the client and of the adapters: each has a stable code and one sentence."""

from __future__ import annotations

from typing import Any

__all__ = ["ClientError", "EngineError", "HostError"]


class ClientError(Exception):
    """Base class of `EngineError` and `HostError`; adapters catch this one.

    Parameters
    ----------
    code : str
        Stable identifier for programs, such as ``"plate-missing"``.
    message : str
        One sentence for the user: what is wrong and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class EngineError(ClientError):
    """The engine refused a request or cannot be reached.

    Parameters
    ----------
    code : str
        The engine's own code, or one of the client's; docs/service.md lists both.
    message : str
        One sentence for the user.
    job : dict, optional
        The document of the job that failed.
    """

    def __init__(self, code: str, message: str, job: dict[str, Any] | None = None) -> None:
        super().__init__(code, message)
        self.job = job


class HostError(ClientError):
    """The host's nodes, values or files do not allow what was asked.

    An adapter that reverts its changes after a failure fills in three attributes, which `str` includes:

    step : str
        What was being done, to follow "While".
    undone, left : list of str
        What was reverted, and what could not be reverted.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.step = ""
        self.undone: list[str] = []
        self.left: list[str] = []

    def __str__(self) -> str:
        """Return the sentence with the step that failed and the state that is left."""
        text = f"While {self.step}: {self.message}" if self.step else self.message
        if self.undone:
            text += f" Undone: {', '.join(self.undone)}."
        if self.left:
            text += f" Could not be undone, please do it by hand: {', '.join(self.left)}."
        return text
