"""A shot of several people in the service: opened, described, keyed with values for one face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faceplate.errors import UsageError
from faceplate.issues import IssueFile, Mark
from faceplate.service.app import Service, make_app
from faceplate.service.path_checks import check_request_paths
from faceplate.service.roots import Roots
from faceplate.service.schema import KeysRequest, ShotRequest
from faceplate.service.shot_info import describe, issues_of
from faceplate.service.shots import OpenShot, OpenShots
from stand_ins import write_noise_plate
from track_sightings import seen_frames, track_from
from turning_heads import turned

FACES: list[dict[str, Any]] = [
    {"name": "Ada", "parameters": {"target": "1"}},
    {"name": "Eve", "track": "eve.track.json"},
]


def opened(folder: Path, faces: list[dict[str, Any]]) -> OpenShot:
    write_noise_plate(folder / "p.1001.exr")
    document = {"faceplate_shot": 1, "plate": "p.####.exr", "parameters": {"generator": "null"}, "faces": faces}
    return OpenShots(Roots([folder])).open(ShotRequest(document=document, base=str(folder)))


def test_every_face_is_described_and_a_missing_track_is_a_warning(tmp_path: Path) -> None:
    shot = opened(tmp_path, FACES)
    told = describe(shot)
    assert [(face["name"], face["target"], face["source_release"]["state"]) for face in told["faces"]] == [
        ("Ada", "1", "none"), ("Eve", "auto", "none"),
    ]  # fmt: skip
    assert told["warnings"] == [f"The track {tmp_path / 'eve.track.json'} is not there yet; track the shot."]
    with pytest.raises(UsageError, match=r"eve\.track\.json is not there"):
        shot.check([1001], lambda frame: {})


def test_values_of_one_face_change_the_key_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    shot = opened(tmp_path, [FACES[0], {"name": "Eve", "parameters": {"target": "2"}}])
    keys = {
        shot.frame_key(1001, values, 1, None) for values in ({}, {"grain": 0.5}, {"faces": {"Eve": {"grain": 0.5}}})
    }
    assert len(keys) == 3
    shot.check([1001], lambda frame: {"faces": {"Eve": {"grain": 0.5}}})
    for wrong in ({"faces": {"Eve": {"grain": 9}}}, {"faces": {"Nobody": {}}}, {"faces": ["Eve"]}, {"grains": 1}):
        with pytest.raises(UsageError) as refused:
            shot.check([1001], lambda frame, wrong=wrong: wrong)
        assert refused.value.code == "bad-value"


def test_a_path_among_the_values_of_one_face_is_checked(tmp_path: Path) -> None:
    outside = {"faces": {"Eve": {"holdout_matte": "/etc/m.####.exr"}}}
    with pytest.raises(UsageError) as refused:
        check_request_paths(Roots([tmp_path]), KeysRequest(shot="a", frames=[1], values=outside))
    assert refused.value.code == "outside-roots"


def test_the_issues_of_an_open_shot_are_served(tmp_path: Path) -> None:
    track = track_from(seen_frames(6, {1: lambda i: turned(12.0 * i - 30)}, flowing=False))
    track.save(tmp_path / "eve.track.json")
    shot = opened(tmp_path, [{"name": "Eve", "track": "eve.track.json"}])
    (found,) = issues_of(shot)
    assert (found["kind"], found["face"], found["first"], found["last"]) == ("fast-turn", "Eve", 1002, 1006)
    IssueFile(tmp_path / "eve.issues.json").replace("check", [Mark(kind="fault", frame=1009, text="A fault.")])
    assert [item["kind"] for item in issues_of(shot)] == ["fast-turn", "fault"]


def test_the_route_answers_the_issues_of_an_open_shot(tmp_path: Path) -> None:
    shots = OpenShots(Roots([tmp_path]))
    service = Service()
    service.shots = shots
    routes: Any = {getattr(route, "path", ""): route for route in make_app(service).routes}
    answer = routes["/v1/shots/{shot}/issues"].endpoint
    write_noise_plate(tmp_path / "p.1001.exr")
    document = {"faceplate_shot": 1, "plate": "p.####.exr", "output": "o.####.exr", "parameters": {"generator": "null"}}
    opened_shot = shots.open(ShotRequest(document=document, base=str(tmp_path)))
    assert answer(opened_shot.key) == {"issues": []}
    IssueFile(tmp_path / "o.issues.json").replace("render", [Mark(kind="failed", frame=1001, text="No face.")])
    assert [item["kind"] for item in answer(opened_shot.key)["issues"]] == ["failed"]
    with pytest.raises(UsageError, match="not open"):
        answer("nothing")
