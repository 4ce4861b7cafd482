"""The pictures that the viewer shows, as float pixels in plate space, and their encoding for the page.

A picture comes from the plate, from the rendered file of a take, or from a frame that was rendered just now. All are given on
the windows of a proxy: 1, 2 or 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from faceplate.color.reading import proxy_file, read_proxy, space_of
from faceplate.errors import UsageError
from faceplate.image.proxy import block_means, enlarged_window, proxy_window
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Sequence
from faceplate.render import Rendered, Renderer
from faceplate.workspace.kept_pictures import Picture

__all__ = ["OWN_KINDS", "Pixels", "encoded", "file_layers", "of_plate", "of_rendered", "of_take"]

_HALF_MAX = 65504.0
OWN_KINDS = ("plate", "result", "patch", "element", "matte")
"""Pictures that every frame has, without asking for a layer."""


@dataclass(frozen=True)
class Pixels:
    """Float pixels (h, w, c), c 1 or 4, on `data` of a proxy; `display` is the display window there."""

    pixels: np.ndarray
    data: Window
    display: Window
    pixel_aspect: float
    space: str | None


def encoded(pixels: Pixels, about: Mapping[str, Any]) -> Picture:
    """Return the picture for the page: float16 little endian, rows from the top. Values beyond half float are held at its end."""
    numbers = np.clip(pixels.pixels, -_HALF_MAX, _HALF_MAX).astype("<f2")
    data, display = pixels.data, pixels.display
    channels = numbers.shape[2] if numbers.ndim == 3 else 1
    return Picture(
        numbers.tobytes(),
        {
            "width": data.width,
            "height": data.height,
            "channels": channels,
            "data": [data.x, data.y, data.width, data.height],
            "display": [display.x, display.y, display.width, display.height],
            "pixel_aspect": pixels.pixel_aspect,
            "space": pixels.space,
            **about,
        },
    )


def of_plate(renderer: Renderer, frame: int, proxy: int) -> Pixels:
    """Return the plate of a frame, RGBA with alpha 1, on its data window. Raises what reading raises."""
    number = renderer.plate_frame(frame)
    file = renderer.open(frame) if number is not None else None
    if file is None:
        raise UsageError("plate-missing", f"Frame {frame} of {renderer.plate} is missing.")
    small = proxy_file(file, proxy)
    if proxy == 1:
        rgb, space = file.read_rgb(), _space(renderer, file)
    else:
        frame_ = read_proxy(file, renderer.color, renderer.shot.space, small.data, proxy)
        rgb, space = frame_.pixels, frame_.space
    return Pixels(_opaque(rgb), small.data, small.display, file.pixel_aspect, space)


def of_rendered(renderer: Renderer, rendered: Rendered, show: str) -> Pixels:
    """Return `show` of a frame that was rendered just now. Raises `UsageError('no-layer')`.

    A `patch` is the result on the element's window, with alpha 1 where the matte is above 0 and 0 where the plate counts.
    """
    result, file = rendered.result, rendered.file
    if show == "result":
        pixels, window = renderer.over_picture(rendered), file.data
    elif show == "patch":
        alpha = (result.matte > 0).astype(np.float32)[..., None]
        pixels, window = np.concatenate([result.over, alpha], axis=2), result.window
    elif show == "element":
        pixels, window = result.element, result.window
    elif show == "matte":
        pixels, window = result.matte[..., None], result.window
    else:
        name = next((name for name in result.layers if name == show or name.split(".")[0] == show), None)
        if name is None:
            have = ", ".join(result.layers) or "none"
            raise UsageError("no-layer", f"The frame has no layer '{show}'; it has {have}.")
        pixels, window = _channels_of(result.layers[name]), result.window
    return Pixels(pixels, window, file.display, file.pixel_aspect, result.space)


def of_take(renderer: Renderer, output: Sequence, frame: int, show: str, proxy: int) -> Pixels:
    """Return `show` of the rendered file of a frame. Raises `UsageError` `not-rendered`, `no-layer`, and what reading raises.

    The file of an element is laid over the plate as a compositor does it, in the plate's encoding.
    """
    path = output.path(frame)
    if not path.is_file():
        raise UsageError("not-rendered", f"Frame {frame} is not rendered yet: {path.name} is not there.")
    file = PlateFile.open(path)
    if "faceplate:proxy" in file.attributes:
        raise UsageError("not-rendered", f"Frame {frame} is rendered at a proxy only; render it at full size.")
    if show in ("result", "patch"):
        return _result_of_file(renderer, file, frame, show, proxy)
    names = _channels_in_file(file, show)
    window = proxy_window(file.data, proxy)
    pixels = _channels_of(_layer_at(file, names, window, proxy))
    return Pixels(pixels, window, proxy_window(file.display, proxy), file.pixel_aspect, _space(renderer, file))


def file_layers(path: Any) -> list[str]:
    """Return the layers that a rendered file holds beside R, G, B and A, in the file's order."""
    file = PlateFile.open(path)
    names = [name for part in file.parts for name in part.channels]
    return [name for name in dict.fromkeys(name.split(".")[0] for name in names) if name not in ("R", "G", "B", "A")]


