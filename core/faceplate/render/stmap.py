"""Writes the inverse ST map as a file: for each pixel of the canonical face, its place in the plate's frame.

An element's `stmap` layer gives the place on the canonical face of each plate pixel. The inverse map unwraps the face
into one square for every frame of a shot. Its size is free, so it is a sequence of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from faceplate.comp.layers import inverse_stmap
from faceplate.errors import UsageError
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Written
from faceplate.plate.element import write_scanline_exr
from faceplate.render.batch import FrameDone, RenderBatch
from faceplate.render.renderer import Renderer
from faceplate.render.result import LocatedFrame
from faceplate.system.atomic import publish, temporary_beside
from faceplate_client.version import __version__

__all__ = ["unwrap_batch", "unwrap_frames", "write_unwrap"]

SMALLEST, LARGEST = 16, 8192
# Header fields of the plate that are also true of a map.
_CARRIED = ("smpte:TimeCode", "FramesPerSecond", "framesPerSecond", "reelName", "smpte:KeyCode")


def unwrap_frames(
    renderer: Renderer,
    frames: Iterable[int],
    on_written: Callable[[Written], None] | None = None,
    size: int = 1024,
) -> Generator[FrameDone, None, None]:
    """Write the inverse ST map of `frames` to the shot's output, and yield what became of each frame, in order.

    The rules are those of every batch (`faceplate.render.batch`). `size` is the side of the square in pixels. Raises
    `UsageError` with code `bad-size` or `output-format`.
    """
    yield from unwrap_batch(renderer, size, on_written).run_or_raise(frames)


def unwrap_batch(
    renderer: Renderer, size: int = 1024, on_written: Callable[[Written], None] | None = None, action: str = ""
) -> RenderBatch:
    """Return the batch that writes inverse ST maps. The arguments are those of `RenderBatch`; raises as `unwrap_frames`."""
    if not SMALLEST <= size <= LARGEST:
        raise UsageError("bad-size", f"The size is {size}; give {SMALLEST} to {LARGEST} pixels.")
    if len(renderer.faces) > 1:
        raise UsageError("one-face", "An ST map file is of one face: the shot lists several. Ask for the layer stmap.")
    if not str(renderer.output).lower().endswith(".exr"):
        raise UsageError("output-format", f"{renderer.output} must end in .exr: places need floats.")

    def write(located: LocatedFrame) -> Written:
        return write_unwrap(located, renderer.output.path(located.frame), size)

    return RenderBatch(renderer, write_located=write, on_written=on_written, action=action)


def write_unwrap(located: LocatedFrame, path: Path, size: int) -> Written:
    """Write one frame's map, `size` x `size` float RGBA, whole or not at all.

    R and G are the place in the plate, as parts of its display window with 0, 0 at the bottom left (Nuke's STMap); they
    are given for the whole mesh, and are 0 outside it. B is 0. A is 1 only where the plate shows that part of the face.
    A frame without the face is all 0. Raises as `publish` does.
    """
    pixels = np.zeros((size, size, 4), np.float32)
    if located.face is not None:
        mapped = inverse_stmap(located.face, size, located.file.display)
        pixels[..., :2], pixels[..., 3] = mapped.st, mapped.coverage
    with temporary_beside(path) as temporary:
        write_scanline_exr(temporary, path, [(_spec(located.file, size), pixels)], "zip")
        publish(temporary, path)
    return Written(path, () if located.face is not None else ("shows no face",))


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
