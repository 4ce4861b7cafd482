"""`faceplate check`: every fault of a take is named and mended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from faceplate.cli import main
from faceplate.face import FaceFinder
from faceplate.farm import check_shot
from faceplate.farm.check import FAULTS
from faceplate.plate import Sequence
from faceplate.provenance.manifest import manifest_path, read_manifest, records_folder
from faceplate.render import Renderer
from faceplate.shot import load_shot
from farm_shots import cheap, ran, small_shot, with_pixels


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shot and its 4 elements, a real face in them."""
    folder = tmp_path_factory.mktemp("check")
    shot = small_shot(folder, 4)
    assert main._run(["render", str(shot)]) == 0
    return folder


@pytest.fixture
def shot(rendered: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    shutil.copytree(rendered, tmp_path / "show", copy_function=shutil.copy2)
    document = json.loads((tmp_path / "show" / "sh010.shot.json").read_text()) | {"track": "out/sh010.track.json"}
    (tmp_path / "show" / "sh010.shot.json").write_text(json.dumps(document))
    return tmp_path / "show" / "sh010.shot.json"


def frame(shot: Path, number: int) -> Path:
    return shot.parent / "out" / f"sh010.{number}.exr"


def plate(shot: Path, number: int) -> Path:
    return shot.parent / "plates" / f"plate.{number}.exr"


def missing(shot: Path, number: int) -> None:
    frame(shot, number).unlink()


def cut(shot: Path, number: int) -> None:
    frame(shot, number).write_bytes(frame(shot, number).read_bytes()[:-100])


def foreign(shot: Path, number: int) -> None:
    shutil.copy(plate(shot, number), frame(shot, number))


def not_finite(shot: Path, number: int) -> None:
    def spoil(pixels: np.ndarray) -> None:
        pixels[10, 10, 1] = np.nan

    with_pixels(frame(shot, number), spoil)


def black(shot: Path, number: int) -> None:
    def spoil(pixels: np.ndarray) -> None:
        names = oiio.ImageBuf(str(frame(shot, number))).spec().channelnames
        pixels[..., [names.index(name) for name in "RGB"]] = 0

    with_pixels(frame(shot, number), spoil)


def empty(shot: Path, number: int) -> None:
    with_pixels(frame(shot, number), np.zeros_like)


def brighter(shot: Path, number: int) -> None:
    with_pixels(frame(shot, number), lambda pixels: pixels * 1.5)


def other_plate(shot: Path, number: int) -> None:
    shutil.copy(plate(shot, 1001), plate(shot, number))


def other_take(shot: Path, number: int) -> None:
    with_pixels(frame(shot, number), lambda pixels: None, faceplate__take="7")


def twice(shot: Path, number: int) -> None:
    shutil.copy(frame(shot, 1001), frame(shot, number))


def other_parameters(shot: Path, number: int) -> None:
    override = {"frames": str(number), "parameters": {"matte_feather": 0.2}}
    shot.write_text(json.dumps(json.loads(shot.read_text()) | {"overrides": [override]}))


SPOILT: tuple[tuple[Callable[[Path, int], None], set[str]], ...] = (
    (missing, {"missing"}),
    (cut, {"damaged"}),
    (foreign, {"foreign"}),
    (not_finite, {"not-finite", "changed"}),
    (black, {"black", "changed"}),
    (empty, {"empty", "changed"}),
    (brighter, {"changed"}),
    (other_plate, {"plate-changed"}),
    (other_take, {"other-take"}),
    (twice, {"plate-changed", "changed"}),
    (other_parameters, {"stale"}),
)


def test_every_fault_is_named_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault in a frame of its own, between sound ones: those faults alone; --fix renders them again; all is right.

    One take for all of them, because opening the source costs more than the frames.
    """
    shot = small_shot(tmp_path, len(SPOILT) + 2)
    assert main._run(["render", str(shot)]) == 0
    shot.write_text(json.dumps(json.loads(shot.read_text()) | {"track": "out/sh010.track.json"}))
    wanted = {1002 + k: codes for k, (_, codes) in enumerate(SPOILT)}
    for number, (spoil, codes) in zip(wanted, SPOILT, strict=True):
        spoil(shot, number)
        assert codes <= set(FAULTS)
    capsys.readouterr()
    code, events = ran(capsys, "check", shot)
    found: dict[int, set[str]] = {}
    for event in events:
        if event["event"] == "fault":
            found.setdefault(event["frame"], set()).add(event["code"])
    assert code == 1 and found == wanted
    assert events[-1]["event"] == "report" and events[-1]["bad"] == sorted(wanted)
    code, events = ran(capsys, "check", shot, "--fix")
    assert code == 0 and events[-1]["bad"] == []
    assert ran(capsys, "check", shot)[0] == 0


def test_a_sound_take(shot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All right: exit code 0, the device is said, and a record that a killed writer owed is made up for."""
    output = Sequence.parse(str(shot.parent / "out" / "sh010.####.exr"))
    (records_folder(output) / "1003.json").unlink()
    manifest_path(output).unlink()
    assert main._run(["check", str(shot)]) == 0
    assert capsys.readouterr().out == "4 of 4 frames are right; made on cpu.\n"
    manifest, _ = read_manifest(manifest_path(output))
    assert sorted(manifest.frames) == ["1001", "1002", "1003", "1004"]
    assert main._run(["verify", str(shot.parent / "out" / "sh010.####.exr")]) == 0


def test_two_frames_alike_though_their_plates_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A generator that got stuck: headers, keys and records are right, and the picture is that of another frame."""
    shot = small_shot(tmp_path, 3, **cheap(no_face="pass"))
    assert main._run(["render", str(shot), "--no-track"]) == 0
    first, second = (tmp_path / "out" / f"sh010.{number}.exr" for number in (1001, 1002))
    pixels = oiio.ImageBuf(str(first)).get_pixels(oiio.FLOAT)
    with_pixels(second, lambda _: pixels)
    (records_folder(Sequence.parse(str(tmp_path / "out" / "sh010.####.exr"))) / "1002.json").unlink()
    renderer = Renderer(load_shot(shot).model_copy(update={"track_first": False}), FaceFinder.embedded())
    report = check_shot(renderer)
    assert [(fault.frame, fault.code) for fault in report.faults] == [(1002, "duplicate")]
    # The same plate twice is a held frame, and nobody's mistake.
    shutil.copy2(tmp_path / "plates" / "plate.1001.exr", tmp_path / "plates" / "plate.1002.exr")
    assert main._run(["render", str(shot), "--no-track"]) == 0
    assert check_shot(Renderer(renderer.shot, FaceFinder.embedded())).sound


def test_a_requeue_is_a_bundle_of_the_bad_frames(
    shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame(shot, 1001).unlink()
    frame(shot, 1003).unlink()
    assert main._run(["check", str(shot), "--requeue", str(tmp_path / "again")]) == 1
    template = (tmp_path / "again" / "template.yaml").read_text()
    assert "default: 1001,1003\n" in template and "name: Track\n  type: PATH" in template.replace("- name", "name", 99)
    assert "MergeTrack" not in template


def test_bad_requests(shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A shot that cannot be opened is exit code 2, which no retry mends; JSON says it too."""
    code, events = ran(capsys, "check", tmp_path / "none.shot.json")
    assert code == 2 and events[-1]["code"] == "no-shot" and events[-1]["level"] == "error"
    assert main._run(["check", str(shot), "--log", "yaml"]) == 2
    assert "text, json, openjd" in capsys.readouterr().err


def test_lines_for_machines(shot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of a JSON log is an object with time, level and event; the summary has every stage's time."""
    capsys.readouterr()
    assert main._run(["render", str(shot), "--force", "--log", "json"]) == 0
    captured = capsys.readouterr()
    events = [json.loads(line) for line in captured.out.splitlines()]
    assert captured.err == "" and all({"time", "level", "event"} <= set(event) for event in events)
    kinds = [event["event"] for event in events]
    assert kinds[0] == "start" and kinds[-1] == "summary" and kinds.count("frame") == kinds.count("progress") == 4
    written = next(event for event in events if event["event"] == "frame")
    assert written["state"] == "written" and set(written["seconds"]) == {"load", "generate", "comp", "write"}
    summary = events[-1]
    assert (summary["written"], summary["failed"], summary["stopped"]) == (4, 0, False)
    assert all(times["frame_s"] > 0 for times in summary["stages"].values())
    assert main._run(["render", str(shot), "--log", "openjd"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "openjd_progress: 100.0" in said and "openjd_status: frame 4 of 4" in said
    assert said[-1].startswith("0 of 4 frames written, 4 were current")
    frame(shot, 1002).unlink()
    plate(shot, 1002).unlink()
    assert main._run(["render", str(shot), "--log", "openjd", "-f", "1002"]) == 1
    assert any("plate-missing" in line for line in capsys.readouterr().out.splitlines())
