"""Wedges in the workspace: the routes, and a cell that is clicked in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
import pytest

from faceplate.cli import main
from pages import PageEngine, opened_page, picture_of
from workspace_page import Page

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
AXES = ("light_scale=0.05,0.5", "blend=none,gradient")


def wedge_of(shot: Path, *axes: str) -> Path:
    """A wedge of two frames beside a shot; the second frame shows no face."""
    folder = shot.with_name("study.wedge")
    assert main._run(["wedge", str(shot), *(axes or AXES), "-f", "1,2", "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def folder(shot: Path) -> Path:
    return wedge_of(shot)


class TestRoutes:
    def test_what_a_wedge_holds(self, page: Page, shot: Path, folder: Path) -> None:
        assert page.get("/v1/ui/wedges", shot=str(shot)) == {"folders": [str(folder)]}
        held = page.get("/v1/ui/wedge", folder=str(folder))
        assert held["folder"] == str(folder) and held["variants"][1]["values"] == {"light_scale": 0.5, "blend": "none"}
        answer = page.ask("GET", "/v1/ui/wedge/sheet", folder=str(folder), frame=1)
        assert answer.status == 200 and answer.headers["content-type"] == "image/png"
        picture = cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None and list(picture.shape[1::-1]) == held["sheets"][0]["size"]

    def test_refusals(self, page: Page, shot: Path, folder: Path, tmp_path: Path) -> None:
        def code(path: str, **query: Any) -> str:
            answer = page.ask("GET", path, **query)
            assert answer.status in (400, 403, 404), answer.data
            return answer.code

        assert code("/v1/ui/wedge/sheet", folder=str(folder), frame=9) == "no-sheet"
        assert code("/v1/ui/wedge", folder=str(shot.parent)) == "no-wedge"
        assert code("/v1/ui/wedge", folder="study.wedge") in ("no-wedge", "outside-roots")
        assert code("/v1/ui/wedge", folder=str(tmp_path)) == "outside-roots"
        document = folder / "wedge.json"
        held = json.loads(document.read_text())
        (shot.parent / "other.png").write_bytes((folder / "sheet.0001.png").read_bytes())
        held["sheets"][0]["file"] = "../other.png"
        document.write_text(json.dumps(held))
        assert code("/v1/ui/wedge/sheet", folder=str(folder), frame=1) == "no-sheet"
        document.write_text("{")
        assert code("/v1/ui/wedge", folder=str(folder)) == "bad-wedge"


def test_a_click_takes_the_values_into_the_shot(
    browser: Any, page_server: PageEngine, shot: Path, folder: Path
) -> None:
    """The link of `faceplate wedge --open` shows the sheet; a click writes both values as one step, and undo takes them back."""
    before = json.loads(shot.read_text())
    link = f"{page_server.link(shot)}&wedge={quote(str(folder), safe='')}"
    with opened_page(browser, link) as page:
        page.get_by_role("region", name="Contact sheet of the wedge").wait_for()
        cell = page.get_by_role("button", name="Take into the shot: light_scale 0.5, blend gradient")
        cell.wait_for()
        drawn = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
        cells = page.locator(".wedge button canvas")
        page.wait_for_function("() => document.querySelector('.wedge canvas')?.width > 300")
        pictures = [np.array(cells.nth(index).evaluate(drawn)) for index in range(cells.count())]
        assert len(pictures) == 4 and all(picture.reshape(-1, 4)[:, :3].std() > 10 for picture in pictures)
        picture_of(page, "wedge")
        if AXE.is_file():  # accessibility: web/node_modules may be missing; test_page_trouble.py says so
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            assert [(rule["id"], rule["nodes"][0]["html"][:120]) for rule in found["violations"]] == []
        cell.click()
        page.get_by_text("Taken into the shot: light_scale 0.5, blend gradient").wait_for()
        assert cell.get_attribute("aria-pressed") == "true"
        picture_of(page, "wedge_taken")
        values = json.loads(shot.read_text())["parameters"]
        assert (values["light_scale"], values["blend"]) == (0.5, "gradient")
        page.get_by_label("Panels", exact=True).get_by_role("button", name="Undo").first.click()
        page.get_by_text("Undone: light_scale 0.5, blend gradient").wait_for()
        assert json.loads(shot.read_text())["parameters"] == before["parameters"]
        page.get_by_role("combobox", name="Sheet of frame").select_option("2")
        page.get_by_text("fast, frame 2").wait_for()
        picture_of(page, "wedge_second_frame")
        page.get_by_role("tab", name="Parameters").click()
        page.get_by_role("region", name="Contact sheet of the wedge").wait_for(state="hidden")
