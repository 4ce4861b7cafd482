"""Following jobs: events, polling, timeouts, newer requests, stale frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import faceplate_client
from engines import FACE
from faceplate_client import Engine, EngineError, job, transport


class TestFollow:
    def test_proxies_are_not_asked(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "")
        assert engine.status()["engine"]

    def test_asks_where_the_stream_does_not_work(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: Any) -> Any:
            raise transport.LostError("a virus scanner")

        monkeypatch.setattr(job, "events", broken)
        events: list[dict[str, Any]] = []
        frames = range(2, 60)  # enough that the job is still running when it is waited for
        done = engine.render(engine.open_shot(fast_document, str(fast_folder)), frames).wait(events.append)
        assert done["state"] == "done" and events[-1] == {"event": "state", "id": 0, "state": "done"}
        assert {event["frame"] for event in events if event["event"] == "frame"} == set(frames)

    def test_gives_up_waiting_and_not_the_job(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        long = engine.render(shot, range(2, 3000), priority="batch")
        with pytest.raises(EngineError) as refused:
            long.wait(timeout=0.3)
        assert refused.value.code == "timeout" and long.poll()["state"] in ("waiting", "running")
        assert long.cancel()["state"] == "cancelled"

    def test_a_newer_request_supersedes(self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        old = engine.render(shot, range(2, 3000), supersede="node")
        new = engine.render(shot, [2], supersede="node")
        assert new.wait()["state"] == "done"
        with pytest.raises(EngineError) as refused:
            old.wait()
        assert refused.value.code == "superseded" and refused.value.job is not None

    def test_stale_frames(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        output = str(tmp_path / "o.####.exr")
        assert faceplate_client.stale_frames(engine, shot, [2, FACE], output) == [2, FACE]
        engine.render(shot, [FACE, 2], output=output).wait()
        assert faceplate_client.stale_frames(engine, shot, [2, FACE], output) == []
        assert faceplate_client.stale_frames(engine, shot, [FACE], output, values={"matte_feather": 0.3}) == [FACE]
        again = engine.render(shot, [FACE, 2, 3], output=output, skip_current=True).wait()
        assert [entry["cached"] for entry in again["frames"].values()] == [True, True, False]
        changed = engine.render(shot, [FACE], {"matte_feather": 0.3}, output=output, skip_current=True).wait()
        assert not changed["frames"]["1"]["cached"]
