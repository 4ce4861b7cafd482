"""Known fields of light to put on a plate, and how far a swap's result is from having followed them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from faceplate.comp import skin_weight
from faceplate.face import Face, FaceFinder, topology
from faceplate.face.align import resample
from faceplate.face.raster import rasterise
from faceplate.face.shape import normals
from faceplate.generators import Generator
from faceplate.image.frame import Frame
from faceplate.image.inpaint import fill
from faceplate.image.window import Window
from faceplate.render.swap import swap_face
from faceplate.review.measures import low_frequency_error
from faceplate.shot.parameters import Parameters

__all__ = ["GOALS", "LIGHTS", "TABLE_PAIRS", "half_size", "hard_key", "light_off", "warm_key"]

TABLE_PAIRS = (("bea", "ada"), ("eve", "bea"), ("ada", "cal"), ("fox", "dot"), ("dot", "eve"), ("cal", "fox"))
"""Pairs of demo people (source, target) of `bench/light_table.py`: each is once the source and once the target."""

_HALF = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float64)


def _across(frame: Frame, face: Face) -> np.ndarray:
    """0 at the face's left edge in the picture, 1 at its right, (1, w)."""
    return ((np.arange(frame.window.width) - face.points[:, 0].min()) / np.ptp(face.points[:, 0]))[None]


def _whole(frame: Frame, field: np.ndarray) -> np.ndarray:
    """A field of one or more columns and channels on the whole picture, float32 (h, w, 3)."""
    field = field if field.ndim == 3 else field[..., None]
    return np.broadcast_to(field, (frame.window.height, frame.window.width, 3)).astype(np.float32)


def warm_key(frame: Frame, face: Face) -> np.ndarray:
    """3:1 from left to right and warm, with a blue rim at the right, float32 (h, w, 3)."""
    x = _across(frame, face)
    key = 3.0 ** (0.5 - np.clip(x, -0.5, 1.5))
    rim = np.exp(-(((x - 1.0) / 0.25) ** 2))[..., None] * np.array([0.1, 0.2, 0.5])
    return _whole(frame, np.stack([key**1.1, key, key**0.85], axis=-1) + rim)


def four_stops(frame: Frame, face: Face) -> np.ndarray:
    """A soft fall-off by four stops from left to right: deep shadow."""
    return _whole(frame, 2.0 ** (-4 * np.clip(_across(frame, face), -0.2, 1.2)))


def shadow_edge(frame: Frame, face: Face) -> np.ndarray:
    """Four stops of shadow on the right half, its edge as wide as three tenths of the face."""
    return _whole(frame, 2.0 ** (-4 / (1 + np.exp(-(_across(frame, face) - 0.5) * 4.4 / 0.3))))


def hot_cheek(frame: Frame, face: Face) -> np.ndarray:
    """Three stops more on one cheek, a quarter of the face wide: over-exposed."""
    middle = face.points[[123, 50, 101, 205, 187], :2].mean(axis=0) - (frame.window.x, frame.window.y)
    y, x = np.mgrid[: frame.window.height, : frame.window.width]
    return _whole(frame, 1 + 7 * np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / (2 * (0.13 * face.size) ** 2)))


def hard_key(frame: Frame, face: Face) -> np.ndarray:
    """One lamp 60° to the right over a tenth of ambient light, by the mesh's normals (Lambert's law, no thrown shadow)."""
    window = frame.window
    raster = rasterise(face.points, topology().closed, window, 400)
    normal = fill(raster.interpolate(normals(face.points)), raster.covered.astype(np.float32))
    normal = cv2.GaussianBlur(normal, (0, 0), 0.012 * face.size * raster.covered.shape[1] / window.width)
    normal = cv2.resize(normal, (window.width, window.height), interpolation=cv2.INTER_CUBIC)
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-6)
    lamp = np.array([np.sin(np.radians(60)), -0.3, -np.cos(np.radians(60))])
    return _whole(frame, 0.1 + 0.9 * np.maximum(normal @ (lamp / np.linalg.norm(lamp)), 0))


LIGHTS: dict[str, Callable[[Frame, Face], np.ndarray]] = {
    "warm key 3:1, blue rim": warm_key,
    "soft, 4 stops": four_stops,
    "cheek 3 stops over": hot_cheek,
    "shadow's edge, 4 stops": shadow_edge,
    "hard key, 10:1": hard_key,
}


GOALS: dict[str, float] = {
    "warm key 3:1, blue rim": 0.06,
    "soft, 4 stops": 0.08,
    "cheek 3 stops over": 0.15,
    "shadow's edge, 4 stops": 0.15,
    "hard key, 10:1": 0.20,
}
"""Largest 95th percentile of the error on the skin under each light, on average over `TABLE_PAIRS`, with default parameters."""


def half_size(frame: Frame, finder: FaceFinder) -> tuple[Frame, Face]:
    """A picture of 1024 x 1024 at half size in the working space, nothing below a ten-thousandth, and the face in it."""
    window = Window(0, 0, 512, 512)
    pixels = np.maximum(resample(frame.working(), frame.window, _HALF, window), 1e-4)
    small = Frame(pixels, window, frame.color.working_space, frame.color)
    return small, finder.find(small)[0]


def light_off(frame: Frame, lit: Frame, face: Face, generator: Generator, **values: object) -> np.ndarray:
    """How far the low frequencies of what the light did to the result are from what it did to the plate, on the skin (n, 3)."""
    parameters = Parameters.model_validate({"grain": 0, "occlusion": 0, **values})
    before, after = (swap_face(plate, face, generator, parameters) for plate in (frame, lit))
    skin = skin_weight(face, before.window) * (before.matte == 1)
    field = (lit.pixels / frame.pixels)[before.window.slices(frame.window)]
    ratio = np.maximum(after.over, 1e-4) / np.maximum(before.over, 1e-4)
    return low_frequency_error(ratio, field, skin, face.size)
