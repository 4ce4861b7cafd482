# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of a node's Image input: image files that the engine can read itself, or nodes.

Files are numbered as by Blender's Image node. The engine is asked for the number of the *file*; the node's results have
the *scene's* frame number.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import compat
from .faceplate_client import HostError, format_frames

__all__ = [
    "Mapping",
    "Plate",
    "file_plate",
    "frame_offset",
    "held_frames",
    "held_label",
    "image_space",
    "is_face_swap",
    "linked_output",
    "marker",
]

MARKER = "faceplate"
"""The ID property that marks a node group as a face swap, with or without this extension."""

_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$")
_DIRECT = {".exr", ".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg"}

# Names of Blender's own configuration; a studio's configuration ($OCIO) is shared with the engine.
_INTEROP = {
    "ACES2065-1": "lin_ap0_scene",
    "ACEScg": "lin_ap1_scene",
    "Linear Rec.709": "lin_rec709_scene",
    "Linear Rec.2020": "lin_rec2020_scene",
    "Linear DCI-P3 D65": "lin_p3d65_scene",
    "Linear CIE-XYZ D65": "lin_ciexyzd65_scene",
    "sRGB": "srgb_rec709_scene",
    "Non-Color": "data",
}


@dataclass(frozen=True)
class Mapping:
    """How an Image node maps scene frames to file numbers. `number` is that of a still, None for a file without one."""

    start: int = 1
    duration: int = 0
    offset: int = 0
    cyclic: bool = False
    still: bool = False
    number: int | None = None

    def file_number(self, frame: int) -> int:
        """Return the number of the file that Blender shows at a scene frame."""
        if self.still:
            return frame if self.number is None else self.number
        at = frame - self.start + 1
        if self.cyclic:
            at = at % self.duration if self.duration else at
            at = at or self.duration
        return min(max(at, 0), self.duration) + self.offset


@dataclass(frozen=True)
class Plate:
    """Image files that the engine reads: pattern, colour space (None: as the files state), layer, and numbering."""

    pattern: str
    space: str | None
    layer: str | None
    mapping: Mapping


def held_frames(mapping: Mapping, frames: range) -> str:
    """Return a sentence that names the scene frames at which the Image node repeats a plate frame; "" where it repeats none."""
    if mapping.still:
        return "The plate is a single picture: every frame shows it." if len(frames) > 1 else ""
    held = _held(mapping, frames)
    if not held:
        return ""
    told = [f"plate frame {number} at frames {format_frames(some)}" for number, some in held[:3]]
    more = f", and {len(held) - 3} more plate frames" if len(held) > 3 else ""
    return f"The Image node holds {', '.join(told)}{more}; set its Frames and Start Frame to the plate's."


def held_label(mapping: Mapping, frames: range) -> str:
    """Return the words for the node's label that name the scene frames at which plate frames repeat; "" for none."""
    held = [] if mapping.still else _held(mapping, frames)
    return f" (holds {format_frames(frame for _, some in held for frame in some)})" if held else ""


def _held(mapping: Mapping, frames: range) -> list[tuple[int, list[int]]]:
    shown: dict[int, list[int]] = {}
    for frame in frames:
        shown.setdefault(mapping.file_number(frame), []).append(frame)
    return [(number, some) for number, some in shown.items() if len(some) > 1]


def frame_offset(mapping: Mapping, frames: range) -> str:
    """Return a sentence about plate numbers that differ from the scene's; "" where they are the same."""
    if mapping.still or not frames:
        return ""
    first, number = frames[0], mapping.file_number(frames[0])
    return "" if number == first else f"Frame {first} shows plate frame {number}."


def marker(node: Any) -> Any | None:
    """Return the marker of the node's group, or None when the node is no face swap."""
    group = getattr(node, "node_tree", None) if node.type == "GROUP" else None
    return group.get(MARKER) if group is not None else None


def is_face_swap(node: Any) -> bool:
    """Return whether `node` is a face swap node."""
    return marker(node) is not None


def linked_output(socket: Any) -> Any | None:
    """Return the output that feeds `socket`, through reroutes and other face swap nodes, which share one plate."""
    while socket.is_linked:
        made = socket.links[0].from_socket
        node = made.node
        if node.type == "REROUTE":
            socket = node.inputs[0]
        elif is_face_swap(node) and made.name == "Image":
            socket = node.inputs["Image"]
        else:
            return made
    return None


def has_image(node: Any) -> bool:
    """Return whether an Image node has an image."""
    return node.image is not None


def file_plate(made: Any, space: str = "") -> Plate | None:
    """Return the files behind an Image node's output, or None when other nodes compute `made`.

    Raises `HostError('plate-missing')` for an Image node without a file.
    """
    node = made.node
    if node.type != "IMAGE" or node.mute or made.name not in ("Image", "Combined"):
        return None
    image = node.image
    if image is None:
        raise HostError("plate-missing", f"The Image node '{node.name}' has no image: open the plate in it.")
    if image.source not in ("FILE", "SEQUENCE") or image.packed_file is not None:
        return None
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    if path.suffix.lower() not in _DIRECT:
        return None
    pattern, number = _pattern(path)
    layers = image.type == "MULTILAYER" and node.has_layers
    chosen = node.layer if layers else None
    if image.source == "FILE":
        mapping = Mapping(still=True, number=number)
        pattern = str(path)
    elif number is None:
        raise HostError("plate-missing", f"{path.name} has no frame number, but '{node.name}' reads it as a sequence.")
    else:
        mapping = Mapping(node.frame_start, node.frame_duration, node.frame_offset, node.use_cyclic)
    return Plate(pattern, space or image_space(image), chosen, mapping)


def image_space(image: Any) -> str:
    """Return the engine's name of an image's colour space."""
    name = image.colorspace_settings.name
    if name == "Working Space":
        name = compat.working_space()
    return name if os.environ.get("OCIO") else _INTEROP.get(name, name)


def engine_space(name: str) -> str:
    """Return the engine's name of one of Blender's colour spaces."""
    return name if os.environ.get("OCIO") else _INTEROP.get(name, name)


def _pattern(path: Path) -> tuple[str, int | None]:
    """`plate.1001.exr` → (`plate.####.exr`, 1001): the last number of the name, as in Blender."""
    found = _NUMBER.match(path.stem)
    if found is None:
        return str(path), None
    before, digits, after = found.groups()
    return str(path.with_name(f"{before}{'#' * len(digits)}{after}{path.suffix}")), int(digits)
