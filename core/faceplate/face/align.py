"""Alignment: crop templates, the similarity that brings a face onto one, and resampling without aliasing.

A matrix is float64 (2, 3) and maps continuous coordinates of one picture to continuous coordinates of another (pixel
centres at +0.5 on both sides), so matrices compose without half-pixel corrections. Only `resample` uses OpenCV's own
convention.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from faceplate.image.window import Window

__all__ = [
    "TEMPLATES",
    "apply",
    "compose",
    "crop_matrix",
    "invert",
    "resample",
    "scale_of",
    "similarity",
    "source_window",
]

# Right eye, left eye, nose tip, right and left mouth corner (left to right in the picture), in fractions of the crop's
# side. The values are those of the public networks that were trained on them: ArcFace's five points at 112 px, the
# same at 128 px as inswapper uses them, FFHQ's, MTCNN's, and DeepFaceLab's whole-face crop.
TEMPLATES: dict[str, np.ndarray] = {
    name: np.array(points, np.float64).reshape(5, 2)
    for name, points in {
        "arcface_112_v1": (0.35473214, 0.45658929, 0.64526786, 0.45658929, 0.5, 0.61154464,
                           0.37913393, 0.77687500, 0.62086607, 0.77687500),
        "arcface_112_v2": (0.34191607, 0.46157411, 0.65653393, 0.45983393, 0.50022500, 0.64050536,
                           0.37097589, 0.82469196, 0.63151696, 0.82325089),
        "arcface_128": (0.36167656, 0.40387734, 0.63696719, 0.40235469, 0.50019687, 0.56044219,
                        0.38710391, 0.72160547, 0.61507734, 0.72034453),
        "ffhq_512": (0.37691676, 0.46864664, 0.62285697, 0.46912813, 0.50123859, 0.61331904,
                     0.39308822, 0.72541100, 0.61150205, 0.72490465),
        "mtcnn_512": (0.36562865, 0.46733799, 0.63305391, 0.46585885, 0.50019127, 0.61942959,
                      0.39032951, 0.77598822, 0.61178945, 0.77476328),
        "dfl_whole_face": (0.35342266, 0.39285716, 0.62797622, 0.39285716, 0.48660713, 0.54017860,
                           0.38839287, 0.68750011, 0.59821427, 0.68750011),
    }.items()
}  # fmt: skip
"""The named crop templates, float64 (5, 2) each."""


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Fit the least-squares rotation, uniform scale and translation from `source` (n, 2) onto `target` (n, 2).

    It never mirrors. Closed form of S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", IEEE PAMI 13(4), 1991, written with complex numbers for two dimensions. Returns float64 (2, 3).
    """
    a = source[:, 0] + 1j * source[:, 1]
    b = target[:, 0] + 1j * target[:, 1]
    a_mean, b_mean = a.mean(), b.mean()
    spread = np.sum(np.abs(a - a_mean) ** 2)
    turn = np.sum(np.conj(a - a_mean) * (b - b_mean)) / spread if spread > 0 else 1.0 + 0j
    shift = b_mean - turn * a_mean
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def crop_matrix(five: np.ndarray, template: str, side: int, pixel_aspect: float = 1.0) -> np.ndarray:
    """Compute the matrix (2, 3) from the plate to a square crop of `side` pixels on the named template.

    The similarity is fitted on the picture as projected, so that a squeezed plate is unsqueezed by the same matrix.
    """
    unsqueeze = np.array([[pixel_aspect, 0, 0], [0, 1, 0]], np.float64)
    return compose(similarity(apply(unsqueeze, five), TEMPLATES[template] * side), unsqueeze)


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map `points` (..., 2) with `matrix` (2, 3)."""
    x, y = points[..., 0], points[..., 1]
    moved = np.empty((*points.shape[:-1], 2), np.result_type(matrix, points))
    for axis, (by_x, by_y, shift) in enumerate(matrix):
        moved[..., axis] = by_x * x + by_y * y + shift
    return moved


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the matrix that applies `first`, then `second`."""
    whole = np.array([[0.0, 0, 0], [0, 0, 0], [0, 0, 1]])
    whole[:2] = first
    return second @ whole


