"""Teeth stay rigid while the mouth's opening changes; the rows between the lips keep their order and reach both lips."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.face import Face, mouth, topology
from faceplate.face.raster import rasterise
from faceplate.face.shape import head_model
from faceplate.generators.mesh.mouth_warp import PlateMouth, _common_factor, most_growth
from faceplate.image.window import Window

SIZE = 400.0


def opened(gap: float) -> np.ndarray:
    """The mean head, 400 pixels high, with an opening of `gap` pixels between the lips' middles; the lower lip moves."""
    head = head_model().reference
    points = (head - head.min(axis=0)) * (SIZE / np.ptp(head[:, 1])) + 50
    upper, lower = mouth.edges(points)
    away = np.sin(np.linspace(0, np.pi, mouth.COLUMNS))
    for point in topology().mouth_loop:
        x = points[point, 0]
        if np.abs(lower - points[point, :2]).sum(axis=1).min() < np.abs(upper - points[point, :2]).sum(axis=1).min():
            points[point, 1] = np.interp(x, upper[:, 0], upper[:, 1]) + gap * np.interp(x, lower[:, 0], away)
    return points


def along_the_middle(
    plate: np.ndarray, picture: np.ndarray, teeth: np.ndarray, filled: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Along the mouth's middle, top to bottom: the place read in the picture, in its pixels under the upper lip, and the gap."""
    face = Face(plate, 1.0, 1.0, 0.2)
    window = Window.around(plate[:, :2], 20.0)
    raster = rasterise(plate, topology().closed, window, SIZE)
    places = raster.interpolate(picture[:, :2])
    found = PlateMouth.of(face, raster)
    assert found is not None
    gap = np.zeros(places.shape[:2], np.float32)
    gap[found.part] = found.keep_teeth(places, picture, teeth, filled)
    x = round(plate[13, 0] - window.x)
    top, bottom = (round(plate[point, 1] - window.y) for point in (13, 14))
    inside = slice(top + 2, bottom - 1)
    return places[inside, x, 1] - picture[13, 1], gap[inside, x]


def rows_read(plate: np.ndarray, picture: np.ndarray, teeth: np.ndarray) -> np.ndarray:
    """The vertical places in the picture, in its pixels under the upper lip, read along the mouth's middle, top to bottom."""
    return along_the_middle(plate, picture, teeth)[0]


@pytest.fixture(scope="module")
def teeth() -> np.ndarray:
    """Upper teeth down to two fifths of the opening, lower ones in its last fifth."""
    found = np.zeros((mouth.ROWS, mouth.COLUMNS), np.float32)
    found[:13], found[26:] = 1, 1
    return found


@pytest.mark.parametrize("gap", [50.0, 90.0])
def test_upper_teeth_keep_their_height_at_another_opening(gap: float, teeth: np.ndarray) -> None:
    picture = opened(70.0)
    read = rows_read(opened(gap), picture, teeth)
    step = np.diff(read[3:20]).mean()
    even = np.diff(rows_read(opened(gap), picture, np.zeros_like(teeth))[3:20]).mean()
    assert abs(even - 70 / gap) < 0.05  # without teeth everything is stretched alike
    assert abs(step - 1) < 0.2 and abs(step - 1) < 0.6 * abs(even - 1)


def test_teeth_that_touch_part_over_a_gap(teeth: np.ndarray) -> None:
    """Rows of teeth that touched were stretched together with the opening: there was nothing between them that could give way."""
    touching = np.ones_like(teeth)
    touching[19:21] = 0
    picture = opened(70.0)
    read, gap = along_the_middle(opened(140.0), picture, touching)
    steps = np.diff(read)
    assert np.abs(steps[6:34].mean() - 1) < 0.1 and np.abs(steps[-22:-6].mean() - 1) < 0.2
    assert gap[:34].max() < 0.1 and gap[-16:].max() < 0.1 and gap.max() > 0.9
    assert 40 < (gap > 0.5).sum() < 80
    assert along_the_middle(picture, picture, touching)[1].max() == 0


def test_teeth_grow_to_fill_a_mouth_that_is_full_on_the_plate(teeth: np.ndarray) -> None:
    """A grin became a shout where the person's own was narrower: its teeth stayed small over a dark gap."""
    touching, picture = np.ones_like(teeth), opened(70.0)
    touching[19:21] = 0
    for gap in (90.0, 105.0):
        read, dark = along_the_middle(opened(gap), picture, touching, 1.0)
        assert abs(np.diff(read)[6:30].mean() - 70 / gap) < 0.1 and (dark > 0.5).sum() < 4
    largest = np.diff(along_the_middle(opened(200.0), picture, touching, 1.0)[0])[8:40].mean()
    assert abs(largest - 1 / most_growth(touching)) < 0.06
    laughing = along_the_middle(opened(60.0), picture, teeth, 1.0)[0]
    assert np.diff(laughing).max() > 3 * np.diff(laughing)[4:20].mean()  # the picture's own gap is nearly closed


def test_lower_teeth_alone_do_not_grow(teeth: np.ndarray) -> None:
    lower, picture = teeth.copy(), opened(70.0)
    lower[:13] = 0
    assert most_growth(teeth) == 1.6 and most_growth(lower) == most_growth(0 * teeth) == 1.0
    np.testing.assert_array_equal(
        rows_read(opened(100.0), picture, lower), along_the_middle(opened(100.0), picture, lower, 1.0)[0]
    )


def test_rows_never_turn_over_and_reach_both_lips(teeth: np.ndarray) -> None:
    picture = opened(70.0)
    for gap in (12.0, 30.0, 70.0, 140.0):
        read = rows_read(opened(gap), picture, teeth)
        assert np.diff(read).min() > -0.05
        assert read[0] < 0.12 * 70 + 4 and read[-1] > 0.6 * 70


def test_the_same_opening_moves_nothing(teeth: np.ndarray) -> None:
    picture = opened(70.0)
    read = rows_read(picture, picture, teeth)
    assert np.abs(np.diff(read) - 1).max() < 0.25


def test_the_common_factor_gives_the_openings() -> None:
    rng = np.random.default_rng(3)
    elasticity = rng.uniform(0.03, 1.0, (31, 48))
    elasticity[:, 0] = 0.03  # nothing but teeth
    for openings in (np.full(48, 1.6), np.full(48, -1.6), np.zeros(48), rng.uniform(-1.6, 1.6, 48)):
        for grown in (np.zeros((31, 48)), rng.uniform(0.0, 0.5, (31, 48))):
            slopes = np.exp(grown + elasticity * _common_factor(elasticity, openings, grown))
            assert np.abs(np.log(slopes.sum(axis=0) / np.exp(grown).sum(axis=0)) - openings).max() < 1e-8
