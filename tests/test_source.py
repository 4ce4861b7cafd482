"""The source: which pictures it takes, what it finds in them, and which view each part of a face wants."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.face import Face, FaceFinder
from faceplate.face.expression import BLENDSHAPES
from faceplate.face.shape import normals, pose_of, unsqueezed
from faceplate.generators import MeshGenerator, MeshSettings, parse_pins
from faceplate.generators.mesh import _even, _sharp
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.render.stages import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source, read_source
from faceplate.source.analysis import look
from faceplate.source.source import SourceView
from faceplate.source.views import Geometry, regions, suitability
from movies import write_movie
from plates import write_plate

Still = Callable[[str], Frame]
Found = Callable[[str], Face]


def small(frame: Frame, side: int = 512) -> np.ndarray:
    """A picture's pixels made smaller, float32 (side, side, 3)."""
    return cv2.resize(frame.pixels, (side, side), interpolation=cv2.INTER_AREA)


# --- which pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "tags", "within"),
    [
        ("Rec.1886 Rec.709 - Display", (1, 1, 1, 1), 0.02),
        ("sRGB - Display", (1, 13, 1, 1), 0.02),
        ("Rec.2100-PQ - Display", (9, 16, 9, 1), 0.03),
    ],
)
def test_a_movie_is_read_by_its_tags_and_its_bits(
    space: str,
    tags: tuple[int, int, int, int],
    within: float,
    tmp_path: Path,
    still: Still,
    color: ColorConfig,
    finder: FaceFinder,
) -> None:
    """Three views of bea as ProRes of ten bits: whatever the space, the linear pixels come back, finer than in 8 bits."""
    frames = [still(f"bea/{view}.jpg") for view in ("front", "left", "open")]
    linear = [color.to_working(small(frame), frame.space) for frame in frames]
    coded = [np.clip(color.from_working(picture, space), 0, 1) for picture in linear]
    clip = write_movie(
        tmp_path / "shoot.mov", [np.round(picture * 65535).astype(np.uint16) for picture in coded], tags=tags
    )
    source = read_source(clip, color, finder)
    assert [view.name for view in source.views] == ["shoot.mov@0", "shoot.mov@1", "shoot.mov@2"]
    assert source.views[2].geometry.mouth > source.views[0].geometry.mouth
    for view, wanted in zip(source.views, linear, strict=True):
        part = wanted[view.frame.window.slices(Window(0, 0, 512, 512))]
        soft = [cv2.GaussianBlur(item, (0, 0), 4) for item in (view.pixels, part)]  # the codec's own noise aside
        assert np.abs(soft[0] - soft[1]).max() < within * part.max()
        assert len(np.unique(view.frame.pixels[..., 1])) > 300


def test_frames_of_a_sequence_are_a_source(
    tmp_path: Path, still: Still, color: ColorConfig, finder: FaceFinder
) -> None:
    for number, view in enumerate(("front", "left", "open")):
        frame = still(f"bea/{view}.jpg")
        linear = color.to_working(small(frame), frame.space).astype(np.float16)
        write_plate(tmp_path / f"turn.{1001 + number}.exr", linear)
    (tmp_path / "turn.1002.exr").rename(tmp_path / "turn.0999.exr")
    (tmp_path / "other.1001.exr").write_bytes(b"no picture")
    pattern = tmp_path / "turn.####.exr"
    source = read_source(pattern, color, finder)
    assert [view.name for view in source.views] == ["turn.0999.exr", "turn.1001.exr", "turn.1003.exr"]
    assert not source.skipped
    assert (tmp_path / ".turn.####.exr.faceplate.source.json").exists()
    assert [view.name for view in read_source(tmp_path / "turn.1001-1003####.exr", color, finder).views] == [
        "turn.1001.exr",
        "turn.1003.exr",
    ]
    for nothing in ("turn.#####.exr", "nobody.####.exr", "turn.1002.exr", "nobody"):
        with pytest.raises(UsageError) as refused:
            read_source(tmp_path / nothing, color, finder)
        assert refused.value.code == "source-missing"


