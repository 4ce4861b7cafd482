"""Plates for the tracking tests: demo people photographed still, moved along a known path, side by side, cut and
spoilt."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import performance, person
from faceplate.face.align import compose, invert

GRAIN = np.array([8.0e-4, 6.4e-4, 1.2e-3], np.float32)
FLOOR = 8.0e-6


@cache
def portrait(name: str, view: str = "front") -> np.ndarray:
    """A demo picture as scene-linear ACEScg, float32 (1024, 1024, 3), a little soft, so that warping it is exact."""
    return linear(person(name) / f"{view}.jpg")


@cache
def linear(path: Path) -> np.ndarray:
    still = read_still(path, ColorConfig.load())
    return cv2.GaussianBlur(still.working(), (0, 0), 0.8)


@cache
def performed(index: int) -> np.ndarray:
    """Frame `index` of ada's performance, scene-linear."""
    return linear(performance("ada")[index])


def warped(picture: np.ndarray, matrix: np.ndarray, width: int, height: int, ground: float = 0.08) -> np.ndarray:
    """`picture` laid on a plate by `matrix` (2, 3), continuous coordinates (pixel centres at +0.5)."""
    half = np.array([[1, 0, -0.5], [0, 1, -0.5]], np.float64)
    back = np.array([[1, 0, 0.5], [0, 1, 0.5]], np.float64)
    centred = compose(half, compose(matrix, back))
    flags = cv2.INTER_LANCZOS4
    return cv2.warpAffine(
        picture, centred, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(ground,) * 3
    )


def over(plate: np.ndarray, picture: np.ndarray, centre: tuple[float, float], side: float) -> np.ndarray:
    """A portrait's head in a soft oval, `side` pixels of the plate for the whole picture, its middle at `centre`."""
    height, width = plate.shape[:2]
    scale = side / picture.shape[1]
    matrix = np.array([[scale, 0, centre[0] - side / 2], [0, scale, centre[1] - side / 2]], np.float64)
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32) / picture.shape[0] - 0.5
    away = np.hypot(x / 0.34, (y - 0.02) / 0.46)
    matte = np.clip((1 - away) / 0.12, 0, 1).astype(np.float32)
    laid = warped(np.dstack([picture * matte[..., None], matte]), matrix, width, height, 0.0)
    return plate * (1 - laid[..., 3:]) + laid[..., :3]


def background(width: int, height: int, seed: int) -> np.ndarray:
    """A soft, uneven wall."""
    rng = np.random.default_rng(seed)
    small = (rng.uniform(0.02, 0.3, (9, 16, 1)) * rng.uniform(0.9, 1.1, (9, 16, 3))).astype(np.float32)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def noisy(light: np.ndarray, frame: int, strength: float) -> np.ndarray:
    """Photon noise of the demo camera's kind; `strength` 1 is the demo plate's own."""
    rng = np.random.default_rng([frame, 11])
    sigma = np.sqrt(np.maximum(light, 0) * GRAIN * strength + FLOOR * strength)
    return light + rng.standard_normal(light.shape, np.float32) * sigma


def write(path: Path, light: np.ndarray) -> None:
    """Half-float EXR, ZIP, tagged ACEScg."""
    spec = OpenImageIO.ImageSpec(light.shape[1], light.shape[0], 3, OpenImageIO.HALF)
    spec.attribute("compression", "zip:1")
    spec.attribute("oiio:ColorSpace", "lin_ap1_scene")
    out = OpenImageIO.ImageOutput.create("exr")
    assert (
        out is not None
        and out.open(str(path), spec)
        and out.write_image(np.ascontiguousarray(light, np.float32))
        and out.close()
    )


