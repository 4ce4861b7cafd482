"""The look that a track holds, in a render: specks of one frame vanish, an occluder that one frame misses persists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate.comp.skin_tones import SkinTones
from faceplate.demo import person
from faceplate.face import Face
from faceplate.render import Rendered, Renderer
from faceplate.shot import Policy, Shot
from faceplate.shot.parameters import Parameters
from faceplate.track import Track, model, track_shot
from faceplate.track.sidecar import dump
from faceplate.track.tones import RAW, pack_tones, unpack_tones
from occluders import DARK_HAIR
from track_plates import portrait, warped, write_frames

SPECK, GAP, SCALE = 1003, 1005, 0.45
SIDE = 460
RELAXED = Policy(preview_slate=False)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory, face_in: Callable[[str], Face]) -> Path:
    """Seven frames of eve with a dark bar across the chin that frame 1005 lacks, and a strand on the forehead in 1003 alone."""
    folder = tmp_path_factory.mktemp("looks")
    face, matrix = face_in("eve/front.jpg"), np.array([[SCALE, 0, 0], [0, SCALE, 0]])
    clear = warped(portrait("eve"), matrix, SIDE, SIDE)
    strand, bar = strand_of(face), bar_of(face)

    def picture(i: int) -> np.ndarray:
        plate = clear
        for alpha, shown in ((bar, i != GAP - 1001), (strand, i == SPECK - 1001)):
            plate = plate + alpha[..., None] * (DARK_HAIR - plate) if shown else plate
        return plate.astype(np.float32)

    pattern = write_frames(folder, 7, picture)
    track_shot(pattern, folder / "shot.track.json", workers=1)
    old = dump(without_looks(Track.load(folder / "shot.track.json")).sidecar).replace(',"look":null,"tones":null', "")
    (folder / "old.track.json").write_text(old, encoding="utf-8")
    return folder


def strand_of(face: Face) -> np.ndarray:
    """A strand that hangs from the hairline to above the brows."""
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    top, end = SCALE * face.points[[67, 9], :2]
    first, last = (np.round(at * 16).astype(int).tolist() for at in (top - 0.1 * (end - top), end))
    cv2.line(alpha, first, last, (255,), 4, cv2.LINE_AA, 4)
    return alpha.astype(np.float32) / 255


def bar_of(face: Face) -> np.ndarray:
    alpha = np.zeros((SIDE, SIDE), np.float32)
    x, y = SCALE * face.points[200, :2]
    half = 0.07 * SCALE * face.size
    alpha[int(y - half) : int(y + half), : int(x + 2 * half)] = 1.0
    return cv2.GaussianBlur(alpha, (0, 0), 0.8)


def without_looks(track: Track, fields: tuple[str, ...] = ("look", "tones")) -> Track:
    """The track as an earlier version stored it, without these fields in its lines."""

    def stripped(block: model.Block) -> model.Block:
        lines = {
            kind: tuple(line.model_copy(update=dict.fromkeys(fields)) for line in getattr(block, kind))
            for kind in ("raw", "smooth")
        }
        return block.model_copy(update=lines)

    people = tuple(
        person.model_copy(update={"blocks": tuple(stripped(block) for block in person.blocks)})
        for person in track.sidecar.people
    )
    return Track(track.sidecar.model_copy(update={"people": people}))


def with_brighter_tones(track: Track, log: float) -> Track:
    """The track with all tones brighter by `log`: the lines are stored relative to their block's tones."""

    def brightened(block: model.Block) -> model.Block:
        base = unpack_tones(block.tones, RAW)
        assert base is not None
        return block.model_copy(update={"tones": pack_tones(replace(base, log=base.log + log), RAW)})

    people = tuple(
        person.model_copy(update={"blocks": tuple(brightened(block) for block in person.blocks)})
        for person in track.sidecar.people
    )
    return Track(track.sidecar.model_copy(update={"people": people}))


def renderer(folder: Path, track: str | Path, **fields: Any) -> Renderer:
    parameters = Parameters(generator="null", layers="parts", window="plate")
    fields = {"parameters": parameters, **fields}
    return Renderer(Shot(plate=str(folder / "plate.####.exr"), track=folder / track, policy=RELAXED, **fields))


def hidden(folder: Path, track: str, frame: int, where: np.ndarray) -> float:
    """Mean of the occlusion matte where `where` is covered."""
    result = renderer(folder, track).render(frame).result
    window = result.window
    beneath = where[window.y : window.bottom, window.x : window.right]
    return float(result.layers["matte_occlusion"].reshape(beneath.shape)[beneath > 0.9].mean())


def test_a_speck_of_one_frame_vanishes(shot: Path, face_in: Callable[[str], Face]) -> None:
    strand = strand_of(face_in("eve/front.jpg"))
    assert hidden(shot, "old.track.json", SPECK, strand) > 0.5
    assert hidden(shot, "shot.track.json", SPECK, strand) < 0.05


