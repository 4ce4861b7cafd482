"""Atomic writes: a file is written under a hidden name in the same folder, flushed to disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from faceplate.errors import RenderError

__all__ = ["publish", "temporary_beside", "write_bytes", "write_failed"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("no space left", "quota exceeded", "file too large")
# What network mounts and FUSE answer when a folder cannot be opened or flushed. The file itself is flushed by then.
_FOLDER_NOT_FLUSHED = frozenset(
    {
        errno.EINVAL,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.ENOSYS,
        errno.EISDIR,
        errno.EBADF,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
    }
)


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Give a hidden file name beside `path`, with its extension, and remove the file at the end if it is still there."""
    name = f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}.part{path.suffix}"
    temporary = path.with_name(name)
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def publish(temporary: Path, path: Path) -> None:
    """Flush a finished file to disk and give it its final name.

    The folder's entry is flushed too, where the system can: a network mount that refuses to flush a folder is no error,
    because the file is in place.

    Parameters
    ----------
    temporary : Path
        The finished file, in the folder of `path`.
    path : Path
        The final name; a file there is replaced.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`.
    """
    try:
        _sync(temporary)
        os.replace(temporary, path)  # noqa: PTH105  (the same call on every platform, and what tests interrupt)
        if os.name == "posix":  # only there can a folder be opened to flush its entry
            _sync_folder(path.parent)
    except OSError as error:
        raise write_failed(path, error) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` as the file `path`, whole or not at all; make its folder where it is missing.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`.
    """
    with temporary_beside(path) as part:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
        except OSError as error:
            raise write_failed(path, error) from error
        publish(part, path)


def write_failed(path: Path, reason: OSError | str) -> RenderError:
    """Return the error for a file that could not be written.

    OpenImageIO does not always say that the disk is full, so a test file is written when its message does not.

    Parameters
    ----------
    path : Path
        The file that was to be written.
    reason : OSError or str
        The cause, or OpenImageIO's message.

    Returns
    -------
    RenderError
        `disk-full` where the disk or the quota is full, else `output-unwritable`.
    """
    text = (reason.strerror or str(reason)) if isinstance(reason, OSError) else " ".join(reason.split()).rstrip(".")
    full = isinstance(reason, OSError) and reason.errno in _FULL
    if full or any(word in text.lower() for word in _FULL_WORDS) or _is_full(path):
        return RenderError("disk-full", f"{path} could not be written: the disk or the quota is full. Free some space.")
    return RenderError("output-unwritable", f"{path} could not be written ({text or 'no reason given'}).")


def _is_full(path: Path) -> bool:
    with temporary_beside(path) as probe:
        try:
            probe.write_bytes(bytes(1 << 16))
            _sync(probe)
        except OSError as error:
            return error.errno in _FULL
    return False


def _sync_folder(folder: Path) -> None:
    try:
        _sync(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno not in _FOLDER_NOT_FLUSHED:
            raise


def _sync(path: Path, mode: int = os.O_RDWR) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
