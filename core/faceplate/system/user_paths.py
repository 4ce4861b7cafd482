"""Safe questions about paths that a user, a shot file or a request names.

The operating system refuses some paths outright: one that is too long (`OSError`, "File name too long") and one that
holds a null character (`ValueError`). For the functions here such a path is one that does not exist, so that the caller
reports it like any other missing file.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from faceplate.errors import RenderError

__all__ = [
    "entries",
    "exists",
    "fingerprint_of",
    "is_dir",
    "is_file",
    "make_folder",
    "matches",
    "read_bytes",
    "reason",
    "resolved",
    "stat_or_none",
]

AnyPath = str | os.PathLike[str]


def stat_or_none(path: AnyPath) -> os.stat_result | None:
    """Return what the system knows of `path`, links followed; None where there is nothing or it cannot be asked."""
    try:
        return os.stat(path)  # noqa: PTH116  (takes a plain string as well)
    except (OSError, ValueError):
        return None


def exists(path: AnyPath) -> bool:
    """Say whether there is anything at `path`."""
    return stat_or_none(path) is not None


def is_file(path: AnyPath) -> bool:
    """Say whether `path` is a file, or a link to one."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_dir(path: AnyPath) -> bool:
    """Say whether `path` is a folder, or a link to one."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def entries(folder: AnyPath) -> tuple[Path, ...]:
    """Return what lies in `folder`, sorted by name; nothing where the folder cannot be read."""
    try:
        return tuple(sorted(Path(folder).iterdir()))
    except (OSError, ValueError):
        return ()


def matches(folder: AnyPath, pattern: str) -> tuple[Path, ...]:
    """Return the paths in `folder` that fit the glob `pattern`, sorted; none where the folder cannot be read."""
    try:
        return tuple(sorted(Path(folder).glob(pattern)))
    except (OSError, ValueError):
        return ()


def read_bytes(path: AnyPath) -> bytes:
    """Return the content of a file. Raises `OSError` alone, also for a path that holds a null character."""
    try:
        return Path(path).read_bytes()
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from error


def resolved(path: AnyPath) -> Path | None:
    """Return `path` as an absolute path with its links followed; None where the system cannot follow it."""
    try:
        return Path(path).expanduser().resolve()
    except (OSError, ValueError, RuntimeError):
        return None


def make_folder(folder: AnyPath, what: str = "output folder") -> None:
    """Make `folder` and those above it where they are missing.

    `what` names the folder in the error. Raises `RenderError('output-unwritable')`.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise RenderError("output-unwritable", f"The {what} {folder} cannot be made: {reason(error)}.") from error


def reason(error: OSError | ValueError) -> str:
    """Return why the system refused a path, in its own words and without the path."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or "no reason given"


def fingerprint_of(paths: Iterable[AnyPath]) -> str:
    """Return a text that changes when one of the files `paths` is replaced, edited, added or removed.

    It holds each file's path, size and time of change; a file that is not there counts as well.
    """
    known = ((str(path), stat_or_none(path)) for path in paths)
    return ",".join(f"{path} {item.st_size} {item.st_mtime_ns}" if item else f"{path} none" for path, item in known)