def test_a_long_sequence_is_looked_at_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from faceplate.source.pictures import looked_at, source_files

    for number in range(1, 1001):
        (tmp_path / f"turn.{number:04d}.exr").touch()
    files = looked_at(tmp_path / "turn.####.exr")
    assert len(files) == 240 and files[0].name == "turn.0001.exr" and files[-1].name == "turn.1000.exr"
    assert len(source_files(tmp_path / "turn.####.exr")) == 1000
    assert len(looked_at(tmp_path)) == 1000  # a folder of stills is the artist's own choice


def test_of_a_large_picture_only_the_face_is_kept(
    tmp_path: Path, still: Still, color: ColorConfig, finder: FaceFinder
) -> None:
    frame = still("bea/front.jpg")
    wide = np.full((1100, 2400, 3), 0.2, np.float16)
    wide[40:1064, 1200:2224] = color.to_working(frame.pixels, frame.space)
    write_plate(tmp_path / "wide.exr", wide)
    (view,) = read_source(tmp_path / "wide.exr", color, finder, "ACEScg").views
    assert view.frame.window.width < 1500 and view.pixels.shape == (*view.frame.pixels.shape[:2], 3)
    assert view.frame.pixels.base is None  # or the whole picture would stay in memory behind it
    np.testing.assert_array_equal(
        view.pixels, wide[view.frame.window.slices(Window(0, 0, 2400, 1100))].astype(np.float32)
    )


# --- what is found in them --------------------------------------------------------------------------------------------


def test_a_view_too_many_can_still_be_pinned(bea: Source) -> None:
    """Of more than 24 views those that are much like others are left aside, until an artist pins one."""
    first, *rest = bea.views
    source = replace(bea, views=(first,), spare=tuple(rest))
    pinned = MeshGenerator(source, MeshSettings(pins=((rest[0].name, 1001, 1001),)))
    assert pinned._views(1001) == (rest[0],) and pinned._views(1002) == (first,)
    assert parse_pins(f"{rest[0].name}@1001", tuple(view.name for view in source.all_views)) == (
        (rest[0].name, 1001, 1001),
    )


def test_pins(bea: Source) -> None:
    names = tuple(view.name for view in bea.views)
    assert parse_pins("open.jpg@1010-1024, front.jpg@1030", names) == (
        ("open.jpg", 1010, 1024),
        ("front.jpg", 1030, 1030),
    )
    for wrong in ("open.jpg", "open.jpg@x", "nobody.jpg@1001", "open.jpg@1001-"):
        with pytest.raises(UsageError) as refused:
            parse_pins(wrong + "", names)
        assert refused.value.code == "bad-pin"


def test_pinned_view_is_used_alone(still: Still, found: Found, bea: Source) -> None:
    plate, face = still("ada/front.jpg"), found("ada/front.jpg")
    frame = Frame(plate.working(), plate.window, plate.color.working_space, plate.color)
    pinned = MeshGenerator(bea, MeshSettings(pins=(("open.jpg", 1001, 1001),)))
    alone = MeshGenerator(Source(tuple(v for v in bea.views if v.name == "open.jpg"), ()))
    parameters = Parameters(shape=0)
    there = swap_face(frame, face, replace(pinned, settings=replace(pinned.settings, shape=0)), parameters, frame=1001)
    same = swap_face(frame, face, replace(alone, settings=MeshSettings(shape=0)), parameters, frame=1001)
    elsewhere = swap_face(
        frame, face, replace(pinned, settings=replace(pinned.settings, shape=0)), parameters, frame=1002
    )
    assert np.array_equal(there.over, same.over)
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
        assert len(two.finding.blendshapes) == 52 and two.finding.sharpness > 0
    (tmp_path / "faceplate.source.json").write_text("{ not json")
    assert len(read_source(tmp_path, color, finder).views) == 2
    (tmp_path / "front.jpg").write_bytes((person("ada") / "front.jpg").read_bytes())
    with pytest.raises(AssertionError):  # another picture under the old name is looked at
        read_source(tmp_path, color, Blind(finder.store))


