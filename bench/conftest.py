"""What the benchmarks share: two plate frames as a camera would deliver them, a clock on the networks, and the table.

Run with `python -m pytest bench -q`; what it prints at the end is pasted into `docs/performance.md`. No time is ever
asserted: machines differ, and a busy one more so.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from faceplate.color import ColorConfig
from faceplate.color.reading import read_frame
from faceplate.comp.grain import measure_grain
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.models import Network
from faceplate.render import Renderer
from faceplate.render.plate_grain import grain_window
from faceplate.shot import Shot
from faceplate.system.memory import keep_freed_memory
from measuring import (
    NetworkClock,
    Scene,
    Size,
    Table,
    stage_lines,
    whole_lines,
    write_plate,
)

_TABLE = pytest.StashKey["Table"]()
keep_freed_memory()  # as the program does


@pytest.fixture
def table(pytestconfig: pytest.Config) -> Table:
    return pytestconfig.stash[_TABLE]


@pytest.fixture(autouse=True)
def _no_studio_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> NetworkClock:
    """Counts what happens in `Network.run` and `Network.infer` (which calls itself when a network gives way)."""
    clock, inner, depth = NetworkClock(), Network.infer, 0

    def infer(self: Network, *args: Any, **kwargs: Any) -> Any:
        nonlocal depth
        depth += 1
        start = time.perf_counter()
        try:
            return inner(self, *args, **kwargs)
        finally:
            depth -= 1
            if depth == 0:
                clock.spent += time.perf_counter() - start

    monkeypatch.setattr(Network, "infer", infer)
    return clock


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Size], Scene]:
    """The scene of a size, made once: plate, source and networks ready, the face known."""
    color, finder = ColorConfig.load(environ={}), FaceFinder.embedded()
    # A copy, because what was learnt of a source may be kept beside it.
    source = Path(shutil.copytree(person("bea"), tmp_path_factory.mktemp("source") / "bea"))

    @cache
    def make(size: Size) -> Scene:
        folder = tmp_path_factory.mktemp(size.name)
        plate = write_plate(folder / "plate.1001.exr", size, color, finder)
        element, over = (
            Renderer(
                Shot(
                    plate=str(plate),
                    source=source,
                    output=str(folder / mode / "swap.####.exr"),
                    mode=mode,
                    frames=(1001,),
                ),
                finder,
            )
            for mode in ("element", "over")
        )
        element.prepare()
        over.prepare()
        file = element.open(1001)
        face = element.find(file)
        assert face is not None
        frame = read_frame(file, color, None, grain_window(face, file.data))
        return Scene(size, plate, file, face, measure_grain(frame.working()), element, over)

    return make


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = Table()
    # The plugin's own table has a line for each test and size; ours says the same in the shape of the document.
    config.option.benchmark_quiet = True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    table = config.stash[_TABLE]
    for lines in (stage_lines(table), whole_lines(table)):
        if lines:
            terminalreporter.write_line("")
        for line in lines:
            terminalreporter.write_line(line)
