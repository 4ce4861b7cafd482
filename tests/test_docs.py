"""The documentation against the code: imports, commands and options of the pages exist, and the site builds without a warning."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from faceplate.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "course" / "en").glob("*.md"))]
CHINESE = sorted((ROOT / "docs" / "course" / "zh").glob("*.md"))
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (*PAGES, ROOT / "README.md")}
# The README is no page of the site.
WITHOUT_OPENING = {"README.md"}


def blocks(text: str, language: str) -> list[str]:
    """The fenced code blocks in `language` ('' for blocks that name none)."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def command_lines() -> Iterator[tuple[str, str]]:
    """Page and line of everything in the documentation that starts with `faceplate`, continued lines joined."""
    for page, text in TEXTS.items():
        fenced = "\n".join(blocks(text, "")).replace("\\\n", " ")
        indented = "\n".join(re.findall(r"^ {4}(faceplate .*)$", text, flags=re.MULTILINE))
        for line in f"{fenced}\n{indented}".splitlines():
            if line.startswith("faceplate "):
                yield page, line.split("  #")[0].split("    ")[0].strip()


@pytest.mark.parametrize("page", [page for page in TEXTS if page not in WITHOUT_OPENING])
def test_a_page_opens_with_what_the_reader_can_do(page: str) -> None:
    _, opening = TEXTS[page].split("\n\n")[:2]
    assert opening.replace("\n", " ").startswith("After reading this page you"), opening


@pytest.mark.parametrize("page", [page for page, text in TEXTS.items() if blocks(text, "python")])
def test_the_python_of_a_page_imports_what_exists(page: str) -> None:
    for block in blocks(TEXTS[page], "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("faceplate"):
                module = importlib.import_module(str(node.module))
                missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
                assert not missing, f"{page}: {node.module} has no {', '.join(missing)}"


def test_every_command_and_option_of_the_pages_exists() -> None:
    lines = list(command_lines())
    assert len(lines) > 40
    wrong = [f"{page}: {line}" for page, line in lines if not _is_known(line)]
    assert not wrong, "\n".join(wrong)


def _is_known(line: str) -> bool:
    """Whether the command exists and takes every option of the line."""
    words = line.split()[1:]
    command: Any = get_command(app)
    while getattr(command, "commands", None):
        if words[0].startswith("-"):
            break
        if words[0] not in command.commands:
            return False
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help"
    }
    return all(word.split("=")[0] in known for word in words if re.match(r"--?[a-z]", word))


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:")[1]
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (*PAGES, *CHINESE)]
    assert not [page for page in pages if page not in navigation]


def test_the_readme_is_short_and_links_to_what_exists() -> None:
    readme = TEXTS["README.md"]
    assert len(readme.splitlines()) < 120
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", readme)]
    assert links and not [link for link in links if not link.startswith("http") and not (ROOT / link).exists()]


def test_the_site_builds_without_a_warning_and_loads_nothing_from_the_network(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    pytest.importorskip("mkdocstrings", reason="the extra docs is not installed")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "core")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    loaded = re.compile(r'<(?:script|img|iframe)[^>]*src="https?:|<link[^>]*href="https?:')
    assert not [page.name for page in pages if loaded.search(page.read_text(encoding="utf-8"))]
