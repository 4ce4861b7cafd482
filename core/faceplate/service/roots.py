"""The folders that a request may name: every folder, or those under `$FACEPLATE_ROOTS`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from faceplate.errors import UsageError
from faceplate.system.user_paths import resolved

__all__ = ["Roots"]


class Roots:
    """The allowed folders. With none, every path that the user can reach is allowed."""

    def __init__(self, folders: Iterable[str | Path] = ()) -> None:
        self.folders = tuple(Path(folder).expanduser().resolve() for folder in folders)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Roots:
        """Return the folders of `$FACEPLATE_ROOTS`, separated as in PATH."""
        values = os.environ if environ is None else environ
        return cls(part for part in values.get("FACEPLATE_ROOTS", "").split(os.pathsep) if part.strip())

    def check(self, *paths: str | Path | None) -> None:
        """Refuse a path that, with its links followed, lies outside the roots. Raises `UsageError('outside-roots')`."""
        if not self.folders:
            return
        for path in paths:
            if path is None or str(path) == "":
                continue
            real = resolved(path)
            if real is None or not any(real.is_relative_to(root) for root in self.folders):
                allowed = ", ".join(map(str, self.folders))
                raise UsageError("outside-roots", f"{path} lies outside the folders that are allowed here: {allowed}.")
