"""The slate that a show's policy asks for, laid over picture and element alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from faceplate.color.reading import space_of
from faceplate.image.window import Window
from faceplate.provenance.slate import Slate, make_slate
from faceplate.render.composite import CompositeResult
from faceplate.render.resources import RenderResources
from faceplate.render.result import LocatedFrame

__all__ = ["lay_slate", "slate_window", "with_slate"]

# Scene-linear value of the slate's letters, about that of a white shirt in the key light.
_LETTERS = 0.8


def with_slate(resources: RenderResources, located: LocatedFrame, result: CompositeResult) -> CompositeResult:
    """Return `result` with the slate that the shot's policy asks for, or as it is where it asks for none."""
    text = resources.consent.decision.slate
    if not text:
        return result
    file, color = located.file, resources.color
    space = space_of(file, color, resources.shot.space)
    white = color.from_working(np.full((1, 1, 3), _LETTERS, np.float32), space)[0, 0]

    def read(window: Window) -> np.ndarray:
        return resources.read_plate(file, window, located.request.proxy).pixels

    return lay_slate(result, make_slate(text, file.display, file.pixel_aspect), read, white, file.data)


def slate_window(resources: RenderResources, located: LocatedFrame) -> Window:
    """Return the plate's pixels that the slate of the shot's policy covers; empty where it asks for none."""
    text, file = resources.consent.decision.slate, located.file
    if not text:
        return Window(file.data.x, file.data.y, 0, 0)
    return make_slate(text, file.display, file.pixel_aspect).window


def lay_slate(
    result: CompositeResult, slate: Slate, read: Callable[[Window], np.ndarray], white: np.ndarray, data: Window
) -> CompositeResult:
    """Return `result` with the slate over it, on a window that holds both.

    `read` returns the plate's pixels (h, w, 3) of a window inside `data`, `white` (3,) is the letters' colour, all in the
    plate's space. Between face and slate, where `matte` is 0, `over` is 0 too, because the plate between them is not read.
    Layers keep their pixels and are 0 where they had none; `matte` stays the element's alpha.
    """
    window = slate.window if result.window.empty else result.window.union(slate.window)
    over = np.zeros((window.height, window.width, 3), np.float32)
    element = np.zeros((window.height, window.width, 4), np.float32)
    layers = {name: _padded(layer, result.window, window) for name, layer in result.layers.items()}
    beneath = slate.window.intersect(data)
    if not beneath.empty:
        over[beneath.slices(window)] = read(beneath)
    if not result.window.empty:
        place = result.window.slices(window)
        over[place], element[place] = result.over, result.element
    place = slate.window.slices(window)
    over[place] = slate.over(over[place], white)
    _lay_over(element[place], slate, white)
    matte = element[..., 3].copy()
    return replace(result, window=window, over=over, element=element, matte=matte, layers=_with_matte(layers, matte))


def _lay_over(element: np.ndarray, slate: Slate, white: np.ndarray) -> None:
    """Lay bar and letters over premultiplied RGBA (h, w, 4), in place."""
    element *= ((1 - slate.bar) * (1 - slate.letters))[..., None]
    element[..., :3] += slate.letters[..., None] * white
    element[..., 3] += slate.alpha


def _padded(layer: np.ndarray, window: Window, larger: Window) -> np.ndarray:
    padded = np.zeros((larger.height, larger.width, *layer.shape[2:]), layer.dtype)
    if not window.empty:
        padded[window.slices(larger)] = layer
    return padded


def _with_matte(layers: Mapping[str, np.ndarray], matte: np.ndarray) -> dict[str, np.ndarray]:
    return {**layers, "matte": matte} if "matte" in layers else dict(layers)
