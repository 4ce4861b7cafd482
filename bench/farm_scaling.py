"""Prints the farm's figures: frames a second with one and two workers, with a slow network, and what a chunk costs to begin.

    python bench/farm_scaling.py [--frames 24] [--side 512]

All in one run on one machine, so read them as ratios. The slow network is a stand-in: every open of a plate's frame and every
rename into place waits first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

# What a worker runs: a share of the frames, after a pause on each file where the network is slow.
_WORKER = """
import sys, time
from faceplate.face import FaceFinder
from faceplate.render.batch import render_frames
from faceplate.plate import PlateFile
from faceplate.plate import atomic
from faceplate.render import Renderer
from faceplate.shot import load_shot
shot, first, last, step, wait = sys.argv[1], *map(float, sys.argv[2:6])
if wait:
    opened, synced = PlateFile.open.__func__, atomic._sync
    PlateFile.open = classmethod(lambda cls, *a, **k: (time.sleep(wait), opened(cls, *a, **k))[1])
    atomic._sync = lambda path: (time.sleep(wait), synced(path))[1]
renderer = Renderer(load_shot(shot), FaceFinder.embedded())
renderer.prepare()
print("ready", flush=True)
sys.stdin.readline()
for done in render_frames(renderer, range(int(first), int(last) + 1, int(step)), recorded=True):
    assert done.error is None, done.error
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--frames", type=int, default=24)
    asked.add_argument("--side", type=int, default=512, help="pixels of the square plate")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="faceplate-bench-") as folder:
        shot = _shot(Path(folder), given.frames, given.side)
        print(f"{given.frames} frames of {given.side} x {given.side}, a real face, {os.cpu_count()} cores")
        print()
        _scaling(shot, given.frames)
        print()
        _overhead(shot)


def _shot(folder: Path, frames: int, side: int) -> Path:
    import farm_shots

    farm_shots.SIDE = side
    shot = farm_shots.small_shot(folder, frames)
    document = json.loads(shot.read_text()) | {"track": "sh010.track.json"}
    cv2.setNumThreads(0)
    subprocess.run(
        [*_faceplate(), "track", str(folder / "plates" / "plate.####.exr"), "-o", str(folder / "sh010.track.json")],
        check=True,
        capture_output=True,
    )
    shot.write_text(json.dumps(document))
    return shot


def _scaling(shot: Path, frames: int) -> None:
    print("| workers | network | frames/s | of 1 worker |")
    print("|---|---|---|---|")
    for name, wait in (("local", 0.0), ("50 ms a file", 0.05), ("250 ms a file", 0.25)):
        one = 0.0
        for workers in (1, 2):
            rate = frames / _timed(shot, frames, workers, wait)
            one = one or rate
            print(f"| {workers} | {name} | {rate:.2f} | {rate / one:.2f} |", flush=True)


def _timed(shot: Path, frames: int, workers: int, wait: float) -> float:
    """Seconds from all workers ready to all frames written."""
    shares = [[1001 + number, 1000 + frames, workers] for number in range(workers)]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(shot), *map(str, share), str(wait)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in shares
    ]
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
    begun = time.perf_counter()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.close()
    assert not any(child.wait() for child in children)
    return time.perf_counter() - begun


def _overhead(shot: Path) -> None:
    """From a chunk's start to its first frame on disk; the median of three."""
    folder = shot.parent / "session"
    folder.mkdir()
    node = [sys.executable, "-m", "faceplate_client.farm"]
    chunk = [*node, "render", "--shot", str(shot), "--frames", "1001-1002", "--force"]
    begun = time.perf_counter()
    said = subprocess.run([*node, "start"], cwd=folder, check=True, capture_output=True, text=True).stdout
    start = time.perf_counter() - begun
    run = next(line.split("=", 1)[1] for line in said.splitlines() if line.startswith("openjd_env: FACEPLATE_RUN="))
    session = {**os.environ, "FACEPLATE_RUN": run}
    cold = _first_frame(chunk, shot, session, folder)
    warm = sorted(_first_frame(chunk, shot, session, folder) for _ in range(3))[1]
    subprocess.run([*node, "stop"], env=session, check=True)
    alone = sorted(_first_frame(chunk, shot, None, folder) for _ in range(3))[1]
    command = [*_faceplate(), "render", str(shot), "--frames", "1001-1002", "--force"]
    plain = sorted(_first_frame(command, shot, None, folder) for _ in range(3))[1]
    print("| how a chunk begins | s to its first frame | of a chunk by itself |")
    print("|---|---|---|")
    print(f"| faceplate render, by itself | {plain:.2f} | 1.00 |")
    print(f"| faceplate-farm render without a session | {alone:.2f} | {alone / plain:.2f} |")
    print(f"| first chunk of a session | {cold:.2f} | {cold / plain:.2f} |")
    print(f"| every other chunk of a session | {warm:.2f} | {warm / plain:.2f} |")
    print(f"\nThe engine of a session starts once, in {start:.2f} s.")


def _first_frame(command: list[str], shot: Path, environ: dict[str, str] | None, folder: Path) -> float:
    target = shot.parent / "out" / "sh010.1001.exr"
    target.unlink(missing_ok=True)
    begun = time.perf_counter()
    child = subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not target.exists():
        time.sleep(0.005)
        assert child.poll() in (None, 0), f"{command} failed"
    seconds = time.perf_counter() - begun
    assert child.wait() == 0
    return seconds


def _faceplate() -> list[str]:
    return [sys.executable, "-m", "faceplate.cli.main"]


if __name__ == "__main__":
    main()