def write_frames(
    folder: Path, frames: int, picture: Callable[[int], np.ndarray], strength: float = 1.0, first: int = 1001
) -> str:
    """Writes `frames` frames of what `picture(index)` gives, with grain; answers the pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(frames):
        light = picture(index)
        write(folder / f"plate.{first + index:04d}.exr", noisy(light, first + index, strength))
    return str(folder / "plate.####.exr")


def path_matrix(index: int, kind: str, width: int, height: int, scale: float) -> np.ndarray:
    """The camera's path at frame `index`: `still`, `pan`, `zoom`, `rotation`, `handheld` or all of them."""
    t = index / 24.0
    x = y = turn = 0.0
    grow = 1.0
    if kind in ("pan", "all"):
        x += 60.0 * t - 15 * t * t
        y += 9.3 * t
    if kind in ("zoom", "all"):
        grow *= 1.0 + 0.12 * t
    if kind in ("rotation", "all"):
        turn += 0.10 * np.sin(2.0 * t)
    if kind in ("handheld", "all"):
        x += 4.1 * np.sin(7.3 * t + 0.3) + 1.7 * np.sin(17.9 * t + 1)
        y += 3.3 * np.sin(6.1 * t + 1.1) + 1.9 * np.sin(21.1 * t)
        turn += 0.008 * np.sin(9.7 * t)
    c, s = np.cos(turn) * scale * grow, np.sin(turn) * scale * grow
    middle = np.array([width / 2 + x - 20, height / 2 + y])
    linear_part = np.array([[c, -s], [s, c]])
    return np.column_stack([linear_part, middle - linear_part @ np.array([512.0, 512.0])])


def undone(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Plate points (n, 2) back on the picture."""
    back = invert(matrix)
    return points @ back[:, :2].T + back[:, 2]


LIDS = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)),
)
"""Upper and lower lid of either eye, left to right in the picture."""


SHUT = 0.94
"""How much of the opening between the lids `blinking` closes when they are shut."""


def looking(picture: np.ndarray, points: np.ndarray, look: np.ndarray) -> np.ndarray:
    """`picture` with its irises moved by `look` (2,), in widths of an eye; `points` (478, 2) are its mesh.

    Iris and pupil move as they are between the lids; the white beside them is stretched and squeezed.
    """
    if not look.any():
        return picture
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across, down = x.copy(), y.copy()
    for (upper, lower), iris in zip(LIDS, (slice(468, 473), slice(473, 478)), strict=True):
        eye = float(np.ptp(points[list(upper), 0]))
        shift = look * eye
        centre = points[iris].mean(axis=0) + shift
        radius = float(np.linalg.norm(points[iris] - points[iris].mean(axis=0), axis=1).max())
        near = np.clip((2.4 - np.hypot(x - centre[0], y - centre[1]) / radius) / 1.2, 0, 1)
        between = np.zeros((height, width), np.float32)
        outline = np.concatenate([points[list(upper)], points[list(lower)][::-1]])
        cv2.fillPoly(between, [np.round(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
        part = near * near * (3 - 2 * near) * cv2.GaussianBlur(between, (0, 0), 0.02 * eye)
        across -= (part * shift[0]).astype(np.float32)
        down -= (part * shift[1]).astype(np.float32)
    return cv2.remap(picture, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def blinking(picture: np.ndarray, points: np.ndarray, shut: float) -> np.ndarray:
    """`picture` with its lids drawn down by `shut` (0 open, 1 closed); `points` (478, 2) are the open face's mesh on
    it.

    Each column above the lower lid is stretched: skin from the brow follows the lid, what lies under the lid is
    squeezed.
    """
    if shut <= 0:
        return picture
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    source = y.copy()
    for upper, lower in LIDS:
        top = np.interp(np.arange(width), points[list(upper), 0], points[list(upper), 1])
        low = np.interp(np.arange(width), points[list(lower), 0], points[list(lower), 1])
        inside = (np.arange(width) > points[upper[0], 0]) & (np.arange(width) < points[upper[-1], 0])
        opening = np.where(inside, low - top, 0.0)
        start = top - 1.2 * float(opening.max())
        lid = top + shut * SHUT * opening
        above = start + (y - start) * (top - start) / np.maximum(lid - start, 1e-6)
        under = top + (y - lid) * opening / np.maximum(low - lid, 1e-6)
        part = np.where(y < lid, above, under)
        source = np.where((opening > 0) & (y > start) & (y < low), part, source).astype(np.float32)
    return cv2.remap(picture, x, source, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
