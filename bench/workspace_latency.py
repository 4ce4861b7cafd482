"""The workspace's engine side on an HD plate: slider to picture, scrubbing rendered frames, and memory over a long scrub.

    python bench/workspace_latency.py

A page is stood in for by requests over the loopback with a session, as a browser sends them. Printed are, for each slider, the
median wait from the request to the last byte of the picture on a frame that was rendered before; the frames a second at which
rendered frames arrive for the first time and again; and the engine's memory while it is scrubbed through every picture.

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
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

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
    """A page: one connection that is kept open, as a browser keeps it, and the shot that it shows."""

    connection: http.client.HTTPConnection
    headers: dict[str, str]
    shot: str

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> bytes:
        """Send a request and return the whole answer."""
        data = None if body is None else json.dumps(body)
        headers = {**self.headers, "Content-Type": "application/json"} if data else self.headers
        self.connection.request(method, f"{path}?{urlencode({'shot': self.shot, **query})}", data, headers)
        response = self.connection.getresponse()
        answer = response.read()
        if response.status >= 400:
            raise SystemExit(f"{path}: {answer.decode()}")
        return answer

    def picture(self, frame: int, **query: Any) -> tuple[float, int]:
        """Fetch a picture; return the seconds and the bytes."""
        begun = time.perf_counter()
        data = self.ask("GET", "/v1/ui/picture", frame=frame, **query)
        return time.perf_counter() - begun, len(data)


def main() -> None:
    options = argparse.ArgumentParser(description="Measure the workspace's engine side.")
    options.add_argument("--pictures", type=int, default=4000, help="pictures of the long scrub")
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
            print_sliders(page)
            print_scrub(page)
            print_memory(page, psutil.Process(engine.status()["pid"]), wanted.pictures)
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
    return Page(connection, own, str(shot))


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


def print_sliders(page: Page) -> None:
    """Print slider to picture for every slider that a frame without networks has."""
    print(
        "| slider | stage | face at full size, ms | face at 1/2, ms | whole picture at 1/2, ms |\n|---|---|---:|---:|---:|"
    )
    worst: dict[str, float] = {}
    shown = (("full", "patch", 1), ("half", "patch", 2), ("whole", "result", 2))
    for _, show, proxy in shown:
        page.picture(FIRST, show=show, proxy=proxy, **{"from": "live"})
    for parameter in describe():
        if not _is_slider(parameter):
            continue
        figures = {}
        for name, show, proxy in shown:
            figures[name] = 1000 * median(slid(page, parameter, show, proxy))
            worst[name] = max(worst.get(name, 0.0), figures[name])
        cells = " | ".join(f"{figures[name]:.0f}" for name, _, _ in shown)
        print(f"| {parameter['name']} | {parameter['invalidates']} | {cells} |", flush=True)
    print(f"| slowest | | {' | '.join(f'{worst[name]:.0f}' for name, _, _ in shown)} |\n")


def slid(page: Page, parameter: dict[str, Any], show: str, proxy: int) -> Iterator[float]:
    """Yield the waits for as many values of a slider, none of which was asked for before."""
    low, high = parameter["minimum"], parameter["maximum"]
    for number in range(ROUNDS):
        part = (number + 1.0 + 0.1 * proxy + (0.05 if show == "result" else 0.0)) / (ROUNDS + 2)
        values = {parameter["name"]: low + (high - low) * part}
        yield page.picture(FIRST, show=show, proxy=proxy, values=json.dumps(values), tab="bench")[0]


def _is_slider(parameter: dict[str, Any]) -> bool:
    networks = ("supersample", "identity", "restore_amount", "restore_fidelity", "morph")
    return (
        parameter["type"] == "float" and parameter["minimum"] is not None and parameter["maximum"] is not None
        and parameter["name"] not in networks
    )  # fmt: skip


def print_scrub(page: Page) -> None:
    """Print the frames a second at which rendered frames arrive."""
    print("| scrubbing rendered frames | first time, frames/s | again, frames/s | MiB a frame |\n|---|---:|---:|---:|")
    for show, proxy in (("result", 1), ("result", 2), ("result", 4), ("patch", 1), ("patch", 2), ("plate", 2)):
        rates = []
        for _ in range(2):
            begun, size = time.perf_counter(), 0
            for frame in range(FIRST, LAST + 1):
                size += page.picture(frame, show=show, proxy=proxy)[1]
            count = LAST - FIRST + 1
            rates.append(count / (time.perf_counter() - begun))
        size_ = size / count / _MIB
        print(f"| {show}, proxy {proxy} | {rates[0]:.1f} | {rates[1]:.1f} | {size_:.1f} |", flush=True)
    print()


def print_memory(page: Page, process: psutil.Process, pictures: int) -> None:
    """Print the engine's memory while every picture is asked for again and again."""
    kinds = itertools.product(("plate", "result", "patch", "matte"), (1, 2, 4), range(FIRST, LAST + 1))
    print("| pictures | engine's memory, MiB | pictures kept, MiB |\n|---:|---:|---:|")
    step = max(pictures // 8, 1)
    for number, (show, proxy, frame) in enumerate(itertools.islice(itertools.cycle(kinds), pictures), start=1):
        page.picture(frame, show=show, proxy=proxy)
        if number % step == 0:
            kept = json.loads(page.ask("GET", "/v1/ui/home"))["pictures"]["bytes"] / _MIB
            print(f"| {number} | {process.memory_info().rss / _MIB:.0f} | {kept:.0f} |", flush=True)


if __name__ == "__main__":
    main()