def test_normals_look_where_the_face_does(found: Found) -> None:
    normal = normals(found("bea/front.jpg").points)
    nose, right_cheek, left_cheek, chin = normal[4], normal[123], normal[352], normal[152]
    assert nose[2] < -0.8 and right_cheek[0] < -0.3 and left_cheek[0] > 0.3 and chin[1] > 0.2
    np.testing.assert_allclose(np.linalg.norm(normal[:468], axis=1), 1.0, atol=1e-9)


@pytest.mark.parametrize("stops", [-3, 0, 3])
def test_light_is_found(stops: int, still: Still, found: Found, finder: FaceFinder) -> None:
    """A key of 4:1 from the left to the right of the face, and of 2:1 from above: the slopes tell both, whatever the exposure."""
    frame, face = still("bea/front.jpg"), found("bea/front.jpg")
    frame = Frame(frame.working(), frame.window, frame.color.working_space, frame.color)
    x, y = np.meshgrid(np.arange(frame.window.width), np.arange(frame.window.height))
    middle, half = face.points[:, :2].mean(axis=0), np.ptp(face.points[:, :2], axis=0) / 2
    key = 2.0 ** -((x - middle[0]) / half[0]) * 2.0 ** (-0.5 * (y - middle[1]) / half[1])
    lit = frame.with_pixels((frame.pixels * key[..., None] * 2.0**stops).astype(np.float32))
    before, after = (np.array(look(picture, finder, "").light) for picture in (frame, lit))
    change = after - before
    # On a sphere it would be log 2 and half of it; beside a nose the normal turns where the key does not.
    assert np.all(np.abs(change[:, 1] + 0.45) < 0.2) and np.all(np.abs(change[:, 2] + 0.2) < 0.15)
    assert look(lit, finder, "").contrast > look(frame, finder, "").contrast


def test_a_view_under_hard_light_is_wanted_less(bea: Source) -> None:
    view = bea.views[0]

    def lit(slope: float) -> SourceView:
        return replace(view, finding=view.finding.model_copy(update={"light": [[0.0, slope, 0.0, 0.0]] * 3}))

    assert _even(lit(0.0)) == _even(lit(1.1)) == 1.0
    assert 0.5 < _even(lit(1.9)) < 0.6 and _even(lit(-3.0)) < 0.1


def test_a_view_out_of_focus_is_wanted_as_one_with_fewer_pixels(
    tmp_path: Path, found: Found, color: ColorConfig, finder: FaceFinder
) -> None:
    picture = cv2.imread(str(person("bea") / "front.jpg"))
    assert picture is not None
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    cv2.imwrite(str(tmp_path / "b.png"), cv2.GaussianBlur(picture, (0, 0), 1.0))
    cv2.imwrite(str(tmp_path / "c.png"), cv2.GaussianBlur(picture, (0, 0), 2.0))
    sharp, soft, softer = read_source(tmp_path, color, finder).views
    best = sharp.finding.sharpness
    face = sharp.face
    wanted = [_sharp(view, face, best) for view in (sharp, soft, softer)]
    for sigma, share in zip((1.0, 2.0), wanted[1:], strict=True):
        assert 0.6 < np.sqrt(share) * np.sqrt(1 + 4 * sigma**2) < 1.4
    far = face.moved(face.points * 0.15)  # on a small face none of it is seen
    assert wanted[0] == 1.0 and [_sharp(view, far, best) for view in (sharp, soft, softer)] == [1.0, 1.0, 1.0]


# --- which view is wanted where ---------------------------------------------------------------------------------------


def test_expression_in_the_mirror(bea: Source) -> None:
    """What the network says of a mirrored mesh is what it said of the mesh, with the sides changed."""
    geometry = bea.views[0].geometry
    mirror = geometry.mirror()
    asked = replace(mirror, coefficients=None).expression
    assert np.abs(asked - mirror.expression).max() < 0.2 and np.abs(asked - mirror.expression).mean() < 0.02
    wink = np.zeros(52, np.float32)
    wink[BLENDSHAPES.index("eyeBlinkLeft")] = 1.0
    turned = replace(geometry, coefficients=wink).mirror().expression
    assert turned[BLENDSHAPES.index("eyeBlinkRight")] == 1.0 and turned.sum() == 1.0


