"""The slate put into a result: into the picture and into the element alike, whatever was rendered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from faceplate.image.window import Window
from faceplate.provenance.slate import Slate
from faceplate.render.stages import CompositeResult

__all__ = ["slated"]


def slated(
    swapped: CompositeResult, slate: Slate, read: Callable[[Window], np.ndarray], white: np.ndarray, data: Window
) -> CompositeResult:
    """`swapped` with the slate over it, on a window that holds both.

    `read` gives the plate's pixels (h, w, 3) of a window inside `data`, `white` (3,) the letters' colour, all in the
    plate's space. Between face and slate, where `matte` is 0, `over` is 0 too: nobody reads a whole plate for a slate.
    Layers keep their pixels and are 0 where they had none; `matte` stays the element's alpha.
    """
    around = slate.window if swapped.window.empty else swapped.window.union(slate.window)
    over = np.zeros((around.height, around.width, 3), np.float32)
    element = np.zeros((around.height, around.width, 4), np.float32)
    layers = {name: _padded(layer, swapped.window, around) for name, layer in swapped.layers.items()}
    beneath = slate.window.intersect(data)
    if not beneath.empty:
        over[beneath.slices(around)] = read(beneath)
    if not swapped.window.empty:
        place = swapped.window.slices(around)
        over[place], element[place] = swapped.over, swapped.element
    where = slate.window.slices(around)
    over[where] = slate.over(over[where], white)
    _lay_over(element[where], slate, white)
    matte = element[..., 3].copy()
    return replace(swapped, window=around, over=over, element=element, matte=matte, layers=_with_matte(layers, matte))


def _lay_over(element: np.ndarray, slate: Slate, white: np.ndarray) -> None:
    """Bar and letters over premultiplied RGBA (h, w, 4), in place."""
    element *= ((1 - slate.bar) * (1 - slate.letters))[..., None]
    element[..., :3] += slate.letters[..., None] * white
    element[..., 3] += slate.alpha


def _padded(layer: np.ndarray, window: Window, around: Window) -> np.ndarray:
    padded = np.zeros((around.height, around.width, *layer.shape[2:]), layer.dtype)
    if not window.empty:
        padded[window.slices(around)] = layer
    return padded


def _with_matte(layers: Mapping[str, np.ndarray], matte: np.ndarray) -> dict[str, np.ndarray]:
    return {**layers, "matte": matte} if "matte" in layers else dict(layers)
