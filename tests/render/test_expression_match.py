"""Expression match of a frame: mesh and a network that ignores the performance blink, look and speak as the plate does."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from faceplate.face import Face, FaceFinder, eyelids, landmark
from faceplate.face.expression import LIP_PAIRS, RestingFace, eye_openness, gaze_of, mouth_openness
from faceplate.face.expression_match import MatchedPoints, match_points
from faceplate.generators import Crop, Generated, Generator, MeshGenerator, MeshSettings, NullGenerator
from faceplate.image.frame import Frame
from faceplate.render import expression_match
from faceplate.render.expression_match import RestingFaces
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source
from fixed_picture import FixedPicture
from lights import half_size
from pictures import FaceIn, ReadPicture
from track_plates import blinking, looking

OFF = {"match_lids": 0, "match_gaze": 0, "match_mouth": 0, "match_jaw": 0, "match_brows": 0}
PLAIN = {"grain": 0, "occlusion": 0}
Plates = dict[str, tuple[Frame, Face]]


@pytest.fixture(scope="module")
def plates(read_picture: ReadPicture, finder: FaceFinder) -> Plates:
    """Ada at half size: at rest, with shut lids, with a look to either side, and with an open mouth."""
    frame, face = half_size(read_picture("ada/front.jpg"), finder)
    points, pixels = face.points[:, :2], frame.pixels
    drawn = {
        "rest": pixels,
        "shut": blinking(pixels, points, 1.0),
        "left": looking(pixels, points, np.array([0.1, 0.0])),
        "right": looking(pixels, points, np.array([-0.1, 0.0])),
    }
    frames = {name: frame.with_pixels(picture) for name, picture in drawn.items()}
    found = {name: (one, finder.refine(one, face)) for name, one in frames.items()}
    return {**found, "open": half_size(read_picture("ada/open.jpg"), finder)}


@pytest.fixture(scope="module")
def rest(plates: Plates, source_bea: Source) -> RestingFaces:
    return RestingFaces(RestingFace.of([plates["rest"][1].points]), source_bea.resting_face)


def seen(
    plates: Plates, name: str, generator: Generator, rest: RestingFaces, finder: FaceFinder, **values: float
) -> np.ndarray:
    """The landmarks of the result."""
    frame, face = plates[name]
    result = swap_face(frame, face, generator, Parameters.model_validate({**PLAIN, **values}), rest=rest)
    picture = frame.pixels.copy()
    picture[result.window.slices(frame.window)] = result.over
    return finder.refine(frame.with_pixels(picture), face).points


def test_lids_close_with_the_performers(
    plates: Plates, generator: Generator, rest: RestingFaces, finder: FaceFinder
) -> None:
    rested, shut = (np.mean(eye_openness(seen(plates, name, generator, rest, finder))) for name in ("rest", "shut"))
    assert shut < 0.62 * rested
    unmatched = np.mean(eye_openness(seen(plates, "shut", generator, rest, finder, match_lids=0)))
    assert shut < unmatched - 0.05


def test_lids_are_read_from_pixels_and_not_from_points(
    plates: Plates, generator: Generator, rest: RestingFaces, finder: FaceFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The landmarks of a plate whose eyes are shut may be those of open eyes."""
    opened = np.mean(eye_openness(seen(plates, "rest", generator, rest, finder)))
    frame, _ = plates["shut"]
    blind = {"blind": (frame, plates["rest"][1])}
    shut = np.mean(eye_openness(seen(blind, "blind", generator, rest, finder)))
    assert shut < 0.75 * opened
    for module in (expression_match, eyelids):
        monkeypatch.setattr(
            module, "lids_seen_together", lambda views: np.array([eye_openness(view[2]) for view in views])
        )
    assert np.mean(eye_openness(seen(blind, "blind", generator, rest, finder))) > shut + 0.05


def test_the_look_is_the_performers(
    plates: Plates, generator: Generator, rest: RestingFaces, finder: FaceFinder
) -> None:
    for name in ("left", "right"):
        wanted = gaze_of(plates[name][1].points)
        matched, unmatched = (
            np.abs(gaze_of(seen(plates, name, generator, rest, finder, match_gaze=amount)) - wanted)[:, 0].mean()
            for amount in (1, 0)
        )
        assert matched < 0.03 and matched < 0.75 * unmatched


def test_the_mouth_opens_with_the_performers_and_shows_the_plates_inside(
    plates: Plates, rest: RestingFaces, finder: FaceFinder, read_picture: ReadPicture, face_in: FaceIn
) -> None:
    fixed = FixedPicture(read_picture("bea/front.jpg"), face_in("bea/front.jpg"))
    wanted = mouth_openness(plates["open"][1].points)
    matched, unmatched = (
        mouth_openness(seen(plates, "open", fixed, rest, finder, match_mouth=amount, match_jaw=amount))
        for amount in (1, 0)
    )
    assert abs(matched - wanted) < 0.2 * wanted < 0.5 * (wanted - unmatched)
    frame, face = plates["open"]
    result = swap_face(frame, face, fixed, Parameters.model_validate(PLAIN), rest=rest)
    x, y = face.points[[13, 14], :2].mean(axis=0).astype(int)
    before = frame.pixels[y - 3 : y + 4, x - 3 : x + 4]
    after = result.over[
        y - 3 - result.window.y : y + 4 - result.window.y, x - 3 - result.window.x : x + 4 - result.window.x
    ]
    assert np.abs(after - before).mean() < 0.15 * before.mean(), "between the lips lies the plate's own mouth"


