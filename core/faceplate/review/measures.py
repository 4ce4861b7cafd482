"""Measures of a result against its plate: flicker, seam, light and delay.

All but the delay compare pixels in one frame, or in two neighbouring frames, inside a known face. They serve to compare
variants of one shot; a single figure says little by itself, because two people's faces differ.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from faceplate.comp import skin_weight
from faceplate.face import Face, topology
from faceplate.face.align import similarity
from faceplate.image.frame import Frame
from faceplate.image.low_pass import local_linear
from faceplate.image.window import Window

__all__ = [
    "FLICKER_BLUR",
    "change_between",
    "delay_between",
    "display_levels",
    "light_error",
    "low_frequency_error",
    "outline_ring",
    "seam_ratio",
    "stabilised",
    "stabilising_matrix",
    "stable_mesh",
]

# Side of the stabilised crop, and the part of it inside the face (rows, columns).
_CROP, _INSIDE = 256, (slice(60, 200), slice(70, 186))
FLICKER_BLUR = 12.0
"""Standard deviation in pixels of the crop: what is smoother than this is a change that the eye sees as flicker."""
# The mesh fills this many pixels of the crop.
_MESH = 200.0
_SKIN_POINTS = 468
# A pixel of the plate and its result count as dark from here on, scene-linear.
_DARK = 1e-4
# Width of the ring around the outline in sizes of the face, and the least gradient of a plate: one without texture has no seam.
_RING, _FLAT = 0.04, 1e-4
# Scale of the light in sizes of the face, and the weight of skin that counts.
_LIGHT_SCALE, _SKIN = 0.06, 0.9
# Most frames of a delay, the correlation from which one thing follows another, and what two delays' fits may differ by and still be
# as good as each other: a twentieth of chi-square with one degree of freedom lies above it.
_DELAYS, _FOLLOWS, _ALIKE = 3, 0.7, 3.84


# Delay ------------------------------------------------------------------------------------------------------------------


def delay_between(plate: np.ndarray, result: np.ndarray, seen: np.ndarray | None = None) -> float:
    """Find by how many frames a result follows its plate late (above 0) or early, from a measure of both frame by frame.

    Of the delays within three frames that fit as well as the best one within the error of the fit, it is the least.

    Parameters
    ----------
    plate, result : np.ndarray
        (n,), the same thing measured in every frame of both.
    seen : np.ndarray, optional
        bool (n,), the frames of the result that count; all by default.

    Returns
    -------
    float
        A whole number; NaN where the result follows the plate at none of them (correlation below 0.7).
    """
    chosen = np.arange(_DELAYS, len(plate) - _DELAYS)
    chosen = chosen if seen is None else chosen[seen[chosen]]
    delays = np.arange(-_DELAYS, _DELAYS + 1)
    if len(chosen) < 3 or np.ptp(result[chosen]) == 0:
        return math.nan
    fits = np.array([_correlation(plate[chosen - delay], result[chosen]) for delay in delays])
    best = float(fits.max())
    if best < _FOLLOWS:
        return math.nan
    left = 1 - np.minimum(fits**2, 1 - 1e-12)  # the share of the variance that a delay does not explain
    alike = delays[(fits > 0) & (len(chosen) * np.log(left / left.min()) <= _ALIKE)]
    return float(min(alike.tolist(), key=abs))


def _correlation(one: np.ndarray, two: np.ndarray) -> float:
    return 0.0 if np.ptp(one) == 0 else float(np.corrcoef(one, two)[0, 1])


# Flicker ----------------------------------------------------------------------------------------------------------------


def display_levels(frame: Frame) -> np.ndarray:
    """Return a frame as plain sRGB (IEC 61966-2-1), clipped, in 8-bit levels: float32 (h, w, 3), 0..255."""
    linear = np.clip(frame.color.to_linear709(frame.working()), 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 255).astype(np.float32)


def stable_mesh(points: np.ndarray) -> np.ndarray:
    """Return the places that a face's mesh takes in every stabilised crop: (468, 2) in pixels of the crop."""
    mesh = points[:_SKIN_POINTS, :2]
    centred = mesh - mesh.mean(axis=0)
    return centred / np.ptp(centred, axis=0).max() * _MESH + _CROP / 2


def stabilising_matrix(points: np.ndarray, reference: np.ndarray, *, is_known: bool = False) -> np.ndarray:
    """Return the similarity (2, 3) from a frame to the crop in which the mesh `points` lies on `reference`.

    A measured mesh is fitted by least median of squares, against outliers; a known one by least squares.
    """
    mesh = np.ascontiguousarray(points[:_SKIN_POINTS, :2])
    if is_known:
        return similarity(mesh, reference)
    return cv2.estimateAffinePartial2D(mesh, reference, method=cv2.LMEDS)[0]


