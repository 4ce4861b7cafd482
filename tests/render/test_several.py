"""Several people in one pass: the single renders where they do not overlap, the nearer over the farther where they do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.cache import StageCache
from faceplate.cache.stages import CacheSettings
from faceplate.demo import person
from faceplate.errors import RenderError, UsageError
from faceplate.face import FaceFinder
from faceplate.image.window import Window
from faceplate.render import CompositeResult, Rendered, Renderer
from faceplate.render.cache_types import KINDS
from faceplate.shot import Policy, Shot, ShotFace
from faceplate.track import Track, track_shot
from faceplate_client.exr import header
from plates import read_file
from track_plates import background, over, portrait, write_frames

WIDTH, HEIGHT = 600, 220
PLACES = {"Ann": (110, 200.0), "Bob": (300, 180.0), "Cy": (490, 220.0)}
PEOPLE = {"Ann": "ada", "Bob": "eve", "Cy": "dot"}
SOURCES = {"Ann": "bea", "Bob": "cal", "Cy": "fox"}
NAMES = tuple(PLACES)


@dataclass
class Group:
    """Three people in a row over two frames, their track, and a renderer for any of them."""

    folder: Path
    finder: FaceFinder

    @cached_property
    def cache(self) -> StageCache:
        return StageCache(CacheSettings(1 << 28), KINDS)

    @property
    def plate(self) -> np.ndarray:
        return read_file(self.folder / "plate.1001.exr")[0]

    def face(self, name: str, **keys: Any) -> ShotFace:
        track = keys.pop("track", None)
        target = keys.pop("target", str(NAMES.index(name) + 1))
        own = {"head_size": keys.pop("head_size", 1.0), "source": person(SOURCES[name]) / "front.jpg"}
        return ShotFace(name=name, track=track, constants={"target": target, **keys}, **own)

    def shot(self, *faces: ShotFace, **keys: Any) -> Shot:
        fields: dict[str, Any] = {
            "plate": str(self.folder / "plate.####.exr"), "frames": (1001, 1002), "mode": "over",
            "track": self.folder / "t.json", "policy": Policy(preview_slate=False), "faces": faces,
        }  # fmt: skip
        return Shot(**{**fields, **keys})

    def renderer(self, *faces: ShotFace, **keys: Any) -> Renderer:
        return Renderer(self.shot(*faces, **keys), self.finder, cache=self.cache)

    def alone(self, face: ShotFace, frame: int = 1001, **keys: Any) -> Rendered:
        shot = self.shot(face, **keys)
        return Renderer(shot.of_face(face), self.finder, cache=self.cache).render(frame)


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Group:
    folder = tmp_path_factory.mktemp("group")
    plate = background(WIDTH, HEIGHT, 5)
    for name, (x, side) in PLACES.items():
        plate = over(plate, portrait(PEOPLE[name]), (x, 110), side)
    write_frames(folder, 2, lambda i: plate)
    finder = FaceFinder.embedded()
    track_shot(str(folder / "plate.####.exr"), folder / "t.json", finder=finder, workers=1)
    return Group(folder, finder)


def on_plate(result: CompositeResult, picture: np.ndarray) -> np.ndarray:
    """`picture` of a result on the whole plate, 0 around it."""
    whole = np.zeros((HEIGHT, WIDTH, *picture.shape[2:]), np.float32)
    if not result.window.empty:
        whole[result.window.slices(Window(0, 0, WIDTH, HEIGHT))] = picture
    return whole


def moved_beside(group: Group, name: str, other: str, apart: float, scale: float = 1.0) -> Path:
    """A track in which `name` lies `apart` pixels to the right of `other`; as large as before, times `scale`."""
    track = Track.load(group.folder / "t.json")
    who = track.people[NAMES.index(name)].id
    left = PLACES[other][0] + apart - PLACES[name][0]
    path = group.folder / f"{name}_{apart}_{scale}.track.json"
    track.key(who, 1001, (left, 0), scale).save(path)
    return path


@pytest.mark.parametrize("names", [("Ann", "Bob"), ("Cy", "Ann", "Bob")])
def test_people_apart_are_the_single_renders_bit_for_bit(names: tuple[str, ...], group: Group) -> None:
    faces = [group.face(name) for name in names]
    several = group.renderer(*faces).render(1001)
    covered = np.zeros((HEIGHT, WIDTH), np.float32)
    result, over_all = several.result, on_plate(several.result, several.result.over)
    element = on_plate(result, result.element)
    for face in faces:
        single = group.alone(face).result
        matte = on_plate(single, single.matte)
        assert (matte > 0).sum() > 3000 and not ((matte > 0) & (covered > 0)).any()
        assert np.array_equal(over_all[matte > 0], on_plate(single, single.over)[matte > 0])
        assert np.array_equal(element[matte > 0], on_plate(single, single.element)[matte > 0])
        covered += matte
    assert np.array_equal(on_plate(result, result.matte), covered)


def test_what_no_matte_covers_is_the_plate_in_the_written_file(group: Group, tmp_path: Path) -> None:
    renderer = group.renderer(*map(group.face, NAMES), output=str(tmp_path / "o.####.exr"))
    rendered = renderer.render(1001)
    renderer.write(rendered)
    matte = on_plate(rendered.result, rendered.result.matte)
    written = read_file(tmp_path / "o.1001.exr")[0]
    assert np.array_equal(written[matte == 0], group.plate[matte == 0]) and (matte == 0).sum() > 40_000
    assert not np.array_equal(written[matte > 0.5], group.plate[matte > 0.5])


def test_any_frame_alone_and_a_cache_change_nothing(group: Group) -> None:
    faces = [group.face("Ann"), group.face("Bob", track=moved_beside(group, "Bob", "Ann", 60))]
    renderer = group.renderer(*faces)
    both = [renderer.render(frame) for frame in (1002, 1001)]
    fresh = Renderer(renderer.shot, group.finder).render(1001)
    assert np.array_equal(fresh.result.over, both[1].result.over) and fresh.key == both[1].key == renderer.key(1001)
    assert np.array_equal(fresh.result.element, both[1].result.element)


def test_a_change_of_one_face_runs_nothing_of_the_others_again(group: Group) -> None:
    cache = StageCache(CacheSettings(1 << 28), KINDS)

    def computed(**bob: float) -> dict[str, int]:
        cache.counts.computed.clear()
        shot = group.shot(group.face("Ann"), group.face("Bob", **bob))
        Renderer(shot, group.finder, cache=cache).render(1001)
        return dict(cache.counts.computed)

    assert computed()["generate"] == 2
    assert not computed() and set(computed(matte_feather=0.2)) == {"matched"}
    assert computed(shape=0.5)["generate"] == 1


@pytest.mark.parametrize(("scale", "nearer"), [(1.3, "Bob"), (0.8, "Ann")])
def test_the_larger_head_lies_over_the_smaller(scale: float, nearer: str, group: Group) -> None:
    track = moved_beside(group, "Bob", "Ann", 45, scale)
    faces = {"Ann": group.face("Ann"), "Bob": group.face("Bob", track=track)}
    for order in (("Ann", "Bob"), ("Bob", "Ann")):
        several = group.renderer(*(faces[name] for name in order)).render(1001).result
        alone = group.alone(faces[nearer]).result
        other = group.alone(faces["Ann" if nearer == "Bob" else "Bob"]).result
        assert alone.face_matte is not None
        whole = on_plate(alone, alone.face_matte) >= 1
        behind = (on_plate(other, other.matte) > 0) & whole
        assert behind.sum() > 500
        assert np.array_equal(on_plate(several, several.over)[whole], on_plate(alone, alone.over)[whole])
        matte = on_plate(several, several.matte)
        assert matte.max() <= 1 and (matte >= on_plate(other, other.matte) - 1e-6).all()


def test_a_childs_head_size_turns_the_order_round(group: Group) -> None:
    track = moved_beside(group, "Bob", "Ann", 45, 0.8)
    child = group.face("Bob", track=track, head_size=0.5)
    several = group.renderer(group.face("Ann"), child).render(1001).result
    alone = group.alone(child).result
    assert alone.face_matte is not None
    whole = on_plate(alone, alone.face_matte) >= 1
    assert np.array_equal(on_plate(several, several.over)[whole], on_plate(alone, alone.over)[whole])


def test_a_change_of_what_the_order_depends_on_changes_the_frames_key(group: Group) -> None:
    """The order is steady over neighbouring frames, so that a correction there counts too."""
    track = Track.load(group.folder / "t.json")
    other = group.folder / "other.track.json"
    person_2 = track.people[1].id
    track.key(person_2, 1001, (0, 0), 1.0).key(person_2, 1002, (0, 0), 1.2).save(other)
    same = group.folder / "same.track.json"
    track.save(same)
    keys = [
        group.renderer(group.face("Ann"), group.face("Bob", track=path, **more)).key(1001)
        for path, more in ((same, {}), (same, {}), (other, {}), (same, {"head_size": 0.9}))
    ]
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_each_face_is_a_layer_and_the_ids_are_one(group: Group, tmp_path: Path) -> None:
    track = moved_beside(group, "Bob", "Ann", 45, 1.3)
    faces = [group.face("Ann", layers="id,stmap"), group.face("Bob", track=track, layers="id"), group.face("Cy")]
    renderer = group.renderer(*faces, mode="element", output=str(tmp_path / "e.####.exr"))
    rendered = renderer.render(1001)
    layers = rendered.result.layers
    assert {"face_Ann", "face_Bob", "face_Cy", "face_Ann_stmap", "faceplate_id00", "faceplate_id01"} <= set(layers)
    stacked = np.zeros_like(rendered.result.element)
    for name in ("Ann", "Cy", "Bob"):  # far to near
        element = layers[f"face_{name}"]
        stacked = element + (1 - element[..., 3:]) * stacked
    assert np.abs(stacked - rendered.result.element).max() < 1e-5
    manifest = next(value for name, value in rendered.result.attributes.items() if name.endswith("/manifest"))
    assert set(json.loads(manifest)) == set(NAMES)
    ids = np.concatenate([layers["faceplate_id00"], layers["faceplate_id01"]], axis=-1)
    assert ids[..., 1::2].sum(axis=-1).max() <= 1 + 1e-5
    renderer.write(rendered)
    said = header(str(tmp_path / "e.1001.exr"))
    assert said["faceplate:people"] == "Ann, Bob, Cy" and set(json.loads(said["faceplate:faces"])) == set(NAMES)
    names = read_file(tmp_path / "e.1001.exr")[1].channelnames
    assert {"R", "face_Ann.R", "face_Ann.A", "face_Bob.A", "face_Ann_stmap.u", "faceplate_id00.R"} <= set(names)


def test_one_who_is_out_of_the_picture_is_noted_and_the_others_are_rendered(group: Group) -> None:
    track = Track.load(group.folder / "t.json")
    gone = group.folder / "gone.track.json"
    track.in_out(track.people[1].id, 1002, 1002).save(gone)
    faces = [group.face("Ann"), group.face("Bob", track=gone, layers="id")]
    rendered = group.renderer(*faces).render(1001)
    assert rendered.result.notes == ("Bob: shows no face",)
    alone = group.alone(faces[0]).result
    assert np.array_equal(rendered.result.over, alone.over) and rendered.result.window == alone.window
    manifest = next(value for name, value in rendered.result.attributes.items() if name.endswith("/manifest"))
    assert set(json.loads(manifest)) == {"Ann", "Bob"}


def test_without_a_track_a_face_that_is_not_found_is_absent_and_none_at_all_fails(group: Group) -> None:
    searched = {"track": None, "track_first": False}
    rendered = group.renderer(group.face("Ann"), group.face("Bob", target="5"), **searched).render(1001)
    assert rendered.result.notes == ("Bob: shows no face",) and rendered.result.matte.max() == 1
    with pytest.raises(RenderError, match="Face 4"):
        group.renderer(group.face("Ann", target="4"), group.face("Bob", target="5"), **searched).render(1001)


def test_two_faces_that_are_one_person_are_refused(group: Group) -> None:
    renderer = group.renderer(group.face("Ann"), group.face("Bob", target="1"))
    for attempt in (renderer.prepare, lambda: renderer.render(1001)):
        with pytest.raises(UsageError, match=r"Ann and Bob .*replace"):
            attempt()


def test_a_host_sends_values_for_all_faces_and_for_one(group: Group) -> None:
    faces = (group.face("Ann", grain=0.0), group.face("Bob"))
    renderer = group.renderer(*faces)
    values = {"grain": 0.5, "matte_feather": 0.2, "faces": {"Bob": {"matte_feather": 0.1}}}
    ann, bob = (item.parameters for item in renderer.render(1001, values=values).faces)
    assert (ann.grain, ann.matte_feather, bob.grain, bob.matte_feather) == (0.0, 0.2, 0.5, 0.1)
    keys = {renderer.key(1001, given) for given in ({}, values, {**values, "faces": {}})}
    assert len(keys) == 3


def test_the_releases_of_all_faces_count(group: Group, tmp_path: Path) -> None:
    bare = tmp_path / "nobody"
    bare.mkdir()
    (bare / "front.jpg").write_bytes((person("cal") / "front.jpg").read_bytes())
    without = group.face("Bob").model_copy(update={"source": bare})
    renderer = group.renderer(group.face("Ann"), without, policy=Policy())
    check, decision = renderer.resources.consent
    assert check.state == "none" and decision.slate == "AI-GENERATED PREVIEW – no release on file (Bob)"
    assert check.id == renderer.faces[0].resources.consent.check.id and renderer.take()["people"] == "Ann, Bob"
    assert not group.renderer(group.face("Ann"), group.face("Cy"), policy=Policy()).resources.consent.decision.slate
    final = group.renderer(group.face("Ann"), without, policy=Policy(), purpose="final")
    with pytest.raises(UsageError, match="Bob: No final without a release"):
        final.render(1001)


def test_a_list_of_one_is_the_single_render(group: Group) -> None:
    one = group.renderer(group.face("Ann"), mode="element").render(1001)
    alone = group.alone(group.face("Ann"), mode="element")
    assert np.array_equal(one.result.element, alone.result.element) and one.result.window == alone.result.window
