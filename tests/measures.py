"""Measures and reference data that several rooms' tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["TRUTH", "relative_rms"]

TRUTH = Path(__file__).parent / "truth" / "landmarks.json"
"""Landmarks of the committed pictures, by the network of MediaPipe (`truth/make_truth.py`)."""


def relative_rms(result: np.ndarray, truth: np.ndarray) -> float:
    """RMS of the difference over RMS of the truth."""
    return float(np.sqrt(np.mean((result - truth) ** 2) / np.mean(truth**2)))
