"""A model's training in the workspace: the routes, and the page in a real browser while lines and sheets are added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate.train.preview import write_preview
from faceplate.train.record import Record, record_path
from pages import PageEngine, opened_page, picture_of
from workspace_page import Page

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


def logged(record: Record, step: int) -> None:
    """A line of losses, and every 40 steps one of the held-out faces."""
    losses = {"total": 2.0 / step**0.4, "structure": 0.5 / step**0.3, "pixel": 0.3 / step**0.3}
    record.add({"step": step, "losses": losses, "faces_per_second": 31.2, "seconds_left": 1260, "steps": 2000})
    if step % 40 == 0:
        record.add({"step": step, "held_out": 2.2 / step**0.35})


def sheet(model: Path, step: int, level: float) -> None:
    write_preview(model, step, [(np.full((64, 64, 3), level, np.float32), np.full((64, 64), 1 - level, np.float32))])


@pytest.fixture
def model(shot: Path) -> Path:
    folder = shot.parent / "ada"
    folder.mkdir()
    record = Record(folder, 0)
    for step in range(20, 1021, 20):
        logged(record, step)
    sheet(folder, 500, 0.2)
    sheet(folder, 1000, 0.4)
    return folder


class TestRoutes:
    def test_what_a_training_says(self, page: Page, model: Path) -> None:
        held = page.get("/v1/ui/training", model=str(model))
        assert held["name"] == "ada" and held["age_s"] < 60 and held["previews"] == [500, 1000]
        assert held["latest"]["step"] == 1020 and held["latest"]["seconds_left"] == 1260
        assert len(held["losses"]["total"]) == 51 and held["held_out"][-1][0] == 1000
        answer = page.ask("GET", "/v1/ui/training/preview", model=str(model), step=1000)
        assert answer.status == 200 and answer.headers["content-type"] == "image/png"
        picture = cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None and picture.shape == (64, 128, 3) and abs(int(picture[0, 0, 0]) - 102) < 2
        assert page.get("/v1/ui/browse", folder=str(model.parent))["models"] == ["ada"]

    def test_a_long_record_is_thinned_to_means_and_broken_lines_are_left_out(self, page: Page, model: Path) -> None:
        lines = [{"step": step, "losses": {"total": step % 2}} for step in range(1, 2001)]
        lines[5]["losses"] = "none"
        lines[9]["losses"] = {"total": float("nan")}
        record_path(model).write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 20')
        curve = page.get("/v1/ui/training", model=str(model))["losses"]["total"]
        assert 300 < len(curve) <= 400 and curve[-1][0] == 2000
        assert np.mean([value for _, value in curve]) == pytest.approx(0.5, abs=0.02)

    def test_refusals(self, page: Page, model: Path, tmp_path: Path) -> None:
        def code(path: str, **query: Any) -> str:
            answer = page.ask("GET", path, **query)
            assert answer.status == (403 if answer.code == "outside-roots" else 404), answer.data
            return answer.code

        assert code("/v1/ui/training", model=str(model.parent)) == "no-training"
        assert code("/v1/ui/training", model="ada") in ("no-training", "outside-roots")
        assert code("/v1/ui/training", model=str(tmp_path)) == "outside-roots"
        assert code("/v1/ui/training/preview", model=str(model), step=7) == "no-preview"
        outside = tmp_path / "secret.png"
        outside.write_bytes(b"secret")
        (model / "preview" / "step_00002000.png").symlink_to(outside)
        assert code("/v1/ui/training/preview", model=str(model), step=2000) == "outside-roots"


def test_a_training_is_followed_in_the_browser(browser: Any, page_server: PageEngine, tmp_path: Path) -> None:
    """New lines move the curves, a new sheet is shown, and an earlier one can be chosen."""
    model = tmp_path / "ada"
    model.mkdir()
    record = Record(model, 0)
    for step in range(20, 1021, 20):
        logged(record, step)
    sheet(model, 1000, 0.3)
    link = page_server.call("POST", "/v1/ui/ticket", {"model": str(model)})["url"]
    with opened_page(browser, link) as page:
        page.get_by_text("step 1020 of 2000, 31 faces/s, 21 min left").wait_for()
        page.get_by_alt_text("Preview sheet of step 1000").wait_for()
        curve = page.locator("svg.lines path").first
        before = curve.get_attribute("d")
        for step in range(1040, 1501, 20):
            logged(record, step)
        sheet(model, 1500, 0.6)
        page.get_by_text("step 1500 of 2000").wait_for()
        page.get_by_alt_text("Preview sheet of step 1500").wait_for()
        assert curve.get_attribute("d") != before
        page.get_by_label("Preview sheet", exact=True).select_option("1000")
        page.get_by_alt_text("Preview sheet of step 1000").wait_for()
        picture_of(page, "training")
        if AXE.is_file():
            page.evaluate(AXE.read_text("utf-8"))
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            assert [one["id"] for one in found["violations"]] == []
        page.get_by_role("link", name="Shots and models").click()
        page.get_by_role("heading", name="Recent shots").wait_for()
