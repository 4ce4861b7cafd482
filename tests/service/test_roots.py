"""Folders that the engine may read and write."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from engines import alive, running, state_of, until
from faceplate.errors import UsageError
from faceplate.service.roots import Roots
from faceplate.service.schema import ShotRequest
from faceplate.service.shots import OpenShots
from faceplate_client import EngineError
from raw_requests import raw_request


class TestRoots:
    def test_paths_outside(self, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path) -> None:
        shots = OpenShots(Roots([fast_folder]))
        assert shots.open(ShotRequest(document=fast_document, base=str(fast_folder))).tracked
        (fast_folder / "link.exr").unlink(missing_ok=True)
        (fast_folder / "link.exr").symlink_to(tmp_path / "outside.exr")
        for changes in (
            {"plate": str(tmp_path / "p.####.exr")},
            {"output": "../o.####.exr"},
            {"source": str(tmp_path)},
            {"track": str(tmp_path / "t.track.json")},
            {"ocio": "/etc/passwd"},
            {"plate": "link.exr"},
            {"parameters": {"holdout_matte": str(tmp_path / "m.####.exr")}},
            {"overrides": [{"frames": "1-2", "parameters": {"garbage_matte": str(tmp_path / "m.####.exr")}}]},
            {"parameters": {"target": str(tmp_path / "somebody.jpg")}},
            {"faces": [{"name": "Ada", "source": str(tmp_path)}]},
            {"faces": [{"name": "Ada"}, {"name": "Eve", "track": str(tmp_path / "t.track.json")}]},
            {"faces": [{"name": "Ada", "parameters": {"holdout_matte": str(tmp_path / "m.####.exr")}}]},
        ):
            with pytest.raises(UsageError) as refused:
                shots.open(ShotRequest(document={**fast_document, **changes}, base=str(fast_folder)))
            assert refused.value.code == "outside-roots", changes
        for request in (ShotRequest(path="/etc/passwd"), ShotRequest(document=fast_document, base="/etc")):
            with pytest.raises(UsageError) as refused:
                shots.open(request)
            assert refused.value.code == "outside-roots"

    def test_paths_of_jobs_then_idle_stop(
        self, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        """One engine for both: started with roots and a short idle time, it refuses, and then ends by itself."""
        with running(tmp_path / "run", idle=1.0, FACEPLATE_ROOTS=str(fast_folder)) as engine:
            shot = engine.open_shot(fast_document, str(fast_folder))
            outside = str(tmp_path / "o.####.exr")
            for ask in (
                lambda: engine.render(shot, [1], output=outside),
                lambda: engine.render(shot, [1], values={"holdout_matte": outside}),
                lambda: engine.render(shot, [1], frame_values={1: {"garbage_matte": outside}}),
                lambda: engine.render(shot, [1], hold_out=outside),
                lambda: engine.keys(shot, [1], values={"target": str(tmp_path / "x.jpg")}),
                lambda: engine.track(shot, output=outside),
            ):
                with pytest.raises(EngineError) as refused:
                    ask()
                assert refused.value.code == "outside-roots"
            assert engine.render(shot, [2]).wait()["state"] == "done"
            state = state_of(tmp_path / "run") or {}
            for _ in range(8):  # to ask for the status does not keep it
                time.sleep(0.1)
                raw_request(engine, "GET", "/v1/status")
            until(lambda: not alive(state["pid"]), 15)
            assert state_of(tmp_path / "run") is None
            assert "idle" in (tmp_path / "run" / "engine.log").read_text()