def test_an_occluder_that_one_frame_misses_persists(shot: Path, face_in: Callable[[str], Face]) -> None:
    bar = bar_of(face_in("eve/front.jpg"))
    assert hidden(shot, "old.track.json", GAP, bar) < 0.1
    assert hidden(shot, "shot.track.json", GAP, bar) > 0.6
    for frame in (SPECK, GAP + 1):
        assert hidden(shot, "shot.track.json", frame, bar) > 0.9


def test_keys_hold_the_look(shot: Path) -> None:
    with_looks, old = renderer(shot, "shot.track.json"), renderer(shot, "old.track.json")
    assert with_looks.key(SPECK) != old.key(SPECK)
    located = with_looks.locate(SPECK)
    look, face = located.target.look, located.face
    assert look is not None and look.tones is not None
    assert face is not None and old.locate(SPECK).target.look is None
    brighter = replace(look.tones, log=look.tones.log + 0.1)
    keys = [
        located.keys.stage_keys(face, face.window(), None, look=other)
        for other in (look, replace(look, hidden=look.hidden + np.float32(0.5)), replace(look, tones=brighter))
    ]
    assert keys[0]["occlusion"] != keys[1]["occlusion"] and keys[0]["prepare"] != keys[1]["prepare"]
    assert keys[0]["light"] != keys[2]["light"] and keys[0]["matched"] != keys[2]["matched"]


def test_a_track_without_looks_renders_like_a_given_face(shot: Path) -> None:
    old = renderer(shot, "old.track.json")
    located = old.locate(SPECK)
    given = old.render(SPECK, face=located.target.face, grain=located.target.grain)
    assert np.array_equal(old.render(SPECK).result.element, given.result.element)


# The tones --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tracks(shot: Path) -> dict[str, Path]:
    """The shot's track as it is, without tones, with tones a little brighter, and with those of another grade."""
    track = Track.load(shot / "shot.track.json")
    changed = {
        "plain": track,
        "none": without_looks(track, ("tones",)),
        "brighter": with_brighter_tones(track, 0.1),
        "graded": with_brighter_tones(track, 0.7),
        "neither": without_looks(track, ("tones", "features")),
    }
    for name, value in changed.items():
        value.save(shot / f"{name}.track.json")
    return {name: shot / f"{name}.track.json" for name in changed}


def with_bea(shot: Path, track: Path, **fields: Any) -> Renderer:
    parameters = Parameters(generator="mesh", grain=0.0)
    return renderer(shot, track, source=person("bea") / "front.jpg", parameters=parameters, **fields)


def element(found: Rendered) -> np.ndarray:
    return found.result.element


def test_the_light_comes_from_the_track(shot: Path, tracks: dict[str, Path]) -> None:
    plain, brighter = (element(with_bea(shot, tracks[name]).render(GAP)) for name in ("plain", "brighter"))
    lit = (plain[..., 3] > 0.99) & (brighter != plain).any(axis=-1)  # beside the face the element holds the moved plate
    ratio = brighter[lit][:, :3].mean() / plain[lit][:, :3].mean()
    assert ratio == pytest.approx(np.exp(0.1), abs=0.02)


def test_tones_of_another_grade_are_measured_in_the_frame(shot: Path, tracks: dict[str, Path]) -> None:
    graded, measured = (element(with_bea(shot, tracks[name]).render(GAP)) for name in ("graded", "neither"))
    assert np.array_equal(graded, measured)


def test_tones_of_another_working_space_are_measured_in_the_frame(shot: Path, tracks: dict[str, Path]) -> None:
    def tones(**fields: Any) -> SkinTones | None:
        look = with_bea(shot, tracks["plain"], **fields).locate(GAP).target.look
        assert look is not None
        return look.tones

    assert tones() is not None
    assert tones(space="Linear Rec.709 (sRGB)") is None
    assert tones(working="Linear Rec.709 (sRGB)") is None


def test_the_tracked_tones_serve_at_a_proxy(shot: Path, tracks: dict[str, Path]) -> None:
    renderer = with_bea(shot, tracks["plain"])
    whole, half = renderer.load(GAP).prepared, renderer.load(GAP, proxy=2).prepared
    assert whole is not None and half is not None and whole.tones is not None and half.tones is not None
    assert np.array_equal(whole.tones.log, half.tones.log)


def test_a_frame_alone_has_the_light_of_the_run(shot: Path, tracks: dict[str, Path]) -> None:
    run = with_bea(shot, tracks["plain"])
    together = [element(run.render(frame)) for frame in (SPECK, SPECK + 1, GAP)]
    for frame, expected in zip((GAP, SPECK), (together[2], together[0]), strict=True):
        assert np.array_equal(element(with_bea(shot, tracks["plain"]).render(frame)), expected)


def test_the_null_generator_is_exact_whatever_the_tones(shot: Path, tracks: dict[str, Path]) -> None:
    for name in ("plain", "brighter", "graded"):
        found = renderer(shot, tracks[name], mode="over")
        rendered = found.render(GAP)
        plate = found.resources.read_plate(rendered.file, rendered.file.data).pixels
        assert np.array_equal(found.over_picture(rendered)[..., :3], plate)
