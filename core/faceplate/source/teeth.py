"""The teeth of a picture: the parts of its open mouth that another opening must not stretch."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.teeth import mouth_log, open_enough, tooth_likeness
from faceplate.face import mouth
from faceplate.image.soft_steps import smoothstep
from faceplate.source.photograph import Photograph

__all__ = ["find_teeth"]

# The most by which teeth and dark are apart, in natural logarithm: side teeth in the shade are rigid as well.
_SHADED = 4.0
# Softness of the teeth on the chart: along the mouth, so that neighbouring teeth keep one row, and across it.
_ALONG, _ACROSS = 3.0, 1.0
# Columns beside the teeth that are taken for teeth in the shade.
_BESIDE = 4
# How rigid gums, and teeth in the shade, are beside the teeth.
_GUMS = 0.8
# Rows, as shares of the opening, between which the upper teeth end; the rows above by which their edge is darker; what a step of
# a row from one column to the next costs; and how soft that edge is along the mouth.
_EDGE, _ABOVE, _STEP, _EDGE_SOFT = (0.15, 0.86), 4, 0.08, 1.0
# Rows beside that edge within which upper and lower teeth part.
_PART = 1.0


def find_teeth(photograph: Photograph) -> np.ndarray:
    """Find the teeth of a picture on the mouth's chart, float32 (`mouth.ROWS`, `mouth.COLUMNS`): 1 on a tooth, 0 elsewhere.

    Above their edge all is as rigid as the upper teeth there, with their gums; lower teeth are rigid from the first one on. Along
    the edge both part, also where the picture has them together. A closed mouth has none.
    """
    shown = open_enough(photograph.geometry.mouth)
    log = mouth_log(photograph.pixels, photograph.window, photograph.face) if shown > 0 else None
    if log is None:
        return np.zeros((mouth.ROWS, mouth.COLUMNS), np.float32)
    return np.float32(shown) * _rigid(tooth_likeness(log, _SHADED), _upper_edge(log))


def _rigid(tooth: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Return how rigid each cell is, float32 (rows, columns), by its likeness to a `tooth` and the upper ones' `edge`."""
    below = np.arange(len(tooth), dtype=np.float32)[:, None] - edge.astype(np.float32)
    upper, lower = (np.where(side, tooth, np.float32(0)) for side in (below < 0, below >= 0))
    upper, lower = (
        cv2.GaussianBlur(part, (0, 0), _ALONG, sigmaY=_ACROSS, borderType=cv2.BORDER_REPLICATE)
        for part in (upper, lower)
    )
    upper = np.maximum(upper, np.float32(_GUMS) * _also_beside(upper.max(axis=0, keepdims=True)))
    gums = np.maximum.accumulate(np.where(below >= 0, _also_beside(lower), np.float32(0)), axis=0)
    lower = np.maximum(lower, np.float32(_GUMS) * gums)
    parted = smoothstep(np.abs(below) / _PART).astype(np.float32)
    return parted * np.where(below < 0, upper, lower)


def _also_beside(teeth: np.ndarray) -> np.ndarray:
    """Return `teeth` (n, columns) grown along the mouth: side teeth lie in the shade."""
    grown = cv2.dilate(teeth, np.ones((1, 2 * _BESIDE + 1), np.uint8))
    return cv2.GaussianBlur(grown, (0, 0), _BESIDE / 2, sigmaY=0.3, borderType=cv2.BORDER_REPLICATE)


def _upper_edge(log: np.ndarray) -> np.ndarray:
    """Return the row at which the upper teeth end in each column, float64 (columns,), of `log` (rows, columns, 3).

    It is the path along the mouth over which the picture darkens most; without upper teeth it is any.
    """
    bright = cv2.GaussianBlur(log.mean(axis=2).astype(np.float32), (0, 0), 0.7)
    rows, columns = bright.shape
    first, last = (round(share * rows) for share in _EDGE)
    above = np.stack([bright[first - k : last - k] for k in range(1, _ABOVE + 1)]).mean(axis=0)
    drop = np.clip(above - bright[first:last], 0.0, 1.0)
    steps = _STEP * np.abs(np.subtract.outer(np.arange(last - first), np.arange(last - first)))
    best, came = drop[:, 0], []
    for column in range(1, columns):
        through = best[None] - steps
        came.append(through.argmax(axis=1))
        best = through.max(axis=1) + drop[:, column]
    path = [int(best.argmax())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    edge = first + np.array(path[::-1], np.float64)
    return cv2.GaussianBlur(edge[None], (0, 0), _EDGE_SOFT, borderType=cv2.BORDER_REPLICATE)[0]
