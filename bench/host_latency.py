"""Press to first picture and tweak to picture, through the adapters for Nuke and Resolve, on an HD plate.

    python bench/host_latency.py

prints the table in `docs/hosts.md`. The hosts are the stand-ins of the tests, the engine is real and warm: it runs, and has
rendered another frame of the shot. *press* is a frame that was never rendered; *tweak* is the same frame with another feather;
for Nuke also the half-size picture that auto-update shows first. *engine* is what the engine says that its frames took: the
rest is the adapter's, client, queue and the pause that collects quick changes among it. What the host itself needs to draw is
not in the figures.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
for part in ("plugins/resolve", "tests", "tests/support", "tests/plugins/nuke", "tests/plugins/resolve"):
    sys.path.insert(0, str(ROOT / part))

from faceplate.color import ColorConfig  # noqa: E402
from faceplate.demo import person  # noqa: E402
from faceplate.face import FaceFinder  # noqa: E402
from faceplate.track import track_shot  # noqa: E402
from faceplate_client import connect  # noqa: E402
from measuring import SIZES, write_plate  # noqa: E402

ROUNDS = 5
FRAMES = range(1001, 1008)
GOALS = {"press": 1.5, "tweak": 0.25}

Times = tuple[float, float]
"""Seconds that the user waits, and what of it the engine's frames took."""


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place, engine_in(Path(place)):
        folder = Path(place)
        plate_of(folder)
        print("| host | what | median, s | of that engine, s | goal, s |\n|---|---|---:|---:|---:|")
        for host, rows in (("Nuke", in_nuke(folder)), ("Resolve", in_resolve(folder))):
            for what, times in rows:
                goal = f"{GOALS[what.split(',')[0]]:g}"
                waited, engine = (median(column) for column in zip(*times, strict=True))
                print(f"| {host} | {what} | {waited:.2f} | {engine:.2f} | {goal} |", flush=True)


@contextmanager
def engine_in(folder: Path) -> Iterator[None]:
    """An engine that nobody else uses, while the block runs."""
    kept = dict(os.environ)
    os.environ.update(FACEPLATE_RUN=str(folder / "run"), FACEPLATE_ENGINE=sys.executable)
    os.environ.update(FACEPLATE_CACHE=str(folder / "cache"), HOME=str(folder))
    os.environ.pop("OCIO", None)
    engine = connect(idle=120)
    try:
        yield
    finally:
        engine.stop()
        os.environ.clear()
        os.environ.update(kept)


def plate_of(folder: Path) -> None:
    """HD frames, all alike, with their track, and the pictures of a person."""
    color = ColorConfig.load(environ={})
    first = folder / "plate" / f"plate.{FRAMES[0]}.exr"
    first.parent.mkdir()
    write_plate(first, SIZES[0], color, FaceFinder.embedded())
    for frame in FRAMES[1:]:
        shutil.copyfile(first, first.with_name(f"plate.{frame}.exr"))
    # Other sizes make other identities of the files, so that no frame is known from the one before.
    for frame in FRAMES:
        with first.with_name(f"plate.{frame}.exr").open("ab") as file:
            file.write(b"\0" * (frame - FRAMES[0]))
    track_shot(
        str(first.with_name("plate.####.exr")), first.with_name("plate.track.json"), frames=list(FRAMES), color=color
    )
    shutil.copytree(person("bea"), folder / "bea")


def timed(work: Callable[[], object]) -> Times:
    """Return the seconds of a call, and the engine's in it."""
    known, begun = job_names(), time.perf_counter()
    work()
    waited = time.perf_counter() - begun
    return waited, engine_seconds(known)


def job_names() -> set[str]:
    """Return the names of the jobs that the engine remembers."""
    return {job["job"] for job in connect().call("GET", "/v1/jobs")["jobs"]}


def engine_seconds(known: set[str], proxy: bool | None = None) -> float:
    """Return the seconds that frames of newer jobs took; with `proxy` only of half-size files, or of others."""
    engine, spent = connect(), 0.0
    for name in job_names() - known:
        for entry in engine.call("GET", f"/v1/jobs/{name}")["frames"].values():
            if proxy is None or proxy == (".proxy2." in str(entry["path"])):
                spent += (entry["ms"] or 0) / 1000
    return spent


