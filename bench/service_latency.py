"""Tweak to picture: how long a host waits for a frame after one parameter changed, through the client, on an HD plate.

    python bench/service_latency.py

prints the table in `docs/performance.md`: for each parameter the first stage that it invalidates, the median of the host's
wait, and what of it the engine says that the frame itself took. The frame is tracked and was rendered once before, as in a host.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.shot.parameters import describe
from faceplate_client import Engine, Shot, connect
from measuring import SIZES, write_plate

ROUNDS = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ.update(FACEPLATE_RUN=str(folder / "run"), FACEPLATE_ENGINE=sys.executable)
        engine = connect(idle=60)
        try:
            shot = opened(engine, folder)
            first = waited(engine, shot, {})[0]
            print(
                f"The first frame, everything computed: {1000 * first:.0f} ms; the same again: {again(engine, shot):.0f} ms"
            )
            print(
                "\n| parameter | stage | tweak to picture, ms | of that the frame | ratio |\n|---|---|---:|---:|---:|"
            )
            for line in rows(engine, shot):
                print(line, flush=True)
        finally:
            engine.stop()


def opened(engine: Engine, folder: Path) -> Shot:
    """An HD shot with a face 400 pixels high, tracked."""
    write_plate(folder / "plate.1001.exr", SIZES[0], ColorConfig.load(environ={}), FaceFinder.embedded())
    shutil.copytree(person("bea"), folder / "bea")
    document: dict[str, Any] = {
        "faceplate_shot": 1,
        "plate": "plate.####.exr",
        "source": "bea",
        "output": "out/o.####.exr",
    }
    engine.track(engine.open_shot(document, str(folder)), output=str(folder / "t.track.json")).wait()
    return engine.open_shot({**document, "track": "t.track.json"}, str(folder))


def waited(engine: Engine, shot: Shot, values: dict[str, Any]) -> tuple[float, float]:
    """Seconds from asking to the file's being there, and the milliseconds that the engine says."""
    begun = time.perf_counter()
    done = engine.render(shot, [1001], values, supersede="bench").wait()
    return time.perf_counter() - begun, done["frames"]["1001"]["ms"]


def again(engine: Engine, shot: Shot) -> float:
    return 1000 * median(waited(engine, shot, {})[0] for _ in range(ROUNDS))


def rows(engine: Engine, shot: Shot) -> Iterator[str]:
    """A row for each number that can be keyed. Each round has a value of its own, so that nothing asked before is kept."""
    for entry in describe():
        if entry["type"] not in ("float", "int") or not entry["animatable"]:
            continue
        low, high = entry["minimum"], entry["maximum"]
        times = []
        for number in range(1, ROUNDS + 1):
            value = low + (high - low) * (number / (ROUNDS + 2)) * 0.37
            times.append(waited(engine, shot, {entry["name"]: int(value) if entry["type"] == "int" else value}))
        host, frame = 1000 * median(wait for wait, _ in times), median(ms for _, ms in times)
        yield f"| {entry['name']} | {entry['invalidates']} | {host:.0f} | {frame:.0f} | {host / frame:.2f} |"


if __name__ == "__main__":
    main()
