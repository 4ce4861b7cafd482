"""The demo plate: an invented performance as a cinema camera would record it. See `docs/demo.md`.

The performance (1024 x 1024, sRGB) fills the left of a 1280 x 720 frame. The set around it is drawn here: the picture's
own background continued out of focus, festoon lamps, and a dark post close to the lens that hides where the picture ends.
Everything is computed in scene-linear ACEScg; the camera's grain is added last, as on a sensor.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.demo import performance
from faceplate.demo.footage import (
    FIRST,
    GRAIN_FLOOR,
    GRAIN_SLOPE,
    acescg_processor,
    add_grain,
    decode,
    make_folder,
    plate_spec,
    smooth_step,
    write_frame,
)
from faceplate.errors import UsageError
from faceplate.image.window import Window

__all__ = ["DATA", "DISPLAY", "FIRST", "GRAIN_FLOOR", "GRAIN_SLOPE", "ORIGIN", "PATTERN", "SCALE", "make_plate"]

PATTERN = "plate.####.exr"
"""File names of the plate."""

DISPLAY = Window(0, 0, 1280, 720)
"""Display window."""

DATA = Window(-16, 12, 1312, 696)
"""Data window: sixteen columns of overscan on either side; twelve rows missing above and below."""

SCALE = 0.6875
"""Scale of the performance picture in the plate."""

ORIGIN = (-16.0, 8.0)
"""A point p of a performance picture (continuous pixels) is at ORIGIN + SCALE p in the plate."""

_FIELDS = {
    "lensModel": "Faceplate Demo Prime 75 mm T2",
    "reelName": "DEMO_A001",
    "Copyright": "Faceplate demo; the person in this plate does not exist",
    "ImageDescription": "Faceplate demo plate. The person does not exist: made with MobileStyleGAN.",
    "FNumber": 2.0,
    "nominalFocalLength": 75.0,
}
_SIDE = 704
"""Side of the performance picture in the plate: 1024 SCALE."""

_COARSE = 16
_MATTE_SIDE, _MATTES_ACROSS = 128, 6

# One festoon of lamps: (x, y, radius, peak) in plate pixels and scene-linear red; the third is the picture's practical.
_LAMPS = ((800, 118, 9, 9.0), (896, 176, 11, 14.0), (1006, 222, 21, 44.0), (1122, 206, 11, 16.0), (1226, 150, 9, 8.0))
_LAMP_COLOUR = np.array([1.0, 0.80, 0.50], np.float32)


@dataclass(frozen=True)
class _Set:
    """The static part of the scene; pictures are float32 (DATA.height, DATA.width[, 3]), ACEScg.

    `foliage` multiplies the smooth background; `lamps` is added behind the head; `post` covers by `post_matte`.
    """

    foliage: np.ndarray
    lamps: np.ndarray
    post: np.ndarray
    post_matte: np.ndarray
    vignette: np.ndarray


@dataclass(frozen=True)
class _Frame:
    """One frame of the performance: its file, its head matte (128, 128) and its irises, (2, 3) of (x, y, radius)."""

    path: Path
    matte: np.ndarray
    irises: np.ndarray


def make_plate(
    folder: Path,
    *,
    frames: int = 24,
    first: int = FIRST,
    seed: int = 7,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Write `frames` frames from number `first` into `folder`; return their pattern, `plate.####.exr`.

    Half-float R, G, B in ACEScg and float `depth.Z` in metres, ZIP by scanlines. A frame's pixels depend on its number and on
    `seed` alone. A shot longer than the performance plays it forwards and backwards. A frame gets its final name only when it
    is complete.

    Parameters
    ----------
    folder : Path
        Created if necessary.
    frames, first : int
        Number of frames, and the first frame's number.
    seed : int
        Seed of the set and the grain.
    progress : callable, optional
        Called with (frames done, total frames).

    Raises
    ------
    UsageError
        `no-frames`.
    RenderError
        `cannot-write` or `demo-damaged`.
    """
    if frames < 1 or first < 0:
        raise UsageError(
            "no-frames", "A demo plate needs at least one frame and a first frame number that is not negative."
        )
    folder = Path(folder)
    make_folder(folder)
    shot, scenery, to_acescg = _load_performance(), _build_set(seed), acescg_processor()
    for done, number in enumerate(range(first, first + frames), start=1):
        frame = shot[_performance_index(number, len(shot))]
        light, depth = _photograph(frame, scenery, to_acescg)
        light = add_grain(light, np.random.default_rng([seed, number]))
        spec = plate_spec(number, DATA, DISPLAY, depth=True, fields=_FIELDS)
        write_frame(folder / f"plate.{number:04d}.exr", spec, np.dstack([light, depth]))
        if progress is not None:
            progress(done, frames)
    return PATTERN


def _performance_index(number: int, length: int) -> int:
    """Return the index of the performance's frame, played forwards and backwards so that a long shot never jumps."""
    step = (number - FIRST) % (2 * length - 2)
    return min(step, 2 * length - 2 - step)


