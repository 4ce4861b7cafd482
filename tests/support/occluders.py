"""Occluders of known alpha for the tests and `bench/occlusion_table.py`: a hand and strands drawn over a demo person.

Drawn here and nowhere else: the network that ships was trained on other shapes (`tests/truth/make_occlusion.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.comp.matte import hull_matte
from faceplate.comp.occlusion import SIDE, square_matrix
from faceplate.face import Face
from faceplate.face.align import apply, resample
from faceplate.image.frame import Frame
from faceplate.image.window import Window

__all__ = [
    "DARK_FRAME",
    "DARK_HAIR",
    "LIGHT_HAIR",
    "METAL_FRAME",
    "OTHER_TONES",
    "Scene",
    "as_plate",
    "held_back",
    "inside",
    "network_square",
    "skin_of",
    "with_glasses",
    "with_hand",
    "with_strands",
]

Scene = tuple[np.ndarray, Face, Window]
"""Working-space pixels around a face, the face, their window."""

OTHER_TONES = (np.array([0.55, 0.40, 0.32]), np.array([0.07, 0.045, 0.035]))
DARK_FRAME, METAL_FRAME = np.array([0.03, 0.022, 0.02]), np.array([0.36, 0.33, 0.28])
DARK_HAIR, LIGHT_HAIR = np.array([0.02, 0.014, 0.01]), np.array([0.6, 0.45, 0.28])


def as_plate(frame: Frame, face: Face, size: float = 450.0) -> Scene:
    """A demo view as a plate with a face of `size` pixels."""
    scale = size / face.size
    matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
    face = face.moved(face.points * scale)
    window = face.window(0.08).intersect(Window(0, 0, *(int(side * scale) for side in frame.pixels.shape[1::-1])))
    return resample(frame.working(), frame.window, matrix, window), face, window


# The hand lies in the unit square with its fingers up.

_HAND = np.array(
    [(.30, 1.6), (.29, .98), (.17, .84), (.05, .66), (.02, .58), (.07, .54), (.15, .61), (.26, .71), (.25, .55),
     (.21, .26), (.22, .20), (.27, .19), (.30, .25), (.34, .50), (.37, .50), (.38, .12), (.41, .06), (.46, .06),
     (.48, .13), (.48, .50), (.51, .50), (.55, .16), (.59, .11), (.64, .13), (.65, .19), (.60, .52), (.63, .54),
     (.72, .31), (.77, .28), (.81, .31), (.80, .38), (.73, .62), (.70, .84), (.66, .98), (.66, 1.6)]
)  # fmt: skip


def hand(shape: tuple[int, int], centre: np.ndarray, size: float, angle: float, tone: np.ndarray, seed: int):
    """A hand in colour `tone` with its own shading, creases and texture: pixels (h, w, 3) and alpha (h, w)."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    outline = (_smooth(_HAND) - (0.45, 0.6)) * size @ turn.T + centre
    alpha = _drawn(shape, lambda big, k: cv2.fillPoly(big, [_fixed(outline, k)], 255, cv2.LINE_8, 4))
    depth = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    round_ = cv2.GaussianBlur(np.sqrt(np.minimum(depth, 0.07 * size) * 0.07 * size), (0, 0), 0.008 * size)
    gx, gy = np.gradient(round_, axis=1), np.gradient(round_, axis=0)
    light = np.array([-0.5, -0.5, 0.7])
    lambert = (light[2] - gx * light[0] - gy * light[1]) / np.sqrt(1 + gx * gx + gy * gy)
    rng = np.random.default_rng(seed)
    texture = sum(_noise(rng, shape, size * s) * a for s, a in ((0.15, 0.06), (0.02, 0.03), (0.006, 0.03)))
    creases = np.ones(shape)
    rows, columns = np.indices(shape)
    local = (np.stack([columns + 0.5, rows + 0.5], -1) - centre) @ turn / size + (0.45, 0.6)
    for y in (0.33, 0.47, 0.72):
        creases -= 0.15 * np.exp(-(((local[..., 1] - y - 0.03 * np.sin(9 * local[..., 0])) / 0.006) ** 2))
    shading = np.maximum(0.35 + 0.75 * lambert, 0.1) * np.exp(texture) * creases
    return (tone * shading[..., None]).astype(np.float32), alpha


def strands(shape: tuple[int, int], centre: np.ndarray, size: float, colour: np.ndarray, seed: int):
    """Seven curved strands 2 to 6 pixels wide across `centre`: pixels (h, w, 3) and alpha (h, w)."""
    rng = np.random.default_rng(seed)
    t = np.linspace(-0.5, 0.5, 60)
    alpha, tint = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    for width in (2, 2, 3, 3, 4, 5, 6):
        start, angle = centre + rng.normal(0, 0.12, 2) * size, rng.uniform(0, np.pi)
        bow = rng.uniform(-0.25, 0.25)
        along = np.stack([t, bow * (t * t - 0.1) + 0.02 * np.sin(9 * t + rng.uniform(0, 6))], -1) * size
        line = start + along @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        one = _drawn(shape, lambda big, k: cv2.polylines(big, [_fixed(line, k)], False, 255, width * k, cv2.LINE_8, 4))  # noqa: B023
        tint = tint * (1 - one) + one * rng.uniform(0.7, 1.2)
        alpha = np.maximum(alpha, one)
    return (colour * tint[..., None]).astype(np.float32), alpha


