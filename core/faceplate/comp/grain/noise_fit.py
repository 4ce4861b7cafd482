"""Fit of the noise level function: variance as a straight line in the signal level."""

from __future__ import annotations

import numpy as np

__all__ = ["fit_noise"]


def fit_noise(means: np.ndarray, energies: np.ndarray, classes: np.ndarray) -> tuple[float, float]:
    """Fit the line that is closest to the class medians by relative absolute error; neither result is negative.

    Every pair of classes proposes a line, and every class proposes a line through 0 and a constant. The error is bounded,
    so that a class of clipped highlights or of hair alone is outvoted. Exact for plates scaled by powers of two.

    Parameters
    ----------
    means, energies : np.ndarray
        float64 (n,), mean and residual variance of each block.
    classes : np.ndarray
        int (n,), the luminance class of each block.

    Returns
    -------
    tuple of float
        (slope, floor).
    """
    x, v = np.maximum(_class_medians(means, classes), 0.0), _class_medians(energies, classes)
    i, j = np.triu_indices(len(x), 1)
    apart = x[j] > x[i]
    i, j = i[apart], j[apart]
    slope = (v[j] - v[i]) / (x[j] - x[i])
    floor = v[i] - slope * x[i]
    lit = x > 0
    slopes = np.concatenate([slope, v[lit] / x[lit], np.zeros(len(v))])
    floors = np.concatenate([floor, np.zeros(int(lit.sum())), v])
    good = (slopes >= 0) & (floors >= 0)
    slopes, floors = slopes[good], floors[good]
    line = slopes[:, None] * x + floors[:, None]
    total = line + v
    error = np.abs(line - v) / np.where(total > 0, total, 1)
    # A residual above the line may be texture. One below it has no such explanation, so its error weighs more.
    error = np.minimum(error, 0.3) * np.where(line > v, 3.0, 1.0)
    best = int(np.argmin(error.sum(axis=1)))
    return _refined(x, v, float(slopes[best]), float(floors[best]))


def _class_medians(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Compute the median of `values` (n,) in each of `classes` (n,), ordered by class, with one sort for all."""
    ordered = values[np.lexsort((values, classes))]
    counts = np.unique(classes, return_counts=True)[1]
    first = np.cumsum(counts) - counts
    return (ordered[first + (counts - 1) // 2] + ordered[first + counts // 2]) / 2


def _refined(x: np.ndarray, v: np.ndarray, slope: float, floor: float) -> tuple[float, float]:
    """Refine a line by least squares over the classes within 25 % of it, each relative to the line."""
    line = slope * x + floor
    near = (line > 0) & (np.abs(v - line) < 0.25 * line)
    if near.sum() < 3:
        return slope, floor
    rows = np.stack([x[near], np.ones(int(near.sum()))], axis=1) / line[near, None]
    target = v[near] / line[near]
    # Columns are normalised, so that a darker plate leads to exactly the same system.
    size = np.maximum(np.abs(rows).max(axis=0), np.finfo(float).tiny)
    a, b = np.linalg.lstsq(rows / size, target, rcond=None)[0] / size
    if a < 0 or b < 0:
        alone = rows[:, 1] if a < 0 else rows[:, 0]
        value = float(alone @ target / (alone @ alone))
        return (0.0, value) if a < 0 else (value, 0.0)
    return float(a), float(b)
