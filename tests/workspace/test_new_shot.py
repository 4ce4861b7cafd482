"""Before a shot is open: folders within the roots, plates, new shot files, the demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import faceplate.workspace.page_jobs as page_jobs
from faceplate.errors import UsageError
from faceplate.service.roots import Roots
from faceplate.system.paths import data_folder
from faceplate.workspace.browse import folder_answer
from faceplate.workspace.demo_shot import demo_shot, make_demo
from faceplate.workspace.new_shot import create_shot, shot_name
from faceplate.workspace.recent import recent_shots, remember_shot
from workspace_page import Page


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "plates").mkdir(parents=True)
    (root / ".hidden").mkdir()
    for name in (
        "a.1001.exr",
        "a.1002.exr",
        "a.1004.exr",
        "b.0001.dpx",
        "still.exr",
        "c_1001.exr",
        "x.shot.json",
        "y.txt",
    ):
        (root / name).touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside.exr").touch()
    (root / "way-out").symlink_to(tmp_path / "outside")
    (root / "way-out.exr").symlink_to(tmp_path / "outside.exr")
    return root


class TestBrowse:
    def test_sequences_and_shots(self, tree: Path) -> None:
        found = folder_answer(Roots([tree]), "")
        assert found["folder"] == str(tree) and found["parent"] is None
        assert found["folders"] == ["plates"] and found["shots"] == ["x.shot.json"]
        assert [(item["name"], item["frames"], item["count"], item["kind"]) for item in found["sequences"]] == [
            ("a.####.exr", "1001-1002,1004", 3, "sequence"),
            ("b.####.dpx", "1", 1, "sequence"),
            ("c_1001.exr", "", 1, "still"),
            ("still.exr", "", 1, "still"),
        ]
        assert found["sequences"][0]["pattern"] == str(tree / "a.####.exr")

    @pytest.mark.parametrize(
        "folder", ["/", "..", "/etc", "{root}/..", "{root}/plates/../..", "{root}/way-out", "~", "a\0b"]
    )
    def test_holds_against_traversal_and_links(self, tree: Path, folder: str) -> None:
        with pytest.raises(UsageError) as refused:
            folder_answer(Roots([tree]), folder.format(root=tree))
        assert refused.value.code in ("outside-roots", "no-folder")

    def test_without_roots_the_parent_is_named(self, tree: Path) -> None:
        found = folder_answer(Roots(), str(tree))
        assert found["parent"] == str(tree.parent) and "way-out" in found["folders"]

    def test_no_folder(self, tree: Path) -> None:
        for folder in ("nothing", str(tree / "nothing"), str(tree / "y.txt")):
            with pytest.raises(UsageError) as refused:
                folder_answer(Roots(), folder)
            assert refused.value.code == "no-folder"


def test_recent_shots_lie_in_the_roots(page: Page, shot: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.shot.json"
    outside.write_text("{}")
    remember_shot(outside)
    page.get("/v1/ui/shot", shot=str(shot))
    recent = [item["path"] for item in page.get("/v1/ui/home")["recent"]]
    assert recent[0] == str(shot) and str(outside) not in recent
    assert str(outside) in [item["path"] for item in recent_shots()]


class TestNewShot:
    def test_names(self) -> None:
        assert shot_name("/a/sh010_plate.####.exr") == "sh010_plate" and shot_name("/a/take 2.mov") == "take_2"
        assert shot_name("####.exr") == "shot"

    @pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "x.", "a\\b", "a\0"])
    def test_a_name_is_no_path(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UsageError) as refused:
            create_shot(tmp_path, name, "p.####.exr", None, None)
        assert refused.value.code == "bad-name" and not list(tmp_path.iterdir())

    def test_from_plate_to_shot(self, page: Page, shot: Path) -> None:
        plate = page.get("/v1/ui/plate", pattern=str(shot.with_name("plate.exr")))
        assert plate["space"]["name"] == "ACEScg" and (plate["width"], plate["frames"]) == (205, "")
        assert "ACEScg" in [space["name"] for space in plate["spaces"]]
        body = {"folder": str(shot.parent), "name": "new", "plate": plate["pattern"], "source": None, "space": "ACEScg"}
        answer = page.ask("POST", "/v1/ui/shots", body)
        assert answer.status == 201
        written = json.loads(Path(answer.json["shot"]).read_text())
        assert written["track"] == "new.track.json" and written["output"] == "new_swap/new_swap.####.exr"
        assert page.get("/v1/ui/shot", shot=answer.json["shot"])["space"]["name"] == "ACEScg"
        again = page.ask("POST", "/v1/ui/shots", body)
        assert (again.status, again.code) == (409, "shot-exists")

    def test_everything_lies_below_the_roots(self, page: Page, shot: Path) -> None:
        inside = {"folder": str(shot.parent), "name": "out", "plate": str(shot.with_name("plate.exr")), "source": None}
        for change in (
            {"folder": "/tmp"},
            {"plate": "/etc/p.####.exr"},
            {"source": "/etc"},
            {"folder": f"{shot.parent}/../../.."},
        ):
            answer = page.ask("POST", "/v1/ui/shots", {**inside, **change})
            assert (answer.status, answer.code) == (403, "outside-roots")
        assert page.ask("GET", "/v1/ui/browse", folder="/etc").code == "outside-roots"
        assert page.ask("GET", "/v1/ui/plate", pattern="/etc/p.####.exr").code == "outside-roots"

    def test_a_plate_that_is_not_there(self, page: Page, shot: Path) -> None:
        assert page.ask("GET", "/v1/ui/plate", pattern=str(shot.with_name("none.####.exr"))).code == "no-frames"


def test_the_demo_lies_where_the_roots_allow_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert demo_shot(Roots()) == data_folder() / "demo" / "demo.shot.json"
    assert demo_shot(Roots([tmp_path / "show"])) == tmp_path / "show" / "faceplate_demo" / "demo.shot.json"


def test_the_demo_is_prepared_once(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    monkeypatch.setattr(page_jobs, "make_demo", lambda shot, progress: made.append(make_demo(shot, progress, frames=1)))
    done: dict[str, Any] = {}
    for _ in range(2):
        done = page.finished(page.ask("POST", "/v1/ui/demo", {}).json)
        assert done["state"] == "done", done["error"]
    assert len(made) == 1 and page.get("/v1/ui/home")["demo"] == done["result"]["shot"]
    told = page.get("/v1/ui/shot", shot=done["result"]["shot"])
    assert told["error"] is None and told["release"]["state"] == "valid" and told["frames"] == "1001"
    assert Path(told["source"]).parent == Path(done["result"]["shot"]).parent, (
        "a copy, that pictures can be dropped into"
    )
