"""The engine under load."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engines import threads, until
from faceplate_client import Engine, EngineError

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


class TestLoad:
    @linux
    def test_64_requests_at_once(self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]) -> None:
        """Every one is answered, every job ends, and threads and files are afterwards as many as before."""
        shot = engine.open_shot(fast_document, str(fast_folder))
        engine.render(shot, [2]).wait()
        pid = engine.status()["pid"]

        def ask(number: int) -> str:
            if number % 4 == 0:
                job = engine.render(shot, [10 + number], supersede=f"{number % 16}")
                return [event["state"] for event in job.events() if event["event"] == "state"][-1]
            if number % 4 == 1:
                return engine.open_shot(fast_document, str(fast_folder)).key
            if number % 4 == 2:
                return engine.keys(shot, [number])[number]
            return engine.status()["engine"]

        before = threads(pid)
        with ThreadPoolExecutor(64) as pool:
            answers = [answer for _ in range(3) for answer in pool.map(ask, range(64))]
        assert len(answers) == 192 and set(answers[1::4]) == {shot.key} and set(answers[0::4]) <= {"done", "superseded"}
        assert engine.status()["jobs"] == {"waiting": 0, "running": 0}
        # The routes share a pool of 40 threads, which stay for a while.
        until(lambda: threads(pid)[0] <= before[0] + 40 and threads(pid)[1] <= before[1])

    def test_cancel_under_load(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        output = str(tmp_path / "o.####.exr")
        jobs = [engine.render(shot, range(2, 5000), output=output, priority="batch") for _ in range(4)]
        until(lambda: jobs[0].poll()["done"] >= 2)
        began = time.monotonic()
        assert [job.cancel()["state"] for job in jobs] == ["cancelled"] * 4
        assert engine.render(shot, [2], output=output).wait()["state"] == "done"
        assert time.monotonic() - began < 20
        with pytest.raises(EngineError) as refused:
            jobs[0].wait()
        assert refused.value.code == "cancelled"
        count = len(list(tmp_path.iterdir()))
        time.sleep(0.3)
        assert len(list(tmp_path.iterdir())) == count and all(
            not path.name.startswith(".") for path in tmp_path.iterdir() if path.name != ".faceplate"
        )

    def test_an_interactive_frame_overtakes_a_range(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        batch = engine.render(shot, range(2, 5000), output=str(tmp_path / "b.####.exr"), priority="batch")
        until(lambda: batch.poll()["done"] >= 1)
        assert engine.render(shot, [3], output=str(tmp_path / "i.####.exr")).wait(timeout=60)["state"] == "done"
        assert batch.poll()["state"] == "running"
        batch.cancel()
