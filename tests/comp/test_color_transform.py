"""The colour transform: sclera and teeth take the plate's own colour, everything its saturation, the skin stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp.color_transform import ColorTransform, match_color, unsaturated_tones
from faceplate.comp.feature_tones import SCLERA, TEETH, FeatureTones, measure_features, skin_field
from faceplate.comp.skin_tones import COUNT, SkinTones, measure_tones
from faceplate.demo import person
from faceplate.face import Face, FaceFinder, topology
from faceplate.generators import MeshGenerator
from faceplate.image.frame import Frame
from faceplate.image.saturation import saturated
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source, read_source
from lights import half_size
from measures import relative_rms
from pictures import ReadPicture

LUMA = np.array([0.27, 0.67, 0.06])
SKIN, WHITE, TOOTH = np.array([0.42, 0.27, 0.2]), np.array([0.5, 0.5, 0.5]), np.array([0.55, 0.52, 0.44])
USUAL = FeatureTones(np.log(np.stack([WHITE / SKIN, TOOTH / SKIN])), np.ones(2))


def tones(skin: np.ndarray) -> SkinTones:
    return SkinTones(np.tile(np.log(skin), (COUNT, 1)), np.ones(COUNT))


def graded(saturation: float, slope: tuple[float, float, float] = (1, 1, 1)) -> tuple[FeatureTones, SkinTones]:
    """Features and skin of a plate of the same person in a grade."""
    skin, white, tooth = (saturated(value * slope, saturation, LUMA) for value in (SKIN, WHITE, TOOTH))
    return FeatureTones(np.log(np.stack([white / skin, tooth / skin])), np.ones(2)), tones(skin)


def matched(plate: FeatureTones, skin: SkinTones) -> ColorTransform:
    """The transform from the usual person, without a grade, to a plate."""
    return match_color(USUAL, plate, tones(SKIN), skin, LUMA)


def test_the_same_person_without_a_grade_changes_nothing() -> None:
    found = matched(*graded(1.0))
    assert abs(found.saturation - 1) < 5e-3 and np.abs(found.shift).max() < 1e-2


@pytest.mark.parametrize(
    ("saturation", "least", "most"),
    [(0.05, 0.44, 0.6), (0.3, 0.44, 0.7), (0.45, 0.5, 0.95), (0.7, 0.8, 1.0), (1.0, 0.98, 1.09), (1.15, 1.0, 1.17)],
)
@pytest.mark.parametrize("slope", [(1.0, 1.0, 1.0), (1.2, 1.0, 0.8)])
def test_a_grades_saturation_is_found(
    saturation: float, least: float, most: float, slope: tuple[float, float, float]
) -> None:
    """Two people's skin can differ as much as a weak grade makes it differ, so only a strong one is believed."""
    found = matched(*graded(saturation, slope))
    assert least < found.saturation < most


def test_the_transform_changes_smoothly_with_the_grade_and_with_what_is_seen() -> None:
    def values(saturation: float, seen: float) -> np.ndarray:
        plate, skin = graded(saturation)
        found = matched(FeatureTones(plate.log, np.array([seen, 0.5 * seen])), skin)
        return np.array([found.saturation, *found.shift.ravel()])

    for series in (
        [values(grade, 1.0) for grade in np.linspace(0.1, 1.4, 131)],
        [values(0.4, seen) for seen in np.linspace(0, 1, 101)],
    ):
        assert np.abs(np.diff(series, axis=0)).max() < 0.05
    assert np.array_equal(values(0.4, 0.0), [1.0, *np.zeros(6)])


def test_saturation_is_undone_exactly_and_keeps_every_channel_above_zero() -> None:
    for saturation in (0.3, 0.8, 1.15):
        lit = tones(saturated(SKIN, saturation, LUMA))
        assert np.abs(unsaturated_tones(lit, saturation, LUMA).log - np.log(SKIN)).max() < 0.03
    assert np.isfinite(unsaturated_tones(tones(np.array([0.9, 0.2, 0.001])), 0.05, LUMA).log).all()
    assert unsaturated_tones(lit, 1.0, LUMA) is lit


@pytest.mark.parametrize("row", [SCLERA, TEETH])
def test_what_shows_alone_serves_the_other_in_colour_only(row: int) -> None:
    plate, skin = graded(1.0)
    log = plate.log + np.array([0.1, 0.0, -0.1])
    found = matched(FeatureTones(log, np.eye(2)[row]), skin)
    # The sclera, which lids tint and shade, tells the colour of the teeth by a fifth.
    taken = np.abs(found.shift[1 - row]).max() / np.abs(found.shift[row]).max()
    assert taken == pytest.approx({TEETH: 1.0, SCLERA: 0.2}[row], abs=0.02)
    assert abs(found.shift[1 - row].mean()) < 1e-9