def stabilised(frame: Frame, matrix: np.ndarray) -> np.ndarray:
    """Return the inside of a face on the stabilised crop, in 8-bit levels, float32 (140, 116, 3)."""
    to_picture = matrix.copy()
    to_picture[:, 2] += matrix[:, :2] @ (frame.window.x, frame.window.y)
    return cv2.warpAffine(display_levels(frame), to_picture, (_CROP, _CROP), flags=cv2.INTER_CUBIC)[_INSIDE]


def change_between(one: np.ndarray, two: np.ndarray) -> float:
    """Compute the low-frequency change between the stabilised crops of two neighbouring frames.

    The RMS of their difference after a Gaussian of 12 pixels, in 8-bit levels.
    """
    return float(np.sqrt(np.mean(cv2.GaussianBlur(two - one, (0, 0), FLICKER_BLUR) ** 2)))


# Seam -------------------------------------------------------------------------------------------------------------------


def seam_ratio(
    over: np.ndarray, plate: np.ndarray, edge: np.ndarray, plate_edge: np.ndarray | None = None, *, logged: bool = True
) -> float:
    """Compute the gradient along an edge in the result, in the logarithm or as it is, over the plate's along its own.

    1 where the edge is as smooth as the photographed one; NaN where there is no edge, or the plate has no texture there.

    Parameters
    ----------
    over, plate : numpy.ndarray
        float32 (h, w, 3), scene-linear with `logged`, else display-referred.
    edge, plate_edge : numpy.ndarray
        bool (h, w), the pixels of the edge in the result and in the plate; the same place by default.
    logged : bool
        Compare logarithms, so that the exposure does not count.
    """
    places = (edge, edge if plate_edge is None else plate_edge)
    if not all(place.any() for place in places):
        return float("nan")
    energy = []
    for picture, place in zip((over, plate), places, strict=True):
        grey = picture.mean(axis=2)
        smooth = cv2.GaussianBlur(np.log(np.maximum(grey, 1e-3)) if logged else grey, (0, 0), 1.5)
        gradient = np.stack(np.gradient(smooth), axis=-1)
        energy.append(np.sqrt((gradient[place] ** 2).sum(axis=-1).mean()))
    return float(energy[0] / energy[1]) if energy[1] > _FLAT else float("nan")


def outline_ring(face: Face, window: Window) -> np.ndarray:
    """Return the pixels around a face's outline, where a seam would lie: bool (h, w) of `window`, 0.04 of the face wide."""
    ring = np.zeros((window.height, window.width), np.uint8)
    outline = face.points[topology().oval, :2] - (window.x + 0.5, window.y + 0.5)
    width = max(round(_RING * face.size), 1)
    cv2.polylines(ring, [np.round(outline).astype(np.int32)], True, 1, width)
    return ring > 0


# Light ------------------------------------------------------------------------------------------------------------------


def low_frequency_error(got: np.ndarray, wanted: np.ndarray, weight: np.ndarray, size: float) -> np.ndarray:
    """Compute how far the low frequencies of one ratio of light are from those of another, where `weight` is full.

    Parameters
    ----------
    got, wanted : numpy.ndarray
        float32 (h, w, 3), above 0.
    weight : numpy.ndarray
        (h, w), 0..1, 1 on the skin that counts.
    size : float
        The face's size in pixels; the low frequencies are those above 0.06 of it.

    Returns
    -------
    numpy.ndarray
        float32 (n, 3): |got / wanted - 1|.
    """
    low_got, low_wanted = (local_linear(np.log(ratio), weight, _LIGHT_SCALE * size) for ratio in (got, wanted))
    return np.abs(np.exp(low_got - low_wanted) - 1)[weight > _SKIN]


def light_error(over: np.ndarray, plate: np.ndarray, matte: np.ndarray, face: Face, window: Window) -> float:
    """Compute how unevenly the result's light follows the plate's on the skin: 0 where it follows everywhere alike.

    The 95th percentile of the low-frequency error of result over plate against the median of that ratio. The median stands for
    the difference of two people's skin colours, so that only the light's distribution counts.

    Parameters
    ----------
    over, plate : numpy.ndarray
        float32 (h, w, 3), scene-linear, on `window`.
    matte : numpy.ndarray
        (h, w), 0..1: skin counts where the new face covers it, and not behind hair or a hand.
    face : Face
        The plate's face.
    window : Window
        The pixels of `over` and `plate`.
    """
    weight = skin_weight(face, window) * matte
    if not (weight > _SKIN).any():
        return float("nan")
    ratio = np.maximum(over, _DARK) / np.maximum(plate, _DARK)
    middle = np.median(ratio[weight > _SKIN], axis=0)
    error = low_frequency_error(ratio, np.broadcast_to(middle, ratio.shape).astype(np.float32), weight, face.size)
    return float(np.percentile(error, 95))