def test_a_smile_wants_a_smile(found: Found, color: ColorConfig, finder: FaceFinder) -> None:
    """Of two views alike in turn and openness of the mouth the cheeks of a smiling target want the smiling one, and it only."""
    dot = read_source(person("dot"), color, finder)
    shut, smile = (next(view for view in dot.views if view.name == name) for name in ("closed.jpg", "smile.jpg"))
    cheeks = (regions().lower_face > 0.5) & (regions().mouth < 0.5)
    cheeks[468:] = False

    def share(target: Geometry) -> float:
        wanted = np.stack([suitability(view.geometry, target) for view in (shut, smile)], axis=1)[cheeks]
        return float((wanted / wanted.sum(axis=1, keepdims=True))[:, 1].mean())

    smiling, serious = found("eve/smile.jpg"), found("cal/closed.jpg")
    assert share(Geometry.of(smiling)) > 0.6 and share(Geometry.of(serious)) < 0.25
    brows = (regions().right_brow > 0.5) & (regions().lower_face == 0)
    raised = np.array(shut.geometry.expression)
    raised[[BLENDSHAPES.index(name) for name in ("browOuterUpLeft", "browOuterUpRight", "browInnerUp")]] = 0.8
    target = replace(shut.geometry, coefficients=raised)
    up, down = replace(shut.geometry, coefficients=raised), shut.geometry
    assert (suitability(up, target)[brows] > 3 * suitability(down, target)[brows]).all()


def test_a_squeezed_plate_wants_the_same_views(bea: Source, found: Found) -> None:
    face = found("ada/open.jpg")
    squeezed = face.moved(unsqueezed(face.points, 1 / 2))
    frame = MeshGenerator(bea).frame(squeezed, 2.0)
    assert frame.pixel_aspect == 2.0
    plain, wide = Geometry.of(face), Geometry.of(squeezed, frame.pixel_aspect)
    for view in bea.views:
        np.testing.assert_allclose(suitability(view.geometry, wide), suitability(view.geometry, plain), rtol=1e-5)
    assert wide.mouth == pytest.approx(plain.mouth) and wide.eyes == pytest.approx(plain.eyes)


def test_choice_of_views_changes_smoothly(bea: Source, found: Found) -> None:
    """Half a degree of turn or nod, or a hundredth of the way from one expression to another, changes the mix by little."""
    pose = pose_of(found("ada/front.jpg").points)

    def placed(canonical: np.ndarray, yaw: float = 0.0, pitch: float = 0.0) -> np.ndarray:
        across, up = np.radians(yaw), np.radians(pitch)
        turn = np.array([[np.cos(across), 0, np.sin(across)], [0, 1, 0], [-np.sin(across), 0, np.cos(across)]])
        nod = np.array([[1, 0, 0], [0, np.cos(up), -np.sin(up)], [0, np.sin(up), np.cos(up)]])
        return canonical @ (turn @ nod).T * pose.scale + pose.centre

    def shares(points: np.ndarray) -> np.ndarray:
        target = Geometry(points)
        wanted = np.stack([suitability(view.geometry, target) for view in bea.views], axis=1)
        return wanted / wanted.sum(axis=1, keepdims=True)

    def largest_step(path: list[np.ndarray]) -> float:
        mixes = [shares(points) for points in path]
        return max(float(np.abs(after - before).max()) for before, after in itertools.pairwise(mixes))

    own = pose.canonical
    assert largest_step([placed(own, yaw=yaw) for yaw in np.arange(-30, 30.1, 0.5)]) < 0.08
    assert largest_step([placed(own, pitch=pitch) for pitch in np.arange(-20, 20.1, 0.5)]) < 0.08
    for first, second in (("closed", "open"), ("closed", "smile"), ("front", "closed")):
        ends = [pose_of(found(f"ada/{name}.jpg").points).canonical for name in (first, second)]
        assert largest_step([placed(ends[0] + t * (ends[1] - ends[0])) for t in np.linspace(0, 1, 101)]) < 0.08
    assert (
        np.abs(shares(placed(own, yaw=-15)) - shares(placed(own, yaw=15))).max() > 0.5
    )  # but over a turn it does change
