"""What the rooms' tests share: one colour config, one set of networks, the demo people read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engines import fast_shot, shared_engine
from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import people_folder, person
from faceplate.face import Face, FaceFinder
from faceplate.image.frame import Frame
from faceplate.source import Source, read_source
from faceplate_client import Engine


@pytest.fixture(scope="session")
def color() -> ColorConfig:
    return ColorConfig.load(environ={})


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder.embedded()


@pytest.fixture(scope="session")
def still(color: ColorConfig) -> Callable[[str], Frame]:
    """A committed picture by its name under people/, such as `ada/front.jpg`."""

    @cache
    def read(name: str) -> Frame:
        return read_still(people_folder() / name, color)

    return read


@pytest.fixture(scope="session")
def found(still: Callable[[str], Frame], finder: FaceFinder) -> Callable[[str], Face]:
    """The largest face of a committed picture."""

    @cache
    def find(name: str) -> Face:
        return finder.find(still(name))[0]

    return find


@pytest.fixture(scope="session")
def bea(color: ColorConfig, finder: FaceFinder) -> Source:
    return read_source(person("bea"), color, finder)


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
