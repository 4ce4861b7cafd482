"""Takes a picture that was dropped into the page into the source's folder: its name, its type and its size are checked first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import FaceplateError, UsageError
from faceplate.plate import PlateFile
from faceplate.system.atomic import publish, temporary_beside, write_failed
from faceplate.system.user_paths import exists, is_dir

__all__ = ["LIMIT", "take_picture"]

LIMIT = 64 << 20
"""Bytes that a dropped picture may have."""

_MOST_PIXELS = 100_000_000
_LONGEST = 150
# Begins with a letter, a digit or an underscore, so that it is neither hidden nor an option of a command.
_NAME = re.compile(r"[^\W][\w .()+-]*", re.UNICODE)
# Windows gives these a meaning of their own in every folder.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class _Type:
    """A type of picture: how its bytes begin, and the endings of its names."""

    begins: tuple[bytes, ...]
    endings: tuple[str, ...]
    word: str


_TYPES = (
    _Type((b"\x89PNG\r\n\x1a\n",), (".png",), "PNG"),
    _Type((b"\xff\xd8\xff",), (".jpg", ".jpeg"), "JPEG"),
    _Type((b"II*\x00", b"MM\x00*"), (".tif", ".tiff"), "TIFF"),
    _Type((b"\x76\x2f\x31\x01",), (".exr",), "OpenEXR"),
)


def take_picture(folder: Path, name: str, data: bytes) -> Path:
    """Write a picture into a source's folder and return its path.

    The header is read before any pixel is, so that a small file that claims to be a huge picture is refused.

    Raises
    ------
    UsageError
        `no-source-folder`, `bad-name`, `not-a-picture`, `picture-too-large`, `picture-exists`.
    RenderError
        `disk-full`, `output-unwritable`.
    """
    if not is_dir(folder):
        raise UsageError(
            "no-source-folder", f"The source {folder.name} is no folder, so no picture can be added to it."
        )
    kind = _checked_name(name)
    if not any(data.startswith(begin) for begin in kind.begins):
        raise UsageError("not-a-picture", f"{name} is no {kind.word} file, whatever its name says.")
    target = folder / name
    if exists(target) or target.is_symlink():
        raise UsageError("picture-exists", f"The source has a picture {name} already; give this one another name.")
    with temporary_beside(target) as part:
        try:
            part.write_bytes(data)
        except OSError as error:
            raise write_failed(target, error) from error
        _check_size(part, name)
        publish(part, target)
    return target


def _checked_name(name: str) -> _Type:
    """Return the type that a file's name says. Raises `UsageError` `bad-name`, `not-a-picture`."""
    if (
        len(name.encode()) > _LONGEST
        or not _NAME.fullmatch(name)
        or name.endswith((" ", "."))
        or _RESERVED.fullmatch(name)
    ):
        raise UsageError(
            "bad-name", "A picture's name holds letters, digits, spaces, dots, hyphens and brackets, and no folder."
        )
    ending = Path(name).suffix.lower()
    for kind in _TYPES:
        if ending in kind.endings:
            return kind
    raise UsageError("not-a-picture", f"{name} is no picture that can be dropped; use PNG, JPEG, TIFF or OpenEXR.")


def _check_size(path: Path, name: str) -> None:
    """Refuse a file that is no picture, or one with too many pixels."""
    try:
        file = PlateFile.open(path)
    except FaceplateError as error:
        raise UsageError("not-a-picture", f"{name} cannot be read as a picture.") from error
    window = file.data
    if window.area > _MOST_PIXELS or max(window.width, window.height) > 65_535:
        raise UsageError(
            "picture-too-large",
            f"{name} has {window.width} x {window.height} pixels; a picture may have {_MOST_PIXELS // 1_000_000} million.",
        )
