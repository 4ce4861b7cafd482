"""Start and end of the engine's process, and its log."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import faceplate
from engines import FACE, alive, running, state_of, until
from faceplate.cli import main
from faceplate.service import run as server_run
from faceplate_client import Engine, EngineError

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux
class TestEnds:
    def test_killed_in_the_middle(self, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path) -> None:
        """kill -9 under a running job: the client starts another engine, opens the shot again, and the job is done."""
        with running(tmp_path / "run") as engine:
            shot = engine.open_shot(fast_document, str(fast_folder))
            engine.render(shot, [FACE], pixels="shared").wait()
            first = state_of(tmp_path / "run") or {}
            assert shared_of(first["pid"]) == 1
            job = engine.render(shot, range(2, 40), output=str(tmp_path / "o.####.exr"), priority="batch")
            until(lambda: len(list(tmp_path.glob("o.*"))) >= 2)
            os.kill(first["pid"], signal.SIGKILL)
            done = job.wait(timeout=120)
            second = state_of(tmp_path / "run") or {}
            assert done["state"] == "done" and len(done["frames"]) == 38 and second["pid"] != first["pid"]
            assert len(list(tmp_path.glob("o.*.exr"))) == 38
            until(lambda: shared_of(first["pid"]) == 0)
            assert not Path(f"/proc/{first['pid']}").exists(), "a zombie is left"
            # A job that was killed once is not submitted for ever.
            os.kill(second["pid"], signal.SIGKILL)
            job.document["state"] = "running"
            with pytest.raises(EngineError) as refused:
                job.poll()
            assert refused.value.code == "unknown-job"

    def test_a_dead_parent(self, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path) -> None:
        """A host that is killed takes its jobs, and an engine that nobody else uses, with it."""
        with running(tmp_path / "run", start=False):
            host = subprocess.Popen(
                [sys.executable, "-c", HOST, json.dumps(fast_document), str(fast_folder)], stdout=subprocess.PIPE
            )
            assert host.stdout is not None and host.stdout.readline() == b"rendering\n"
            state = state_of(tmp_path / "run") or {}
            assert alive(state["pid"]) and shared_of(state["pid"]) == 1
            host.kill()
            host.wait()
            until(lambda: not alive(state["pid"]), 20)
            assert shared_of(state["pid"]) == 0 and state_of(tmp_path / "run") is None

    def test_two_starts_are_one_engine(self, tmp_path: Path) -> None:
        with running(tmp_path / "run", start=False) as engine:
            others = [Engine(engine.folder, True, 120.0, True, None) for _ in range(3)]
            with ThreadPoolExecutor(4) as pool:
                pids = set(pool.map(lambda one: one.status()["pid"], [engine, *others]))
            assert len(pids) == 1
            engine.stop()
            pid = pids.pop()
            until(lambda: not alive(pid))
            assert others[0].status()["engine"] == faceplate.__version__, "the next one starts while that one ends"

    def test_the_command(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with running(tmp_path / "run", start=False):
            assert "No Faceplate engine" in serve(capsys, 1, "--status")
            shown = subprocess.Popen(
                [sys.executable, "-m", "faceplate.cli.main", "serve", "--foreground"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert shown.stdout is not None and b"http://127.0.0.1:" in shown.stdout.readline()
            assert "0 waiting" in serve(capsys, 0, "--status")
            assert "runs already" in serve(capsys, 0)
            assert "ends" in serve(capsys, 0, "--stop")
            assert shown.wait(20) == 0
            shown.stdout.close()


def serve(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        main.run(["serve", *words])
    assert left.value.code == code
    return "".join(capsys.readouterr())


HOST = """
import json, sys, time
from faceplate_client import connect
engine = connect()
shot = engine.open_shot(json.loads(sys.argv[1]), sys.argv[2])
engine.render(shot, [1], pixels="shared").wait()
job = engine.render(shot, range(2, 2000), priority="batch")
while job.poll()["done"] < 1: time.sleep(0.05)
print("rendering", flush=True)
time.sleep(600)
"""


def shared_of(pid: int) -> int:
    """How many blocks of shared memory a process has, as the system shows them; its own are mapped in it."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return 0
    return len({line.split()[-1] for line in maps.splitlines() if "/dev/shm/psm_" in line})


class TestHouse:
    def test_the_log_is_kept_short(self, tmp_path: Path) -> None:
        before = logging.root.handlers[:], logging.root.level
        try:
            server_run._open_log(tmp_path / "engine.log", False)
            for _ in range(70):
                logging.getLogger("faceplate.test").info("x" * 100_000)
            for handler in logging.root.handlers:
                handler.close()
        finally:
            logging.root.handlers[:], logging.root.level = before
        sizes = {path.name: path.stat().st_size for path in tmp_path.glob("engine.log*")}
        assert set(sizes) == {"engine.log", "engine.log.1", "engine.log.2"} and max(sizes.values()) <= 2 << 20
