"""Measures of difference between pictures."""

from __future__ import annotations

import numpy as np


def relative_rms(result: np.ndarray, truth: np.ndarray) -> float:
    """RMS of the difference over RMS of the truth."""
    return float(np.sqrt(np.mean((result - truth) ** 2) / np.mean(truth**2)))
