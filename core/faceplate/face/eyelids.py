"""How far eyes are open as their pixels show it, where the landmarker sees drawn, narrow and spectacled lids half open.

A small convolutional network looks at each eye, levelled by its corners, beside the landmarker's own opening. `eyelids.npz` holds
its weights, fitted by `bench/people/fit_eyelids.py` on pictures of invented people whose lids were drawn shut by known amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from faceplate.color import Exposure, encode
from faceplate.face.align import apply, compose, resample, scale_of
from faceplate.face.expression import EYE_CORNERS, eye_openness
from faceplate.face.face import Face
from faceplate.face.find import region_of
from faceplate.face.shape import unsqueezed
from faceplate.image.frame import Frame
from faceplate.image.window import Window

__all__ = [
    "EYELID_LAYERS",
    "EYE_HEIGHT",
    "EYE_WIDTH",
    "eye_pictures",
    "eye_window",
    "eyes_view",
    "lids_of",
    "lids_seen",
    "lids_seen_together",
]

EYE_WIDTH, EYE_HEIGHT = 48, 36
"""Size of the picture of one eye."""

EYELID_LAYERS = ("first", "second", "third", "hidden", "last")
"""Layers of the network: three convolutions of stride 2, and two linear ones."""

# An eye's width in its picture, the height of its corners, both as parts of the picture's sides, and what is added to the contrast.
_SPAN, _LEVEL, _FLAT = 0.62, 0.52, 0.02
# What the landmarker's opening is multiplied by beside the hidden layer's numbers.
_OPENING_SCALE = 5.0
# Weights of a luminance of a display picture.
_LUMINANCE = np.array([0.25, 0.6, 0.15], np.float32)
# What a reading is multiplied by, up to the landmarks' opening, so that few open eyes are read as less open than they are.
_RAISED = 1.1
# Decimals that a reading is rounded to.
_DECIMALS = 6
# The most by which the landmarks are corrected, in widths of the eye.
_MOST = 0.25


def lids_seen(display: np.ndarray, window: Window, points: np.ndarray) -> np.ndarray:
    """Measure how far the eyes of a picture are open, right and left eye, in the unit of `eye_openness`: float64 (2,).

    `display` float32 (h, w, 3) is a display-referred picture 0..1 on `window`, in which a face has about 180 pixels, and `points`
    (478, 3) are the landmarks in the same coordinates.
    """
    return lids_seen_together([(display, window, points)])[0]


def lids_seen_together(views: Sequence[tuple[np.ndarray, Window, np.ndarray]]) -> np.ndarray:
    """Measure the eyes of several pictures as `lids_seen` does, in one run of the network: float64 (n, 2)."""
    landmarked = np.array([eye_openness(points) for _, _, points in views])
    read = _RAISED * _read(np.concatenate([eye_pictures(*view) for view in views]), landmarked.ravel())
    return np.clip(read.reshape(-1, 2), np.maximum(landmarked - _MOST, 0.0), landmarked)


def lids_of(frame: Frame, face: Face) -> np.ndarray:
    """Measure how far the eyes of `face` are open in `frame`, which covers them, float64 (2,), with `lids_seen`."""
    return lids_seen(*eyes_view(frame, face))


def eyes_view(frame: Frame, face: Face) -> tuple[np.ndarray, Window, np.ndarray]:
    """Return the eyes of `face` in `frame` as the landmarker sees the face, as `lids_seen` takes them."""
    aspect = frame.pixel_aspect
    region = region_of(face.points, aspect).matrix()
    square = unsqueezed(face.points, aspect)
    points = np.column_stack([apply(region, square[:, :2]), square[:, 2] * scale_of(region)])
    part = eye_window(points)
    matrix = compose(region, np.array([[aspect, 0, 0], [0, 1, 0]], np.float64))
    working = frame.color.to_working(resample(frame.pixels, frame.window, matrix, part), frame.space)
    display = encode(frame.color.to_linear709(working), Exposure.of_level(face.level).gain)
    return np.clip(display, 0.0, 1.0), part, points


def eye_window(points: np.ndarray) -> Window:
    """Return the pixels that `eye_pictures` reads around both eyes of `points` (478, 3)."""
    corners = points[np.array(EYE_CORNERS).ravel(), :2]
    width = max(float(np.linalg.norm(points[a, :2] - points[b, :2])) for a, b in EYE_CORNERS)
    return Window.around(corners, 0.75 * width + 2)


def eye_pictures(display: np.ndarray, window: Window, points: np.ndarray) -> np.ndarray:
    """Cut both eyes, the left one mirrored, levelled by their corners: luminance, float32 (2, EYE_HEIGHT, EYE_WIDTH)."""
    red, green, blue = (display[..., k] * _LUMINANCE[k] for k in range(3))
    light = np.ascontiguousarray(red + green + blue)
    size = (EYE_WIDTH, EYE_HEIGHT)
    cut = []
    for mirrored, (first, second) in enumerate(EYE_CORNERS):
        ends = points[[first, second], :2] - (window.x, window.y)
        axis = ends[1] - ends[0]
        width = max(float(np.linalg.norm(axis)), 1e-6)
        along = axis / width
        turn = np.array([along * (-1 if mirrored else 1), [-along[1], along[0]]]) * (_SPAN * EYE_WIDTH / width)
        shift = np.array([EYE_WIDTH / 2, EYE_HEIGHT * _LEVEL]) - turn @ ends.mean(axis=0) + turn @ [0.5, 0.5] - 0.5
        matrix = np.column_stack([turn, shift])
        cut.append(cv2.warpAffine(light, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return np.stack(cut)


def _read(eyes: np.ndarray, landmarked: np.ndarray) -> np.ndarray:
    """Run the network on pictures (n, EYE_HEIGHT, EYE_WIDTH) with the landmarks' openings (n,): the openings, float64 (n,)."""
    network, eyes = _network(), eyes.astype(np.float64)
    mean, contrast = eyes.mean(axis=(1, 2), keepdims=True), eyes.std(axis=(1, 2), keepdims=True, ddof=1)
    values = ((eyes - mean) / (contrast + _FLAT))[:, None]
    for name in EYELID_LAYERS[:3]:
        values = np.maximum(_convolved(values, *network[name]), 0)
    hidden, last = network["hidden"], network["last"]
    values = np.maximum(values.reshape(len(eyes), -1) @ hidden[0].T + hidden[1], 0)
    values = np.column_stack([values, _OPENING_SCALE * landmarked])
    # The last digits of a matrix product depend on where its arrays lie in memory; a reading must not.
    return np.round((values @ last[0].T + last[1])[:, 0], _DECIMALS)


def _convolved(values: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Convolve (n, c, h, w) with `weights` (d, c, k, k) at every second pixel, zeros beyond the edge."""
    side = weights.shape[2]
    room = ((0, 0), (0, 0), (side // 2, side // 2), (side // 2, side // 2))
    views = np.lib.stride_tricks.sliding_window_view(np.pad(values, room), (side, side), axis=(2, 3))[:, :, ::2, ::2]
    return np.moveaxis(np.tensordot(views, weights, axes=((1, 4, 5), (1, 2, 3))), 3, 1) + bias[:, None, None]


@cache
def _network() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Load weights and bias of each layer, once: float64."""
    with np.load(Path(__file__).parent / "eyelids.npz") as file:
        return {
            name: (file[f"{name}_weights"].astype(np.float64), file[f"{name}_bias"].astype(np.float64))
            for name in EYELID_LAYERS
        }
