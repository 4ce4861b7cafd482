"""What a project remembers of a swap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faceplate.shot.document import ShotDocument
from faceplate_client import HostError
from faceplate_resolve.host import Host
from faceplate_resolve.menu import step_issue
from faceplate_resolve.swap_record import (
    SwapRecord,
    load_shot,
    record_of,
    save_shot,
    take_of,
    write_record,
)
from fake_resolve import MediaPoolItem, Project, Resolve, Timeline, World


class TestMemory:
    def test_there_and_back(self, edit: tuple[World, Project, Timeline]) -> None:
        media: Any = MediaPoolItem(edit[0], "m", "", 10, "24")
        item = edit[2]._put(1, media, 86400, 4)
        memory = SwapRecord("/s/a.shot.json", "f" * 32, 3, "source")
        write_record(item, 2, memory)
        assert record_of(item) == memory
        write_record(media, 0, SwapRecord("/s/a.shot.json", "f" * 32, 4, "source"))
        found = record_of(item)
        assert found is not None and found.take == 4, "the media's word counts: it is the take's own"

    def test_one_marker_however_often(self, edit: tuple[World, Project, Timeline]) -> None:
        media: Any = MediaPoolItem(edit[0], "m", "", 10, "24")
        media.AddMarker(5, "Pink", "mine", "", 1, "something else")
        for take in (1, 2, 3):
            write_record(media, 0, SwapRecord("/s", "a", take, "render"))
        assert len(media._markers) == 2 and media._markers[5]["name"] == "mine"

    @pytest.mark.parametrize("text", ["", "{}", "null", "[1]", '{"faceplate": 2}', '{"faceplate": 1, "shot": "a"}'])
    def test_markers_of_others(self, text: str) -> None:
        assert SwapRecord.parse(text) is None

    def test_the_shot_file_keeps_what_the_dialog_does_not_show(self, tmp_path: Path) -> None:
        path = str(tmp_path / "deep" / "a.shot.json")
        curve = {"keys": [[1, 0.5, "linear"]]}
        document = {"faceplate_shot": 1, "plate": "p.####.exr", "id": "a" * 32, "notes": "n"}
        document["parameters"] = {"matte_feather": curve, "grain": 0.2}
        first = save_shot(path, document, {"grain": 0.5, "occlusion": 0.5}, "v001/o.####.exr", "1-4")
        assert first["parameters"] == {"grain": 0.5, "matte_feather": curve} and take_of(first) == 2
        second = save_shot(path, first, {}, "v002/o.####.exr", "1-4")
        assert [take["take"] for take in second["takes"]] == [1, 2] and second["notes"] == "n"
        assert second == json.loads(Path(path).read_text())
        ShotDocument.model_validate(second, strict=False)
        assert load_shot(SwapRecord(path, "a" * 32, 2, "source")) == second
        with pytest.raises(HostError, match="belongs to another shot"):
            load_shot(SwapRecord(path, "b" * 32, 2, "source"))
        with pytest.raises(HostError, match="cannot be read"):
            load_shot(SwapRecord(path + "x", "a" * 32, 2, "source"))

    def test_the_shots_faces_are_kept_by_file_and_take(self, tmp_path: Path) -> None:
        faces = [{"name": "Ada", "source": "ada", "parameters": {"grain": 0.5}}, {"name": "Eve"}]
        document = {"faceplate_shot": 1, "plate": "p.####.exr", "id": "a" * 32, "faces": faces}
        path = str(tmp_path / "a.shot.json")
        saved = save_shot(path, document, {"grain": 0.1}, "v001/o.####.exr", "1-4")
        assert saved["faces"] == saved["takes"][0]["faces"] == faces
        ShotDocument.model_validate(json.loads(Path(path).read_text()), strict=False)


def test_the_menu_steps_the_playhead_through_the_issues_of_a_result(edit: tuple[World, Project, Timeline]) -> None:
    world, project, timeline = edit
    media: Any = MediaPoolItem(world, "sh010", "/p/sh010.%04d.exr", 10, "24", first=1001)
    item: Any = timeline._put(1, media, 86400, 8)
    host = Host.of(Resolve(world, project))
    issue = {"kind": "flicker", "face": "", "severity": "low", "text": "It flickers.", "value": 4.0, "threshold": 3.0}
    asked: list[str] = []

    class Engine:
        def open_shot(self, path: str) -> str:
            asked.append(path)
            return path

        def issues(self, shot: str) -> list[dict[str, Any]]:
            return [{**issue, "first": first, "last": first + 1} for first in (1003, 1006, 1900)]

    engine: Any = Engine()
    timeline._playhead = 86400
    with pytest.raises(HostError, match="not made by Faceplate"):
        step_issue(host, item, 1, engine)
    write_record(item, 0, SwapRecord("/s/a.shot.json", "f" * 32, 1, "source"))
    lines, places = [], []
    for step in (1, 1, -1):
        lines.append(step_issue(host, item, step, engine))
        places.append(timeline._playhead - 86400)
    assert places == [2, 5, 2] and lines[0] == "1003-1004: flicker. It flickers." and asked[0] == "/s/a.shot.json"
    with pytest.raises(HostError, match="no issue before"):
        step_issue(host, item, -1, engine)
