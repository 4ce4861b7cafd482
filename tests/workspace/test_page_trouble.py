"""What goes wrong around the page, in a real browser: failed frames, a killed engine, a reload, two tabs, several faces."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from faceplate.color.reading import read_still
from faceplate.demo import person
from faceplate.face.align import resample
from faceplate.image.window import Window
from pages import PageEngine, opened_page, picture_of, shown_pixels
from plates import write_plate

ROOT = Path(__file__).parents[2]
# The page's own requests for jobs are answered only when `held()` is called, which returns the state that the answer names.
_HOLD = """() => {
  const fetched = window.fetch;
  window.fetch = async (address, init) => {
    const response = await fetched(address, init);
    if (!String(address).includes("/v1/ui/jobs?")) return response;
    const { state } = await response.clone().json();
    return new Promise((answer) => (window.held = () => (answer(response), state)));
  };
}"""
# The timeline's answers come a second late.
_LATE = """() => {
  const fetched = window.fetch;
  window.fetch = async (address, init) => {
    if (String(address).includes("/v1/ui/frames?")) await new Promise((done) => setTimeout(done, 1000));
    return fetched(address, init);
  };
}"""
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def shot_file(tmp_path: Path, fast_folder: Path, fast_document: dict[str, Any]) -> Callable[..., Path]:
    """Write a shot whose frames cost next to nothing, with changes."""

    def make(**changes: Any) -> Path:
        for name in ("plate.exr", "fast.track.json"):
            shutil.copy(fast_folder / name, tmp_path)
        parameters = {**fast_document["parameters"], **changes.pop("parameters", {})}
        path = tmp_path / "fast.shot.json"
        path.write_text(json.dumps({**fast_document, **changes, "parameters": parameters}))
        return path

    return make


@pytest.fixture
def open_shot(browser: Any, page_server: PageEngine) -> Iterator[Callable[[Path], Any]]:
    """Open a page on a shot; it is closed when the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda path: stack.enter_context(opened_page(browser, page_server.link(path)))


def parameters_of(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())["parameters"]


def patch_proxy(address: str) -> list[int]:
    """The proxy of a request for a live result without unsaved values; empty for any other request."""
    query = parse_qs(urlsplit(address).query)
    return [int(query["proxy"][0])] if query.get("show") == ["patch"] and "values" not in query else []


def set_number(page: Any, name: str, value: float) -> None:
    """Type a value into a parameter's field."""
    page.get_by_role("tab", name="Parameters").click()
    page.get_by_label("Find a parameter").fill(name)
    field = page.locator(f"[data-name={name}] input.number")
    field.fill(str(value))
    field.press("Enter")
    page.locator(f"[data-name={name}].set").wait_for()


