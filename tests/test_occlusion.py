"""Occlusion: a hand or strands in front of a face stay in front, and an uncovered face is left alone."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp.matte import hull_matte
from faceplate.comp.occlusion import occlusion_matte
from faceplate.face import Face
from faceplate.face.align import resample
from faceplate.frame import Frame
from faceplate.window import Window

Scene = tuple[np.ndarray, Face, Window]
PEOPLE = ("ada", "bea", "cal", "dot", "eve", "fox")
FACE = 450.0


@pytest.fixture(scope="session")
def scene(still: Callable[[str], Frame], found: Callable[[str], Face]) -> Callable[[str], Scene]:
    """A demo view as a plate with a face of 450 pixels: working-space pixels around it, the face, their window."""

    def make(name: str, size: float = FACE) -> Scene:
        frame, face = still(name), found(name)
        scale = size / face.size
        matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
        face = face.moved(face.points * scale)
        window = face.window(0.08).intersect(Window(0, 0, *(int(side * scale) for side in frame.pixels.shape[1::-1])))
        return resample(frame.working(), frame.window, matrix, window), face, window

    return make


# The occluders, drawn here and nowhere else. The hand lies in the unit square with its fingers up.

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


VIEWS = ("front", "left", "right", "open", "closed", "smile")
OTHER_TONES = (np.array([0.55, 0.40, 0.32]), np.array([0.07, 0.045, 0.035]))
DARK_HAIR, LIGHT_HAIR = np.array([0.02, 0.014, 0.01]), np.array([0.6, 0.45, 0.28])


def other_tone(plate: Scene) -> np.ndarray:
    """The skin tone of the two that is farther from the face's own."""
    own = float(skin_of(plate).mean())
    return max(OTHER_TONES, key=lambda tone: abs(np.log(tone.mean() / own)))


def with_hand(plate: Scene, tone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The plate with a hand that comes from below over one cheek and the mouth, and its alpha."""
    fill, alpha = hand(plate[0].shape[:2], at_the_face(plate, 0.12, 0.15), 0.75 * plate[1].size, 0.3, tone, 1)
    return covered(plate, fill, alpha), alpha


def with_strands(plate: Scene, colour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    fill, alpha = strands(plate[0].shape[:2], at_the_face(plate, 0.0, -0.05), plate[1].size, colour, 4)
    return covered(plate, fill, alpha), alpha


def test_nothing_is_hidden_at_sensitivity_zero(color: ColorConfig, scene: Callable[[str], Scene]) -> None:
    pixels, _ = with_hand(scene("ada/front.jpg"), OTHER_TONES[1])
    matte = occlusion_matte(pixels, *scene("ada/front.jpg")[1:], color, sensitivity=0.0)
    assert matte.dtype == np.float32 and matte.shape == pixels.shape[:2]
    assert not matte.any()


def test_more_sensitivity_hides_more(color: ColorConfig, scene: Callable[[str], Scene]) -> None:
    plate = scene("dot/front.jpg")
    pixels, _ = with_hand(plate, skin_of(plate))
    amounts = [
        float(occlusion_matte(pixels, *plate[1:], color, sensitivity=s)[inside(plate)].mean())
        for s in (0.0, 0.02, 0.25, 0.5, 0.75, 1.0)
    ]
    assert all(np.diff(amounts) >= -1e-3) and amounts[-1] > amounts[1]


@pytest.mark.parametrize("stops", [-4, 3])
def test_exposure_changes_nothing(color: ColorConfig, scene: Callable[[str], Scene], stops: int) -> None:
    plate = scene("eve/open.jpg")
    pixels, _ = with_hand(plate, skin_of(plate))
    before = occlusion_matte(pixels, *plate[1:], color)
    assert before.max() > 0.9
    after = occlusion_matte(pixels * np.float32(2.0**stops), *plate[1:], color)
    assert np.abs(after - before).max() < 0.01


def test_the_working_space_changes_nothing(scene: Callable[[str], Scene], color: ColorConfig) -> None:
    plate = scene("bea/front.jpg")
    pixels, _ = with_hand(plate, skin_of(plate))
    linear = ColorConfig.load(working="Linear Rec.709 (sRGB)", environ={})
    before = occlusion_matte(pixels, *plate[1:], color)
    after = occlusion_matte(color.to_linear709(pixels), *plate[1:], linear)
    assert before.max() > 0.9 and np.abs(after - before).max() < 0.01


def test_the_same_pixels_give_the_same_matte(color: ColorConfig, scene: Callable[[str], Scene]) -> None:
    plate = scene("cal/right.jpg")
    pixels, _ = with_hand(plate, skin_of(plate))
    assert np.array_equal(occlusion_matte(pixels, *plate[1:], color), occlusion_matte(pixels.copy(), *plate[1:], color))


@pytest.mark.xfail(strict=True, reason="known defect: the network that ships misses this hand (mean error 0.27)")
@pytest.mark.parametrize("tone", OTHER_TONES)
def test_a_hand_stays_in_front(color: ColorConfig, scene: Callable[[str], Scene], tone: np.ndarray) -> None:
    plate = scene("ada/front.jpg")
    pixels, alpha = with_hand(plate, tone)
    matte = occlusion_matte(pixels, *plate[1:], color)
    assert np.abs(matte - alpha)[inside(plate)].mean() < 0.05
    assert held_back(color, pixels, plate, alpha, matte) >= 0.95


@pytest.mark.xfail(strict=True, reason="known defect: the network misses this hand, squeezed or not (mean error 0.27)")
def test_a_squeezed_plate_gives_the_squeezed_matte(color: ColorConfig, scene: Callable[[str], Scene]) -> None:
    pixels, face, window = scene("ada/front.jpg")
    over, alpha = with_hand((pixels, face, window), OTHER_TONES[1])
    half = Window(window.x // 2, window.y, window.width // 2, window.height)
    squeeze = np.array([[0.5, 0, half.x - 0.5 * window.x], [0, 1, 0]], np.float64)
    thin = face.moved(np.column_stack([face.points[:, :2] @ squeeze[:, :2].T + squeeze[:, 2], face.points[:, 2]]))
    matte = occlusion_matte(resample(over, window, squeeze, half), thin, half, color, pixel_aspect=2.0)
    small = resample(alpha, window, squeeze, half)
    hull = hull_matte(thin, half, erode=0.0, feather=0.0) > 0.5
    assert np.abs(matte - small)[hull].mean() < 0.05


def test_where_a_window_cannot_be_seen_nothing_is_hidden(color: ColorConfig, scene: Callable[[str], Scene]) -> None:
    pixels, face, window = scene("ada/front.jpg")
    assert not occlusion_matte(np.zeros_like(pixels), face, window, color).any()
    empty = Window(window.x, window.y, 0, 0)
    assert occlusion_matte(np.zeros((0, 0, 3), np.float32), face, empty, color).shape == (0, 0)
