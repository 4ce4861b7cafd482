"""The call path of one frame in docs/architecture.md is the one that a profiler prints."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_shows_the_call_path_that_a_profiler_prints(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("call_path", ROOT / "bench" / "call_path.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    printed = script.call_path(script.demo_renderer(tmp_path), 1001)
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    shown = re.search(r"```\n(renderer\.Renderer\.render\n.*?)\n```", page, re.DOTALL)
    assert shown is not None, "docs/architecture.md shows no call path"
    assert shown[1].splitlines() == printed, "run: python bench/call_path.py, and copy its lines to the page"
