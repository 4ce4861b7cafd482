"""Engines of the tests' own: each in a run folder of its own, ended whatever happens; and a shot whose frames are cheap."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import people_folder
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.track import track_shot
from faceplate_client import Engine, paths
from plates import write_plate

__all__ = ["FACE", "alive", "fast_shot", "running", "settings", "shared_engine", "state_of", "threads", "until"]

# The only frame of `fast_shot` that shows the face; every other one is written in a few hundredths of a second.
FACE = 1


def fast_shot(folder: Path) -> dict[str, Any]:
    """A document: one picture for every frame, tracked in frame `FACE` alone, so that no frame is searched for a face."""
    color = ColorConfig.load(environ={})
    still = read_still(people_folder() / "ada" / "front.jpg", color)
    matrix = np.array([[0.2, 0, 0], [0, 0.2, 0]], np.float64)
    pixels = resample(still.working(), still.window, matrix, Window(0, 0, 205, 205))
    plate = write_plate(folder / "plate.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    path = folder / "fast.track.json"
    track_shot(str(plate), path, frames=[FACE], color=color, workers=1)
    track = json.loads(path.read_text())
    track["ranges"] = [[FACE, 5000, 1]]  # looked at, and nobody was seen
    path.write_text(json.dumps(track))
    return {
        "faceplate_shot": 1,
        "name": "fast",
        "plate": "plate.exr",
        "track": "fast.track.json",
        "output": "out/o.####.exr",
        "frames": "1-8",
        "parameters": {"no_face": "pass", "generator": "null", "occlusion": 0.0, "grain": 0.0},
    }


@contextmanager
def settings(folder: Path, **environ: str) -> Iterator[None]:
    """The variables with which engines live in `folder`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEPLATE_RUN", str(folder))
        patch.setenv("FACEPLATE_ENGINE", sys.executable)
        patch.setenv("FACEPLATE_CACHE", str(folder.parent / "cache"))
        for name, value in environ.items():
            patch.setenv(name, value)
        yield


@contextmanager
def running(folder: Path, start: bool = True, idle: float = 120.0, **environ: str) -> Iterator[Engine]:
    """An engine whose run folder is `folder`, under its settings; killed at the end if it has not ended by then."""
    engine = Engine(str(folder), True, 120.0, True, idle)
    try:
        with settings(folder, **environ):
            if start:
                engine.reach()
            yield engine
    finally:
        end(folder)


@contextmanager
def shared_engine(folder: Path) -> Iterator[Engine]:
    """An engine for many tests; its settings do not reach them."""
    engine = Engine(str(folder), True, 120.0, True, 600.0)
    try:
        with settings(folder):
            engine.reach()
        yield engine
    finally:
        end(folder)


def end(folder: Path) -> None:
    """Ends whatever engine runs in `folder`."""
    state = state_of(folder)
    if state is None or not alive(state["pid"]):
        return
    os.kill(state["pid"], signal.SIGTERM)
    try:
        until(lambda: not alive(state["pid"]), 15)
    except AssertionError:
        os.kill(state["pid"], signal.SIGKILL)
        raise


def state_of(folder: Path) -> dict[str, Any] | None:
    """What the state file says, if there is one."""
    files = sorted(folder.glob("engine-*.json"))
    return paths.read_json(str(files[0])) if files else None


def until(holds: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Waits until `holds()` is true and answers it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def threads(pid: int) -> tuple[int, int]:
    """How many threads and how many open files a process has."""
    return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