def test_teeth_and_sclera_do_not_take_what_the_light_leaves_off_the_skin() -> None:
    """Where two people's skin differs in colour beside the light, the plate's teeth say what white is, as far as they were seen."""
    left = np.array([[0.1, 0.0, -0.1], [0.2, 0.05, -0.1]])
    change = ColorTransform(1.0, np.full((2, 3), 0.05), np.zeros((2, 3)), np.array([0.0, 1.0])).beside_light(left)
    np.testing.assert_allclose(change.shift[SCLERA], 0.05, atol=1e-9)
    np.testing.assert_allclose(change.shift[TEETH], 0.05 + left[TEETH], atol=1e-9)
    far = ColorTransform(1.0, np.zeros((2, 3)), np.zeros((2, 3)), np.ones(2)).beside_light(np.full((2, 3), 5.0))
    assert far.shift.max() < 0.5


def test_a_shaded_mouth_is_darkened_with_its_gums_and_tongue(plate: tuple[Frame, Face]) -> None:
    face = plate[1]
    window = face.window(0.1)
    change = ColorTransform(1.0, np.full((2, 3), -0.4), np.zeros((2, 3)))
    correction = np.zeros((window.height, window.width, 3), np.float32)
    gums = np.full_like(correction, face.level) * np.array((1.5, 0.5, 0.5), np.float32)
    change.add_to(correction, gums, np.full((2, 3), np.log(face.level)), face, window)
    x, y = face.points[topology().mouth_loop, :2].mean(axis=0).astype(int) - (window.x, window.y)
    np.testing.assert_allclose(correction[y, x], -0.4, atol=0.05)


def test_flesh_in_an_eyes_corner_takes_half_of_the_scleras_colour(plate: tuple[Frame, Face]) -> None:
    """A sclera that the plate shows as red as skin must not make it scarlet."""
    face = plate[1]
    window = face.window(0.1)
    shift = np.array([[0.3, -0.1, -0.2], [0.0, 0.0, 0.0]])
    change = ColorTransform(1.0, shift, np.zeros((2, 3)))
    x, y = face.points[topology().right_eye_loop, :2].mean(axis=0).astype(int) - (window.x, window.y)
    for tone, part in (((1.0, 1.0, 1.0), 1.0), ((1.6, 0.8, 0.8), 0.5)):
        correction = np.zeros((window.height, window.width, 3), np.float32)
        pixels = np.full_like(correction, face.level) * np.array(tone, np.float32)
        change.add_to(correction, pixels, np.full((2, 3), np.log(face.level)), face, window)
        np.testing.assert_allclose(correction[y, x], part * shift[0], atol=0.02)


# On pictures --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plate(read_picture: ReadPicture, finder: FaceFinder) -> tuple[Frame, Face]:
    """Fox with an open mouth at half size."""
    return half_size(read_picture("fox/open.jpg"), finder)


@pytest.fixture(scope="module")
def source(color: ColorConfig, finder: FaceFinder) -> Source:
    return read_source(person("ada"), color, finder)


def swapped(frame: Frame, face: Face, source: Source, **values: object) -> np.ndarray:
    found = swap_face(frame, face, MeshGenerator(source), Parameters.model_validate(values | {"grain": 0}))
    return found.over


def test_the_skins_mean_is_as_it_was(plate: tuple[Frame, Face], source: Source) -> None:
    frame, face = plate
    found = []
    for amount in (0.0, 1.0):
        done = swap_face(frame, face, MeshGenerator(source), Parameters(grain=0, grade_features=amount))
        skin = measure_tones(done.over, done.window, face)
        found.append(np.exp(np.average(skin.log, axis=0, weights=skin.trust)))
    assert np.abs(found[1] / found[0] - 1).max() < 0.01


def test_exposure_does_not_change_it(plate: tuple[Frame, Face], source: Source) -> None:
    frame, face = plate
    brighter = Face(face.points, face.score, face.presence, face.level * 8)
    first = swapped(frame, face, source)
    second = swapped(frame.with_pixels(frame.pixels * np.float32(8)), brighter, source)
    assert relative_rms(second / 8, first) < 0.01


