"""`faceplate tracks views`: the table, keys, a new plan, and one sentence for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import command, refused
from faceplate.demo import person
from faceplate.track import Track
from turning_heads import swinging_track

BEA = person("bea")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    swinging_track().save(tmp_path / "sh010.track.json")
    return tmp_path / "sh010.track.json"


def test_a_plan_is_shown_made_and_keyed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command("tracks", "views", file, "-s", BEA)
    shown = capsys.readouterr().out
    assert "frames" in shown.splitlines()[0] and shown.splitlines()[1].startswith("1001-")
    assert "--plan stores it" in shown and not Track.load(file).sidecar.plans
    command("tracks", "views", file, "-s", BEA, "--plan")
    stored = capsys.readouterr().out
    assert stored == "\n".join(line for line in shown.splitlines() if "stores" not in line) + "\n"
    plan = Track.load(file).sidecar.plans[0]
    command("tracks", "views", file, "-s", BEA, "--set", "1010-1024", "open.jpg")
    keyed = capsys.readouterr().out
    assert "-1024" in keyed and "open.jpg" in keyed and "set" in keyed
    command("tracks", "views", file)
    assert capsys.readouterr().out == keyed, "the plan is read from the track alone"
    command("tracks", "views", file, "-s", BEA, "--plan")
    assert capsys.readouterr().out == keyed and Track.load(file).sidecar.plans[0] == plan, "a key survives a new plan"
    command("tracks", "show", file)
    assert "1 views" in capsys.readouterr().out
    command("tracks", "views", file, "--clear")
    assert capsys.readouterr().out == stored


def test_a_shot_file_names_track_and_source(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shot = file.with_name("sh010.shot.json")
    shot.write_text(
        json.dumps({"faceplate_shot": 1, "plate": "plate.####.exr", "source": str(BEA), "track": file.name})
    )
    command("tracks", "views", shot, "--plan", "--set", "1001-1010", "left.jpg")
    assert capsys.readouterr().out.splitlines()[1].startswith("1001-1010  left.jpg")
    track = Track.load(file)
    assert track.sidecar.corrections.views[0].view == "left.jpg" and track.sidecar.plans[0].person == "p1"


def test_a_shot_of_several_people_is_asked_for_one_face(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shot = file.with_name("two.shot.json")
    faces = [{"name": "Ada", "source": str(BEA)}, {"name": "Eve", "source": str(BEA)}]
    shot.write_text(json.dumps({"faceplate_shot": 1, "plate": "plate.####.exr", "track": file.name, "faces": faces}))
    assert "--face: Ada, Eve" in refused(capsys, "tracks", "views", shot)
    command("tracks", "views", shot, "--face", "Eve")
    assert capsys.readouterr().out.splitlines()[1].startswith("1001-")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("--set", "1010-1024", "nobody.jpg", "-s", BEA),
            "The source has no usable view 'nobody.jpg'; it has closed.jpg",
        ),
        (("--set", "1010-1024", "front.jpg"), "name its pictures with --source"),
        (("--plan",), "name its pictures with --source"),
        ((), "The track has no view plan of p1; name the source with --source"),
        (("--set", "ten", "front.jpg", "-s", BEA), "ten"),
        (("-p", "Anna", "-s", BEA), "Anna"),
        (("-s", BEA.with_name("nobody")), "nobody"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    file: Path, capsys: pytest.CaptureFixture[str], options: tuple[object, ...], told: str
) -> None:
    before = file.read_bytes()
    assert told in refused(capsys, "tracks", "views", file, *options)
    assert file.read_bytes() == before


def test_a_key_whose_picture_is_gone_is_reported(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Track.load(file).key_view("p1", 1003, 1005, "gone.jpg").save()
    command("tracks", "views", file, "-s", BEA)
    assert "no usable view gone.jpg: 1003-1005" in capsys.readouterr().out
