# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a node: the engine's files, by plate number, and the files that the node shows, by scene frame.

    elements/element.####.exr    the engine's, numbered like the plate
    element.####.exr             what the node shows, numbered like the scene (a link, or a copy)
    present.####.png             one white pixel: this frame is there
    plate/plate.####.exr         the plate rendered from nodes, where the Image input is no file
    takes/001/                   a take: kept frames and the shot they were made from
    takes/trash/001/             a removed take
    face.track.json, face.2.track.json …   tracks; a new one never replaces one that an undo step may bring back

Without `present` the group tints the picture, so that a missing face is seen and never passes for a finished frame.
"""

from __future__ import annotations

import getpass
import os
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from .faceplate_client import HostError

__all__ = [
    "discard_frame",
    "discard_track",
    "last_take",
    "move_unsaved",
    "new_track",
    "node_folder",
    "publish_frame",
    "rendered_pattern",
    "restore_takes",
    "result_path",
    "shown_folder",
    "trash_take",
]


_TRASH = "trash"


def node_folder(group: Any) -> Path:
    """Return the node's folder: the chosen one, else one beside the .blend, else (not saved yet) a temporary one."""
    shot = group.faceplate
    if shot.cache:
        return Path(bpy.path.abspath(shot.cache))
    if bpy.data.filepath:
        # One folder for each .blend, so that two versions that render at once do not overwrite each other's frames.
        return Path(bpy.data.filepath).parent / "faceplate" / Path(bpy.data.filepath).stem / shot.uid[:12]
    return _unsaved(shot.uid)


def move_unsaved(group: Any) -> None:
    """Move files from the temporary folder to the one beside the .blend after it was first saved."""
    made, folder = _unsaved(group.faceplate.uid), node_folder(group)
    if made == folder or not made.is_dir() or folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.move(made, folder)
    except OSError as error:
        raise HostError("output-unwritable", f"{folder} cannot be made: {error.strerror or error}.") from error


def _unsaved(uid: str) -> Path:
    return Path(tempfile.gettempdir()) / f"faceplate-blender-{_user()}" / uid[:12]


def shown_folder(group: Any) -> Path:
    """Return the folder of the frames that the node shows: the node's folder, or that of the chosen take."""
    shot = group.faceplate
    return node_folder(group) / "takes" / f"{shot.take:03d}" if shot.take else node_folder(group)


def result_path(folder: Path, frame: int) -> Path:
    """Return the file that the node shows at a scene frame."""
    return folder / f"element.{frame:04d}.exr"


def present_path(folder: Path, frame: int) -> Path:
    """Return the file that marks a frame as rendered."""
    return folder / f"present.{frame:04d}.png"


def rendered_pattern(group: Any) -> str:
    """Return the pattern of the engine's files."""
    return str(node_folder(group) / "elements" / "element.####.exr")


def publish_frame(folder: Path, frame: int, rendered: Path) -> bool:
    """Link or copy `rendered` to the file of a scene frame. Returns whether anything changed."""
    target = result_path(folder, frame)
    mark = present_path(folder, frame)
    try:
        if mark.exists() and target.exists() and target.samefile(rendered):
            return False
        folder.mkdir(parents=True, exist_ok=True)
        _replace(target, lambda part: _link(rendered, part))
        if not mark.exists():
            _replace(mark, lambda part: part.write_bytes(_WHITE_PIXEL))
    except OSError as error:
        raise HostError("output-unwritable", f"{target} cannot be written: {error.strerror or error}.") from error
    return True


def discard_frame(folder: Path, frame: int) -> None:
    """Remove a frame's files, so that it does not count as rendered."""
    for path in (present_path(folder, frame), result_path(folder, frame)):
        path.unlink(missing_ok=True)


def last_take(folder: Path) -> int:
    """Return the highest number of a take in a node's folder, removed ones included; 0 without one."""
    found = [*(folder / "takes").glob("[0-9]*"), *(folder / "takes" / _TRASH).glob("[0-9]*")]
    return max((int(path.name) for path in found if path.name.isdigit()), default=0)


def trash_take(folder: Path, number: int) -> None:
    """Move a take's folder to the trash beside it. Raises `HostError('output-unwritable')`."""
    _move_take(folder / "takes" / f"{number:03d}", folder / "takes" / _TRASH / f"{number:03d}")


def restore_takes(folder: Path, numbers: Iterable[int]) -> None:
    """Move the takes with these numbers that lie in the trash back. Raises `HostError('output-unwritable')`."""
    for number in numbers:
        _move_take(folder / "takes" / _TRASH / f"{number:03d}", folder / "takes" / f"{number:03d}")


def _move_take(source: Path, target: Path) -> None:
    if not source.is_dir() or target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    except OSError as error:
        raise HostError("output-unwritable", f"{source} cannot be moved: {error.strerror or error}.") from error


def new_track(group: Any, before: str) -> Path:
    """Return the file for a new track of the node: a free name, so that undo still finds the track `before`.

    It begins as a copy of that track, whose corrections and people the engine then keeps.
    """
    folder = node_folder(group)
    number = 1
    while (target := folder / (f"face.{number}.track.json" if number > 1 else "face.track.json")).exists():
        number += 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if before and Path(before).is_file():
            shutil.copyfile(before, target)
    except OSError as error:
        raise HostError("output-unwritable", f"{target} cannot be written: {error.strerror or error}.") from error
    return target


def discard_track(target: Path) -> None:
    """Remove the file of a track that was not finished; the engine's work file stays, so that the next one continues it."""
    target.unlink(missing_ok=True)


def _replace(target: Path, write: Any) -> None:
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    try:
        write(part)
        part.replace(target)
    finally:
        # Renaming a link onto another name of the same file does nothing and leaves the link.
        part.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)


def _user() -> str:
    return "".join(letter for letter in getpass.getuser() if letter.isalnum()) or "user"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# One 8-bit grey pixel, 255 (PNG, second edition: signature, IHDR, IDAT, IEND).
_WHITE_PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff"))
    + _chunk(b"IEND", b"")
)
