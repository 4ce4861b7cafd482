"""Where an open mouth shows teeth, on the mouth's chart (`face.mouth`), and whether it is full of them."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import Face, mouth
from faceplate.image.soft_steps import smoothstep
from faceplate.image.symmetric_log import to_log
from faceplate.image.window import Window

__all__ = ["filled_with_teeth", "mouth_log", "open_enough", "tooth_likeness"]

# Quantiles of the mouth's scores: of a tooth, and of tongue and dark; the least by which they count as apart, in natural logarithm,
# and the parts of that span between which a cell becomes tooth.
_TOOTH, _OTHER, _LEAST_SPAN, _PARTS = 0.97, 0.1, 0.5, (0.35, 0.65)
# Weight of redness in the score: tongue and gums are red.
_REDNESS = 1.5
# Softness of the scores in cells of the chart.
_CALM = 0.7
# Cells of the chart at its rim that are left out where the span is measured: lips, and the dark corners.
_RIM, _CORNERS = 1, 4
# Standard deviation within which the mouth's pixels are read, and the margin around it, as fractions of the face's size.
_READ, _MARGIN = 0.002, 0.02
# Mesh points of the cheeks, whose skin the mouth is compared with.
_CHEEKS = (50, 101, 205, 187, 280, 330, 425, 411)
# Pairs of mesh points at the inner and the outer edge of the lips, in whose middle the lips' colour is read.
_LIPS = np.array(
    [(13, 0), (82, 37), (312, 267), (81, 39), (311, 269), (14, 17), (87, 84), (317, 314), (178, 181), (402, 405)]
)
# Whether a mouth is full: its rows and columns that count; quantiles of brightness of a tooth in the light and of the darkest
# cells, and the part of the cells from which on they are teeth for sure.
_MIDDLE, _LIT, _DARK, _SURE = (slice(2, -2), slice(12, -12)), 0.95, 0.02, 0.85
# Weights of three measures against a full mouth, and their sum where it is as likely as not (a logistic regression over 242 mouths
# of 41 people and ten grades of each). How far a quarter of the cells lies below a tooth, in natural logarithm; how far half of
# them do, as a part of what the darkest does, which no contrast of a grade changes; and how red a quarter is, from teeth at 0 to
# lips at 1.
_AGAINST, _OFFSET = (5.8, 5.5, 2.25), 11.8
# The least range of brightness and of redness by which the last two are divided, and the most that redness counts.
_LEAST_RANGE, _LEAST_RED, _MOST_RED = 0.3, 0.1, 2.0
# Brightness of teeth over the skin's, less their redness, from which they are teeth at all.
_BRIGHT = (-0.1, 0.3)
# Openness of the lips from which a mouth shows teeth, and shows them surely (`Geometry.mouth`).
_SHUT, _OPEN = 0.03, 0.08


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
    score = _score(log)
    inner = np.zeros(score.shape, bool)
    inner[_RIM : mouth.ROWS - _RIM, _CORNERS : mouth.COLUMNS - _CORNERS] = True
    if shown is not None and (inner & (shown > 0)).any():
        inner &= shown > 0
    low, high = np.quantile(score[inner], (_OTHER, _TOOTH))
    span = float(np.clip(high - low, _LEAST_SPAN, most))
    return smoothstep(score, high - (1 - _PARTS[0]) * span, high - (1 - _PARTS[1]) * span).astype(np.float32)


def mouth_log(pixels: np.ndarray, window: Window, face: Face) -> np.ndarray | None:
    """Read a mouth on its chart, float32 (`mouth.ROWS`, `mouth.COLUMNS`, 3), symmetric logarithm at the face's level.

    `pixels` (h, w, 3) are scene-linear on `window`. None where the mouth lies outside.
    """
    places = mouth.chart(face.points)
    near = Window.around(places.reshape(-1, 2), _MARGIN * face.size + 2).intersect(window)
    if near.empty:
        return None
    x, y = cv2.split((places - (near.x + 0.5, near.y + 0.5)).astype(np.float32))
    log = to_log(pixels[near.slices(window)], face.level)
    soft = cv2.GaussianBlur(log, (0, 0), max(_READ * face.size, 0.5))
    return cv2.remap(soft, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def open_enough(opening: float) -> float:
    """Return how surely a mouth that is open by `opening` (`Geometry.mouth`) shows teeth, 0..1."""
    return float(smoothstep(opening, _SHUT, _OPEN))


def filled_with_teeth(pixels: np.ndarray, window: Window, face: Face) -> float:
    """Measure how far the open mouth is full of teeth, 0..1: 1 as in a grin, 0 with a gap between teeth, and without any.

    Of a closed mouth it tells nothing (`open_enough`).

    Parameters
    ----------
    pixels : np.ndarray
        float32 (h, w, 3), scene-linear, on `window`.
    window : Window
        The pixels' place.
    face : Face
        The face, in the same coordinates.
    """
    log = mouth_log(pixels, window, face)
    if log is None:
        return 0.0
    skin = np.median(_read(pixels, window, face, face.points[list(_CHEEKS), :2]), axis=0)
    lips = np.median(_read(pixels, window, face, face.points[_LIPS, :2].mean(axis=1)), axis=0)
    bright, red = (_calm(part)[_MIDDLE] for part in _brightness_and_redness(log - skin))
    lit, half, quarter, dark = np.quantile(bright, (_LIT, 0.5, 0.25, _DARK))
    tooth = float(np.median(red[bright >= np.quantile(bright, _SURE)]))
    lips_red = float(_brightness_and_redness(lips - skin)[1])
    redness = (np.quantile(red, 0.75) - tooth) / max(lips_red - tooth, _LEAST_RED)
    measures = lit - quarter, (lit - half) / max(lit - dark, _LEAST_RANGE), np.clip(redness, -0.5, _MOST_RED)
    full = 1.0 / (1.0 + np.exp(np.dot(_AGAINST, measures) - _OFFSET))
    score = float(np.quantile(bright - _REDNESS * red, _LIT))
    return float(full * smoothstep(score, *_BRIGHT))


def _read(pixels: np.ndarray, window: Window, face: Face, places: np.ndarray) -> np.ndarray:
    """Return the pixels at `places` (n, 2), symmetric logarithm at the face's level, (n, 3)."""
    at = np.floor(places - (window.x, window.y)).astype(int)
    x, y = (np.clip(axis, 0, size - 1) for axis, size in zip(at.T, pixels.shape[1::-1], strict=True))
    return to_log(pixels[y, x][None], face.level)[0]


def _score(log: np.ndarray) -> np.ndarray:
    """Return how bright and how little red each cell is, float32 (rows, columns), natural logarithm."""
    bright, red = _brightness_and_redness(log)
    return _calm(bright - _REDNESS * red)


def _brightness_and_redness(log: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the brightness and the redness of colours (…, 3), both in natural logarithm."""
    return log.mean(axis=-1), log[..., 0] - log[..., 1:].mean(axis=-1)


def _calm(cells: np.ndarray) -> np.ndarray:
    """Return the chart's cells, softened, float32 (rows, columns)."""
    return cv2.GaussianBlur(cells.astype(np.float32), (0, 0), _CALM)