def _load_performance() -> tuple[_Frame, ...]:
    paths = performance("ada")
    guide = paths[0].parent / "guide"
    eyes = json.loads((guide / "eyes.json").read_text())
    mattes = decode(guide / "mattes.png", cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
    shot = []
    for i, path in enumerate(paths):
        row, column = (_MATTE_SIDE * place for place in divmod(i, _MATTES_ACROSS))
        matte = mattes[row : row + _MATTE_SIDE, column : column + _MATTE_SIDE]
        shot.append(_Frame(path, matte, np.array(eyes[path.name.split(".")[1]], np.float32)))
    return tuple(shot)


# The set ------------------------------------------------------------------------------------------------------------


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Return x (1, width) and y (height, 1) of the data window's pixel centres."""
    x = np.arange(DATA.x, DATA.right, dtype=np.float32)[None, :] + 0.5
    y = np.arange(DATA.y, DATA.bottom, dtype=np.float32)[:, None] + 0.5
    return x, y


def _build_set(seed: int) -> _Set:
    rng = np.random.default_rng([seed])
    x, y = _grid()
    left, right = 652 - 0.055 * y, 728 + 0.065 * y
    post_matte = smooth_step((x - left + 20) / 40) * smooth_step((right + 24 - x) / 48)
    bark = np.exp(0.25 * _soft_noise(rng, 26, 1) + 0.3 * _soft_noise(rng, 70, 1))
    side_light = 0.35 + 1.1 * smooth_step((x - 690) / 90) ** 2  # the lamps reach round its right side
    post = (bark * side_light)[..., None] * np.array([0.016, 0.012, 0.009], np.float32)
    radius = np.hypot((x - 640) / 740, (y - 360) / 740)
    return _Set(
        foliage=_foliage(rng),
        lamps=_festoon(x, y),
        post=post.astype(np.float32),
        post_matte=post_matte.astype(np.float32),
        vignette=(1 / (1 + 0.55 * radius**2) ** 2).astype(np.float32),
    )


def _soft_noise(rng: np.random.Generator, sigma: float, channels: int) -> np.ndarray:
    """Generate a smooth random field, mean 0, standard deviation 1; `sigma` in pixels; (height, width[, channels])."""
    height, width = DATA.height // 4, DATA.width // 4
    field = rng.standard_normal((height, width, channels), np.float32)
    field = cv2.GaussianBlur(field, (0, 0), sigma / 4, borderType=cv2.BORDER_REFLECT).reshape(height, width, channels)
    field = (field - field.mean()) / field.std()
    return cv2.resize(field, (DATA.width, DATA.height), interpolation=cv2.INTER_CUBIC)


def _foliage(rng: np.random.Generator) -> np.ndarray:
    """Generate leaves far out of focus: soft light and dark areas, and the overlapping discs of a wide-open lens."""
    field = (0.55 * _soft_noise(rng, 64, 1) + 0.18 * _soft_noise(rng, 20, 1))[..., None] + 0.07 * _soft_noise(
        rng, 50, 3
    )
    discs = np.zeros((DATA.height, DATA.width), np.float32)
    for _ in range(130):
        place = rng.uniform(620, DATA.right), rng.uniform(DATA.y, DATA.bottom)
        _add_disc(discs, *place, radius=rng.uniform(13, 30), value=0.16 * rng.standard_exponential(), softness=5)
    return np.exp(field - 0.75 + cv2.GaussianBlur(discs, (0, 0), 2.0)[..., None]).astype(np.float32)


def _add_disc(layer: np.ndarray, x: float, y: float, *, radius: float, value: float, softness: float) -> None:
    box = Window.around(np.array([[x, y]]), radius + softness).intersect(DATA)
    if box.empty:
        return
    columns = np.arange(box.x, box.right, dtype=np.float32)[None, :] + 0.5 - x
    rows = np.arange(box.y, box.bottom, dtype=np.float32)[:, None] + 0.5 - y
    layer[box.slices(DATA)] += value * smooth_step((radius + softness / 2 - np.hypot(columns, rows)) / softness)


def _festoon(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Draw bulbs with the halo of a lens and humid air."""
    layer = np.zeros((DATA.height, DATA.width), np.float32)
    for cx, cy, radius, peak in _LAMPS:
        _add_disc(layer, cx, cy, radius=radius, value=peak, softness=radius * 0.7)
        away = np.hypot(x - cx, y - cy)
        layer += peak * (0.045 * np.exp(-away / (1.1 * radius)) + 0.010 * np.exp(-away / (4.5 * radius)))
    # The bulb itself is white; its halo keeps the filament's colour.
    white = smooth_step((layer - 1) / 12)[..., None]
    return layer[..., None] * (_LAMP_COLOUR * (1 - 0.4 * white) + 0.4 * white)


# One frame ----------------------------------------------------------------------------------------------------------


def _photograph(frame: _Frame, scenery: _Set, to_acescg: Any) -> tuple[np.ndarray, np.ndarray]:
    """Compute (light (h, w, 3) in ACEScg without grain, depth (h, w) in metres), both float32 over the data window."""
    picture = _scene_light(frame.path, to_acescg)
    _add_catch_lights(picture, frame.irises)
    rows = slice(DATA.y - int(ORIGIN[1]), DATA.bottom - int(ORIGIN[1]))
    matte = cv2.resize(frame.matte, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)[rows]
    light = _background(picture, frame.matte)[rows] * scenery.foliage
    # The picture ends behind the post; there the drawn background replaces it.
    shown = smooth_step((_SIDE - 1 - np.arange(_SIDE, dtype=np.float32)) / 30)[None, :, None]
    head = np.zeros((DATA.height, DATA.width), np.float32)
    head[:, :_SIDE] = matte
    light[:, :_SIDE] += shown * (picture[rows] - light[:, :_SIDE])
    light += scenery.lamps * (1 - head)[..., None]
    light += scenery.post_matte[..., None] * (scenery.post - light)
    light *= scenery.vignette[..., None]
    return light, _depth(head, frame.irises, scenery.post_matte)


def _scene_light(path: Path, to_acescg: Any) -> np.ndarray:
    """Convert the picture to scene light (704, 704, 3), ACEScg, with its highlights expanded.

    Luminance 0.35 (skin) stays within 7 %, 0.6 nearly doubles, 0.95 becomes 3.5: sheen and teeth exceed 1 as on a set.
    """
    picture = np.ascontiguousarray(decode(path, cv2.IMREAD_COLOR)[..., ::-1]).astype(np.float32) / 255
    to_acescg.applyRGB(picture)
    picture = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    luma = picture @ np.array([0.2722287, 0.6740818, 0.0536895], np.float32)
    # Computed from blurred luminance, so that sheen is expanded and the generator's fine texture is not.
    lift = (cv2.GaussianBlur(luma, (0, 0), 4) / 0.66) ** 6
    picture *= (1 + 3 * lift / (1 + lift))[..., None]
    return picture


def _add_catch_lights(picture: np.ndarray, irises: np.ndarray) -> None:
    """Add the practical lamp's reflection to either cornea: small, round, up and towards the lamp."""
    for (x, y, radius), peak in zip(irises * SCALE, (12.0, 10.5), strict=True):
        centre = np.array([x + 0.26 * radius, y - 0.24 * radius])
        reach, sigma = 9, 0.062 * radius
        left, top = np.floor(centre).astype(int) - reach
        columns = np.arange(left, left + 2 * reach) + 0.5 - centre[0]
        rows = np.arange(top, top + 2 * reach) + 0.5 - centre[1]
        spot = peak * np.exp(-(columns[None, :] ** 2 + rows[:, None] ** 2) / (2 * sigma**2))
        colour = 0.6 + 0.4 * _LAMP_COLOUR
        picture[top : top + 2 * reach, left : left + 2 * reach] += (spot[..., None] * colour).astype(np.float32)


def _background(picture: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """Compute the background behind the head, mirrored at the picture's right edge and blurred: (704, data width, 3).

    A normalised convolution (Knutsson & Westin 1993): pixels of the head have no weight.
    """
    side, width = _SIDE // _COARSE, DATA.width // _COARSE
    weight = np.clip(1 - 2 * cv2.resize(matte, (side, side), interpolation=cv2.INTER_AREA), 0, 1)[..., None]
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    known = np.pad(np.dstack([small * weight, weight]), ((0, 0), (0, width - side), (0, 0)), mode="symmetric")
    # A second, very wide blur fills what the first cannot reach.
    total = cv2.GaussianBlur(known, (0, 0), 4) + 0.01 * cv2.GaussianBlur(known, (0, 0), 16)
    colour = np.ascontiguousarray(total[..., :3] / np.maximum(total[..., 3:], 1e-6))
    return cv2.resize(colour, (DATA.width, _SIDE), interpolation=cv2.INTER_LINEAR)


def _depth(head: np.ndarray, irises: np.ndarray, post_matte: np.ndarray) -> np.ndarray:
    """Compute metres from the camera: foliage at 5 to 7, the head at 1.6 with its face 0.14 nearer, the post at 0.7."""
    x, y = _grid()
    eyes = irises[:, :2].mean(axis=0) * SCALE + np.array(ORIGIN, np.float32)
    reach = float(np.linalg.norm(irises[1, :2] - irises[0, :2])) * SCALE
    bulge = np.exp(-((x - eyes[0]) ** 2 + ((y - eyes[1] - 0.45 * reach) * 0.75) ** 2) / (2 * (0.75 * reach) ** 2))
    depth = np.broadcast_to(7 - 2 * (y - DATA.y) / DATA.height, head.shape)
    depth = depth + head * (1.6 - 0.14 * bulge - depth)
    return (depth + post_matte * (0.7 - depth)).astype(np.float32)
