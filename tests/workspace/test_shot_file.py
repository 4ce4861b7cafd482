"""Shot files under the page: edits, undo, lost updates, and what the page is told of a shot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceplate.errors import UsageError
from faceplate.shot import new_document, write_document
from faceplate.workspace.shot_file import edit_shot_file, etag_of, read_shot_file
from workspace_page import Page

Edits = list[dict[str, Any]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.shot.json"
    faces = [{"name": "ada"}, {"name": "bea", "parameters": {"grain": 0.5}}]
    write_document(new_document(plate="p.####.exr", parameters={"matte_feather": 0.1}, faces=faces), path)
    return path


def applied(path: Path, edits: Edits) -> tuple[dict[str, Any], Edits]:
    _, undo = edit_shot_file(path, edits, etag_of(path))
    return json.loads(path.read_text()), undo


class TestEdits:
    def test_values_and_keys(self, file: Path) -> None:
        edits: Edits = [
            {"do": "set", "name": "matte_feather", "value": 0.2},
            {"do": "set", "name": "space", "value": "ACEScg"},
            {"do": "key", "name": "grain", "frame": 1003, "value": 0.5, "interpolation": "smooth"},
            {"do": "key", "name": "grain", "frame": 1001, "value": 0.25},
            {"do": "unkey", "name": "grain", "frame": 1003},
            {"do": "set", "name": "matte_feather", "value": 0.3, "frames": "1001-1002"},
            {"do": "set", "name": "grain", "value": None, "face": "bea"},
            {"do": "key", "name": "grain", "frame": 5, "value": 1.0, "face": "ada"},
        ]
        written, _ = applied(file, edits)
        assert written["parameters"] == {"matte_feather": 0.2, "grain": {"keys": [[1001, 0.25, "linear"]]}}
        assert written["space"] == "ACEScg"
        assert written["overrides"] == [{"frames": "1001-1002", "parameters": {"matte_feather": 0.3}}]
        assert [face.get("parameters") for face in written["faces"]] == [
            {"grain": {"keys": [[5, 1.0, "linear"]]}},
            None,
        ]

    @pytest.mark.parametrize(
        "edit",
        [
            {"do": "set", "name": "matte_feather", "value": 0.2},
            {"do": "set", "name": "matte_feather", "value": None},
            {"do": "set", "name": "notes", "value": "new"},
            {"do": "key", "name": "grain", "frame": 3, "value": 0.5},
            {"do": "set", "name": "grain", "value": 0.7, "face": "ada"},
            {"do": "set", "name": "grain", "value": 0.7, "frames": "1-2"},
            {"do": "take", "note": "x"},
        ],
    )
    def test_each_is_undone(self, file: Path, edit: dict[str, Any]) -> None:
        before = read_shot_file(file).document
        _, undo = applied(file, [edit])
        assert undo and read_shot_file(file).document != before
        applied(file, undo)
        assert read_shot_file(file).document == before

    def test_an_undo_leaves_what_somebody_else_has_set_since(self, file: Path) -> None:
        _, undo = applied(file, [{"do": "set", "name": "matte_feather", "value": 0.2}])
        applied(file, [{"do": "set", "name": "grain", "value": 0.9}])
        written, _ = applied(file, undo)
        assert written["parameters"] == {"matte_feather": 0.1, "grain": 0.9}

    def test_takes(self, file: Path) -> None:
        applied(file, [{"do": "take", "note": "first"}, {"do": "set", "name": "matte_feather", "value": 0.4}])
        written, _ = applied(file, [{"do": "restore-take", "take": 1}])
        assert written["parameters"] == {"matte_feather": 0.1} and written["takes"][0]["note"] == "first"

    @pytest.mark.parametrize(
        ("edit", "code"),
        [
            ({}, "bad-edit"),
            ({"do": "nonsense"}, "bad-edit"),
            ({"do": "set", "name": "matte_feather"}, "bad-edit"),
            ({"do": "set", "name": "nothing", "value": 1}, "no-such-key"),
            ({"do": "set", "name": "matte_feather", "value": 9}, "bad-shot"),
            ({"do": "set", "name": "id", "value": "x"}, "no-such-key"),
            ({"do": "unkey", "name": "grain", "frame": 1}, "no-key"),
            ({"do": "key", "name": "generator", "frame": 1, "value": 1}, "not-animatable"),
            ({"do": "put", "path": ["parameters", "matte_feather", "x"], "value": 1}, "bad-edit"),
            ({"do": "put", "path": ["nothing"], "value": 1}, "bad-edit"),
            ({"do": "put", "path": [], "value": 1}, "bad-edit"),
            ({"do": "restore-take", "take": 9}, "no-take"),
        ],
    )
    def test_a_wrong_one_leaves_the_file_as_it_was(self, file: Path, edit: dict[str, Any], code: str) -> None:
        before = file.read_bytes()
        with pytest.raises(UsageError) as refused:
            applied(file, [{"do": "set", "name": "grain", "value": 0.9}, edit])
        assert refused.value.code == code and file.read_bytes() == before

    def test_two_writers(self, file: Path) -> None:
        seen = etag_of(file)
        applied(file, [{"do": "set", "name": "grain", "value": 0.9}])
        with pytest.raises(UsageError) as refused:
            edit_shot_file(file, [{"do": "set", "name": "grain", "value": 0.1}], seen)
        assert refused.value.code == "shot-changed"
        assert json.loads(file.read_text())["parameters"]["grain"] == 0.9

    def test_an_edit_that_changes_nothing_writes_nothing(self, file: Path) -> None:
        before = file.stat().st_mtime_ns
        _, undo = applied(file, [{"do": "set", "name": "matte_feather", "value": 0.1}])
        assert undo == [] and file.stat().st_mtime_ns == before


class TestOverTheWire:
    def test_what_the_page_is_told(self, page: Page, shot: Path) -> None:
        answer = page.ask("GET", "/v1/ui/shot", shot=str(shot))
        told = answer.json
        assert answer.headers["etag"] == told["etag"] == etag_of(shot)
        assert told["frames"] == "1-8" and (told["first"], told["last"]) == (1, 8) and told["rate"] == 24.0
        assert (told["width"], told["height"]) == (205, 205) and told["display"] == [0, 0, 205, 205]
        assert told["space"]["name"] == "ACEScg" and told["tracked"] and told["error"] is None
        assert told["parameters"]["generator"] == {"set": "null", "where": "shot"}
        assert page.ask("GET", "/v1/ui/shot", None, {"If-None-Match": told["etag"]}, shot=str(shot)).status == 304
        assert page.get("/v1/ui/home")["recent"][0]["path"] == str(shot)

    def test_a_change_is_in_the_file(self, page: Page, shot: Path) -> None:
        """A host that reads the file sees it."""
        etag = page.get("/v1/ui/shot", shot=str(shot))["etag"]
        body = {"edits": [{"do": "key", "name": "grain", "frame": 2, "value": 0.25}]}
        answer = page.ask("PATCH", "/v1/ui/shot", body, {"If-Match": etag}, shot=str(shot))
        assert answer.status == 200 and answer.json["etag"] == etag_of(shot) != etag
        assert json.loads(shot.read_text())["parameters"]["grain"] == {"keys": [[2, 0.25, "linear"]]}
        assert page.get("/v1/ui/values", shot=str(shot), frame=7)["values"]["grain"] == 0.25
        assert page.get("/v1/ui/frames", shot=str(shot))["keys"] == {"grain": [2]}
        late = page.ask("PATCH", "/v1/ui/shot", body, {"If-Match": etag}, shot=str(shot))
        assert (late.status, late.code) == (409, "shot-changed")
        assert page.ask("PATCH", "/v1/ui/shot", body, shot=str(shot)).status == 409

    def test_a_shot_that_cannot_render_is_shown_with_the_reason(
        self, page: Page, make_shot: Callable[..., Path]
    ) -> None:
        shot = make_shot(source="nobody", parameters={"generator": "mesh"})
        told = page.get("/v1/ui/shot", shot=str(shot))
        assert told["error"]["code"] == "source-missing" and told["frames"] == "1-8"
        assert told["document"]["source"] == "nobody"
        shot.write_text('{"faceplate_shot": 1, "plate": 7}')
        assert page.ask("GET", "/v1/ui/shot", shot=str(shot)).code == "bad-shot"

    @pytest.mark.parametrize(
        "name", ["/etc/passwd", "/etc/x.shot.json", "x.shot.json", "", "../x.shot.json", "/\0.shot.json"]
    )
    def test_only_shot_files_below_the_roots(self, page: Page, name: str) -> None:
        answer = page.ask("GET", "/v1/ui/shot", shot=name)
        assert answer.status in (400, 403) and answer.code in ("no-shot", "outside-roots")

    def test_links_do_not_lead_out_of_the_roots(self, page: Page, shot: Path, tmp_path: Path) -> None:
        outside = tmp_path / "outside.shot.json"
        outside.write_text(shot.read_text())
        link = shot.with_name("link.shot.json")
        link.symlink_to(outside)
        for path in ("/v1/ui/shot", "/v1/ui/notes", "/v1/ui/frames"):
            answer = page.ask("GET", path, shot=str(link))
            assert (answer.status, answer.code) == (403, "outside-roots")

    def test_a_shot_that_points_out_of_the_roots(self, page: Page, make_shot: Callable[..., Path]) -> None:
        shot = make_shot(output="/etc/o.####.exr")
        assert page.get("/v1/ui/shot", shot=str(shot))["error"]["code"] == "outside-roots"
        assert page.ask("POST", "/v1/ui/jobs", {"kind": "render"}, shot=str(shot)).code == "outside-roots"