def _result_of_file(renderer: Renderer, file: PlateFile, frame: int, show: str, proxy: int) -> Pixels:
    """Return the whole picture of a rendered file, or the part of it that the file covers."""
    plate = renderer.open(frame)
    space = _space(renderer, plate)
    region = file.data.intersect(plate.data) if show == "patch" else plate.data
    small = proxy_window(region, proxy)
    wide = enlarged_window(small, proxy).intersect(plate.data)
    if "A" not in file.channels or renderer.shot.mode == "over":
        rgb = file.read_rgb(wide)
    else:
        rgb = plate.read_rgb(wide)
        covered = file.data.intersect(wide)
        inside = covered.slices(wide)
        element = file.read_channels((*file.rgb, "A"), covered)
        rgb[inside] *= 1 - element[..., 3:]
        rgb[inside] += element[..., :3]
    if proxy > 1:
        rgb = _reduced(renderer, rgb, wide, small, proxy, space)
    display = proxy_window(plate.display, proxy)
    return Pixels(_opaque(rgb), small, display, plate.pixel_aspect, space)


def _reduced(renderer: Renderer, rgb: np.ndarray, wide: Window, small: Window, proxy: int, space: str) -> np.ndarray:
    color = renderer.color
    if color.is_linear(space):
        return block_means(rgb, wide, small, proxy, cv2.BORDER_REPLICATE)
    means = block_means(color.to_working(rgb, space), wide, small, proxy, cv2.BORDER_REPLICATE)
    return color.from_working(means, space)


def _channels_in_file(file: PlateFile, show: str) -> list[str]:
    """Return the channels of a layer in the file. Raises `UsageError('no-layer')`."""
    have = list(file.channels)
    if show == "element":
        return [name for name in ("R", "G", "B", "A") if name in have]
    names = [name for name in have if name == show or name.startswith(f"{show}.")]
    if show == "matte" and not names and "A" in have:
        names = ["A"]
    if not names:
        raise UsageError("no-layer", f"{file.path.name} has no layer '{show}'; it was rendered without it.")
    order = {"R": 0, "G": 1, "B": 2, "A": 3, "u": 0, "v": 1}
    return sorted(names, key=lambda name: order.get(name.rpartition(".")[2], 9))[:4]


def _layer_at(file: PlateFile, names: list[str], window: Window, proxy: int) -> np.ndarray:
    """Return channels of a rendered file on the window of a proxy, 0 where the file has no pixels."""
    whole = enlarged_window(window, proxy)
    pixels = file.read_channels(names, whole)
    if proxy == 1:
        return pixels
    return block_means(pixels, whole, window, proxy, cv2.BORDER_CONSTANT).reshape(window.height, window.width, -1)


def _channels_of(layer: np.ndarray) -> np.ndarray:
    """Return a layer with 1 or 4 channels: two or three get zeros, and alpha 1."""
    pixels = layer[..., None] if layer.ndim == 2 else layer
    count = pixels.shape[2]
    if count in (1, 4):
        return pixels
    full = np.zeros((*pixels.shape[:2], 4), np.float32)
    full[..., : min(count, 3)] = pixels[..., :3]
    full[..., 3] = 1.0
    return full


def _opaque(rgb: np.ndarray) -> np.ndarray:
    pixels = np.ones((*rgb.shape[:2], 4), np.float32)
    pixels[..., :3] = rgb
    return pixels


def _space(renderer: Renderer, file: PlateFile) -> str:
    return space_of(file, renderer.color, renderer.shot.space)
