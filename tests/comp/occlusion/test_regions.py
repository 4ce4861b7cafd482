"""Regions of the occlusion matte: hysteresis, a least size in face units, and agreement between frames."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp.occlusion import (
    COARSE_LIMIT,
    COARSE_SIDE,
    SIDE,
    SquareOdds,
    coarse_odds,
    edged_matte,
    measure_odds,
    occlusion_matte,
    occlusion_window,
    square_matrix,
)
from faceplate.comp.occlusion.regions import steadied_odds, without_holes, without_regions_inside, without_specks
from faceplate.comp.occlusion.square import sigmoid
from faceplate.face import Face
from faceplate.face.align import apply, invert
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from occluders import DARK_HAIR, OTHER_TONES, Scene, as_plate, inside, skin_of, with_hand, with_strands

LENGTH, CERTAIN = (10.0, 20.0), (0.2, 0.4)


@pytest.fixture(scope="module")
def scene(read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]) -> Callable[[str], Scene]:
    return lambda name: as_plate(read_picture(name), face_in(name))


def spot(side: int, radius: float, peak: float = 1.0, centre: tuple[float, float] | None = None) -> np.ndarray:
    """A disc with a soft edge of two pixels, float32 (side, side)."""
    rows, columns = np.indices((side, side)) + 0.5
    y, x = centre or (side / 2, side / 2)
    return (peak * np.clip((radius + 1 - np.hypot(rows - y, columns - x)) / 2, 0, 1)).astype(np.float32)


def odds_of(probability: np.ndarray) -> np.ndarray:
    held = np.clip(probability, 1e-3, 1 - 1e-3)
    return np.log(held / (1 - held)).astype(np.float32)


# Within a frame ---------------------------------------------------------------------------------------------------------


def test_short_regions_go_and_long_ones_stay_bit_for_bit() -> None:
    small, large = spot(100, 3), spot(100, 15)
    assert not without_specks(small, LENGTH, CERTAIN, small).any()
    assert np.allclose(without_specks(large, LENGTH, CERTAIN, large), large, atol=1e-6)


def test_a_region_grows_without_jumps() -> None:
    amounts = [
        float(without_specks(values, LENGTH, CERTAIN, values).sum() / max(values.sum(), 1))
        for values in (spot(100, radius, 1.0, (50.3, 50.1)) for radius in np.arange(2, 14, 0.1))
    ]
    assert amounts[0] == 0.0 and amounts[-1] > 0.99
    assert min(np.diff(amounts)) > -0.02 and max(np.diff(amounts)) < 0.13  # a tenth of the way for a pixel of length


def test_a_region_fades_with_its_certainty() -> None:
    amounts = [
        float(without_specks(values, LENGTH, (0.3, 0.6), values).sum() / values.sum())
        for values in (spot(100, 20, peak) for peak in np.arange(0.2, 0.9, 0.02))
    ]
    assert amounts[0] == 0.0 and amounts[-1] > 0.95
    assert min(np.diff(amounts)) > -0.02 and max(np.diff(amounts)) < 0.16


def test_doubtful_pixels_stay_while_they_are_connected_with_a_sure_core() -> None:
    core = spot(120, 14, 1.0, (60, 40))
    tail = np.zeros_like(core)
    tail[58:63, 40:76] = 0.45
    joined = np.maximum(core, tail)
    evidence = joined
    kept = without_specks(joined, LENGTH, (0.5, 0.6), evidence)
    assert kept[60, 70] > 0.35
    alone = tail.copy()
    alone[:, :56] = 0
    assert without_specks(alone, LENGTH, (0.5, 0.6), alone).max() == 0.0


def test_small_holes_are_filled_and_large_ones_stay() -> None:
    solid = np.ones((120, 120), np.float32)
    small, large = solid - spot(120, 3), solid - spot(120, 20)
    assert without_holes(small, LENGTH).min() > 0.999
    assert np.allclose(without_holes(large, LENGTH), large, atol=1e-6)


@pytest.mark.parametrize("size", [120.0, 300.0, 480.0, 900.0])
def test_the_least_size_is_in_parts_of_the_face(scene: Callable[[str], Scene], size: float) -> None:
    """A disc of 3 % of the face is dropped, one of 12 % is kept, at any size of the face."""
    face = scene("dot/front.jpg")[1]
    face = face.moved(face.points * (size / face.size))
    window = occlusion_window(face)
    plate = np.full((window.height, window.width, 3), 0.2, np.float32)
    cheek = apply(square_matrix(face, 1.0), face.points[[50], :2])[0]
    for part, kept in ((0.03, False), (0.12, True)):
        radius = part * SIDE / 1.14 / 2
        shown = spot(SIDE, radius, 1.0, (cheek[1], cheek[0]))
        matte = edged_matte(SquareOdds(odds_of(shown), np.full(3, 0.2, np.float32)), plate, face, window)
        at = apply(invert(square_matrix(face, 1.0)), cheek[None])[0] - (window.x, window.y)
        assert (matte[int(at[1]), int(at[0])] > 0.95) == kept
        assert matte.max() > 0.9 if kept else matte.max() < 0.05


def test_the_plates_texture_adds_no_specks(scene: Callable[[str], Scene]) -> None:
    """On a face larger than the grid of the edges: skin with texture beside a dark occluder."""
    face = scene("dot/front.jpg")[1]
    face = face.moved(face.points * (900.0 / face.size))
    window = occlusion_window(face)
    shown = np.zeros((SIDE, SIDE), np.float32)
    shown[:, :140] = 1.0
    rng = np.random.default_rng(2)
    plate = np.full((window.height, window.width, 3), 0.2, np.float32)
    plate *= np.exp(rng.normal(0, 0.12, plate.shape[:2])[..., None]).astype(np.float32)
    left = np.indices(plate.shape[:2])[1] / window.width < 140 / SIDE
    plate[left] *= np.float32(0.1)
    matte = edged_matte(SquareOdds(odds_of(shown), np.full(3, 0.2, np.float32)), plate, face, window)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((matte > 0.25).astype(np.uint8), connectivity=8)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    beside = cv2.dilate((labels == largest).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert stats[largest, cv2.CC_STAT_AREA] > 0.1 * 900 * 900
    assert not ((labels > 0) & ~beside).any()


# Between frames ---------------------------------------------------------------------------------------------------------


def blocks(rows: slice = slice(0), columns: slice = slice(0), odds: float = 3.0) -> np.ndarray:
    hidden = np.full((COARSE_SIDE, COARSE_SIDE), -COARSE_LIMIT, np.float32)
    hidden[rows, columns] = odds
    return hidden


def pixels(grid: np.ndarray) -> np.ndarray:
    """The odds of a grid on the network's pixels, with the certainty that the network has where the face is clear."""
    return np.kron(np.where(grid < 0, 2.5 * grid, grid), np.ones((SIDE // COARSE_SIDE,) * 2)).astype(np.float32)


def test_what_this_frame_alone_shows_vanishes() -> None:
    own = blocks(slice(10, 12), slice(10, 13))
    steady = steadied_odds(pixels(own), own, blocks(), COARSE_LIMIT)
    assert sigmoid(steady).max() < 0.1


def test_what_this_frame_alone_lacks_is_restored() -> None:
    usual = blocks(slice(10, 20), slice(10, 20))
    steady = steadied_odds(pixels(blocks()), blocks(), usual, COARSE_LIMIT)
    assert sigmoid(steady)[88:152, 88:152].min() > 0.8
    assert sigmoid(steady)[:64].max() < 0.1 and sigmoid(steady)[:, 184:].max() < 0.1


def test_edges_and_slow_motion_stay_as_this_frame_has_them() -> None:
    own = blocks(slice(10, 20), slice(10, 20))
    for shift in (-1, 0, 1):
        usual = blocks(slice(10 + shift, 20 + shift), slice(10, 20))
        assert np.array_equal(steadied_odds(pixels(own), own, usual, COARSE_LIMIT), pixels(own))


def test_what_is_restored_joins_what_this_frame_shows() -> None:
    own, usual = blocks(slice(10, 20), slice(10, 15)), blocks(slice(10, 20), slice(10, 20))
    steady = steadied_odds(pixels(own), own, usual, COARSE_LIMIT)
    restored = sigmoid(steady)[88:152, 88:144]
    assert restored.min() > 0.4 and restored.mean() > 0.9


def test_a_rim_that_moves_to_the_next_block_is_not_smeared_over_the_skin_beside_it() -> None:
    """The block that the rim had left was raised as a whole, and a patch of the plate's brow came and went over glasses."""
    fine = np.full((SIDE, SIDE), -2.5, np.float32)
    fine[82:87, 64:160] = 1.0
    own, usual = (np.full((COARSE_SIDE, COARSE_SIDE), -2.5, np.float32) for _ in range(2))
    own[10, 8:20], usual[10, 8:20], usual[11, 8:20] = 1.0, 3.5, 1.0
    steady = steadied_odds(fine, own, usual, COARSE_LIMIT)
    assert sigmoid(steady)[83:86, 80:144].min() > 0.85
    beside = np.r_[70:80, 89:100]
    assert sigmoid(steady)[beside, 64:160].max() < 0.35


def test_a_large_occluder_is_believed_in_a_single_frame() -> None:
    own = blocks(slice(5, 20), slice(5, 20))
    steady = steadied_odds(pixels(own), own, blocks(), COARSE_LIMIT)
    assert sigmoid(steady)[56:144, 56:144].min() > 0.9


def test_the_correction_has_no_jumps() -> None:
    results = []
    for odds in np.arange(-4, 4, 0.1):
        own = blocks(slice(10, 13), slice(10, 13), odds)
        results.append(float(sigmoid(steadied_odds(pixels(own), own, blocks(), COARSE_LIMIT)).max()))
    assert np.abs(np.diff(results)).max() < 0.05 and max(results) < 0.2


def test_what_is_doubtful_in_every_frame_follows_the_mean_of_the_frames() -> None:
    """Odds that wander about 0 would come and go; sure ones are left to the frame."""
    usual = blocks(slice(10, 16), slice(10, 16), 0.5)
    found = []
    for odds in (-1.5, -0.5, 0.5, 1.5):
        own = blocks(slice(10, 16), slice(10, 16), odds)
        fine = np.kron(own, np.ones((SIDE // COARSE_SIDE,) * 2)).astype(np.float32)
        found.append(float(steadied_odds(fine, own, usual, COARSE_LIMIT)[96:112, 96:112].mean()))
    assert np.ptp(found) < 0.6 and min(found) > 0.1
    sure = blocks(slice(10, 16), slice(10, 16), 3.6)
    usual = blocks(slice(10, 16), slice(10, 16), 4.0)
    assert np.array_equal(
        steadied_odds(pixels(sure), sure, usual, COARSE_LIMIT)[96:112, 96:112], pixels(sure)[96:112, 96:112]
    )


def with_strand(plate: Scene) -> tuple[np.ndarray, np.ndarray]:
    """The plate with one dark strand that hangs over the forehead from its upper end, and its alpha."""
    pixels_, face, window = plate
    start, end = face.points[[10, 9], :2] - (window.x, window.y)
    ends = [np.round(point * 16).astype(int) for point in (start, end + np.array([0.1 * face.size, 0]))]
    drawn = np.zeros(pixels_.shape[:2], np.uint8)
    cv2.line(drawn, ends[0].tolist(), ends[1].tolist(), 255, 5, cv2.LINE_AA, 4)
    alpha = drawn.astype(np.float32) / 255
    return (pixels_ + alpha[..., None] * (DARK_HAIR - pixels_)).astype(np.float32), alpha


def blocks_of(pixels_: np.ndarray, face: Face, window: Window, color: ColorConfig) -> np.ndarray:
    """The coarse odds that the network finds in scene-linear `pixels_`."""
    return coarse_odds(measure_odds(color.to_linear709(pixels_), face, window))


def test_a_strand_that_no_other_frame_shows_vanishes_and_a_hand_does_not(
    color: ColorConfig, scene: Callable[[str], Scene]
) -> None:
    plate = scene("dot/front.jpg")
    clear = blocks_of(*plate, color)
    pixels_, alpha = with_strand(plate)
    shown = blocks_of(pixels_, *plate[1:], color)
    asked = (alpha > 0.9) & inside(plate)
    with_others = occlusion_matte(pixels_, *plate[1:], color, usual=shown)[asked].mean()
    alone = occlusion_matte(pixels_, *plate[1:], color, usual=clear)[asked].mean()
    assert with_others > 0.95 and alone < 0.05
    pixels_, alpha = with_hand(plate, OTHER_TONES[1])
    asked = (alpha > 0.9) & inside(plate)
    assert occlusion_matte(pixels_, *plate[1:], color, usual=clear)[asked].mean() > 0.95


def test_a_hand_that_one_frame_misses_persists(color: ColorConfig, scene: Callable[[str], Scene]) -> None:
    plate = scene("ada/front.jpg")
    pixels_, alpha = with_hand(plate, skin_of(plate))
    usual = blocks_of(pixels_, *plate[1:], color)
    asked = (alpha > 0.9) & inside(plate)
    assert occlusion_matte(*plate, color)[asked].mean() < 0.05
    assert occlusion_matte(*plate, color, usual=usual)[asked].mean() > 0.7


def test_the_track_of_a_still_shot_leaves_the_matte_as_it_is(color: ColorConfig, scene: Callable[[str], Scene]) -> None:
    plate = scene("eve/front.jpg")
    for pixels_, _ in (with_hand(plate, OTHER_TONES[1]), with_strands(plate, DARK_HAIR)):
        usual = np.rint(blocks_of(pixels_, *plate[1:], color) * 2) / 2
        before = occlusion_matte(pixels_, *plate[1:], color)
        after = occlusion_matte(pixels_, *plate[1:], color, usual=usual.astype(np.float32))
        assert np.array_equal(before, after)


def test_a_region_within_an_eye_is_lids_and_one_that_crosses_it_hides_it() -> None:
    """Shut lids were taken for a strand in front of the eye, and specks of the plate's own lids lay over the new ones."""
    eye = np.zeros((80, 120), bool)
    eye[30:50, 30:90] = True
    odds = np.full((80, 120), -4.0, np.float32)
    lids, strand = odds.copy(), odds.copy()
    lids[38:42, 40:80] = 3.0
    strand[10:70, 58:62] = 3.0
    assert without_regions_inside(lids, eye).max() <= -3.0
    assert without_regions_inside(strand, eye) is strand
    assert np.array_equal(without_regions_inside(np.maximum(lids, strand), eye)[10:29], strand[10:29])


def test_a_region_fades_as_it_comes_to_lie_within_an_eye() -> None:
    eye = np.zeros((80, 120), bool)
    eye[30:50, 30:90] = True
    found = []
    for top in range(14, 34):
        odds = np.full((80, 120), -4.0, np.float32)
        odds[top : top + 16, 50:70] = 3.0
        found.append(float(without_regions_inside(odds, eye).max()))
    assert found[0] == 3.0 and found[-1] <= -3.0 and (np.diff(found) <= 0).all()
    assert np.diff(found).min() > -3.5
