"""How far the mouth is full of teeth along a track: as it is stored, and its smoothing over time."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = ["between_teeth", "smooth_teeth", "stored_teeth"]

# Decimals in the track file.
_DIGITS = 3
# Standard deviation in frames of the Gaussian that follows the median.
_WIDTH = 2.0


def stored_teeth(full: float | None) -> float | None:
    """Round how full a mouth is, 0..1, to what the track file stores."""
    return None if full is None else round(min(max(full, 0.0), 1.0), _DIGITS)


def between_teeth(first: float | None, second: float | None, part: float) -> float | None:
    """Interpolate between two frames' values, `part` 0 at the first; where one is None, return the other."""
    if first is None or second is None:
        return second if first is None else first
    return first + part * (second - first)


def smooth_teeth(
    frames: Sequence[int], full: Sequence[float | None], wanted: Sequence[int], step: int
) -> list[float | None]:
    """Smooth how full a mouth is of teeth over one span and return it for each of the `wanted` frames, 0..1.

    A lip that passes the edges of the teeth makes a full mouth look empty in one frame, and the new face's teeth would change
    their size for it. The median of three frames leaves such a frame out; a Gaussian of two frames then softens what is left. Both
    are centred, so there is no lag. Frames without a value are interpolated.

    Parameters
    ----------
    frames : sequence of int
        Ascending frames of `full`.
    full : sequence of float or None
        0..1, as measured.
    wanted : sequence of int
        The frames to return.
    step : int
        Distance of neighbouring frames.
    """
    known = [(frame, value) for frame, value in zip(frames, full, strict=True) if value is not None]
    if not known:
        return [None] * len(wanted)
    at, values = np.array(known, np.float64).T
    every = np.arange(at[0], at[-1] + 1, step)
    padded = np.pad(np.interp(every, at, values), 1, mode="edge")
    steady = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    soft = cv2.GaussianBlur(steady[None], (0, 0), _WIDTH / step, borderType=cv2.BORDER_REPLICATE)[0]
    return [stored_teeth(float(value)) for value in np.interp(wanted, every, soft)]