def invert(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse of `matrix` (2, 3)."""
    (a, b, x), (c, d, y) = matrix.tolist()
    whole = a * d - b * c  # written out: numpy's inverse of such a small matrix takes ten times as long
    a, b, c, d = d / whole, -b / whole, -c / whole, a / whole
    return np.array([[a, b, -(a * x + b * y)], [c, d, -(c * x + d * y)]])


def scale_of(matrix: np.ndarray) -> float:
    """Compute the mean factor by which `matrix` scales lengths (square root of its determinant)."""
    (a, b), (c, d) = matrix[:, :2].tolist()
    return math.sqrt(abs(a * d - b * c))


def resample(pixels: np.ndarray, window: Window, matrix: np.ndarray, out: Window) -> np.ndarray:
    """Resample a picture through a matrix.

    Bicubic. When the picture shrinks it is low-passed first (box average over whole pixels for the integer part, a Gaussian
    for the rest), so that detail that the result cannot hold does not alias. Outside `window` the nearest pixel repeats. A
    shift by whole pixels copies the pixels bit for bit.

    Parameters
    ----------
    pixels : np.ndarray
        float32 (h, w) or (h, w, c).
    window : Window
        The window of `pixels`.
    matrix : np.ndarray
        (2, 3), from the picture's coordinates to those of `out`.
    out : Window
        The window to fill.

    Returns
    -------
    np.ndarray
        float32, of `out`'s size.
    """
    needed = source_window(matrix, out).intersect(window)
    if needed.empty:
        needed = Window(min(max(out.x, window.x), window.right - 1), min(max(out.y, window.y), window.bottom - 1), 1, 1)
    source = pixels[needed.slices(window)]
    shift = matrix[:, 2]
    if np.array_equal(matrix[:, :2], np.eye(2)) and np.array_equal(shift, np.round(shift)):
        return _copy_shifted(source, needed, out, int(shift[0]), int(shift[1]))
    source, to_source = _prefilter(source, matrix, needed)
    full = compose(matrix, to_source)
    full[:, 2] -= (out.x, out.y)
    centred = compose(np.array([[1, 0, -0.5], [0, 1, -0.5]]), compose(full, np.array([[1, 0, 0.5], [0, 1, 0.5]])))
    return cv2.warpAffine(
        source, centred, (out.width, out.height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def source_window(matrix: np.ndarray, out: Window) -> Window:
    """Return the pixels that `resample` reads through `matrix` (2, 3) to fill `out`."""
    corners = np.array([[out.x, out.y], [out.right, out.y], [out.x, out.bottom], [out.right, out.bottom]], np.float64)
    reach = 3.0 * max(1.0, 1.0 / scale_of(matrix))
    return Window.around(apply(invert(matrix), corners), reach)


def _copy_shifted(source: np.ndarray, needed: Window, out: Window, x: int, y: int) -> np.ndarray:
    wanted = Window(out.x - x, out.y - y, out.width, out.height)
    if wanted.intersect(needed) == wanted:
        return source[wanted.slices(needed)].copy()
    held = wanted.intersect(needed)
    if held.empty:
        rows = np.clip(np.arange(out.y, out.bottom) - y - needed.y, 0, needed.height - 1)
        columns = np.clip(np.arange(out.x, out.right) - x - needed.x, 0, needed.width - 1)
        return source[rows[:, None], columns[None, :]]
    beyond = (held.y - wanted.y, wanted.bottom - held.bottom, held.x - wanted.x, wanted.right - held.right)
    return cv2.copyMakeBorder(source[held.slices(needed)], *beyond, cv2.BORDER_REPLICATE)


def _prefilter(source: np.ndarray, matrix: np.ndarray, needed: Window) -> tuple[np.ndarray, np.ndarray]:
    """Low-pass the source; return it and the matrix from its own continuous coordinates to the plate's."""
    shrink = [1.0 / max(float(np.hypot(*matrix[:, axis])), 1e-9) for axis in (0, 1)]
    # Half by whole pixels and the rest by the Gaussian: a box filter alone leaves moiré from stripes of its own width.
    steps = [max(int(factor / 2), 1) for factor in shrink]
    height, width = source.shape[:2]
    if max(steps) > 1:
        pad_y, pad_x = -height % steps[1], -width % steps[0]
        if pad_y or pad_x:
            source = cv2.copyMakeBorder(source, 0, pad_y, 0, pad_x, cv2.BORDER_REPLICATE)
        size = (source.shape[1] // steps[0], source.shape[0] // steps[1])
        source = cv2.resize(source, size, interpolation=cv2.INTER_AREA)
    # Variances add: a residual shrink r needs the blur of a box r wide minus that of the pixel itself.
    sigmas = [0.5 * math.sqrt(max((f / s) ** 2 - 1.0, 0.0)) for f, s in zip(shrink, steps, strict=True)]
    if max(sigmas) > 0.1:
        source = cv2.GaussianBlur(
            source, (0, 0), sigmaX=max(sigmas[0], 1e-3), sigmaY=max(sigmas[1], 1e-3), borderType=cv2.BORDER_REPLICATE
        )
    return source, np.array([[steps[0], 0, needed.x], [0, steps[1], needed.y]], np.float64)
