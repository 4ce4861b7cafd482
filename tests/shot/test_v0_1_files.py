"""Files of version 0.1: a show, a shot, a track, a release and a farm's job, made by that version, load and render.

`tests/fixtures/v0_1` holds them as version 0.1 wrote them, with `/show` in place of the folder in which they were made.
The pictures are made here: the demo plate, two mattes, and a committed picture of an invented person.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from faceplate.consent import Policy, Request, judge
from faceplate.demo import person
from faceplate.demo.plate import make_plate
from faceplate.face import FaceFinder
from faceplate.farm.run import run_bundle
from faceplate.render import Renderer
from faceplate.shot import load_shot
from faceplate.track import Track
from plates import read_file, write_plate

FIXTURES = Path(__file__).parents[1] / "fixtures" / "v0_1"
FRAMES = (1001, 1002)
HELD_OUT, ALLOWED = (320, 350), (240, 400)
"""Columns of the display window where the holdout matte and the garbage matte are 1; the face is wider than both."""


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The show's folder of version 0.1 with its pictures, and the keyring beside it."""
    folder = tmp_path_factory.mktemp("v0_1")
    shutil.copytree(FIXTURES, folder, dirs_exist_ok=True)
    show = folder / "show"
    make_plate(show / "plates", frames=len(FRAMES))
    shutil.copy(person("bea") / "front.jpg", show / "people" / "bea")
    (show / "mattes").mkdir()
    for name, (left, right) in (("holdout", HELD_OUT), ("garbage", ALLOWED)):
        matte = np.zeros((720, 1280, 3), np.float32)
        matte[:, left:right] = 1
        for frame in FRAMES:
            write_plate(show / "mattes" / f"{name}.{frame}.exr", matte, "half")
    for path in (folder / "job").rglob("*"):
        if path.is_file():
            path.write_text(path.read_text("utf-8").replace("/show", str(show)), "utf-8")
    return show


@pytest.fixture
def keyring(show: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The studio's keyring of version 0.1, found by the engine."""
    folder = show.parent / "keyring"
    monkeypatch.setenv("FACEPLATE_KEYRING", str(folder))
    return folder


def pixels_of(path: Path) -> np.ndarray:
    """A frame's R, G, B over its data window, whose left edge is 16 columns outside the display window."""
    pixels, spec = read_file(path)
    assert (spec.x, spec.y) == (-16, 12)
    return pixels[..., :3]


def assert_swapped(show: Path, frame: int, output: Path) -> None:
    """The face is another one, but for the holdout matte and outside the garbage matte: there the plate stays bit for bit."""
    plate, result = (pixels_of(path) for path in (show / "plates" / f"plate.{frame}.exr", output))
    changed = (plate != result).any(axis=(0, 2))
    columns = np.arange(plate.shape[1]) - 16
    open_to_change = (columns >= ALLOWED[0]) & (columns < ALLOWED[1])
    open_to_change &= (columns < HELD_OUT[0]) | (columns >= HELD_OUT[1])
    assert changed[open_to_change].mean() > 0.9 and not changed[~open_to_change].any()


def test_the_shot_has_its_former_values_under_the_new_names(show: Path) -> None:
    shot = load_shot(show / "sh010.shot.json")
    assert (shot.name, shot.production, shot.use, shot.mode) == ("sh010", "Glass", "test", "over")
    first, second = (shot.at(frame) for frame in FRAMES)
    assert (first.keep_regions, second.keep_regions) == ("eyes", "mouth")
    assert first.holdout_matte == str(show / "mattes" / "holdout.####.exr")
    assert first.garbage_matte == str(show / "mattes" / "garbage.####.exr")
    assert (first.grain, first.light_luminance, second.light_luminance) == (0.8, 0.5, 1.0)


def test_the_track_has_its_person_in_every_frame(show: Path) -> None:
    track = Track.load(show / "sh010.track.json")
    assert track.sidecar.made_by == "faceplate 0.1.0"
    for frame in FRAMES:
        face = track.face("p1", frame)
        assert face is not None and np.isfinite(face.face.points).all()


@pytest.mark.parametrize(
    ("production", "shot", "state"),
    [("Glass", "sh010", "valid"), ("Stone", "sh010", "other-production"), ("Glass", "sh020", "other-shot")],
)
def test_the_release_is_valid_for_its_production_alone(
    show: Path, keyring: Path, production: str, shot: str, state: str
) -> None:
    policy = Policy(keyring=keyring)
    request = Request(production, shot, dt.date(2026, 12, 1), "test")
    assert judge(policy, "final", show / "people" / "bea", request, {})[0].state == state


@pytest.mark.usefixtures("keyring")
def test_the_shot_renders_as_a_final(show: Path, finder: FaceFinder) -> None:
    shot = load_shot(show / "sh010.shot.json").model_copy(update={"purpose": "final"})
    renderer = Renderer(shot, finder)
    renderer.prepare()
    for frame in FRAMES:
        renderer.write(renderer.render(frame))
        assert_swapped(show, frame, show / "out" / f"sh010.{frame}.exr")


@pytest.mark.usefixtures("keyring")
def test_the_job_runs(show: Path) -> None:
    """The Open Job Description runtime renders one chunk of the job, and its check finds the frame right."""
    job = show.parent / "job"
    output = show / "farm"
    values = {"OutputDir": str(output), "Frames": "1001", "ChunkSeconds": "0"}
    assert json.loads((job / "parameters.json").read_text("utf-8"))["Track"] == str(show / "sh010.track.json")
    assert run_bundle(job, values) == 0
    assert_swapped(show, 1001, output / "sh010.1001.exr")
    assert not (output / "sh010.1002.exr").exists()
