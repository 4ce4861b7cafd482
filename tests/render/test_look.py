"""The look that a track holds, in a render: specks of one frame vanish, an occluder that one frame misses persists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.face import Face
from faceplate.render import Renderer
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from faceplate.track import Track, track_shot
from faceplate.track.sidecar import dump
from occluders import DARK_HAIR
from track_plates import portrait, warped, write_frames

SPECK, GAP, SCALE = 1003, 1005, 0.45
SIDE = 460


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
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    start = SCALE * face.points[9, :2]
    reach = 0.1 * SCALE * face.size
    ends = [np.round((start + offset) * 16).astype(int).tolist() for offset in ((-reach, -4), (reach, 10))]
    cv2.line(alpha, *ends, 255, 4, cv2.LINE_AA, 4)
    return alpha.astype(np.float32) / 255


def bar_of(face: Face) -> np.ndarray:
    alpha = np.zeros((SIDE, SIDE), np.float32)
    x, y = SCALE * face.points[200, :2]
    half = 0.07 * SCALE * face.size
    alpha[int(y - half) : int(y + half), : int(x + 2 * half)] = 1.0
    return cv2.GaussianBlur(alpha, (0, 0), 0.8)


def without_looks(track: Track) -> Track:
    def stripped(block):
        lines = {
            kind: tuple(line.model_copy(update={"look": None, "tones": None}) for line in getattr(block, kind))
            for kind in ("raw", "smooth")
        }
        return block.model_copy(update=lines)

    people = tuple(
        person.model_copy(update={"blocks": tuple(stripped(block) for block in person.blocks)})
        for person in track.sidecar.people
    )
    return Track(track.sidecar.model_copy(update={"people": people}))


def renderer(folder: Path, track: str) -> Renderer:
    parameters = Parameters(generator="null", layers="parts", window="plate")
    return Renderer(Shot(plate=str(folder / "plate.####.exr"), track=folder / track, parameters=parameters))


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
