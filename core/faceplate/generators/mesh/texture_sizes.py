"""The source's textures at the sizes that plates ask for, each reduced once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from faceplate.face.align import resample
from faceplate.image.window import Window

__all__ = ["TextureSizes"]

# Sizes between two octaves. A texture that is larger than the plate's face by less than one step shows no aliasing.
_STEPS = 4


@dataclass(frozen=True)
class TextureSizes:
    """Keeps every reduced texture that was asked for."""

    _kept: dict[tuple[str, int], tuple[np.ndarray, Window, np.ndarray]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reduced(
        self, name: str, texture: Callable[[], tuple[np.ndarray, Window]], times: float
    ) -> tuple[np.ndarray, Window, np.ndarray]:
        """Return the texture `name` about `times` smaller.

        Parameters
        ----------
        name : str
            The texture's name.
        texture : callable
            Returns it, float32 (h, w, 3), and its pixels.
        times : float
            How many times larger the face is in it than on the plate.

        Returns
        -------
        log : np.ndarray
            float32 (h, w, 3), low-passed for its size; the texture's own pixels where `times` is below about 1.
        window : Window
            Its pixels.
        matrix : np.ndarray
            (2, 3), from the texture's pixels to these.
        """
        step = max(int(np.floor(_STEPS * np.log2(max(times, 1e-9)))), 0)
        with self._lock:
            if (name, step) not in self._kept:
                self._kept[name, step] = _reduced(*texture(), 2.0 ** (-step / _STEPS))
            return self._kept[name, step]


def _reduced(log: np.ndarray, window: Window, scale: float) -> tuple[np.ndarray, Window, np.ndarray]:
    if scale == 1.0:
        return log, window, np.array([[1, 0, 0], [0, 1, 0]], np.float64)
    small = Window(0, 0, max(round(window.width * scale), 1), max(round(window.height * scale), 1))
    matrix = np.array([[scale, 0, -window.x * scale], [0, scale, -window.y * scale]], np.float64)
    return resample(log, window, matrix, small), small, matrix
