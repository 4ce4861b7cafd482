"""Picture files read as frames, in the colour space that the request, the file or the config names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from faceplate.color.config import ColorConfig, SpaceChoice
from faceplate.errors import UsageError
from faceplate.image.frame import Frame
from faceplate.image.inpaint import heal
from faceplate.image.proxy import PROXIES, block_means, enlarged_window, proxy_window
from faceplate.image.window import Window
from faceplate.plate import PlateFile, read_picture

__all__ = ["choice_of", "proxy_file", "read_frame", "read_proxy", "read_still", "reduced", "space_of"]


def choice_of(file: PlateFile, color: ColorConfig, requested: str | None = None) -> SpaceChoice:
    """Choose the colour space to read `file` in.

    `requested`, else what the file says, else the config's file rules. Raises what `ColorConfig.space_of_file` raises.
    """
    return color.space_of_file(
        file.path,
        explicit=file.explicit_color_space,
        interop_id=file.interop_id,
        chromaticities=file.chromaticities,
        is_integer=file.format.startswith("uint"),
        requested=requested,
    )


def space_of(file: PlateFile, color: ColorConfig, requested: str | None = None) -> str:
    """Return the name of the space that `choice_of` chooses."""
    return choice_of(file, color, requested).name


def read_frame(file: PlateFile, color: ColorConfig, requested: str | None, region: Window) -> Frame:
    """Read `region` of a plate file, in the colour space that `space_of` returns. Raises what reading raises."""
    return Frame(file.read_rgb(region), region, space_of(file, color, requested), color, file.pixel_aspect)


def read_still(path: Path, color: ColorConfig, requested: str | None = None, movie_frame: int = 0) -> Frame:
    """Read a picture of the source whole and upright, in its colour space; of a movie one frame."""
    pixels, file = read_picture(path, movie_frame)
    return Frame(
        pixels,
        Window(0, 0, pixels.shape[1], pixels.shape[0]),
        space_of(file, color, requested),
        color,
        file.pixel_aspect,
    )


def proxy_file(file: PlateFile, proxy: int) -> PlateFile:
    """Return the plate file with the windows of its proxy; its path still names the whole file.

    Raises
    ------
    UsageError
        `bad-proxy`.
    """
    if proxy not in PROXIES:
        raise UsageError("bad-proxy", f"The proxy is {proxy}; it can be 1, 2, 4 or 8.")
    if proxy == 1:
        return file
    parts = tuple(replace(part, data=proxy_window(part.data, proxy)) for part in file.parts)
    return replace(file, parts=parts, display=proxy_window(file.display, proxy))


def read_proxy(file: PlateFile, color: ColorConfig, requested: str | None, region: Window, proxy: int) -> Frame:
    """Read `region` of the proxy of the whole plate file `file`, in the plate's own space.

    NaN and infinite pixels are replaced before the reduction, which runs in scene-linear light.
    """
    space = space_of(file, color, requested)
    inside = enlarged_window(region, proxy).intersect(file.data)
    pixels = heal(file.read_rgb(inside))[0]
    if color.is_linear(space):
        small = block_means(pixels, inside, region, proxy, cv2.BORDER_REPLICATE)
    else:
        small = block_means(color.to_working(pixels, space), inside, region, proxy, cv2.BORDER_REPLICATE)
        small = color.from_working(small, space)
    return Frame(small, region, space, color, file.pixel_aspect)


def reduced(file: PlateFile, region: Window, proxy: int) -> np.ndarray:
    """Return numbers of a file, such as a matte's, on `region` of its proxy.

    Returns
    -------
    numpy.ndarray
        float32 (h, w, 3); 0 where the file has no pixels.
    """
    whole = enlarged_window(region, proxy)
    pixels = file.read_rgb(whole)
    return pixels if proxy == 1 else block_means(pixels, whole, region, proxy, cv2.BORDER_CONSTANT)
