"""The plate of the course: an action shot of an invented man. See `docs/course/en/lesson1.md`.

The man's performance (1024 x 1024, sRGB) is cut out and stands in a set that is drawn here. A camera with a path of its own looks
at both, a lamp is switched on, and a hand passes in front of the face. All motion is continuous in time: a frame is the mean of
`SAMPLES` moments while the shutter is open, so its motion blur is that of the geometry. Everything is computed in scene-linear
ACEScg; grain is added last. Lengths are in pixels of a plate that is 1,080 pixels high; other sizes are scaled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.course import person
from faceplate.demo.footage import (
    FIRST,
    acescg_processor,
    add_grain,
    decode,
    make_folder,
    matte_spec,
    plate_spec,
    smooth_step,
    write_frame,
)
from faceplate.errors import UsageError
from faceplate.image.window import Window

__all__ = ["FRAMES", "HEIGHTS", "PATTERN", "ROTO", "SAMPLES", "SHUTTER", "make_course_plate"]

PATTERN = "plate.####.exr"
"""File names of the plate."""

ROTO = "hand.####.exr"
"""File names of the hand's matte, as a roto department would deliver it."""

FRAMES = {"full": 32, "small": 10}
"""Number of frames of either size."""

HEIGHTS = {"full": 1080, "small": 360}
"""Height of either size; the width is 16/9 of it."""

SHUTTER, SAMPLES = 0.5, 12
"""The part of a frame for which the shutter is open, and the moments whose mean a frame is."""

_HIGH, _WIDE = 1080, 1920
_SCALE, _ORIGIN = 0.9, (345.0, 200.0)
_MARGIN = 240
"""How far the set reaches beyond the frame."""

_PARALLAX = 0.45
"""How far the set follows the camera, as a part of the man's motion."""

_MATTE_SIDE, _MATTES_ACROSS = 128, 4
_DAYLIGHT = np.array([0.30, 0.36, 0.46], np.float32)
_LAMP = np.array([1.55, 1.05, 0.62], np.float32)
_LAMP_FROM = np.array([-0.72, -0.42, 0.55], np.float32)
"""Direction of the lamp as seen from the face: x to the right, y down, z to the camera."""

_SWITCH, _HAND, _WHIP = (2.0, 4.0), (4.5, 10.0), (17.0, 21.0)
"""Times of the lamp, of the hand and of the camera's whip, in frames from the first."""

_SKIN = np.array([0.46, 0.29, 0.21], np.float32)
# The hand, fingers up, as capsules (x0, y0, x1, y1, radius) in its own pixels.
_HAND_WIDE, _HAND_HIGH, _WRIST = 640, 1500, (320, 560)
_BONES = (
    (300, 420, 300, 560, 92), (380, 420, 372, 560, 84), (334, 560, 338, 700, 80), (338, 700, 344, 1600, 88),
    (246, 360, 214, 180, 34), (312, 350, 306, 140, 36), (376, 352, 396, 160, 34), (432, 384, 480, 232, 29),
    (228, 500, 130, 400, 40), (130, 400, 88, 318, 33),
)  # fmt: skip
_FIELDS = {
    "lensModel": "Faceplate Demo Prime 50 mm T2",
    "reelName": "COURSE_A001",
    "Copyright": "Faceplate course; the person in this plate does not exist",
    "ImageDescription": "Faceplate course plate. The person does not exist: made with MobileStyleGAN.",
    "FNumber": 2.8,
    "nominalFocalLength": 50.0,
}


@dataclass(frozen=True)
class _Layers:
    """The parts of the scene that do not change: float32, ACEScg.

    `set_day` and `set_lamp` are the set in daylight and by its lamps, (h, w, 3). `hand` has red, green and blue by daylight and
    by the lamp, and alpha: (h, w, 7), premultiplied.
    """

    set_day: np.ndarray
    set_lamp: np.ndarray
    hand: np.ndarray


