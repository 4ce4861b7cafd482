"""The dark of a picture's mouth: what an opening shows between teeth that the picture has together."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import mouth
from faceplate.generators.mesh.texture_layers import TextureLayer

__all__ = ["mouth_dark"]

# Share of the mouth's cells that are darker, and the lightest that the dark is, in natural logarithm: skin without light is near 0.
_SHARE, _LIGHTEST = 0.1, -2.0


def mouth_dark(layer: TextureLayer) -> np.ndarray:
    """Return the colour of the dark between teeth, float32 (3,), as the `log` of `layer`.

    It is that of the darkest cells of the picture's mouth. A mouth full of teeth has no dark, and its darkest cells are darkened.
    """
    places = mouth.chart(layer.points) - (layer.window.x + 0.5, layer.window.y + 0.5)
    x, y = cv2.split(places.astype(np.float32))
    log = cv2.remap(layer.log, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 3)
    tone = log.mean(axis=1)
    dark = log[tone <= np.quantile(tone, _SHARE)].mean(axis=0)
    return (dark + min(_LIGHTEST - float(dark.mean()), 0.0)).astype(np.float32)
