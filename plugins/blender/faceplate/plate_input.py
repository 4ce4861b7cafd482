"""What is linked to a node's Image input: a picture file that the engine can read itself, or nodes.

Files are numbered as Blender's Image node does it; the engine is asked for the *file's* number, the node's results are
numbered by the *scene's*.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import compat
from .faceplate_client import HostError

__all__ = ["Mapping", "Plate", "file_plate", "image_space", "is_face_swap", "linked_output", "marker"]

MARKER = "faceplate"
"""The ID property on a node group that says it is ours, with or without this extension."""

_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$")
_DIRECT = {".exr", ".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg"}

# Blender's own configuration calls these spaces by names of its own; a studio's configuration is shared with the engine.
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
    """An Image node's way from scene frames to file numbers; `number` is a still's, None for a file without one."""

    start: int = 1
    duration: int = 0
    offset: int = 0
    cyclic: bool = False
    still: bool = False
    number: int | None = None

    def file_number(self, frame: int) -> int:
        """The number of the file that Blender shows at scene frame `frame`."""
        if self.still:
            return frame if self.number is None else self.number
        at = frame - self.start + 1
        if self.cyclic:
            at = at % self.duration if self.duration else at
            at = at or self.duration
        return min(max(at, 0), self.duration) + self.offset


@dataclass(frozen=True)
class Plate:
    """Picture files that the engine reads: their pattern, colour space (None: the files say), layer, and numbering."""

    pattern: str
    space: str | None
    layer: str | None
    mapping: Mapping


def marker(node: Any) -> Any | None:
    """What the node's group says of itself, or None when the node is not ours."""
    group = getattr(node, "node_tree", None) if node.type == "GROUP" else None
    return group.get(MARKER) if group is not None else None


def is_face_swap(node: Any) -> bool:
    """Whether `node` is a face swap node."""
    return marker(node) is not None


def linked_output(socket: Any) -> Any | None:
    """The output that feeds `socket`, past reroutes and other face swap nodes: these lay faces over one same plate."""
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
    """Whether an Image node has a picture."""
    return node.image is not None


def file_plate(made: Any, space: str = "") -> Plate | None:
    """The files behind an Image node's picture output, or None when `made` is the work of other nodes.

    Raises `HostError('plate-missing')` for an Image node without a file.
    """
    node = made.node
    if node.type != "IMAGE" or node.mute or made.name not in ("Image", "Combined"):
        return None
    image = node.image
    if image is None:
        raise HostError("plate-missing", f"The Image node '{node.name}' has no picture: open the plate in it.")
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
        raise HostError("plate-missing", f"{path.name} has no frame number, but '{node.name}' takes it for a sequence.")
    else:
        mapping = Mapping(node.frame_start, node.frame_duration, node.frame_offset, node.use_cyclic)
    return Plate(pattern, space or image_space(image), chosen, mapping)


def image_space(image: Any) -> str:
    """How the engine calls the space that Blender takes the picture for."""
    name = image.colorspace_settings.name
    if name == "Working Space":
        name = compat.working_space()
    return name if os.environ.get("OCIO") else _INTEROP.get(name, name)


def engine_space(name: str) -> str:
    """How the engine calls a space of Blender's."""
    return name if os.environ.get("OCIO") else _INTEROP.get(name, name)


def _pattern(path: Path) -> tuple[str, int | None]:
    """`plate.1001.exr` → (`plate.####.exr`, 1001): the last number of the name, as Blender takes it."""
    found = _NUMBER.match(path.stem)
    if found is None:
        return str(path), None
    before, digits, after = found.groups()
    return str(path.with_name(f"{before}{'#' * len(digits)}{after}{path.suffix}")), int(digits)
