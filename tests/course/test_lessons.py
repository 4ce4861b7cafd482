"""The course's lessons, typed from their pages at the small size: the same headings, the same files.

    FACEPLATE_COURSE=write python -m pytest -s --timeout 0 tests/course/test_lessons.py

types them at full size instead, writes what was printed into the pages of both languages, and prints the time of each command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO
import pytest

from faceplate.cli.main import app
from faceplate.color import ColorConfig
from typed_pages import Block, Session, blocks, normal, rewritten

PAGES = Path(__file__).parents[2] / "docs" / "course"
WRITES = os.environ.get("FACEPLATE_COURSE") == "write"
MATERIAL = {"lesson1": "faceplate course lesson1 time_turned_back", "lesson2": "faceplate course lesson2 sliders"}


SHEETS = {
    "lesson1": ("track", "corrected", "first", "second"),
    "lesson2": ("alignment", "average", "precision", "overfit", "one", "six"),
    "teachers": (),
}


def pixels_of(path: Path) -> np.ndarray:
    """A file's pixels over its display window, float32."""
    picture = OpenImageIO.ImageBuf(str(path))
    whole = OpenImageIO.ImageBufAlgo.crop(picture, picture.roi_full)
    return np.asarray(whole.get_pixels(OpenImageIO.FLOAT))


class Typed:
    """What typing a page gave: its folder, and each command with the page's lines and the printed ones."""

    def __init__(self, name: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.name, self.page = name, PAGES / "en" / f"{name}.md"
        added = {} if WRITES or name not in MATERIAL else {MATERIAL[name]: " --small"}
        self.session = Session(folder, patch, added, {"blender": self._blender})
        self.without_blender = ""
        self.results: list[tuple[Block, list[str]]] = []
        for block in blocks(self.page.read_text(encoding="utf-8")):
            started = time.perf_counter()
            self.results.append((block, self.session.type(block.command)))
            print(f"{time.perf_counter() - started:6.1f} s  {block.command}")

    @property
    def folder(self) -> Path:
        """The lesson's folder."""
        return self.session.folder

    def _blender(self, words: list[str]) -> list[str]:
        """Run the script after `--python` with Blender as a Python module, where there is one."""
        sys.path.insert(0, str(Path(__file__).parents[1] / "plugins" / "blender"))
        from bpy_modules import module_folder

        for version in ("4.5", "5.0"):
            folder = module_folder(Path(sys.prefix), version) / "env"
            python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
            if python.is_file():
                done = subprocess.run(
                    [python, words[-1]], cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
                )
                assert done.returncode == 0, done.stderr
                return [line for line in done.stdout.splitlines() if line.endswith("comp/comp.####.exr")]
        self.without_blender = "NOT RUN: there is no Blender as a Python module (tests/checks.py makes it)"
        return []

    def write(self) -> None:
        """Put what was printed into the pages of both languages."""
        for language in ("en", "zh"):
            page = PAGES / language / self.page.name
            if page.is_file():
                printed = iter([lines for _, lines in self.results])
                page.write_text(rewritten(page.read_text(encoding="utf-8"), printed), encoding="utf-8")


@pytest.fixture(scope="module", params=["lesson1", "lesson2", "teachers"])
def typed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    """A lesson's page, typed from a new folder by somebody without a keyring, models or configuration of their own."""
    if request.param == "lesson2":
        pytest.importorskip("onnx", reason="the package onnx is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FACEPLATE_KEYRING", "FACEPLATE_SIGNING_KEY", "FACEPLATE_MODELS", "FACEPLATE_CACHE", "OCIO"):
            patch.setenv(name, "")  # so that what the page exports ends with the fixture
            patch.delenv(name)
        if not WRITES:
            patch.setenv("FACEPLATE_CACHE", str(folder / "cache"))  # renders after the first one use its stages
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        made = Typed(request.param, folder, patch)
        if WRITES:
            made.write()
        yield made


def test_every_command_prints_the_lines_of_the_page(typed: Typed) -> None:
    """Lines without their numbers. Every line that was printed stands in the page, and every heading of the page was printed."""
    assert typed.results
    for block, lines in typed.results:
        if block.command.startswith("blender") and typed.without_blender:
            continue
        wanted, found = [normal(line) for line in block.printed], [normal(line) for line in lines]
        if " issues " in block.command:  # which frames are worth a look depends on the size
            wanted, found = wanted[-1:], found[-1:]
        assert set(found) <= set(wanted), block.command
        assert (wanted[:1], wanted[-1:]) == (found[:1], found[-1:]), block.command


def test_the_files_that_the_page_names_are_there(typed: Typed) -> None:
    text = typed.page.read_text(encoding="utf-8")
    for name in SHEETS[typed.name]:
        picture = cv2.imread(str(typed.folder / f"{name}.png"))
        assert picture is not None and picture.std() > 10, name
    for name in {word for word in text.replace("`", " ").split() if word.endswith("sheet.1004.png")}:
        assert cv2.imread(str(typed.folder / name)) is not None, name
    plate = len(list((typed.folder / "plate").glob("*.exr")))
    swap = len(list((typed.folder / "swap").glob("*.exr")))
    assert plate > 5 and swap == (1 if typed.name == "teachers" else plate)


def test_lesson_1_ends_with_a_signed_final_a_comp_and_a_marked_review(typed: Typed) -> None:
    if typed.name != "lesson1":
        pytest.skip("only lesson 1 ends with a final")
    manifest = json.loads((typed.folder / "swap" / "swap.manifest.json").read_text(encoding="utf-8"))
    assert (typed.folder / "swap" / "swap.manifest.sig.json").is_file()
    assert "final" in json.dumps(manifest) and "faceplate-course-gus-younger" in json.dumps(manifest)
    reviews = sorted((typed.folder / "review").glob("*.png"))
    assert len(reviews) == len(list((typed.folder / "swap").glob("*.exr")))
    if typed.without_blender:
        pytest.skip(typed.without_blender)
    assert len(list((typed.folder / "comp").glob("comp.*.exr"))) == len(reviews)
    plate, element, comp = (pixels_of(typed.folder / name / f"{name}.1008.exr") for name in ("plate", "swap", "comp"))
    over = plate[..., :3] * (1 - element[..., 3:4]) + element[..., :3]
    wanted = ColorConfig.load(environ={}).to_linear709(np.ascontiguousarray(over))
    # Blender 5.0 agrees to 2e-6; the configuration in 4.5 has other digits for the same primaries.
    assert wanted.max() > 5 and np.allclose(comp[..., :3], wanted, rtol=1e-3, atol=1e-3)


def test_the_chinese_page_types_the_same(typed: Typed) -> None:
    chinese = PAGES / "zh" / typed.page.name
    assert blocks(chinese.read_text(encoding="utf-8")) == blocks(typed.page.read_text(encoding="utf-8"))


def test_the_course_is_a_command() -> None:
    assert any(group.name == "course" for group in app.registered_groups)
