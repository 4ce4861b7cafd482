"""Grain of a known kind, for the tests of grain."""

from __future__ import annotations

import cv2
import numpy as np

# ISO low, medium, high: the medium is a cinema camera's at 800.
LEVELS = (0.25, 1.0, 8.0)
SLOPE = np.array([8.0e-4, 6.4e-4, 1.2e-3])
FLOOR = np.array([7.0e-6, 5.6e-6, 1.05e-5])
WHITE, SOFT = (0.0, 1.0, 0.0), (0.22, 1.0, 0.22)


def unit_grain(shape: tuple[int, ...], taps: tuple[float, ...], seed: int) -> np.ndarray:
    kernel = np.array(taps, np.float32) / np.linalg.norm(taps)
    white = np.random.default_rng(seed).standard_normal(shape, np.float32)
    return cv2.sepFilter2D(white, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT)


def deviation(clean: np.ndarray, level: float) -> np.ndarray:
    return np.sqrt(level * (np.maximum(clean, 0) * SLOPE + FLOOR)).astype(np.float32)


def grained(clean: np.ndarray, level: float, taps: tuple[float, ...] = SOFT, seed: int = 1) -> np.ndarray:
    return clean + unit_grain(clean.shape, taps, seed) * deviation(clean, level)
