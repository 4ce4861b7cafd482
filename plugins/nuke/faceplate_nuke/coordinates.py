"""Conversion between Nuke's coordinates and those of the plate's files. Imports no `nuke`.

Nuke's y axis points up from the lower edge of the format, which is the file's display window. The file's and the engine's
y axis points down, and a display window need not begin at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from faceplate_client import frame_path, frames_on_disk
from faceplate_client.exr import header

__all__ = ["Display", "display_of"]

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Display:
    """A display window in file coordinates."""

    x: int
    y: int
    width: int
    height: int

    def point_to_file(self, x: float, y: float) -> tuple[float, float]:
        """Convert Nuke's point to file coordinates."""
        return x + self.x, self.y + self.height - y

    def box_to_file(self, box: Box) -> tuple[int, int, int, int]:
        """Convert Nuke's (left, bottom, right, top) to the file's (x, y, width, height)."""
        left, top = self.point_to_file(box[0], box[3])
        return round(left), round(top), round(box[2] - box[0]), round(box[3] - box[1])

    def box_from_file(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Convert edges in the file to Nuke's (left, bottom, right, top), limited to the format."""
        up = (self.y + self.height - bottom, self.y + self.height - top)
        return (
            max(left - self.x, 0.0),
            max(up[0], 0.0),
            min(right - self.x, float(self.width)),
            min(up[1], float(self.height)),
        )


def display_of(pattern: str, frame: int, width: int, height: int) -> Display:
    """Return the display window of the plate's file of `frame`, or of any frame; (0, 0, width, height) without files."""
    for number in (frame, *frames_on_disk(pattern)[:1]):
        found = header(frame_path(pattern, number)).get("displayWindow")
        if found is not None:
            return Display(*found)
    return Display(0, 0, width, height)
