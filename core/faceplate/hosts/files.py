"""Writes of files and folders for a host that may start at any moment: it sees the old state or the new one."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceplate.errors import RenderError, UsageError

__all__ = ["IGNORED", "existing_parent", "replaced_folder", "unwritable", "write_whole"]

IGNORED = shutil.ignore_patterns("__pycache__", "faceplate_client")
"""What is never copied out of an adapter's folder. The client is added from the engine's own package."""


@contextmanager
def unwritable(place: Path) -> Iterator[None]:
    """Turn an `OSError` inside the block into `RenderError` `host-unwritable`; `place` is named if the error names no file."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise RenderError("host-unwritable", f"{error.filename or place} could not be written ({reason}).") from None


def existing_parent(folder: Path) -> None:
    """Refuse a folder whose parent does not exist, which is usually a mistyped path. Raises `UsageError` `no-folder`."""
    if not folder.parent.is_dir():
        raise UsageError("no-folder", f"There is no folder {folder.parent}; name an existing place with --dir.")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it. The mode of an existing file is kept."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(content)
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replaced_folder(final: Path) -> Iterator[Path]:
    """Yield a new folder beside `final` to fill; afterwards it takes the place of `final`.

    A folder cannot be renamed over another one, so the old folder is renamed first, and renamed back on failure.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
    old = part.with_suffix(".old")
    try:
        part.mkdir()
        yield part
        if final.exists():
            os.rename(final, old)  # noqa: PTH104  (the call that the tests interrupt)
        try:
            os.rename(part, final)  # noqa: PTH104
        except OSError:
            if old.exists():
                old.rename(final)
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
