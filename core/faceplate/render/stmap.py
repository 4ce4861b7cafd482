"""The inverse ST map as a file: for each pixel of the canonical face, where in the plate's frame it lies.

An element's `stmap` layer says where on the canonical face a plate pixel lies; this is the way back, with which the face
unwraps into one square for every frame of a shot. Its size is free, so it is a sequence of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from faceplate.comp.layers import inverse_stmap
from faceplate.errors import FaceplateError, UsageError
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Written
from faceplate.plate.element import write_scanline_exr
from faceplate.render.batch import FrameDone
from faceplate.render.renderer import Renderer
from faceplate.render.result import LocatedFrame
from faceplate.render.scheduler import pipelined
from faceplate.system.atomic import publish, temporary_beside
from faceplate_client.version import __version__

__all__ = ["unwrap_frames", "write_unwrap"]

SMALLEST, LARGEST = 16, 8192
# What of the plate's own fields is still true of a map.
_CARRIED = ("smpte:TimeCode", "FramesPerSecond", "framesPerSecond", "reelName", "smpte:KeyCode")


@dataclass(frozen=True)
class _Steps:
    renderer: Renderer
    size: int
    on_written: Callable[[Written], None] | None

    def load(self, frame: int) -> LocatedFrame | FrameDone:
        return FrameDone(frame) if self.renderer.plate_frame(frame) is None else self.renderer.locate(frame)

    def write(self, loaded: LocatedFrame | FrameDone) -> FrameDone:
        if isinstance(loaded, FrameDone):
            return loaded
        path = self.renderer.output.path(loaded.frame)
        written = write_unwrap(loaded, path, self.size)
        if self.on_written is not None:
            self.on_written(written)
        return FrameDone(loaded.frame, written=written)


def unwrap_frames(
    renderer: Renderer,
    frames: Iterable[int],
    on_written: Callable[[Written], None] | None = None,
    size: int = 1024,
) -> Generator[FrameDone, None, None]:
    """Writes the inverse ST map of `frames` to the shot's output, in flight and in order; a frame that fails goes by.

    `on_written` is as for `render_frames`. Raises `UsageError` with code `bad-size` or `output-format`, and for what is
    wrong with the request itself.
    """
    if not SMALLEST <= size <= LARGEST:
        raise UsageError("bad-size", f"The size is {size}; give {SMALLEST} to {LARGEST} pixels.")
    if not str(renderer.output).lower().endswith(".exr"):
        raise UsageError("output-format", f"{renderer.output} must end in .exr: places need floats.")
    steps = _Steps(renderer, size, on_written)
    for outcome in pipelined(frames, [steps.load, steps.write]):
        if outcome.error is None:
            yield outcome.value
        elif isinstance(outcome.error, FaceplateError) and not isinstance(outcome.error, UsageError):
            yield FrameDone(outcome.item, error=outcome.error)
        else:
            raise outcome.error


def write_unwrap(loaded: LocatedFrame, path: Path, size: int) -> Written:
    """Writes one frame's map, `size` x `size` float RGBA, whole or not at all.

    R and G are the place in the plate, as parts of its display window with 0, 0 at the bottom left (Nuke's STMap); they
    are given for the whole mesh, and are 0 outside it. B is 0. A is 1 only where the plate shows that part of the face.
    A frame without the face is all 0. Raises as `publish` does.
    """
    pixels = np.zeros((size, size, 4), np.float32)
    if loaded.face is not None:
        mapped = inverse_stmap(loaded.face, size, loaded.file.display)
        pixels[..., :2], pixels[..., 3] = mapped.st, mapped.coverage
    with temporary_beside(path) as temporary:
        write_scanline_exr(temporary, path, [(_spec(loaded.file, size), pixels)], "zip")
        publish(temporary, path)
    return Written(path, () if loaded.face is not None else ("shows no face",))


def _spec(file: PlateFile, size: int) -> oiio.ImageSpec:
    spec = oiio.ImageSpec(size, size, 4, "float")
    for name in _CARRIED:
        if name in file.attributes:
            value = file.attributes[name]
            if isinstance(value, (str, int, float)):
                spec.attribute(name, value)
    display: Window = file.display
    spec.attribute("oiio:ColorSpace", "data")
    spec.attribute("faceplate:engine", f"faceplate {__version__}")
    spec.attribute("faceplate:map", "canonical face to plate, parts of the display window, 0 0 at the bottom left")
    spec.attribute("faceplate:plate", file.path.name)
    spec.attribute("faceplate:display_window", f"{display.x} {display.y} {display.width} {display.height}")
    return spec
