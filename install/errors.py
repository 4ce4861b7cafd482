"""The one refusal of the installer. It cannot be `FaceplateError`: nothing is installed yet when it is needed."""

from __future__ import annotations

__all__ = ["InstallError"]


class InstallError(Exception):
    """One sentence for a person: what is wrong and what to do. `exit_code` is 2 when the request itself was wrong."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
