"""The built files of the page: what the sources in web/ give, small, complete, and free of inline code and addresses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from faceplate.workspace.page_files import FOLDER

WEB = Path(__file__).parents[2] / "web"
LARGEST = 400_000


def files(folder: Path) -> dict[str, bytes]:
    """The files below a folder by their names in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_built_files_are_what_the_sources_give(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (WEB / "node_modules" / "vite").is_dir():
        pytest.skip("NOT RUN: the page built anew: Node or web/node_modules is missing (npm ci in web/)")
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    command = [node, str(vite), "build", "--outDir", str(tmp_path / "page"), "--logLevel", "warn"]
    subprocess.run(command, cwd=WEB, check=True, timeout=300)
    built, committed = files(tmp_path / "page"), files(FOLDER)
    assert built.keys() == committed.keys()
    assert [name for name in built if built[name] != committed[name]] == []


def test_the_page_is_small_and_names_only_files_that_are_there() -> None:
    found = files(FOLDER)
    page = found["index.html"].decode()
    named = re.findall(r'(?:src|href)="/ui/([^"]+)"', page)
    assert len(named) >= 3 and set(named) <= found.keys()
    assert sum(len(content) for content in found.values()) < LARGEST


def test_nothing_is_inline() -> None:
    page = files(FOLDER)["index.html"].decode()
    assert "<style" not in page and "style=" not in page and not re.search(r"<script[^>]*>[^<]", page)
    assert not re.search(r"\son[a-z]+=", page)


def test_licences_of_all_bundled_packages_are_shipped() -> None:
    text = files(FOLDER)["licenses.txt"].decode()
    for name in ("svelte", "bits-ui"):
        assert re.search(rf"^{name} \d", text, flags=re.MULTILINE)


def test_the_lock_file_holds_hashes_and_no_address() -> None:
    text = (WEB / "package-lock.json").read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert "://" not in text
    assert len(packages) > 40 and all(entry["integrity"] for entry in packages.values())
