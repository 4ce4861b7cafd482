"""A batch beside frames that were made with a track of other frames: refused in one sentence, unless it is wanted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faceplate.cli import main
from faceplate.errors import UsageError
from faceplate.farm.check import check_shot
from faceplate.render import Renderer
from faceplate.render.batch import RenderBatch
from faceplate.shot import load_shot

TAKE: dict[str, Any] = {"recorded": True, "action": "render", "skip_current": True}


@pytest.fixture
def shot_file(tmp_path: Path, fast_folder: Path, fast_document: dict[str, Any]) -> Path:
    """A shot whose frames 1 to 4 are rendered with a track of 1 to 5000; the face is in frame 1."""
    for name in ("plate.exr", "fast.track.json"):
        shutil.copy(fast_folder / name, tmp_path)
    path = tmp_path / "s.shot.json"
    path.write_text(json.dumps({**fast_document, "frames": "1-4"}))
    assert all(done.written for done in RenderBatch(renderer_of(path), **TAKE).run(range(1, 5)))
    return path


def renderer_of(path: Path) -> Renderer:
    made = Renderer(load_shot(path).model_copy(update={"track_first": False}))
    made.prepare()
    return made


def track_again(path: Path, moved: bool = True) -> None:
    """Replace the track by one of 1 to 8; where `moved`, the frame with the face comes out differently."""
    track = path.with_name("fast.track.json")
    document = json.loads(track.read_text())
    document["ranges"] = [[1, 8, 1]]
    track.write_text(json.dumps(document))
    if moved:
        shot = json.loads(path.read_text())
        shot["parameters"]["matte_feather"] = 0.2
        path.write_text(json.dumps(shot))


def test_other_frames_of_another_track_are_no_company(shot_file: Path) -> None:
    track_again(shot_file)
    with pytest.raises(UsageError) as refused:
        list(RenderBatch(renderer_of(shot_file), **TAKE).run([5, 6]))
    assert refused.value.code == "mixed-tracks"
    assert "a track of the frames 1-5000" in str(refused.value) and "a track of the frames 1-8" in str(refused.value)
    assert not (shot_file.parent / "out" / "o.0005.exr").exists()


def test_frames_that_would_be_the_same_are(shot_file: Path) -> None:
    track_again(shot_file, moved=False)
    assert all(done.written for done in RenderBatch(renderer_of(shot_file), **TAKE).run([5, 6]))


def test_rendering_all_of_them_again_is_the_way_out(shot_file: Path) -> None:
    track_again(shot_file)
    done = list(RenderBatch(renderer_of(shot_file), **TAKE).run(range(1, 7)))
    assert [item.frame for item in done if item.written] == [1, 2, 3, 4, 5, 6]
    assert check_shot(renderer_of(shot_file), range(1, 7)).sound


def test_mixing_knowingly(shot_file: Path) -> None:
    track_again(shot_file)
    assert all(item.written for item in RenderBatch(renderer_of(shot_file), **TAKE, mix_tracks=True).run([5]))
    report = check_shot(renderer_of(shot_file), range(1, 6))
    assert {fault.frame: fault.code for fault in report.faults} == dict.fromkeys(range(1, 5), "other-track")
    assert "track of other frames" in report.faults[0].message


def test_a_single_picture_of_an_artist_is_not_a_take(shot_file: Path) -> None:
    track_again(shot_file)
    batch = replace(RenderBatch(renderer_of(shot_file), **TAKE), recorded=False, action="")
    assert all(item.written for item in batch.run([5]))


def test_the_command_line(shot_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    track_again(shot_file)
    assert main._run(["render", str(shot_file), "--frames", "5"]) == 2
    assert "--mix-tracks" in capsys.readouterr().err
    assert main._run(["render", str(shot_file), "--frames", "5", "--mix-tracks"]) == 0
