"""An engine with the workspace, and a shot whose frames cost next to nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pages import PageEngine, chromium, page_engine
from workspace_page import Page, serving


@pytest.fixture(scope="session")
def page_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The only folder that the engine of `page` may use."""
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="package")
def page(page_root: Path) -> Iterator[Page]:
    """A page with a session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(page_root / "data"))
        patch.setenv("XDG_CACHE_HOME", str(page_root / "cache"))
        with serving((page_root,), page_root / "sessions.json") as served:
            yield served


@pytest.fixture
def make_shot(
    page_root: Path, fast_folder: Path, fast_document: dict[str, Any], request: pytest.FixtureRequest
) -> Callable[..., Path]:
    """Write a shot of its own below the page's root: `fast_shot` with changes."""

    def make(**changes: Any) -> Path:
        folder = page_root / "shots" / f"{abs(hash(request.node.nodeid)):x}"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("plate.exr", "fast.track.json"):
            shutil.copy(fast_folder / name, folder)
        path = folder / "fast.shot.json"
        document = {key: value for key, value in {**fast_document, **changes}.items() if value is not None}
        path.write_text(json.dumps(document))
        return path

    return make


@pytest.fixture
def shot(make_shot: Callable[..., Path]) -> Path:
    """The shot as it is."""
    return make_shot()


# Both end with their file: Playwright keeps an event loop running, in which no other test can start its own, and an engine that
# nobody asks ends by itself.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium for a file's tests of the page."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageEngine]:
    """An engine process for a file's tests in a browser; a test that kills it starts it again."""
    with page_engine(tmp_path_factory.mktemp("page_engine")) as engine:
        yield engine