def in_nuke(folder: Path) -> Iterator[tuple[str, list[Times]]]:
    """Render frame by the button, then auto-update after a changed feather."""
    from nuke_stage import Stage, nuke

    stage = Stage(folder / "nuke", f"{folder}/plate/plate.####.exr")
    nuke.root()["last_frame"].setValue(FRAMES[-1])
    stage.read["last"].setValue(FRAMES[-1])
    node = stage.faceswap(source=str(folder / "bea"), occlusion=0.5, grain=1.0)
    nuke.frame(FRAMES[-1])
    stage.press(node, "render_frame")
    assert stage.session.said == [], stage.session.said
    press = []
    for frame in FRAMES[:ROUNDS]:
        nuke.frame(frame)
        press.append(timed(lambda: stage.press(node, "render_frame")))
    yield "press, Render frame", press
    live = stage.adapter("live_update")
    live.QUICK = 0.0  # always half size first
    node["auto_update"].setValue(True)
    stage.settle()
    half, full = _tweaks(stage, node)
    yield "tweak, half size", half
    yield "tweak, full size", full


def _tweaks(stage: Any, node: Any) -> tuple[list[Times], list[Times]]:
    """Seconds from a changed feather to the half-size picture, and to the full one with the half-size one before it."""
    half: list[Times] = []
    full: list[Times] = []
    for turn in range(ROUNDS + 1):
        known, begun = job_names(), time.perf_counter()
        node["matte_feather"].setValue(0.05 + 0.01 * turn)
        waited = []
        for state in (3, 0):
            stage.settle(until=lambda state=state: int(node["frame_state"].getValueAt(FRAMES[ROUNDS - 1])) == state)
            waited.append(time.perf_counter() - begun)
        stage.settle()
        half.append((waited[0], engine_seconds(known, True)))
        full.append((waited[1], engine_seconds(known)))
    return half[1:], full[1:]  # the first one makes what every later one reuses


def in_resolve(folder: Path) -> Iterator[tuple[str, list[Times]]]:
    """Preview this frame, then again after a changed feather."""
    from faceplate_resolve.clip import read_clip
    from faceplate_resolve.dialog import SwapRequest
    from faceplate_resolve.host import Host
    from faceplate_resolve.interface import Console
    from faceplate_resolve.preview import FramePreview
    from fake_resolve import MediaPoolItem, Project, Resolve, Timeline, World

    class Quiet(Console):
        def follow(self, ask: Any, cancel: Any, title: str) -> None:
            while not ask()[2]:
                pass

    world = World()
    project = Project(world, "bench", "24")
    project._timeline = timeline = Timeline(world, "Reel", "24", 86400)
    media = MediaPoolItem(world, "plate", f"{folder}/plate/plate.%04d.exr", len(FRAMES), "24", first=FRAMES[0])
    item = timeline._put(1, media, 86400, len(FRAMES))
    host, engine = Host.of(Resolve(world, project)), connect()
    clip = read_clip(host, item)
    request = SwapRequest(str(folder / "bea"), str(folder / "results"), "auto", 0, False, "", {})
    with FramePreview(host, item, clip, len(FRAMES) - 1, engine) as warm:
        warm.picture(request, Quiet())
    press = []
    for place in range(ROUNDS):
        with FramePreview(host, item, clip, place, engine) as preview:
            press.append(timed(lambda preview=preview: preview.picture(request, Quiet())))
    yield "press, Preview this frame", press
    tweak = []
    with FramePreview(host, item, clip, 0, engine) as preview:
        preview.picture(request, Quiet())
        for turn in range(ROUNDS):
            other = replace(request, values={"matte_feather": 0.05 + 0.01 * turn})
            tweak.append(timed(lambda other=other: preview.picture(other, Quiet())))
    yield "tweak, the same frame", tweak


if __name__ == "__main__":
    main()