def test_a_failed_frame_says_why_and_its_job_can_be_repeated(
    open_shot: Callable[[Path], Any], shot_file: Callable[..., Path]
) -> None:
    path = shot_file(frames="1-3", plate="plate.####.exr", mode="over")
    whole = (path.parent / "plate.exr").read_bytes()
    for frame in (1, 2, 3):
        (path.parent / f"plate.{frame:04}.exr").write_bytes(whole if frame != 2 else whole[: len(whole) // 2])
    page = open_shot(path)
    page.get_by_role("button", name="Render", exact=True).click()
    page.get_by_text("2 of 3 rendered, 1 failed").wait_for()
    page.get_by_role("slider", name="Frame").press("ArrowRight")
    page.get_by_text("Frame 2 failed: ").wait_for()
    assert page.get_by_role("slider", name="Frame").get_attribute("aria-valuetext").startswith("Frame 2, failed")
    page.get_by_role("tab", name="Jobs").click()
    page.locator(".job .problem").wait_for()
    picture_of(page, "failed_frame")
    (path.parent / "plate.0002.exr").write_bytes(whole)
    page.get_by_role("button", name="Retry").click()
    page.get_by_text("3 of 3 rendered").wait_for()


def test_an_answer_that_arrives_after_the_job_has_failed_does_not_bring_it_back_to_life(
    open_shot: Callable[[Path], Any], shot_file: Callable[..., Path]
) -> None:
    """A short job can end before the page has read the answer to its own request."""
    path = shot_file(frames="1-12", plate="plate.####.exr", mode="over")
    whole = (path.parent / "plate.exr").read_bytes()
    for frame in range(1, 13):
        (path.parent / f"plate.{frame:04}.exr").write_bytes(whole if frame != 2 else whole[: len(whole) // 2])
    page = open_shot(path)
    page.locator("canvas.pixels[data-frame='1']").wait_for()
    page.evaluate(_HOLD)
    page.get_by_role("tab", name="Jobs").click()
    page.get_by_role("button", name="Render all").click()
    newest = page.locator(".job").first  # the engine may know jobs of other tests
    newest.get_by_text("1 of 12 frames failed").wait_for()
    page.wait_for_function("() => window.held")
    assert page.evaluate("() => window.held()") in ("waiting", "running")
    page.evaluate("new Promise((done) => setTimeout(done, 200))")  # the page reads the answer
    assert page.locator(".job.waiting, .job.running").count() == 0
    newest.get_by_role("button", name="Retry").wait_for()


def test_a_result_that_is_shown_finely_is_not_shown_coarsely_again_when_the_timeline_arrives(
    open_shot: Callable[[Path], Any], shot_file: Callable[..., Path]
) -> None:
    page = open_shot(shot_file())
    page.get_by_text("result, live").wait_for()
    shown_pixels(page)
    page.evaluate(_LATE)
    sizes: list[int] = []
    with page.expect_response(lambda response: "/v1/ui/frames?" in response.url):
        set_number(page, "matte_feather", 0.2)
        page.on("request", lambda request: sizes.extend(patch_proxy(request.url)))
    shown_pixels(page)
    assert sizes[-1] == 1
    assert sizes == sorted(sizes, reverse=True)


def test_a_killed_engine_is_told_and_the_page_goes_on_with_the_next_one(
    open_shot: Callable[[Path], Any], shot_file: Callable[..., Path], page_server: PageEngine
) -> None:
    from playwright.sync_api import expect

    path = shot_file()
    page = open_shot(path)
    page.locator("canvas.pixels[data-frame='1']").wait_for()
    page_server.kill()
    try:
        page.get_by_text("The engine does not answer. The page tries to reach it again").wait_for()
        picture_of(page, "engine_killed")
    finally:
        page_server.start()
    page.get_by_text("The engine was restarted.").wait_for()
    expect(page.get_by_text("The engine does not answer")).to_have_count(0, timeout=40_000)
    set_number(page, "matte_feather", 0.2)
    assert parameters_of(path)["matte_feather"] == 0.2
    page.keyboard.press("Escape")
    page.get_by_role("slider", name="Frame").press("End")
    page.locator("canvas.pixels[data-frame='8']").wait_for()


def test_a_reload_in_the_middle_of_a_job_shows_the_job_as_it_goes_on(
    open_shot: Callable[[Path], Any], shot_file: Callable[..., Path]
) -> None:
    page = open_shot(shot_file(frames="1-900"))
    page.get_by_role("button", name="Render", exact=True).click()
    page.get_by_role("tab", name="Jobs").click()
    page.get_by_text("running, ").wait_for()
    page.reload()
    page.get_by_role("tab", name="Jobs").click()
    running = page.locator(".job.running")
    running.wait_for()
    before = int(running.locator("progress").get_attribute("value") or 0)
    page.wait_for_function(
        "before => Number(document.querySelector('.job.running progress').value) > before", arg=before
    )
    picture_of(page, "reloaded")
    running.get_by_role("button", name="Cancel").click()
    page.locator(".job.cancelled").wait_for()


def test_two_tabs_see_each_other_s_changes_and_lose_none(
    open_shot: Callable[[Path], Any], shot_file: Callable[..., Path]
) -> None:
    path = shot_file()
    first = open_shot(path)
    first.get_by_role("tab", name="Parameters").wait_for()
    second = first.context.new_page()
    second.goto(first.url)  # no new link: tabs of one browser share the session
    second.get_by_role("tab", name="Parameters").wait_for()
    set_number(first, "matte_feather", 0.2)
    second.get_by_text("Another page or a host changed the shot; its values are shown now.").wait_for()
    picture_of(second, "two_tabs")
    second.get_by_label("Find a parameter").fill("matte_feather")
    assert second.locator("[data-name=matte_feather] input.number").input_value() == "0.2"
    set_number(second, "forehead", 1.2)
    set_number(first, "matte_erode", 0.1)
    values = parameters_of(path)
    assert (values["matte_feather"], values["forehead"], values["matte_erode"]) == (0.2, 1.2, 0.1)


def test_one_of_several_faces_is_chosen_by_clicking_it(
    open_shot: Callable[[Path], Any], tmp_path: Path, color: Any
) -> None:
    """Two people side by side; the click goes on the right one."""
    parts = []
    for name in ("ada", "bea"):
        still = read_still(person(name) / "front.jpg", color)
        parts.append(
            resample(still.working(), still.window, np.array([[0.3, 0, 0], [0, 0.3, 0]]), Window(0, 0, 300, 300))
        )
    write_plate(tmp_path / "two.exr", np.concatenate(parts, axis=1), "half", colorInteropID="lin_ap1_scene")
    path = tmp_path / "two.shot.json"
    path.write_text(json.dumps({"faceplate_shot": 1, "plate": "two.exr", "frames": "1-2", "track": "two.track.json"}))
    page = open_shot(path)
    page.get_by_role("tab", name="Track").click()
    page.get_by_role("button", name="Choose a face …").click()
    page.get_by_text("2 faces on frame 1: click the one to replace.").wait_for()
    page.locator("canvas.pixels[data-frame='1']").wait_for()
    picture_of(page, "several_faces")
    box = page.locator("canvas.lines").bounding_box()
    scale = min(box["width"] / 600, box["height"] / 300)
    page.mouse.click(box["x"] + box["width"] / 2 + 150 * scale, box["y"] + box["height"] / 2)
    page.get_by_role("tab", name="Parameters").click()
    page.locator("[data-name=target].set").wait_for(state="attached")
    frame, _, point = parameters_of(path)["target"].partition(":")
    x, y = (float(part) for part in point.split(","))
    assert frame == "1" and 400 < x < 500 and 100 < y < 200


def test_axe_finds_no_fault_in_any_panel(open_shot: Callable[[Path], Any], shot_file: Callable[..., Path]) -> None:
    if not AXE.is_file():
        pytest.skip("NOT RUN: accessibility of the workspace: web/node_modules has no axe-core (npm ci in web/)")
    page = open_shot(shot_file())
    page.locator("canvas.pixels[data-frame='1']").wait_for()
    page.evaluate(AXE.read_text())
    for panel in ("Parameters", "Track", "Source", "Review", "Jobs"):
        page.get_by_role("tab", name=panel).click()
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        faults = [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found["violations"]]
        assert (panel, faults) == (panel, [])
