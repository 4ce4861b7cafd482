"""The one error that the client raises."""

from __future__ import annotations

__all__ = ["EngineError"]


class EngineError(Exception):
    """A refusal with a stable `code` and one sentence that says what to do. `job` is the job's last document, or None."""

    def __init__(self, code, message, job=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.job = job

    def __str__(self):
        return self.message