@dataclass(frozen=True)
class _Pose:
    """One frame of the performance: picture file, matte (128, 128) and the middles of the eyes (2, 2)."""

    path: Path
    matte: np.ndarray
    eyes: np.ndarray


def make_course_plate(
    folder: Path,
    *,
    roto: Path | None = None,
    frames: int = FRAMES["full"],
    height: int = HEIGHTS["full"],
    seed: int = 11,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Write frames 1001 onwards into `folder`; return their pattern, `plate.####.exr`.

    Half-float R, G, B in ACEScg. A frame's pixels depend on its number, `height` and `seed` alone, not on how many frames
    there are. A frame gets its final name only when it is complete.

    Parameters
    ----------
    folder : Path
        Created if necessary.
    roto : Path, optional
        A folder for the hand's mattes, created if necessary: half-float R, 1 where the hand covers, with its motion blur.
    frames, height : int
        Number of frames, and their height in pixels: at least 120, divisible by 9.
    seed : int
        Seed of the set and the grain.
    progress : callable, optional
        Called with (frames done, total frames).

    Raises
    ------
    UsageError
        `no-frames` or `bad-size`.
    RenderError
        `cannot-write` or `demo-damaged`.
    """
    if frames < 1:
        raise UsageError("no-frames", "The course's plate needs at least one frame.")
    if height < 120 or height % 9:
        raise UsageError(
            "bad-size", f"A height of {height} pixels is not possible: take one of 120 or more that 9 divides."
        )
    folder = Path(folder)
    for place in (folder, *([roto] if roto else [])):
        make_folder(place)
    poses, to_acescg = _poses(), acescg_processor()
    layers = _layers(poses[0], height / _HIGH, seed, to_acescg)
    window = Window(0, 0, height * 16 // 9, height)
    for done, number in enumerate(range(FIRST, FIRST + frames), start=1):
        light, matte = _photograph(number - FIRST, poses, layers, window, to_acescg)
        light = add_grain(light, np.random.default_rng([seed, number]))
        spec = plate_spec(number, window, window, depth=False, fields=_FIELDS)
        write_frame(folder / f"plate.{number:04d}.exr", spec, light)
        if roto is not None:
            write_frame(roto / f"hand.{number:04d}.exr", matte_spec(number, window), matte)
        if progress is not None:
            progress(done, frames)
    return PATTERN


def _poses() -> tuple[_Pose, ...]:
    folder = person("gus") / "performance"
    eyes = json.loads((folder / "guide" / "eyes.json").read_text())
    mattes = decode(folder / "guide" / "mattes.png", cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
    found = []
    for i, name in enumerate(sorted(eyes)):
        row, column = (_MATTE_SIDE * place for place in divmod(i, _MATTES_ACROSS))
        matte = mattes[row : row + _MATTE_SIDE, column : column + _MATTE_SIDE]
        matte = cv2.morphologyEx(matte, cv2.MORPH_CLOSE, np.ones((5, 5)))
        found.append(_Pose(folder / f"gus.{name}.jpg", matte, np.array(eyes[name], np.float32)))
    return tuple(found)


# Motion and light over time -----------------------------------------------------------------------------------------


def _between(t: float, span: tuple[float, float]) -> float:
    """Return how far the time `t` is through `span`, 0 to 1, with a smooth start and end."""
    return float(smooth_step(np.array((t - span[0]) / (span[1] - span[0]))))


def _camera(t: float) -> tuple[float, float, float, float]:
    """Return the camera's shift in x and y, its roll in degrees and its zoom: hand-held, with a push-in and a whip."""
    whip = _between(t, _WHIP) - _between(t, (_WHIP[1] + 2, _WHIP[1] + 9))
    x = 26 * np.sin(0.31 * t) + 9 * np.sin(0.93 * t + 1.1) - 2.2 * t + 190 * whip
    y = 12 * np.sin(0.43 * t + 0.4) + 6 * np.sin(1.17 * t)
    return float(x), float(y), float(0.9 * np.sin(0.27 * t + 0.5)), float(1 + 0.0035 * t)


def _similarity(x: float, y: float, degrees: float, zoom: float) -> np.ndarray:
    """Return a shift, and a turn and zoom about the middle of the frame: (3, 3)."""
    c, s = zoom * np.cos(np.radians(degrees)), zoom * np.sin(np.radians(degrees))
    middle = np.array([_WIDE / 2, _HIGH / 2])
    turn = np.array([[c, -s], [s, c]])
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = turn, middle - turn @ middle + (x, y)
    return matrix


def _to_man(t: float) -> np.ndarray:
    """Return the matrix from the performance's picture to the frame at time `t`, (3, 3); he sways and leans forward as he turns."""
    sway = np.array([30 * np.sin(0.22 * t + 0.3) + 34 * _between(t, (5, 8)), 9 * np.sin(0.44 * t)])
    place = np.array([[_SCALE, 0, _ORIGIN[0] + sway[0]], [0, _SCALE, _ORIGIN[1] + sway[1]], [0, 0, 1]])
    return _similarity(*_camera(t)) @ place


def _to_set(t: float) -> np.ndarray:
    """Return the matrix from the set's picture to the frame: it is far away, so the same camera moves it less."""
    x, y, roll, zoom = _camera(t)
    place = np.array([[1, 0, -_MARGIN], [0, 1, -_MARGIN], [0, 0, 1.0]])
    return _similarity(_PARALLAX * x, _PARALLAX * y, roll, 1 + _PARALLAX * (zoom - 1)) @ place


def _to_hand(t: float) -> np.ndarray:
    """Return the matrix from the hand's picture to the frame: in from the right, across cheek and mouth, out to the left."""
    way = (t - _HAND[0]) / (_HAND[1] - _HAND[0])
    x, y = 1560 - 1330 * way, 700 - 150 * np.sin(np.pi * np.clip(way, 0, 1))
    c, s = np.cos(np.radians(40 * way - 24)), np.sin(np.radians(40 * way - 24))
    place = np.array([[c, -s, x], [s, c, y], [0, 0, 1.0]]) @ np.array(
        [[1, 0, -_WRIST[0]], [0, 1, -_WRIST[1]], [0, 0, 1.0]]
    )
    return _similarity(*_camera(t)) @ place


def _lamp_at(t: float) -> float:
    """Return the lamp's share of its full light: it flickers once before it stays on."""
    return min(1.0, _between(t, _SWITCH) + 0.35 * np.exp(-((t - _SWITCH[0] + 1) ** 2) / 0.18))


# The set and the hand -----------------------------------------------------------------------------------------------


def _layers(pose: _Pose, scale: float, seed: int, to_acescg: Any) -> _Layers:
    rng = np.random.default_rng([seed])
    day, lamp = _set(pose, rng, to_acescg)
    size = (round((_WIDE + 2 * _MARGIN) * scale), round((_HIGH + 2 * _MARGIN) * scale))
    hand = (round(_HAND_WIDE * scale), round(_HAND_HIGH * scale))
    day, lamp = (cv2.resize(layer, size, interpolation=cv2.INTER_CUBIC) for layer in (day, lamp))
    # OpenCV reduces four channels at a time.
    drawn = np.split(_hand(rng), (3,), axis=2)
    return _Layers(day, lamp, np.dstack([cv2.resize(part, hand, interpolation=cv2.INTER_AREA) for part in drawn]))


def _set(pose: _Pose, rng: np.random.Generator, to_acescg: Any) -> tuple[np.ndarray, np.ndarray]:
    """Draw the place: the picture's background, far out of focus, with foliage and a row of lamps; by day and by lamp."""
    height, width = (_HIGH + 2 * _MARGIN) // 2, (_WIDE + 2 * _MARGIN) // 2  # soft enough to be drawn at half size
    colour = _behind(_scene_light(pose.path, to_acescg), pose.matte, 64)
    colour = cv2.GaussianBlur(np.hstack([colour[:, ::-1], colour, colour[:, ::-1]]), (0, 0), 6)
    field = _noise(rng, (height, width), 45) * 0.55 + _noise(rng, (height, width), 17) * 0.22
    day = cv2.resize(colour, (width, height), interpolation=cv2.INTER_CUBIC) * np.exp(field - 0.5)[..., None]
    x, y = 2 * np.arange(width, dtype=np.float32)[None, :] + 1, 2 * np.arange(height, dtype=np.float32)[:, None] + 1
    lamp = day * (0.25 + 1.6 * np.exp(-((x - 300) ** 2 + (y - 420) ** 2) / 900**2))[..., None] * _LAMP
    for cx, cy, radius, peak in ((320, 390, 66, 26), (690, 330, 40, 9), (1560, 350, 34, 7), (1930, 400, 48, 11)):
        away = np.hypot(x - cx, y - cy)
        disc = peak * (0.35 + 0.65 * np.exp(-((away / radius) ** 2) * 2)) * smooth_step((radius + 6 - away) / 12)
        disc += peak * 0.03 * np.exp(-away / (2.5 * radius))
        lamp += disc[..., None] * np.array([1.0, 0.78, 0.48], np.float32)
    for _ in range(60):  # leaves that catch the light, as discs of the open lens
        cx, cy, radius = rng.uniform(0, 2 * width), rng.uniform(0, 1.4 * height), rng.uniform(18, 40)
        disc = smooth_step((radius + 4 - np.hypot(x - cx, y - cy)) / 8)[..., None]
        day += disc * rng.standard_exponential() * 0.05 * np.array([0.6, 0.9, 0.5], np.float32)
    return (day * _DAYLIGHT * 2.0).astype(np.float32), lamp.astype(np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> np.ndarray:
    """Generate a smooth random field, mean 0, standard deviation 1."""
    field = rng.standard_normal((shape[0] // 6 + 1, shape[1] // 6 + 1), np.float32)
    field = cv2.GaussianBlur(field, (0, 0), sigma / 6, borderType=cv2.BORDER_REFLECT)
    field = (field - field.mean()) / field.std()
    return cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _hand(rng: np.random.Generator) -> np.ndarray:
    """Shade a hand of capsules: its height is the highest of their surfaces, its light follows the normals."""
    y, x = np.mgrid[:_HAND_HIGH, :_HAND_WIDE].astype(np.float32) + 0.5
    height, inside = np.zeros_like(x), np.full_like(x, -1e3)
    for x0, y0, x1, y1, radius in _BONES:
        along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        away = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
        inside = np.maximum(inside, radius - away)
        height = np.maximum(height, np.sqrt(np.maximum(radius**2 - away**2, 0)) * 0.8)
    alpha = smooth_step((inside + 1.5) / 3)
    height = cv2.GaussianBlur(height, (0, 0), 5) + 1.2 * _noise(rng, x.shape, 12) + 0.35 * _noise(rng, x.shape, 6)
    slope = np.dstack([-np.gradient(height, axis=1), -np.gradient(height, axis=0), np.ones_like(x)])
    normal = slope / np.linalg.norm(slope, axis=2, keepdims=True)
    day = (0.45 - 0.35 * normal[..., 1] + 0.3 * normal[..., 2])[..., None] * _SKIN * _DAYLIGHT * 1.6
    towards = normal @ (_LAMP_FROM / np.linalg.norm(_LAMP_FROM))
    # Light that went through skin is redder beyond the terminator.
    lamp = np.maximum((towards[..., None] + np.array([0.25, 0.2, 0.17])) / 1.25, 0) ** 1.2 * _SKIN * _LAMP
    return np.dstack([day * alpha[..., None], lamp * alpha[..., None], alpha]).astype(np.float32)


# One frame ----------------------------------------------------------------------------------------------------------


def _photograph(
    index: int, poses: tuple[_Pose, ...], layers: _Layers, window: Window, to_acescg: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Compute a frame's light without grain, float32 (h, w, 3), ACEScg, and the hand's matte, (h, w, 1)."""
    step = index % (2 * len(poses) - 2)
    pose = poses[min(step, 2 * len(poses) - 2 - step)]
    lamp, size, scale = _lamp_at(index), (window.width, window.height), window.height / _HIGH
    reduced = 1 if scale > 0.5 else 2  # a small plate does not need every pixel of the performance
    man = _man(pose, lamp, to_acescg, reduced)
    backdrop = layers.set_day + lamp * layers.set_lamp
    hand = np.dstack([layers.hand[..., :3] + lamp * layers.hand[..., 3:6], layers.hand[..., 6:]])
    passes = _HAND[0] - 2 < index < _HAND[1] + 2
    man[..., :3] *= (
        1 - (0.25 + 0.45 * lamp) * _shade(layers.hand[..., 6], index, scale, man.shape[0])[..., None] if passes else 1
    )
    total = np.zeros((window.height, window.width, 3), np.float32)
    covered = np.zeros((window.height, window.width, 1), np.float32)
    for moment in index + SHUTTER * ((np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5):
        light = _placed(backdrop, _to_set(moment), scale, scale, size)
        _lay_over(light, _placed(man, _to_man(moment), scale, 1 / reduced, size))
        if passes:
            # The hand is fast: twice as many moments, so that its blur shows no steps.
            pair = (moment - SHUTTER / SAMPLES / 4, moment + SHUTTER / SAMPLES / 4)
            early, late = (_placed(hand, _to_hand(time), scale, scale, size) for time in pair)
            over = cv2.addWeighted(early, 0.5, late, 0.5, 0)
            _lay_over(light, over)
            covered += over[..., 3:] / SAMPLES
        total += light
    x, y = np.meshgrid(
        np.linspace(-1, 1, size[0], dtype=np.float32), np.linspace(-0.5625, 0.5625, size[1], dtype=np.float32)
    )
    return total / SAMPLES / (1 + 0.28 * (x * x + y * y))[..., None] ** 2, covered


def _lay_over(light: np.ndarray, layer: np.ndarray) -> None:
    light *= 1 - layer[..., 3:]
    light += layer[..., :3]


def _shade(alpha: np.ndarray, t: float, scale: float, side: int) -> np.ndarray:
    """Compute the hand's soft shadow on the man, in the performance's picture, float32 (side, side)."""
    to_picture = np.linalg.inv(_to_man(t)) @ np.array([[1, 0, 60], [0, 1, 20], [0, 0, 1.0]]) @ _to_hand(t)
    eighth = np.diag([1 / 8, 1 / 8, 1]) @ to_picture @ np.diag([1 / scale, 1 / scale, 1])
    small = cv2.GaussianBlur(alpha, (0, 0), max(30 * scale, 0.5))
    return cv2.resize(cv2.warpAffine(small, eighth[:2], (128, 128)), (side, side), interpolation=cv2.INTER_CUBIC)


def _placed(layer: np.ndarray, matrix: np.ndarray, scale: float, drawn: float, size: tuple[int, int]) -> np.ndarray:
    """Warp a layer, drawn at `drawn` times its own units, onto a frame that is `scale` times 1,080 pixels high.

    Continuous coordinates have a pixel's centre at +0.5; OpenCV has it at 0.
    """
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    whole = np.linalg.inv(half) @ np.diag([scale, scale, 1]) @ matrix @ np.diag([1 / drawn, 1 / drawn, 1]) @ half
    ratio = scale * _SCALE / drawn
    if drawn != scale and ratio < 0.6:  # a small plate: prefilter, so that the picture does not alias
        layer = cv2.GaussianBlur(layer, (0, 0), 0.45 / ratio)
    return cv2.warpAffine(layer, whole[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _man(pose: _Pose, lamp: float, to_acescg: Any, reduced: int) -> np.ndarray:
    """Cut the man out and light him: premultiplied RGBA, float32 (side, side, 4) with 1024 / `reduced` as the side."""
    picture = _scene_light(pose.path, to_acescg)
    side = picture.shape[0] // reduced
    picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) if reduced > 1 else picture
    alpha = _refined(cv2.resize(pose.matte, (side, side), interpolation=cv2.INTER_CUBIC), picture, 9 // reduced)
    behind = cv2.resize(_behind(picture, pose.matte, 64), (side, side), interpolation=cv2.INTER_LINEAR)
    cut = np.maximum(picture - (1 - alpha[..., None]) * behind, 0) * smooth_step(alpha * 4)[..., None]
    return np.dstack([cut * _lit(pose, lamp, side), alpha]).astype(np.float32)


def _lit(pose: _Pose, lamp: float, side: int) -> np.ndarray:
    """Compute the light on the man: daylight from above, and the lamp's, by the normals of an ellipsoid around his head."""
    eyes = pose.eyes * (side / 1024)
    reach, middle = float(np.linalg.norm(eyes[1] - eyes[0])), eyes.mean(axis=0)
    y, x = np.mgrid[:side, :side].astype(np.float32) + 0.5
    u, v = (x - middle[0]) / (1.5 * reach), (y - middle[1] + 0.05 * reach) / (1.85 * reach)
    radius = np.hypot(u, v)
    bend = np.minimum(1, 0.93 / np.maximum(radius, 1e-3))
    normal = np.dstack([u * bend, v * bend, np.sqrt(np.maximum(1 - (radius * bend) ** 2, 0))])
    day = 0.9 - 0.35 * normal[..., 1] + 0.1 * normal[..., 0]
    towards = normal @ (_LAMP_FROM / np.linalg.norm(_LAMP_FROM))
    key = np.maximum((towards + 0.2) / 1.2, 0)
    key = cv2.GaussianBlur(key, (0, 0), side / 100)
    return day[..., None] * _DAYLIGHT + lamp * key[..., None] * _LAMP


def _scene_light(path: Path, to_acescg: Any) -> np.ndarray:
    """Convert a picture to scene light, ACEScg; sheen and teeth are expanded beyond 1 as a camera would record them."""
    picture = np.ascontiguousarray(decode(path, cv2.IMREAD_COLOR)[..., ::-1]).astype(np.float32) / 255
    to_acescg.applyRGB(picture)
    luma = picture @ np.array([0.2722287, 0.6740818, 0.0536895], np.float32)
    lift = (cv2.GaussianBlur(luma, (0, 0), 5) / 0.75) ** 6
    return picture * (1 + 1.5 * lift / (1 + lift))[..., None]


def _behind(picture: np.ndarray, matte: np.ndarray, side: int) -> np.ndarray:
    """Continue the background behind the man, (side, side, 3), by normalised convolution (Knutsson & Westin 1993)."""
    weight = np.clip(1 - 2.5 * cv2.resize(cv2.dilate(matte, np.ones((5, 5))), (side, side)), 0, 1)[..., None]
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    known = np.dstack([small * weight, weight])
    total = cv2.GaussianBlur(known, (0, 0), 2) + 0.01 * cv2.GaussianBlur(known, (0, 0), 14)
    return np.ascontiguousarray(total[..., :3] / np.maximum(total[..., 3:], 1e-6)).astype(np.float32)


def _refined(matte: np.ndarray, picture: np.ndarray, radius: int, epsilon: float = 6e-4) -> np.ndarray:
    """Let a coarse matte follow the picture's edges: the guided filter (He, Sun & Tang 2010) on the tone of the picture."""
    guide = np.log(np.maximum(picture.mean(axis=2), 1e-3)) / 7

    def mean(field: np.ndarray) -> np.ndarray:
        return cv2.blur(field, (2 * radius + 1, 2 * radius + 1))

    guide_mean, matte_mean = mean(guide), mean(matte)
    slope = (mean(guide * matte) - guide_mean * matte_mean) / (mean(guide * guide) - guide_mean**2 + epsilon)
    refined = mean(slope) * guide + mean(matte_mean - slope * guide_mean)
    return smooth_step((refined - 0.12) / 0.76).astype(np.float32)
