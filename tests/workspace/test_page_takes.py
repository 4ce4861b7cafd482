"""Takes and keys in a real browser: two takes compared, a key dragged on the timeline and moved with the keyboard."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pages import PageEngine, opened_page, picture_of, shown_pixels
from plates import write_plate

KEYED = [[2, 0.05, "smooth"], [6, 0.3, "linear"]]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, fast_folder: Path, fast_document: dict[str, Any]) -> Path:
    """A shot with keys and two takes, whose files are plain colours: the first dark, the second bright."""
    folder = tmp_path_factory.mktemp("takes")
    for name in ("plate.exr", "fast.track.json"):
        shutil.copy(fast_folder / name, folder)
    takes = []
    for number, level in ((1, 0.05), (2, 0.8)):
        output = f"out/{number:03d}/o.####.exr"
        (folder / output).parent.mkdir(parents=True)
        pixels = np.full((205, 205, 3), level, np.float32)
        for frame in range(1, 9):
            write_plate(folder / f"out/{number:03d}/o.{frame:04d}.exr", pixels, "half", colorInteropID="lin_ap1_scene")
        takes.append({"take": number, "made": "2026-01-01T00:00:00Z", "output": output, "note": "", "frames": "1-8"})
    parameters = {**fast_document["parameters"], "matte_feather": {"keys": KEYED}}
    own = {"output": "out/{take}/o.####.exr", "mode": "over", "takes": takes, "parameters": parameters}
    made = folder / "takes.shot.json"
    made.write_text(json.dumps({**fast_document, **own}))
    return made


@pytest.fixture(scope="module")
def page(browser: Any, page_server: PageEngine, path: Path) -> Iterator[Any]:
    with opened_page(browser, page_server.link(path)) as opened:
        opened.locator("canvas.pixels[data-frame='1']").wait_for()
        yield opened


def keys(path: Path) -> list[Any]:
    return json.loads(path.read_text())["parameters"]["matte_feather"]["keys"]


def place_of(page: Any, frame: int, height: float) -> tuple[float, float]:
    """The middle of a frame on the timeline, and a part of its height, in page coordinates."""
    box = page.get_by_role("slider", name="Frame").bounding_box()
    return box["x"] + 12 + (frame - 0.5) * (box["width"] - 24) / 8, box["y"] + height


def test_two_takes_are_compared_with_a_wipe(page: Any) -> None:
    page.get_by_label("Picture B").select_option("result")
    page.get_by_label("Take of picture A").select_option("take 1")
    page.get_by_label("Take of picture B").select_option("take 2")
    levels = {}
    for key, comparison in (("a", "a"), ("b", "b"), ("w", "wipe")):
        page.keyboard.press("Escape")
        page.locator("canvas.lines").hover()
        page.keyboard.press(key)
        page.locator(f"canvas.pixels[data-comparison={comparison}][data-picture='result 1 rendered']").wait_for()
        pixels = shown_pixels(page)
        row = pixels[pixels.shape[0] // 2, :, 1].astype(int)
        middle = len(row) // 2
        levels[comparison] = (row[middle - 60], row[middle + 60])
    assert levels["a"][0] == levels["a"][1] < levels["b"][0] == levels["b"][1]
    assert levels["wipe"] == (levels["a"][0], levels["b"][0])
    picture_of(page, "takes")


def test_a_key_is_dragged_to_another_frame_and_back_with_undo(page: Any, path: Path) -> None:
    page.get_by_role("tab", name="Parameters").click()
    page.locator("[data-name=matte_feather] .name").click()
    page.mouse.move(*place_of(page, 2, 48))
    page.mouse.down()
    page.mouse.move(*place_of(page, 4, 48), steps=4)
    assert keys(path) == KEYED, "nothing is written before it is let go"
    picture_of(page, "key_dragged")
    page.mouse.up()
    page.get_by_role("button", name="Undo").and_(page.locator(":enabled")).wait_for()
    assert keys(path) == [[4, 0.05, "smooth"], [6, 0.3, "linear"]]
    page.keyboard.press("Control+z")
    page.get_by_text("Undone: key of Feather, 2 to 4.").wait_for()
    assert keys(path) == KEYED


def test_a_key_is_found_and_moved_with_the_keyboard(page: Any, path: Path) -> None:
    timeline = page.get_by_role("slider", name="Frame")
    timeline.press("Home")
    timeline.press(".")
    timeline.press(".")
    page.locator("[role=slider][aria-valuetext*='key of Feather']").wait_for()
    assert timeline.get_attribute("aria-valuenow") == "6"
    timeline.press("Alt+Shift+ArrowRight")
    page.locator("[role=slider][aria-label=Frame][aria-valuenow='7']").wait_for()
    assert keys(path) == [[2, 0.05, "smooth"], [7, 0.3, "linear"]]


def test_a_click_on_a_key_goes_to_its_frame(page: Any, path: Path) -> None:
    before = path.read_text()
    page.mouse.click(*place_of(page, 2, 48))
    page.locator("[role=slider][aria-label=Frame][aria-valuenow='2']").wait_for()
    assert path.read_text() == before