def test_amounts_of_zero_and_a_null_swap_do_not_run_the_landmarker(
    plates: Plates, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the landmarker was run")

    monkeypatch.setattr(landmark, "landmarks", refuse)
    frame, face = plates["shut"]
    assert swap_face(frame, face, generator, Parameters.model_validate({**PLAIN, **OFF})).matte.any()
    null = swap_face(frame, face, NullGenerator(side=256), Parameters.model_validate(PLAIN))
    assert np.array_equal(null.over, frame.pixels[null.window.slices(frame.window)])
    with pytest.raises(AssertionError, match="landmarker"):
        swap_face(frame, face, generator, Parameters.model_validate({**PLAIN, **OFF, "match_gaze": 0.5}))


def test_outside_the_matte_nothing_changes_and_exposure_changes_nothing(
    plates: Plates, generator: Generator, rest: RestingFaces
) -> None:
    frame, face = plates["shut"]
    one = swap_face(frame, face, generator, Parameters.model_validate(PLAIN), rest=rest)
    plate = frame.pixels[one.window.slices(frame.window)]
    assert np.array_equal(one.over[one.matte == 0], plate[one.matte == 0])
    bright = frame.with_pixels(frame.pixels * np.float32(8))
    two = swap_face(bright, replace(face, level=8 * face.level), generator, Parameters.model_validate(PLAIN), rest=rest)
    apart = np.linalg.norm(two.over / 8 - one.over) / np.linalg.norm(one.over)
    assert apart < 0.005


class Echo(FixedPicture):
    """A stand-in for a network that follows every performance: the plate as its small crop holds it, a little darker."""

    def generate(self, crop: Crop) -> Generated:
        return replace(super().generate(crop), pixels=crop.pixels * np.float32(0.97))


def test_lips_are_compared_with_the_plates_lips_as_the_crop_shows_them(
    plates: Plates, rest: RestingFaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that follows a mouth is not corrected where the track's smoothed points are less open than the plate."""
    gaps: list[np.ndarray] = []

    def watched(*given: Any, **named: Any) -> MatchedPoints:
        match = match_points(*given, **named)
        gaps.append(np.array([mouth_openness(these) for these in (given[0], match.points)]))
        return match

    monkeypatch.setattr(sys.modules[RestingFaces.__module__], "match_points", watched)
    frame, face = plates["open"]
    points = face.points.copy()
    upper, lower = (list(side) for side in LIP_PAIRS)
    points[lower] = points[upper] + 0.75 * (points[lower] - points[upper])
    echo = Echo(frame, face, side=64)
    for known in (rest, replace(rest, performer=None)):
        swap_face(frame, replace(face, points=points), echo, Parameters.model_validate(PLAIN), rest=known)
    (seen, kept), (_, closed) = gaps
    assert abs(kept - seen) < 0.1 * seen < seen - closed, "a single frame is compared with its points"
    blocked = replace(face, points=with_closed_lips(face.points))
    swap_face(frame, blocked, echo, Parameters.model_validate(PLAIN), rest=rest)
    assert gaps[2][1] < 0.5 * gaps[2][0], "what differs much is a correction"


def with_closed_lips(points: np.ndarray) -> np.ndarray:
    upper, lower = (list(side) for side in LIP_PAIRS)
    closed = points.copy()
    closed[lower] = closed[upper]
    return closed


@pytest.mark.parametrize(("detail", "seen"), [(1.0, True), (0.0, False)])
def test_the_new_face_is_landmarked_with_as_much_of_the_plates_detail_as_the_composite_keeps(
    plates: Plates, rest: RestingFaces, read_picture: ReadPicture, face_in: FaceIn, monkeypatch: pytest.MonkeyPatch,
    detail: float, seen: bool,
) -> None:  # fmt: skip
    looked: list[np.ndarray] = []

    def watched(network: Any, display: np.ndarray) -> tuple[np.ndarray, float]:
        looked.append(display)
        return landmarks(network, display)

    landmarks = landmark.landmarks
    monkeypatch.setattr(landmark, "landmarks", watched)
    frame, face = plates["rest"]
    small = FixedPicture(read_picture("bea/front.jpg"), face_in("bea/front.jpg"), side=64)
    rows, columns = np.indices(frame.pixels.shape[:2])
    fine = np.where((rows // 4 + columns // 4) % 2, 1.2, 0.8)[..., None]
    parameters = Parameters.model_validate({**PLAIN, "plate_detail": detail})
    for pixels in (frame.pixels, (frame.pixels * fine).astype(np.float32)):
        swap_face(frame.with_pixels(pixels), face, small, parameters, rest=replace(rest, performer=None))
    middle = slice(landmark.SIDE // 2 - 30, landmark.SIDE // 2 + 30)
    apart = np.abs(looked[1] - looked[0])[middle, middle].mean()
    assert (apart > 0.02) == seen and (seen or apart < 0.01), apart


@pytest.mark.parametrize("shape", [0.0, 1.0])
def test_speech_is_compared_in_the_new_faces_shape(
    plates: Plates, source_bea: Source, monkeypatch: pytest.MonkeyPatch, shape: float
) -> None:
    aimed: list[np.ndarray | None] = []

    def watched(*given: Any, **named: Any) -> MatchedPoints:
        aimed.append(named["aimed"])
        return match_points(*given, **named)

    monkeypatch.setattr(sys.modules[RestingFaces.__module__], "match_points", watched)
    frame, face = plates["rest"]
    generator = MeshGenerator(source_bea, MeshSettings(shape=shape))
    swap_face(frame, face, generator, Parameters.model_validate(PLAIN))
    expected = generator.reshaped(face, 1.0).points if shape else None
    assert len(aimed) == 1 and (aimed[0] is None) == (expected is None)
    if expected is not None and aimed[0] is not None:
        assert np.abs(aimed[0] - expected).max() < 0.2 * np.abs(expected - face.points).max()
