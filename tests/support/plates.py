"""Small plates for the tests, written with OpenImageIO alone so that Faceplate does not check itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from faceplate.image.window import Window

__all__ = ["read_file", "write_plate"]


def write_plate(
    path: Path,
    pixels: np.ndarray,
    kind: str = "half",
    *,
    data: Window | None = None,
    display: Window | None = None,
    channels: tuple[str, ...] | None = None,
    **attributes: Any,
) -> Path:
    """`pixels` (h, w, c) as one picture file of sample type `kind`."""
    height, width, count = pixels.shape
    spec = oiio.ImageSpec(width, height, count, kind)
    window = data or Window(0, 0, width, height)
    spec.x, spec.y = window.x, window.y
    shown = display or window
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = shown.x, shown.y, shown.width, shown.height
    if channels:
        spec.channelnames = channels
    for name, value in attributes.items():
        spec.attribute(name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    out = oiio.ImageOutput.create(str(path))
    assert out is not None and out.open(str(path), spec), oiio.geterror()
    assert out.write_image(np.ascontiguousarray(pixels, np.float32)), out.geterror()
    out.close()
    return path


def read_file(path: Path) -> tuple[np.ndarray, Any]:
    """Every channel of the first part as float32, and its specification."""
    source = oiio.ImageInput.open(str(path))
    assert source is not None, oiio.geterror()
    pixels = np.array(source.read_image(oiio.FLOAT))
    spec = source.spec()
    source.close()
    return pixels, spec
