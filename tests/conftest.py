"""Fixtures that all rooms share: one colour config, one face finder, the demo people read once, a studio with releases."""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import fast_shot, shared_engine
from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import people_folder, person
from faceplate.face import Face, FaceFinder
from faceplate.face.align import resample
from faceplate.generators import MeshGenerator
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.provenance import collect, record
from faceplate.render import Renderer
from faceplate.source import Source, read_source
from faceplate_client import Engine
from marked_takes import marking_renderer
from plates import write_plate
from releases import make_studio


@pytest.fixture(scope="module", autouse=True)
def _memory_given_back() -> Iterator[None]:
    """Give what a file's tests have freed back to the system: the C library keeps it, 1.5 GB after some thousand tests."""
    yield
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)


@pytest.fixture(scope="session")
def color() -> ColorConfig:
    return ColorConfig.load(environ={})


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder.embedded()


@pytest.fixture(scope="session")
def read_picture(color: ColorConfig) -> Callable[[str], Frame]:
    """A committed picture by its name under people/, such as `ada/front.jpg`."""

    @cache
    def read(name: str) -> Frame:
        return read_still(people_folder() / name, color)

    return read


@pytest.fixture(scope="session")
def face_in(read_picture: Callable[[str], Frame], finder: FaceFinder) -> Callable[[str], Face]:
    """The largest face of a committed picture."""

    @cache
    def find(name: str) -> Face:
        return finder.find(read_picture(name))[0]

    return find


@pytest.fixture(scope="session")
def source_of(color: ColorConfig, finder: FaceFinder) -> Callable[[str], Source]:
    """All pictures of a demo person by name, read once, because maps, light and atlas are worked out on first use."""

    @cache
    def read(name: str) -> Source:
        return read_source(person(name), color, finder)

    return read


@pytest.fixture(scope="session")
def source_bea(source_of: Callable[[str], Source]) -> Source:
    return source_of("bea")


@pytest.fixture(scope="session")
def fast_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of `fast_document` lie."""
    return tmp_path_factory.mktemp("fast")


@pytest.fixture(scope="session")
def fast_document(fast_folder: Path) -> dict[str, Any]:
    """A shot whose frames cost next to nothing."""
    return fast_shot(fast_folder)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine for the tests that do it no harm."""
    with shared_engine(tmp_path_factory.mktemp("engine") / "run") as started:
        yield started


@pytest.fixture(autouse=True)
def _no_studio_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly which tests this machine could not run at all."""
    reasons = {
        str(report.longrepr[2])
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple)
    }
    for reason in sorted(reason for reason in reasons if "NOT RUN" in reason):
        terminalreporter.write_line(reason.removeprefix("Skipped: "), red=True, bold=True)


@pytest.fixture
def studio_folder(tmp_path: Path) -> Path:
    return make_studio(tmp_path)


WIDTH, HEIGHT = 400, 300


@pytest.fixture(scope="session")
def small_plate(
    read_picture: Callable[[str], Frame], color: ColorConfig, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Two frames of 400 x 300 in ACEScg with a face of 200 pixels."""
    frame = read_picture("ada/front.jpg")
    pixels = resample(
        frame.working(), frame.window, np.array([[0.29, 0, 50], [0, 0.29, 0]]), Window(0, 0, WIDTH, HEIGHT)
    )
    folder = tmp_path_factory.mktemp("marked")
    for number in (1001, 1002):
        write_plate(folder / f"plate.{number}.exr", pixels * (number - 1000), "half")
    return folder / "plate.####.exr"


@pytest.fixture
def unreleased_source(tmp_path: Path) -> Path:
    folder = tmp_path / "somebody"
    folder.mkdir()
    shutil.copy(person("bea") / "front.jpg", folder)
    return folder


@pytest.fixture
def marked_take(small_plate: Path, finder: FaceFinder, tmp_path: Path) -> Renderer:
    """Two frames of a take with records and a manifest."""
    output = tmp_path / "take" / "swap.####.exr"
    renderer = marking_renderer(small_plate, person("bea"), output, finder, mode="over", id="0" * 32, take=3)
    renderer.prepare()
    for number in (1001, 1002):
        renderer.write(renderer.render(number))
        record(renderer.output, number, renderer.take())
    collect(renderer.output)
    return renderer


@pytest.fixture(scope="session")
def mesh_of_bea(source_bea: Source) -> MeshGenerator:
    return MeshGenerator(source_bea)


@pytest.fixture
def nobody_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find no face without looking, for plates without one where something else is tested; a search takes a third of a second."""
    monkeypatch.setattr(FaceFinder, "find", lambda self, frame: ())
