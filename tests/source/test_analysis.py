"""What is measured in a source's pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.face import Face, FaceFinder
from faceplate.face.shape import normals
from faceplate.generators import Crop, CropTransform, MeshGenerator, MeshSettings, parse_pins
from faceplate.image.frame import Frame
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source, read_source
from faceplate.source.analysis import analyse_picture
from faceplate.source.source import SourceView
from faceplate.source.view_costs import Heads, ViewTraits, view_costs
from pictures import FaceIn, ReadPicture


def test_a_view_too_many_can_still_be_pinned(source_bea: Source) -> None:
    """Of more than 24 views those that are much like others are left aside, until an artist pins one."""
    first, *rest = source_bea.views
    source = replace(source_bea, views=(first,), spare=tuple(rest))
    pinned = MeshGenerator(source, MeshSettings(pins=((rest[0].name, 1001, 1001),)))
    crop = Crop(first.pixels, CropTransform(np.eye(2, 3), first.frame.window), first.face)
    leaders = [pinned._leaders(replace(crop, frame=frame)) for frame in (1001, 1002)]
    assert leaders == [{rest[0].name: 1.0}, {first.name: 1.0}]
    there, elsewhere = (pinned.generate(replace(crop, frame=frame)).pixels for frame in (1001, 1002))
    assert np.isfinite(there).all() and np.abs(there - elsewhere).max() > 0.2 * first.face.level
    assert parse_pins(f"{rest[0].name}@1001", tuple(view.name for view in source.all_views)) == (
        (rest[0].name, 1001, 1001),
    )


def test_pins(source_bea: Source) -> None:
    names = tuple(view.name for view in source_bea.views)
    assert parse_pins("open.jpg@1010-1024, front.jpg@1030", names) == (
        ("open.jpg", 1010, 1024),
        ("front.jpg", 1030, 1030),
    )
    for wrong in ("open.jpg", "open.jpg@x", "nobody.jpg@1001", "open.jpg@1001-"):
        with pytest.raises(UsageError) as refused:
            parse_pins(wrong + "", names)
        assert refused.value.code == "bad-pin"


def test_a_pinned_view_leads_as_one_that_was_planned(
    read_picture: ReadPicture, face_in: FaceIn, source_bea: Source
) -> None:
    """On its frames, and on these only, a pinned view makes the face that a plan with it as the leader makes."""
    plate, face = read_picture("ada/front.jpg"), face_in("ada/front.jpg")
    frame = Frame(plate.working(), plate.window, plate.color.working_space, plate.color)
    settings = MeshSettings(shape=0)
    free = MeshGenerator(source_bea, settings)
    pinned = MeshGenerator(source_bea, replace(settings, pins=(("left.jpg", 1001, 1001),)))
    parameters = Parameters(shape=0)
    there, elsewhere = (swap_face(frame, face, pinned, parameters, frame=number) for number in (1001, 1002))
    planned = swap_face(frame, face, free, parameters, frame=1001, views=(("left.jpg", 1.0),))
    assert np.array_equal(there.over, planned.over)
    assert np.array_equal(elsewhere.over, swap_face(frame, face, free, parameters, frame=1002).over)
    assert not np.array_equal(there.over, elsewhere.over)


def test_source_is_measured_once_and_kept_beside(tmp_path: Path, color: ColorConfig, finder: FaceFinder) -> None:
    for name in ("front.jpg", "open.jpg"):
        (tmp_path / name).write_bytes((person("bea") / name).read_bytes())
    first = read_source(tmp_path, color, finder)
    assert (tmp_path / "faceplate.source.json").exists()

    class Blind(FaceFinder):
        def find(self, frame: Frame) -> tuple[Face, ...]:
            raise AssertionError("looked again")

    again = read_source(tmp_path, color, Blind(finder.store))
    for one, two in zip(first.views, again.views, strict=True):
        np.testing.assert_allclose(one.face.points, two.face.points, atol=1e-3)
        assert len(two.analysis.blendshapes) == 52 and two.analysis.sharpness > 0
    (tmp_path / "faceplate.source.json").write_text("{ not json")
    assert len(read_source(tmp_path, color, finder).views) == 2
    (tmp_path / "front.jpg").write_bytes((person("ada") / "front.jpg").read_bytes())
    with pytest.raises(AssertionError):  # another picture under the old name is looked at
        read_source(tmp_path, color, Blind(finder.store))


def test_normals_look_where_the_face_does(face_in: FaceIn) -> None:
    normal = normals(face_in("bea/front.jpg").points)
    nose, right_cheek, left_cheek, chin = normal[4], normal[123], normal[352], normal[152]
    assert nose[2] < -0.8 and right_cheek[0] < -0.3 and left_cheek[0] > 0.3 and chin[1] > 0.2
    np.testing.assert_allclose(np.linalg.norm(normal[:468], axis=1), 1.0, atol=1e-9)


@pytest.mark.parametrize("stops", [-3, 0, 3])
def test_light_is_found(stops: int, read_picture: ReadPicture, face_in: FaceIn, finder: FaceFinder) -> None:
    """A key of 4:1 from the left to the right of the face, and of 2:1 from above: the slopes tell both, whatever the exposure."""
    frame, face = read_picture("bea/front.jpg"), face_in("bea/front.jpg")
    frame = Frame(frame.working(), frame.window, frame.color.working_space, frame.color)
    x, y = np.meshgrid(np.arange(frame.window.width), np.arange(frame.window.height))
    middle, half = face.points[:, :2].mean(axis=0), np.ptp(face.points[:, :2], axis=0) / 2
    key = 2.0 ** -((x - middle[0]) / half[0]) * 2.0 ** (-0.5 * (y - middle[1]) / half[1])
    lit = frame.with_pixels((frame.pixels * key[..., None] * 2.0**stops).astype(np.float32))
    before, after = (np.array(analyse_picture(picture, finder, "").light) for picture in (frame, lit))
    change = after - before
    # On a sphere it would be log 2 and half of it; beside a nose the normal turns where the key does not.
    assert np.all(np.abs(change[:, 1] + 0.45) < 0.2) and np.all(np.abs(change[:, 2] + 0.2) < 0.15)
    assert analyse_picture(lit, finder, "").contrast > analyse_picture(frame, finder, "").contrast


def test_a_view_under_hard_light_is_wanted_less(source_bea: Source) -> None:
    view = source_bea.views[0]

    def lit(slope: float) -> SourceView:
        return replace(view, analysis=view.analysis.model_copy(update={"light": [[0.0, slope, 0.0, 0.0]] * 3}))

    head = Heads.of([1001], [view.face.points])
    none, soft, hard, hardest = (
        view_costs([ViewTraits.of(lit(slope))], head).total[0, 0] for slope in (0.0, 1.1, 1.9, -3.0)
    )
    assert none <= soft < none + 0.2 and none + 0.8 < hard < none + 1.0 and hardest > none + np.log(10)


def test_a_view_out_of_focus_is_wanted_as_one_with_fewer_pixels(
    tmp_path: Path, face_in: FaceIn, color: ColorConfig, finder: FaceFinder
) -> None:
    picture = cv2.imread(str(person("bea") / "front.jpg"))
    assert picture is not None
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    cv2.imwrite(str(tmp_path / "b.png"), cv2.GaussianBlur(picture, (0, 0), 1.0))
    cv2.imwrite(str(tmp_path / "c.png"), cv2.GaussianBlur(picture, (0, 0), 2.0))
    sharp, soft, softer = read_source(tmp_path, color, finder).views
    best = sharp.analysis.sharpness
    face = sharp.face
    views = [replace(view, face=face) for view in (sharp, soft, softer)]  # what differs is the focus alone
    traits = [replace(ViewTraits.of(view), geometry=sharp.geometry, typical=1.0) for view in views]
    held = {"visible": traits[0].visible, "contrast": traits[0].contrast}
    traits = [replace(one, sharpness=one.sharpness / best, **held) for one in traits]
    costs = view_costs(traits, Heads.of([1001], [face.points])).total[0]
    for sigma, share in zip((1.0, 2.0), np.exp(costs[0] - costs[1:]), strict=True):
        assert 0.6 < share * np.sqrt(1 + 4 * sigma**2) < 1.4
    far = Heads.of([1001], [face.points * 0.15])  # on a small face none of it is seen
    assert np.ptp(view_costs(traits, far).total[0]) == 0.0
