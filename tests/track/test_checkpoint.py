"""The work file of a track: a killed run continues, and a changed plate is analysed anew."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.face import FaceFinder
from faceplate.plate import Sequence
from faceplate.track import Track, track_shot, work_file
from faceplate.track.follower import FaceFollower
from faceplate.track.plate_reader import PlateReader
from faceplate.track.shot_analysis import analyse_shot
from faceplate.track.shot_finder import ShotFinder
from track_plates import (
    background,
    over,
    portrait,
    write_frames,
)

_RUN = """
import sys, time
from pathlib import Path
from faceplate.track import track_shot
from faceplate.track.follower import FaceFollower
step = FaceFollower.step
def slow(self, *rest):
    time.sleep(0.15)
    return step(self, *rest)
FaceFollower.step = slow
track_shot(sys.argv[1], Path(sys.argv[2]), workers=2)
"""


def test_a_killed_run_goes_on_where_it_was(
    damaged_plate: Path, damaged_track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern, output = str(damaged_plate / "plate.####.exr"), tmp_path / "t.json"
    work = work_file(output)
    process = subprocess.Popen([sys.executable, "-c", _RUN, pattern, str(output)])
    deadline = time.monotonic() + 240
    while (not work.exists() or work.read_bytes().count(b"\n") < 12) and time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.wait()
    assert not output.exists()
    work.write_bytes(work.read_bytes() + b'{"segment":41,"fra')  # as if killed in the middle of a line
    done = {
        (item["segment"], item["frame"], item["tail"]) for item in map(json.loads, work.read_bytes().split(b"\n")[1:-1])
    }
    assert 11 <= len(done) < 42
    again: list[int] = []
    for name in ("first", "step"):
        plain = getattr(FaceFollower, name)

        def counted(self: FaceFollower, *rest: object, plain=plain) -> object:
            again.append(next(int(r) for r in rest if isinstance(r, int)))
            return plain(self, *rest)

        monkeypatch.setattr(FaceFollower, name, counted)
    track_shot(pattern, output, workers=2)
    assert output.read_bytes() == (damaged_plate / "whole.json").read_bytes()
    assert len(again) == 42 - len(done), "a frame was looked at twice, or not at all"
    assert not work.exists()


def test_a_changed_plate_is_looked_at_anew(tmp_path: Path) -> None:
    wall = background(480, 270, 3)
    plate = write_frames(tmp_path, 4, lambda i: over(wall, portrait("eve"), (200, 135), 220))
    reader = PlateReader(Sequence.parse(plate), ColorConfig.load())
    finder, work = ShotFinder.like(FaceFinder.embedded()), tmp_path / "work"
    first = analyse_shot(reader, range(1001, 1005), finder, work)
    os.utime(tmp_path / "plate.1003.exr", ns=(1, 1))
    calls: list[tuple[int, int]] = []
    second = analyse_shot(
        reader, range(1001, 1005), finder, work, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(2, 4), (3, 4), (4, 4)]
    for a, b in zip(first, second, strict=True):
        assert a.observation is not None and b.observation is not None
        assert np.array_equal(a.observation.faces[0].points, b.observation.faces[0].points)
