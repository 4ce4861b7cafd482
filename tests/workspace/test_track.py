"""The track under the page: plots, meshes, corrections, lost updates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import FACE
from faceplate.errors import UsageError
from faceplate.face import topology
from faceplate.face.shape import pose_of
from faceplate.track import Track
from faceplate.track.corrections import region_weight
from faceplate.workspace.track_view import edited_track
from workspace_page import Page


@pytest.fixture
def track(shot: Path) -> Track:
    return Track.load(shot.with_name("fast.track.json"))


@pytest.fixture
def who(track: Track) -> str:
    return track.people[0].id


def points(track: Track, who: str) -> np.ndarray:
    found = track.face(who, FACE)
    assert found is not None
    return found.face.points


class TestEdits:
    @pytest.mark.parametrize("region", ["mouth", "jaw", "brow-left"])
    def test_a_drag_moves_the_region_by_as_many_pixels(self, track: Track, who: str, region: str) -> None:
        core = region_weight(region) >= 1
        edit = {"do": "drag", "person": who, "region": region, "frame": FACE, "pixels": [3.0, -2.0]}
        once = edited_track(track, edit)
        moved = points(once, who) - points(track, who)
        assert np.allclose(moved[core, :2], [3.0, -2.0], atol=0.02)
        twice = edited_track(once, edit)
        assert np.allclose((points(twice, who) - points(track, who))[core, :2], [6.0, -4.0], atol=0.1)

    def test_a_drag_follows_the_pointer_on_a_turned_face(self, track: Track, who: str) -> None:
        turned = edited_track(track, {"do": "move", "person": who, "frame": FACE, "rotate": 40.0, "scale": 1.3})
        edit = {"do": "drag", "person": who, "region": "mouth", "frame": FACE, "pixels": [4.0, 1.0]}
        moved = points(edited_track(turned, edit), who) - points(turned, who)
        assert np.allclose(moved[region_weight("mouth") >= 1, :2], [4.0, 1.0], atol=0.05)

    def test_the_whole_mesh_moves(self, track: Track, who: str) -> None:
        edit = {"do": "move", "person": who, "frame": FACE, "pixels": [5, 1], "rotate": 10.0}
        moved = edited_track(track, edit)
        turned = pose_of(points(moved, who)).angles[2] - pose_of(points(track, who)).angles[2]
        assert abs(abs(turned) - 10) < 0.5

    def test_the_others(self, track: Track, who: str) -> None:
        for edit in (
            {"do": "bad", "first": FACE},
            {"do": "view", "first": 1, "last": 4, "view": "front.jpg"},
            {"do": "rename", "name": "Ada"},
        ):
            track = edited_track(track, {**edit, "person": who})
        layer = track.sidecar.corrections
        assert len(layer.bad) == 1 and layer.views[0].view == "front.jpg" and track.people[0].name == "Ada"
        assert not edited_track(track, {"do": "clear-views", "person": who}).sidecar.corrections.views
        cleared = edited_track(track, {"do": "clear", "person": who})
        assert not cleared.sidecar.corrections.bad
        back = edited_track(cleared, {"do": "undo-to", "corrections": layer.model_dump(mode="json")})
        assert back.sidecar.corrections == layer

    @pytest.mark.parametrize(
        ("edit", "code"),
        [
            ({}, "bad-edit"),
            ({"do": "drag", "region": "mouth", "frame": FACE}, "bad-edit"),
            ({"do": "drag", "region": "mouth", "frame": 7, "pixels": [1, 1]}, "no-face"),
            ({"do": "drag", "region": "nose", "frame": FACE, "pixels": [1, 1]}, "bad-region"),
            ({"do": "drag", "region": "mouth", "frame": FACE, "pixels": ["a", 1]}, "bad-edit"),
            ({"do": "drag", "region": "mouth", "frame": FACE, "pixels": [1]}, "bad-edit"),
            ({"do": "undo-to", "corrections": {"keys": [{"person": 7}]}}, "bad-edit"),
            ({"do": "rename", "person": "nobody", "name": "x"}, "no-such-person"),
        ],
    )
    def test_wrong_ones(self, track: Track, who: str, edit: dict[str, Any], code: str) -> None:
        with pytest.raises(UsageError) as refused:
            edited_track(track, {"person": who, **edit})
        assert refused.value.code == code


class TestOverTheWire:
    def test_plots_and_mesh(self, page: Page, shot: Path, who: str, track: Track) -> None:
        told = page.get("/v1/ui/track", shot=str(shot))
        assert told["chosen"] == who and [person["id"] for person in told["people"]] == [who]
        plots = told["plots"][who]
        assert plots["frames"] == [FACE] and {len(row) for row in plots.values()} == {1}
        assert plots["confidence"][0] > 0.5 and plots["seen"] == [True] and plots["sharpness"][0] > 0
        mesh = page.get("/v1/ui/track/mesh", shot=str(shot), person=who, frame=FACE)
        assert np.allclose(mesh["points"], points(track, who), atol=0.006) and mesh["box"] == plots["box"][0]
        assert page.ask("GET", "/v1/ui/track/mesh", shot=str(shot), person=who, frame=5).code == "no-face"

    def test_a_correction_is_in_the_file_and_in_the_picture(self, page: Page, shot: Path, who: str) -> None:
        etag = page.get("/v1/ui/track", shot=str(shot))["etag"]
        before, _ = page.picture(shot, FACE, show="matte")
        body = {"edits": [{"do": "move", "person": who, "frame": FACE, "pixels": [12, 0]}]}
        answer = page.ask("POST", "/v1/ui/track", body, {"If-Match": etag}, shot=str(shot))
        assert answer.status == 200 and answer.json["etag"] != etag
        assert json.loads(shot.with_name("fast.track.json").read_text())["corrections"]["keys"][0]["move"] == [12, 0]
        after, _ = page.picture(shot, FACE, show="matte")
        assert after["from"] == "live" and after["data"][0] == before["data"][0] + 12
        late = page.ask("POST", "/v1/ui/track", body, {"If-Match": etag}, shot=str(shot))
        assert (late.status, late.code) == (409, "track-changed")

    def test_topology(self, page: Page) -> None:
        told = page.get("/v1/ui/topology")
        assert len(told["triangles"]) == len(topology().closed) and len(told["regions"]) == 8
        assert set(told["contours"]) >= {"oval", "lips", "right_eye", "left_eye"} and told["region_points"]["mouth"]

    def test_without_a_track(self, page: Page, make_shot: Any) -> None:
        assert page.ask("GET", "/v1/ui/track", shot=str(make_shot(track="later.track.json"))).code == "no-track"

    def test_the_display(self, page: Page, shot: Path) -> None:
        told = page.get("/v1/ui/color", shot=str(shot))
        assert told["space"] == "ACEScg"
        shader = page.get("/v1/ui/shader", shot=str(shot), **told["default"])
        assert shader["function"] in shader["shader"] and {item["role"] for item in shader["uniforms"]} == {
            "exposure",
            "gamma",
        }
        assert page.ask("GET", "/v1/ui/shader", shot=str(shot), display="x", view="y").code == "unknown-view"

    def test_a_face_that_is_not_there(self, page: Page, shot: Path) -> None:
        for path in ("/v1/ui/values", "/v1/ui/track", "/v1/ui/source"):
            assert page.ask("GET", path, shot=str(shot), face="nobody", frame=1).code == "no-such-face"
