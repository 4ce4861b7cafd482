"""Separation of a plate's fine detail into skin texture and grain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.comp.grain.model import Grain
from faceplate.comp.grain.removal import BASE_SIGMA, extract_grain, share_taken

__all__ = ["Detail", "detail_base", "split_detail"]


def detail_base(plate: np.ndarray, size: float) -> np.ndarray:
    """Low-pass `plate`, float32 (h, w, 3), to a base without detail or grain: a blur of 0.8 % of the face's `size` in pixels."""
    return cv2.GaussianBlur(plate, (0, 0), max(BASE_SIGMA * size, 1.0), borderType=cv2.BORDER_REPLICATE)


@dataclass(frozen=True, eq=False)
class Detail:
    """Everything finer than `detail_base`, separated into skin texture and grain.

    Attributes
    ----------
    skin, grain : np.ndarray
        float32 (h, w, 3) each, scene-linear: pores, lines and lashes; and grain.
    octaves : tuple
        For each octave the part of the grain's variance in it, and the share (h, w) of it that went into `grain`.
    """

    skin: np.ndarray
    grain: np.ndarray
    octaves: tuple[tuple[float, np.ndarray], ...] = ()

    def grain_left(self, amount: float) -> np.ndarray:
        """Compute how much of the grain's standard deviation is left when `amount` 0..1 of the skin detail is kept.

        Where skin is rough, some of the grain cannot be told from it and is removed with it.

        Returns
        -------
        np.ndarray
            float32 (h, w), 0..1.
        """
        lost = sum(part * (1 - (amount + (1 - amount) * share) ** 2) for part, share in self.octaves)
        return np.sqrt(np.maximum(1 - lost, 0)).astype(np.float32) * np.ones(self.skin.shape[:2], np.float32)


def split_detail(plate: np.ndarray, grain: Grain, size: float) -> Detail:
    """Split the detail of a plate into skin texture and grain.

    Parameters
    ----------
    plate : np.ndarray
        float32 (h, w, 3), scene-linear.
    grain : Grain
        The plate's grain.
    size : float
        The face's size in pixels.

    Returns
    -------
    Detail
        `skin` + `grain` + `detail_base(plate, size)` equals the plate to float rounding. `grain` is what `degrain` would
        remove, as far as it is finer than the base.
    """
    fine = plate - detail_base(plate, size)
    if grain.empty:
        return Detail(fine, np.zeros_like(plate))
    taken, octaves = extract_grain(plate, 1.0, size, grain)
    band = taken - detail_base(taken, size)
    return Detail(fine - band, band, tuple((part, share_taken(removed)) for part, removed in octaves))
