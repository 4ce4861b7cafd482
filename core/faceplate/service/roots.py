"""Which folders a request may name: everything, or what lies under `$FACEPLATE_ROOTS`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from faceplate.errors import UsageError

__all__ = ["Roots"]


class Roots:
    """Folders as in PATH; none means that every path the user can reach is allowed."""

    def __init__(self, folders: Iterable[str | Path] = ()) -> None:
        self.folders = tuple(Path(folder).expanduser().resolve() for folder in folders)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Roots:
        values = os.environ if environ is None else environ
        return cls(part for part in values.get("FACEPLATE_ROOTS", "").split(os.pathsep) if part.strip())

    def check(self, *paths: str | Path | None) -> None:
        """Nothing when every path, with its links followed, lies in a root. Raises `UsageError('outside-roots')`."""
        if not self.folders:
            return
        for path in paths:
            if path is None or str(path) == "":
                continue
            real = Path(path).expanduser().resolve()
            if not any(real.is_relative_to(root) for root in self.folders):
                allowed = ", ".join(map(str, self.folders))
                raise UsageError("outside-roots", f"{path} lies outside the folders that are allowed here: {allowed}.")