def glasses(shape: tuple[int, int], eyes: np.ndarray, colour: np.ndarray, seed: int):
    """Round-cornered frames around `eyes` (2, 2), right and left, with bridge and temples: pixels (h, w, 3) and alpha (h, w)."""
    rng = np.random.default_rng(seed)
    across = eyes[1] - eyes[0]
    apart = float(np.linalg.norm(across))
    along = across / apart
    down = np.array([-along[1], along[0]])
    t = np.linspace(0, 2 * np.pi, 80)
    rim = np.stack(
        [0.37 * np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.6, 0.27 * np.sign(np.sin(t)) * np.abs(np.sin(t)) ** 0.6]
    )
    places = [eye + apart * (rim[0][:, None] * along + (rim[1][:, None] + 0.06) * down) for eye in eyes]
    bridge = [eyes[0] + apart * (part * along - lift * down) for part, lift in ((0.36, 0.0), (0.5, 0.07), (0.64, 0.0))]
    temples = [[eyes[0] - apart * (reach * along + 0.08 * down) for reach in (0.36, 0.75)]]
    temples.append([eyes[1] + apart * (reach * along - 0.08 * down) for reach in (0.36, 0.75)])
    thick = max(round(0.05 * apart), 2)

    def draw(big: np.ndarray, k: int) -> None:
        for line in (*places, np.array(bridge), *map(np.array, temples)):
            cv2.polylines(big, [_fixed(line, k)], False, 255, thick * k, cv2.LINE_8, 4)

    shine = np.exp(0.25 * _noise(rng, shape, 0.1 * apart))
    return (colour * shine[..., None]).astype(np.float32), _drawn(shape, draw)


def _smooth(loop: np.ndarray) -> np.ndarray:
    t = (np.arange(8) / 8)[:, None, None]
    a, b, c, d = (np.roll(loop, k, axis=0) for k in (1, 0, -1, -2))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def _fixed(points: np.ndarray, factor: int) -> np.ndarray:
    return np.round((points * factor - 0.5) * 16).astype(np.int32)


def _drawn(shape: tuple[int, int], draw: Callable[[np.ndarray, int], object]) -> np.ndarray:
    big = np.zeros((shape[0] * 4, shape[1] * 4), np.uint8)
    draw(big, 4)
    return cv2.resize(big, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> np.ndarray:
    small = rng.standard_normal((max(int(shape[0] / sigma), 2), max(int(shape[1] / sigma), 2)))
    return cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC)


def covered(plate: Scene, fill: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The plate with an occluder over it, mixed in scene-linear light."""
    return (plate[0] * (1 - alpha[..., None]) + fill * alpha[..., None]).astype(np.float32)


def inside(plate: Scene, erode: float = 0.0) -> np.ndarray:
    return hull_matte(plate[1], plate[2], erode=erode, feather=0.0) > 0.5


def skin_of(plate: Scene) -> np.ndarray:
    """The median colour of the middle of the face."""
    return np.median(plate[0][inside(plate, 0.1)], axis=0)


def at_the_face(plate: Scene, right: float, down: float) -> np.ndarray:
    """A place on the plate's pixels, in parts of the face from the tip of its nose."""
    _, face, window = plate
    return face.points[1, :2] - (window.x, window.y) + np.array([right, down]) * face.size


def held_back(color: ColorConfig, pixels: np.ndarray, plate: Scene, alpha: np.ndarray, matte: np.ndarray) -> float:
    """Of the occluder's pixels inside the hull, the part that changes by less than 2 % of the plate's luminance when
    a face that is three times as dark is put under (1 - occlusion)."""
    hull = hull_matte(plate[1], plate[2], erode=0.0, feather=0.05)
    over = pixels + (hull * (1 - matte))[..., None] * (pixels / 3 - pixels)
    before = color.luminance(pixels)
    change = np.abs(color.luminance(over) - before) / np.maximum(before, 1e-6)
    asked = (alpha > 0.9) & (hull > 0.5)
    assert asked.sum() > 200
    return float((change[asked] < 0.02).mean())


def with_hand(plate: Scene, tone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The plate with a hand that comes from below over one cheek and the mouth, and its alpha."""
    fill, alpha = hand(plate[0].shape[:2], at_the_face(plate, 0.12, 0.15), 0.75 * plate[1].size, 0.3, tone, 1)
    return covered(plate, fill, alpha), alpha


def with_strands(plate: Scene, colour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    fill, alpha = strands(plate[0].shape[:2], at_the_face(plate, 0.0, -0.05), plate[1].size, colour, 4)
    return covered(plate, fill, alpha), alpha


def with_glasses(plate: Scene, colour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The plate with glasses of clear lenses on, and the alpha of their frame."""
    _, face, window = plate
    eyes = np.stack([face.points[468:473, :2].mean(axis=0), face.points[473:478, :2].mean(axis=0)])
    fill, alpha = glasses(plate[0].shape[:2], eyes - (window.x, window.y), colour, 3)
    return covered(plate, fill, alpha), alpha


def network_square(frame: Frame, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """A picture in the occlusion network's square: linear Rec.709, float32 (SIDE, SIDE, 3), and the mesh there (478, 3)."""
    matrix = square_matrix(face, 1.0)
    seen = resample(frame.color.to_linear709(frame.working()), frame.window, matrix, Window(0, 0, SIDE, SIDE))
    return seen, np.column_stack([apply(matrix, face.points[:, :2]), face.points[:, 2]])
