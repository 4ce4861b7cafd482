"""The workspace's engine side on an HD plate: slider to picture, scrubbing rendered frames, and memory over a long scrub.

    python bench/workspace_latency.py

A page is stood in for by requests over the loopback with a session, as a browser sends them. Printed are, for each slider, the
median wait from the request to the last byte of the picture on a frame that was rendered before; the frames a second at which
rendered frames arrive for the first time and again, two requests at a time as the page sends them; and the engine's memory while
it is scrubbed through every picture. Beside a wait stands the engine's processor time, which other programs on the machine
change little.

    python bench/workspace_latency.py --pictures 40000

scrubs as long as an hour at 12 frames a second does.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil

from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.shot.parameters import describe
from faceplate_client import Engine, connect
from measuring import SIZES, write_plate

ROUNDS = 5
FIRST, LAST = 1001, 1024
_MIB = 1 << 20


@dataclass
class Page:
    """A page: connections that are kept open, as a browser keeps them, and the shot that it shows."""

    address: str
    headers: dict[str, str]
    shot: str
    process: psutil.Process
    kept: threading.local = field(default_factory=threading.local)

    @property
    def connection(self) -> http.client.HTTPConnection:
        """This thread's connection."""
        if not hasattr(self.kept, "connection"):
            self.kept.connection = http.client.HTTPConnection(self.address, timeout=600)
        return self.kept.connection

    def processor(self) -> float:
        """Return the engine's processor time so far, in seconds."""
        times = self.process.cpu_times()
        return times.user + times.system

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> bytes:
        """Send a request and return the whole answer."""
        data = None if body is None else json.dumps(body)
        headers = {**self.headers, "Content-Type": "application/json"} if data else self.headers
        place = f"{path}?{urlencode({'shot': self.shot, **query})}"
        try:
            response, answer = self._sent(method, place, data, headers)
        except http.client.RemoteDisconnected:  # the engine closes a connection that was idle
            del self.kept.connection
            response, answer = self._sent(method, place, data, headers)
        if response.status >= 400:
            raise SystemExit(f"{path}: {answer.decode()}")
        return answer

    def _sent(
        self, method: str, place: str, data: str | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        self.connection.request(method, place, data, headers)
        response = self.connection.getresponse()
        return response, response.read()

    def picture(self, frame: int, **query: Any) -> tuple[float, int]:
        """Fetch a picture; return the seconds and the bytes."""
        begun = time.perf_counter()
        data = self.ask("GET", "/v1/ui/picture", frame=frame, **query)
        return time.perf_counter() - begun, len(data)


def main() -> None:
    options = argparse.ArgumentParser(description="Measure the workspace's engine side.")
    options.add_argument("--pictures", type=int, default=4000, help="pictures of the long scrub")
    options.add_argument(
        "--part", choices=("all", "sliders", "scrub", "memory"), default="all", help="measure one thing"
    )
    wanted = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ.update(
            FACEPLATE_RUN=str(folder / "run"),
            FACEPLATE_ENGINE=os.environ.get("FACEPLATE_ENGINE", sys.executable),
            FACEPLATE_CACHE=str(folder / "cache"),
            XDG_DATA_HOME=str(folder / "data"),
        )
        engine = connect(idle=120)
        try:
            page = opened(engine, make_shot(folder))
            for kind in ("track", "render"):
                finish(page, kind)
            for part, measure in (("sliders", print_sliders), ("scrub", print_scrub)):
                if wanted.part in ("all", part):
                    measure(page)
            if wanted.part in ("all", "memory"):
                print_memory(page, wanted.pictures)
        finally:
            engine.stop()


def make_shot(folder: Path) -> Path:
    """Write an HD shot of 24 frames with a face 400 pixels high, the same picture in each."""
    first = folder / f"plate.{FIRST}.exr"
    write_plate(first, SIZES[0], ColorConfig.load(environ={}), FaceFinder.embedded())
    for frame in range(FIRST + 1, LAST + 1):
        shutil.copy(first, folder / f"plate.{frame}.exr")
    shutil.copytree(person("bea"), folder / "bea")
    shot = folder / "hd.shot.json"
    keys = {"plate": "plate.####.exr", "source": "bea", "track": "hd.track.json", "output": "out/o.####.exr"}
    shot.write_text(json.dumps({"faceplate_shot": 1, "person": "bea", **keys}))
    return shot


def opened(engine: Engine, shot: Path) -> Page:
    """Exchange a ticket for a session, as the page does."""
    link = engine.call("POST", "/v1/ui/ticket", {"shot": str(shot)})
    address = link["url"].removeprefix("http://").partition("/")[0]
    connection = http.client.HTTPConnection(address, timeout=600)
    headers = {"Origin": f"http://{address}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/ui/session", json.dumps({"ticket": link["ticket"]}), headers)
    response = connection.getresponse()
    session = json.loads(response.read())
    cookie = response.getheader("set-cookie", "").partition(";")[0]
    own = {"Origin": f"http://{address}", "Cookie": cookie, "Faceplate-Page": session["key"]}
    return Page(address, own, str(shot), psutil.Process(engine.status()["pid"]))


def finish(page: Page, kind: str) -> None:
    """Run a job of the page to its end."""
    job = json.loads(page.ask("POST", "/v1/ui/jobs", {"kind": kind}))
    while True:
        now = json.loads(page.ask("GET", f"/v1/jobs/{job['job']}"))
        if now["state"] in ("done", "failed", "cancelled", "superseded"):
            break
        time.sleep(0.2)
    if now["state"] != "done":
        raise SystemExit(f"{kind}: {now['error']}")


SHOWN = (("face, full size", "patch", 1), ("face, 1/2", "patch", 2), ("whole picture, 1/2", "result", 2))


def print_sliders(page: Page) -> None:
    """Print slider to picture for every slider that a frame without networks has: the wait, and the processor time."""
    heads = " | ".join(f"{name}, ms | processor, ms" for name, _, _ in SHOWN)
    print(f"| slider | stage | {heads} |\n|---|---|{'---:|---:|' * len(SHOWN)}")
    for _, show, proxy in SHOWN:
        page.picture(FIRST, show=show, proxy=proxy, **{"from": "live"})
    worst = [(0.0, 0.0)] * len(SHOWN)
    for parameter in describe():
        if _is_slider(parameter):
            figures = [slid(page, parameter, show, proxy) for _, show, proxy in SHOWN]
            worst = [max(pair) for pair in zip(worst, figures, strict=True)]
            print(f"| {parameter['name']} | {parameter['invalidates']} | {_cells(figures)} |", flush=True)
    print(f"| slowest | | {_cells(worst)} |\n")


def slid(page: Page, parameter: dict[str, Any], show: str, proxy: int) -> tuple[float, float]:
    """Return the median wait and processor time in milliseconds for values of a slider that nobody asked for before."""
    low, high = parameter["minimum"], parameter["maximum"]
    waits, spent = [], []
    for number in range(ROUNDS):
        part = (number + 1.0 + 0.1 * proxy + (0.05 if show == "result" else 0.0)) / (ROUNDS + 2)
        values = {parameter["name"]: low + (high - low) * part}
        before = page.processor()
        waits.append(page.picture(FIRST, show=show, proxy=proxy, values=json.dumps(values), tab="bench")[0])
        spent.append(page.processor() - before)
    return 1000 * median(waits), 1000 * median(spent)


def _cells(figures: list[tuple[float, float]]) -> str:
    return " | ".join(f"{wait:.0f} | {spent:.0f}" for wait, spent in figures)


def _is_slider(parameter: dict[str, Any]) -> bool:
    networks = ("supersample", "identity", "restore_amount", "restore_fidelity", "morph")
    return (
        parameter["type"] == "float" and parameter["minimum"] is not None and parameter["maximum"] is not None
        and parameter["name"] not in networks
    )  # fmt: skip


def print_scrub(page: Page) -> None:
    """Print the frames a second at which rendered frames arrive, two requests at a time."""
    print(
        "| scrubbing rendered frames | first time, frames/s | processor, ms a frame | again, frames/s | MiB a frame |"
    )
    print("|---|---:|---:|---:|---:|")
    frames = range(FIRST, LAST + 1)
    with ThreadPoolExecutor(2) as two:
        for show, proxy in (("result", 1), ("result", 2), ("result", 4), ("patch", 1), ("patch", 2), ("plate", 2)):
            rates, spent, size = [], [], 0.0
            for _ in range(2):
                begun, before = time.perf_counter(), page.processor()
                got = two.map(lambda frame, show=show, proxy=proxy: page.picture(frame, show=show, proxy=proxy), frames)
                size = sum(count for _, count in got) / len(frames) / _MIB
                rates.append(len(frames) / (time.perf_counter() - begun))
                spent.append(1000 * (page.processor() - before) / len(frames))
            print(
                f"| {show}, proxy {proxy} | {rates[0]:.1f} | {spent[0]:.0f} | {rates[1]:.1f} | {size:.1f} |", flush=True
            )
    print()


def print_memory(page: Page, pictures: int) -> None:
    """Print the engine's memory while every picture is asked for again and again."""
    kinds = itertools.product(("plate", "result", "patch", "matte"), (1, 2, 4), range(FIRST, LAST + 1))
    print("| pictures | engine's memory, MiB | pictures kept, MiB |\n|---:|---:|---:|")
    step = max(pictures // 8, 1)
    seen: list[tuple[int, float]] = []
    for number, (show, proxy, frame) in enumerate(itertools.islice(itertools.cycle(kinds), pictures), start=1):
        page.picture(frame, show=show, proxy=proxy)
        if number % step == 0:
            kept = json.loads(page.ask("GET", "/v1/ui/home"))["pictures"]["bytes"] / _MIB
            seen.append((number, page.process.memory_info().rss / _MIB))
            print(f"| {number} | {seen[-1][1]:.0f} | {kept:.0f} |", flush=True)
    print(f"\nGrowth after the first quarter: {growth(seen):+.1f} MiB for 1,000 pictures.\n")


def growth(seen: list[tuple[int, float]]) -> float:
    """Return the growth in MiB for 1,000 pictures: the slope of a line through (pictures, MiB) without the first quarter."""
    pictures, sizes = zip(*seen[len(seen) // 4 :], strict=True)
    return 1000 * float(np.polyfit(pictures, sizes, 1)[0]) if len(pictures) > 1 else 0.0


if __name__ == "__main__":
    main()
