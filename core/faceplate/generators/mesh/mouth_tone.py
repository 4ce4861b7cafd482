"""The mean tone between the lips, which passes slowly from one picture to another.

Between the lips nearly one picture shows at a time, because two would show doubled teeth. Where a mouth opens from a smile to a
laugh, another picture therefore takes its place at once, with more or less teeth, tongue and dark. The mean tone passes over
slowly, as in a blend of two bands of frequencies (P. Burt and E. Adelson, "A multiresolution spline with application to image
mosaics", ACM Trans. Graphics 1983): only the drawing changes at once. Colour is left alone, because teeth take the plate's
(`comp.color_transform`).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.generators.mesh.mouth_dark import mouth_dark
from faceplate.generators.mesh.mouth_warp import PlateMouth
from faceplate.generators.mesh.texture_layers import TextureLayer

__all__ = ["MouthTone", "is_one_tone"]

# Difference of a picture's shares between the lips and in the tone there up to which they are alike.
_ALIKE = 0.01
# The most by which the tone is changed, in natural logarithm, and the least tone, of which skin's is near 1.
_MOST, _BLACK = 0.5, 1e-6


def is_one_tone(layers: Sequence[TextureLayer]) -> bool:
    """Say whether what shows between the lips has the wanted tone already: the pictures shown are those that give the tone."""
    return all(abs(_shown(layer) - layer.tone) < _ALIKE for layer in layers)


class MouthTone:
    """Collects the mean tones of the layers between the lips of a plate's `mouth`."""

    def __init__(self, mouth: PlateMouth) -> None:
        self._mouth = mouth
        self._area = float(mouth.inside.sum())
        self._shown, self._wanted = np.zeros(3), np.zeros(3)

    def add(self, layer: TextureLayer, places: np.ndarray, gap: np.ndarray | None) -> None:
        """Add a layer that is read at `places`, float32 (gh, gw, 2) in its window; `gap` (gh, gw) is what it does not show."""
        if self._area <= 0:
            return
        part = self._mouth.part
        x, y = cv2.split(np.ascontiguousarray(places[part]))
        log = cv2.remap(layer.log, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if gap is not None:
            log += gap[part][..., None] * np.minimum(mouth_dark(layer) - log, 0)
        mean = np.tensordot(self._mouth.inside, np.exp(log), 2) / self._area
        self._shown += _shown(layer) * mean
        self._wanted += layer.tone * mean

    def change(self) -> np.float32:
        """Return what gives the sum of the layers the wanted tone, in natural logarithm: alike in all channels."""
        shown, wanted = (np.log(np.maximum(tone, _BLACK)).mean() for tone in (self._shown, self._wanted))
        return np.float32(np.clip(wanted - shown, -_MOST, _MOST))


def _shown(layer: TextureLayer) -> float:
    return float(layer.share[topology().mouth_loop].mean())
