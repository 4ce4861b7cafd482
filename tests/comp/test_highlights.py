"""Highlights: shine of dark skin does not burn out on light skin."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp import calm_highlights, hull_matte
from faceplate.face import Face
from faceplate.generators import MeshGenerator
from faceplate.image.frame import Frame
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from occluders import as_plate
from pictures import ReadSource

SIZE, LEVEL = 200.0, 0.2


def skin(shine: float, tone: tuple[float, float, float] = (0.3, 0.2, 0.15)) -> np.ndarray:
    """Skin of one tone, (200, 200, 3), with white shine of strength `shine` on two spots and a shadow on a third."""
    rows, columns = np.indices((200, 200))
    spots = sum(np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / (2 * 6.0**2)) for r, c in ((60, 70), (90, 140)))
    shadow = 1 - 0.6 * np.exp(-((rows - 150) ** 2 + (columns - 100) ** 2) / (2 * 9.0**2))
    return (np.array(tone) * shadow[..., None] + shine * np.asarray(spots)[..., None]).astype(np.float32)


def calmed(generated: np.ndarray, plate: np.ndarray, amount: float = 1.0, level: float = LEVEL) -> np.ndarray:
    whole = np.ones(generated.shape[:2], np.float32)
    return calm_highlights(generated, plate, whole, size=SIZE, level=level, scale=0.25, amount=amount)


def test_strong_shine_is_held_to_the_plates() -> None:
    dark, light = skin(0.5, (0.08, 0.05, 0.04)), skin(0.12)
    result = calmed(dark, light)
    wanted = light[60, 70].mean() / light[20, 20].mean()
    before, after = (picture[60, 70].mean() / picture[20, 20].mean() for picture in (dark, result))
    assert before > 3 * wanted
    assert 0.75 * wanted < after < 1.35 * wanted
    # Shine has the lamp's colour; held down, it takes the skin's.
    assert result[60, 70, 0] / result[60, 70, 2] > 1.2 * dark[60, 70, 0] / dark[60, 70, 2]
    assert np.array_equal(result[150, 100], dark[150, 100])  # what is darker than the skin around stays bit for bit


def test_what_is_spared_stays_bit_for_bit_where_nothing_else_changes() -> None:
    """Teeth on dark skin are brighter than their surroundings without a highlight."""
    dark, light = skin(0.5, (0.08, 0.05, 0.04)), skin(0.12)
    whole, spared = np.ones(dark.shape[:2], np.float32), np.zeros(dark.shape[:2], np.float32)
    spared[40:80, 50:90] = 1
    result = calm_highlights(dark, light, whole, size=SIZE, level=LEVEL, scale=0.25, amount=1.0, spared=spared)
    assert np.allclose(result[60, 70], dark[60, 70], rtol=1e-5)
    assert np.array_equal(result[90, 140], calmed(dark, light)[90, 140])


def test_order_of_brightness_is_kept() -> None:
    dark = skin(0.5, (0.08, 0.05, 0.04))
    row = calmed(dark, skin(0.05))[60, 70:100].mean(axis=1)
    assert (np.diff(row) < 1e-4).all()


def test_weaker_or_equal_shine_is_left_alone() -> None:
    face = skin(0.2)
    assert calmed(face, skin(0.4)) is face
    assert calmed(face, face.copy()) is face
    assert calmed(skin(0.5), face, amount=0.0).tobytes() == skin(0.5).tobytes()


def test_amount_goes_from_nothing_to_all() -> None:
    dark, light = skin(0.5, (0.08, 0.05, 0.04)), skin(0.12)
    peaks = [float(calmed(dark, light, amount)[60, 70].mean()) for amount in (0.0, 0.3, 0.7, 1.0)]
    assert all(np.diff(peaks) < 0)


@pytest.mark.parametrize("stops", [-4, 4])
def test_exposure_changes_nothing(stops: int) -> None:
    dark, light, gain = skin(0.5, (0.08, 0.05, 0.04)), skin(0.12), np.float32(2.0**stops)
    assert np.allclose(
        calmed(dark * gain, light * gain, level=LEVEL * float(gain)) / gain, calmed(dark, light), rtol=1e-5
    )


def test_where_no_skin_is_seen_nothing_happens() -> None:
    dark = skin(0.5)
    none = np.zeros(dark.shape[:2], np.float32)
    assert calm_highlights(dark, skin(0.1), none, size=SIZE, level=LEVEL, scale=0.25, amount=1.0) is dark


@pytest.mark.parametrize(
    "target",
    [
        "ada",
        "bea",
        "cal",
        "fox",
    ],
)
def test_a_dark_face_does_not_burn_out_on_light_skin(
    target: str,
    read_picture: Callable[[str], Frame],
    face_in: Callable[[str], Face],
    color: ColorConfig,
    source_of: ReadSource,
) -> None:
    """The brightest hundredth of the face, grain and sparkle aside: no brighter than a third above the plate's own."""
    pixels, face, window = as_plate(read_picture(f"{target}/front.jpg"), face_in(f"{target}/front.jpg"))
    frame = Frame(pixels, window, color.working_space, color)
    generator = MeshGenerator(source_of("eve"))
    inside = hull_matte(face, window, erode=0.05, feather=0.0) > 0.5

    def brightest(values: dict[str, float]) -> float:
        swapped = swap_face(frame, face, generator, Parameters.model_validate({"mouth": "plate", **values}))
        result = pixels.copy()
        result[swapped.window.slices(window)] = swapped.over
        soft = [
            cv2.GaussianBlur(color.luminance(picture), (0, 0), 0.01 * face.size)[inside] for picture in (result, pixels)
        ]
        return float(np.percentile(soft[0], 99) / np.percentile(soft[1], 99))

    held, burnt = brightest({}), brightest({"light_highlights": 0.0})
    assert held < 1.34 and burnt > 1.1 * held, (held, burnt)
