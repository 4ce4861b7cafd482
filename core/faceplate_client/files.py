"""Text files that are written completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from typing import Any

from .errors import HostError

__all__ = ["make_folder", "read_text", "write_error", "write_json", "write_text"]


def write_text(path: str, text: str) -> None:
    """Write a UTF-8 text file atomically; its folder is made when it is missing.

    The text goes to a hidden temporary file in the same folder, is flushed to the disk, and the file is renamed. The
    file gets the permissions that a new file of this user has.

    Raises
    ------
    HostError
        ``disk-full`` or ``output-unwritable``.
    """
    folder, name = os.path.split(os.path.abspath(path))
    make_folder(folder)
    part = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            os.remove(part)


def write_json(path: str, value: Any) -> None:
    """Write a JSON file atomically, indented by two spaces. Raises as `write_text` does."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_text(path: str) -> str:
    """Return a UTF-8 file's text; empty when the file is missing or unreadable."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, ValueError):
        return ""


def make_folder(folder: str) -> None:
    """Make a folder and its parents. Raises `HostError` ``disk-full`` or ``output-unwritable``."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error


def write_error(path: str, error: OSError) -> HostError:
    """Return the error for a file or folder that could not be written."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return HostError("disk-full", f"{path} cannot be written: the disk or the quota is full; free some space.")
    return HostError("output-unwritable", f"{path} cannot be written: {error.strerror or error}.")
