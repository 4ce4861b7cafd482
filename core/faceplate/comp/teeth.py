"""Where an open mouth shows teeth, on the mouth's chart (`face.mouth`)."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import mouth
from faceplate.image.soft_steps import smoothstep

__all__ = ["tooth_likeness"]

# Quantiles of the mouth's scores: of a tooth, and of tongue and dark; the least by which they count as apart, in natural logarithm,
# and the parts of that span between which a cell becomes tooth.
_TOOTH, _OTHER, _LEAST_SPAN, _PARTS = 0.97, 0.1, 0.5, (0.35, 0.65)
# Weight of redness in the score: tongue and gums are red.
_REDNESS = 1.5
# Softness of the scores in cells of the chart.
_CALM = 0.7
# Cells of the chart at its rim that are left out where the span is measured: lips, and the dark corners.
_RIM, _CORNERS = 1, 4


def tooth_likeness(log: np.ndarray, most: float, shown: np.ndarray | None = None) -> np.ndarray:
    """Compute how much each cell of the mouth's chart looks like a tooth beside the rest of the mouth, float32 (rows, columns).

    Parameters
    ----------
    log : np.ndarray
        float (`mouth.ROWS`, `mouth.COLUMNS`, 3), natural logarithm of scene-linear colour on the chart; exposure does not matter.
    most : float
        The most by which teeth and dark count as apart, in natural logarithm: a small one leaves teeth in the shade out.
    shown : np.ndarray, optional
        (rows, columns), above 0 where the mouth is visible.

    Returns
    -------
    np.ndarray
        0..1, 1 on a tooth.
    """
    redness = log[..., 0] - log[..., 1:].mean(axis=2)
    score = cv2.GaussianBlur((log.mean(axis=2) - _REDNESS * redness).astype(np.float32), (0, 0), _CALM)
    inner = np.zeros(score.shape, bool)
    inner[_RIM : mouth.ROWS - _RIM, _CORNERS : mouth.COLUMNS - _CORNERS] = True
    if shown is not None and (inner & (shown > 0)).any():
        inner &= shown > 0
    low, high = np.quantile(score[inner], (_OTHER, _TOOTH))
    span = float(np.clip(high - low, _LEAST_SPAN, most))
    return smoothstep(score, high - (1 - _PARTS[0]) * span, high - (1 - _PARTS[1]) * span).astype(np.float32)