def test_a_desaturated_plate_is_followed_more_closely_with_it(plate: tuple[Frame, Face], source: Source) -> None:
    frame, face = plate
    luma = frame.color.luminance(frame.pixels)[..., None]
    grey = frame.with_pixels((luma + 0.45 * (frame.pixels - luma)).astype(np.float32))
    off = []
    for amount in (0.0, 1.0):
        plain = swapped(frame, face, source, grade_features=amount)
        level = frame.color.luminance(plain)[..., None]
        off.append(relative_rms(swapped(grey, face, source, grade_features=amount), level + 0.45 * (plain - level)))
    assert off[1] < 0.03 and off[1] < off[0]


def lab_ab(log: np.ndarray, frame: Frame) -> np.ndarray:
    """Return CIELAB a and b of working-space colours (n, 3) in natural logarithm."""
    rgb = frame.color.to_linear709(np.exp(log).astype(np.float32)[None])[0].astype(np.float64)
    xyz = rgb @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    f = np.cbrt(xyz / (0.9505, 1.0, 1.089))
    return np.column_stack([500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])])


@pytest.mark.parametrize(
    ("slope", "saturation"),
    [((1, 1, 1), 1.0), ((1, 1, 1), 0.45), ((1.2, 1, 0.75), 1.05), ((0.8, 1, 1.25), 0.9), ((0.95, 1.1, 0.85), 0.75)],
)
def test_sclera_and_teeth_have_the_plates_colour_in_every_grade(
    slope: tuple[float, float, float],
    saturation: float,
    plate: tuple[Frame, Face],
    source: Source,
    finder: FaceFinder,
) -> None:
    frame, face = plate
    pixels = frame.pixels * np.array(slope, np.float32)
    luma = frame.color.luminance(pixels)[..., None]
    shown = frame.with_pixels((luma + np.float32(saturation) * (pixels - luma)).astype(np.float32))
    done = swap_face(shown, face, MeshGenerator(source), Parameters(grain=0))
    result = shown.pixels.copy()
    result[done.window.slices(shown.window)] = done.over
    colors = []
    for part, where in ((shown.pixels, face), (result, finder.find(shown.with_pixels(result))[0])):
        skin = measure_tones(part, shown.window, where)
        found = measure_features(part, shown.window, where, skin)
        assert found.certainty.min() > 0.5
        loops = (np.concatenate([topology().right_eye_loop, topology().left_eye_loop]), topology().mouth_loop)
        places = np.stack([where.points[loop, :2].mean(axis=0) for loop in loops]) / where.size
        colors.append(lab_ab(found.log + skin_field(skin.log, skin.trust, where).at(places), frame))
    assert np.linalg.norm(colors[1] - colors[0], axis=1).max() < 4


def test_it_changes_eyes_and_mouth_only_where_saturations_agree(plate: tuple[Frame, Face], source: Source) -> None:
    face = plate[1]
    window = face.window(0.1)
    correction = np.zeros((window.height, window.width, 3), np.float32)
    even = np.ones_like(correction)
    ColorTransform(1.0, np.full((2, 3), 0.1), np.zeros((2, 3))).add_to(correction, even, np.zeros((2, 3)), face, window)
    changed = np.argwhere(correction.any(axis=2))[:, ::-1] + (window.x, window.y)
    mesh = topology()
    loops = face.points[np.concatenate([mesh.right_eye_loop, mesh.left_eye_loop, mesh.lips_loop]), :2]
    near = np.linalg.norm(changed[:, None] - loops[None], axis=2).min(axis=1)
    assert len(changed) and near.max() < 0.12 * face.size


def test_gums_do_not_take_the_teeths_brightness(plate: tuple[Frame, Face]) -> None:
    """A pixel of the mouth that is as bright as the teeth and redder takes a half of their colour and none of their brightness."""
    face = plate[1]
    window = face.window(0.1)
    change = ColorTransform(1.0, np.tile([0.3, 0.4, 0.2], (2, 1)), np.zeros((2, 3)))
    x, y = face.points[topology().mouth_loop, :2].mean(axis=0).astype(int) - (window.x, window.y)
    taken = []
    for color in ((1.0, 1.0, 1.0), (1.5, 0.8, 0.8)):
        correction = np.zeros((window.height, window.width, 3), np.float32)
        pixels = np.full_like(correction, face.level) * np.array(color, np.float32)
        change.add_to(correction, pixels, np.full((2, 3), np.log(face.level)), face, window)
        taken.append(correction[y, x])
    matte = taken[0].mean() / 0.3
    assert matte > 0.5
    np.testing.assert_allclose(taken[0], matte * np.array([0.3, 0.4, 0.2]), atol=0.01)
    np.testing.assert_allclose(taken[1], matte * np.array([0.0, 0.05, -0.05]), atol=0.01)
