"""The views' textures at the sizes that plates ask for, each reduced once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.source.source import SourceView

__all__ = ["ViewTextures"]

# Sizes between two octaves. A texture that is larger than the plate's face by less than one step shows no aliasing.
_STEPS = 4


@dataclass(frozen=True)
class ViewTextures:
    """Keeps every reduced texture that was asked for."""

    _kept: dict[tuple[str, int], tuple[np.ndarray, Window, np.ndarray]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reduced(self, view: SourceView, times: float) -> tuple[np.ndarray, Window, np.ndarray]:
        """Return a view's texture about `times` smaller.

        Returns
        -------
        log : np.ndarray
            float32 (h, w, 3), low-passed for its size; the view's own pixels where `times` is below about 1.
        window : Window
            Its pixels.
        matrix : np.ndarray
            (2, 3), from the view's pixels to these.
        """
        step = max(int(np.floor(_STEPS * np.log2(max(times, 1e-9)))), 0)
        key = (view.name, step)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = _reduced(view, 2.0 ** (-step / _STEPS))
            return self._kept[key]


def _reduced(view: SourceView, scale: float) -> tuple[np.ndarray, Window, np.ndarray]:
    window, log = view.frame.window, view.texture.log
    if scale == 1.0:
        return log, window, np.array([[1, 0, 0], [0, 1, 0]], np.float64)
    small = Window(0, 0, max(round(window.width * scale), 1), max(round(window.height * scale), 1))
    matrix = np.array([[scale, 0, -window.x * scale], [0, scale, -window.y * scale]], np.float64)
    return resample(log, window, matrix, small), small, matrix
