"""A shot from nothing to approval, in a real browser: new shot, track, render, tweak, wipe, note, approve, export."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate.demo import person
from faceplate.demo.plate import make_plate
from pages import PageEngine, opened_page, picture_of, shown_pixels

FRAMES = 2
LONG = bool(os.environ.get("FACEPLATE_LONG"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_plate: Path) -> Path:
    """A show with a plate of two small frames and one picture of another person.

    With FACEPLATE_LONG=1 they are the demo's own plate and all her pictures.
    """
    made = tmp_path_factory.mktemp("show")
    if LONG:
        make_plate(made / "plates", frames=FRAMES)
        shutil.copytree(person("bea"), made / "bea")
        return made
    shutil.copytree(small_plate.parent, made / "plates")
    (made / "bea").mkdir()
    for name in ("front.jpg", "release.json", "release.sig.json"):
        shutil.copy(person("bea") / name, made / "bea")
    return made


@pytest.fixture(scope="module")
def page(browser: Any, page_server: PageEngine, folder: Path) -> Iterator[Any]:
    """The page on the list of shots. The tests of this file follow each other in one page, as an artist's day does."""
    link = page_server.link()
    with opened_page(browser, link + "#home") as opened:
        yield opened


@pytest.fixture(scope="module")
def path(folder: Path) -> Path:
    return folder / "sh010.shot.json"


# Drops a file on the panel, as a browser does it.
_DROP = """([name, text]) => {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/jpeg" }));
  document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def saved(page: Any, target: Path) -> bytes:
    """Wait for the newest export's end, save it as the browser does, and return its bytes."""
    job = page.locator(".job").first
    job.get_by_role("button", name="Save ").wait_for(timeout=120_000)
    with page.expect_download() as download:
        job.get_by_role("button", name="Save ").click()
    download.value.save_as(target)
    return target.read_bytes()


def middle(picture: np.ndarray) -> np.ndarray:
    """Return the 160 x 160 pixels in the middle, smoothed."""
    y, x = picture.shape[0] // 2, picture.shape[1] // 2
    return cv2.blur(picture[y - 80 : y + 80, x - 80 : x + 80].astype(np.float32), (9, 9))


def document(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def choose(page: Any, button: str, folder: Path, entry: str) -> None:
    """Choose a file or folder in the dialog of a new shot."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=button).click()
    dialog.locator('ul[aria-label*=" in "]').wait_for()  # its first folder, which is written into the field
    dialog.get_by_label("Folder", exact=True).fill(str(folder))
    dialog.get_by_role("button", name="Go").click()
    dialog.locator(f'ul[aria-label$=" in {folder}"]').wait_for()
    dialog.get_by_role("button", name=entry).click()


def test_a_new_shot_is_made_from_plate_and_source(page: Any, path: Path, folder: Path) -> None:
    page.get_by_role("button", name="New shot …").click()
    choose(page, "Choose plate …", folder / "plates", "plate.####.exr")
    spaces = page.get_by_label("Colour space of the plate")
    if LONG:
        assert "As the file says: ACEScg" in spaces.inner_text()
    else:  # a file that does not say it
        assert "Assumed: " in spaces.inner_text()
        spaces.select_option("ACEScg")
    choose(page, "Choose source …", folder / "bea", "Use this folder")
    choose(page, "Choose folder …", folder, "Use this folder")
    page.get_by_label("Name").fill("sh010")
    picture_of(page, "new_shot")
    page.get_by_role("button", name="Create shot").click()
    page.get_by_role("heading", name="sh010").wait_for()
    assert document(path)["plate"].endswith("plate.####.exr")
    page.get_by_text("The shot is not tracked yet").or_(page.get_by_text("result, live")).first.wait_for()


def test_tracking_shows_mesh_and_plots(page: Any) -> None:
    page.get_by_role("tab", name="Track").click()
    page.get_by_role("button", name="Track", exact=True).click()
    page.get_by_role("img", name="Turn over frames 1001 to 1002").wait_for()
    page.get_by_role("tab", name="Parameters").click()
    page.get_by_text("result, live").wait_for()  # without a render, the result is computed for the viewer


def test_a_point_of_the_mesh_is_dragged_and_the_correction_undone(
    page: Any, page_server: PageEngine, path: Path, folder: Path
) -> None:
    ask = f"shot={path}&frame=1001"
    person = page_server.call("GET", f"/v1/ui/track?{ask}")["people"][0]["id"]
    points = page_server.call("GET", f"/v1/ui/track/mesh?{ask}&person={person}")["points"]
    mouth = page_server.call("GET", "/v1/ui/topology")["region_points"]["mouth"]
    x, y, _ = np.mean([points[index] for index in mouth], axis=0)
    plate = page_server.call("GET", f"/v1/ui/shot?{ask}")
    page.get_by_role("tab", name="Track").click()
    page.get_by_role("button", name="Fit").click()
    page.locator("canvas.lines:not([data-handles='0'])").wait_for()
    box = page.locator("canvas.lines").bounding_box()
    scale = min(box["width"] / plate["width"], box["height"] / plate["height"])
    at_x = box["x"] + box["width"] // 2 + (x - plate["width"] / 2) * scale
    at_y = box["y"] + box["height"] // 2 + (y - plate["height"] / 2) * scale
    page.mouse.move(at_x, at_y)
    page.mouse.down()
    page.mouse.move(at_x + 12 * scale, at_y, steps=3)
    page.mouse.up()
    page.get_by_text("mouth: moved by").wait_for()
    moved = page_server.call("GET", f"/v1/ui/track/mesh?{ask}&person={person}")["points"]
    found, _, _ = np.mean([moved[index] for index in mouth], axis=0)
    assert found - x == pytest.approx(12, abs=2.5)
    picture_of(page, "correction")
    page.keyboard.press("Control+z")
    page.get_by_text("mouth: moved by").wait_for(state="detached")
    page.get_by_role("tab", name="Parameters").click()
    page.get_by_text("result, live").wait_for()


def test_a_slider_shows_before_it_is_let_go_and_is_written_when_it_is(page: Any, path: Path) -> None:
    before = shown_pixels(page).astype(int)
    feather = page.locator("[data-name=matte_feather]")
    thumb = feather.get_by_role("slider")
    box = thumb.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + box["height"] / 2, steps=4)
    page.locator("canvas.pixels[data-values*=matte_feather]").wait_for()
    assert "matte_feather" not in document(path).get("parameters", {})
    page.mouse.up()
    feather.and_(page.locator(".set")).wait_for()
    written = document(path)["parameters"]["matte_feather"]
    assert written > 0.15
    partly = shown_pixels(page)  # only where it differs was drawn anew
    assert np.abs(partly.astype(int) - before).max() > 8
    page.keyboard.press("Escape")
    page.locator("canvas.lines").hover()
    for key, exposure in (("e", "0.5"), ("Shift+E", "0")):
        page.keyboard.press(key)
        page.locator(f"canvas.pixels[data-exposure='{exposure}']").wait_for()
    assert (shown_pixels(page) == partly).all()


def test_undo_and_redo_change_the_file(page: Any, path: Path) -> None:
    value = document(path)["parameters"]["matte_feather"]
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Redo").and_(page.locator(":enabled")).wait_for()
    assert "matte_feather" not in document(path).get("parameters", {})
    page.get_by_role("button", name="Redo").click()
    page.get_by_role("button", name="Undo").and_(page.locator(":enabled")).wait_for()
    assert document(path)["parameters"]["matte_feather"] == value


def test_a_key_is_set_on_the_frame(page: Any, path: Path) -> None:
    page.get_by_role("button", name="Key of Matte feather on frame 1001").or_(
        page.locator("[data-name=matte_feather]").get_by_role("button", name="Key of")
    ).first.click()
    page.locator("[data-name=matte_feather] .key.on").wait_for()
    assert document(path)["parameters"]["matte_feather"]["keys"][0][0] == 1001


def test_rendering_fills_the_timeline(page: Any, folder: Path) -> None:
    page.get_by_role("button", name="Render", exact=True).click()
    page.get_by_role("tab", name="Jobs").click()
    page.get_by_text(f"{FRAMES} of {FRAMES} rendered").wait_for(timeout=120_000)
    picture_of(page, "rendered")
    page.get_by_text("result, rendered").wait_for()
    page.get_by_role("slider", name="Frame").press("ArrowRight")
    assert page.get_by_role("slider", name="Frame").get_attribute("aria-valuetext") == "Frame 1002, rendered"
    assert list(folder.rglob("*1002.exr"))


def test_rendered_frames_play_in_a_loop(page: Any) -> None:
    page.keyboard.press("l")
    page.get_by_text("shown a second").wait_for()
    page.locator("canvas.pixels[data-frame='1001']").wait_for()  # it began on the last frame
    page.keyboard.press("k")
    page.get_by_text("shown a second").wait_for(state="detached")
    page.keyboard.press("End")


def test_wipe_shows_the_plate_on_one_side(page: Any) -> None:
    page.locator("canvas.pixels[data-frame='1002']").wait_for()
    result = shown_pixels(page).astype(int)
    page.keyboard.press("b")
    page.locator("canvas.pixels[data-comparison=b][data-picture^='plate 1002']").wait_for()
    plate = shown_pixels(page).astype(int)
    page.keyboard.press("w")
    page.locator("canvas.pixels[data-comparison=wipe]").wait_for()
    both = shown_pixels(page).astype(int)
    changed = np.abs(result - plate).max(axis=2) > 4
    from_plate = (both == plate).all(axis=2)
    from_result = (both == result).all(axis=2)
    columns = np.flatnonzero((from_plate & ~from_result & changed).any(axis=0))
    others = np.flatnonzero((from_result & ~from_plate & changed).any(axis=0))
    assert changed.sum() > 2000 and (from_plate | from_result).all()
    assert others.max() < columns.min()  # A is on the left of the line, B on its right
    picture_of(page, "wipe")


def test_a_note_and_an_approval_stand_beside_the_shot(page: Any, path: Path, folder: Path) -> None:
    page.keyboard.press("n")
    page.get_by_label("Note on frame 1002").fill("Softer at the jaw.")
    page.get_by_label("Your name").fill("Ann")
    page.get_by_role("button", name="Add note").click()
    page.get_by_text("frame 1002, Ann").wait_for()
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_text("Approved by Ann").first.wait_for()
    kept = json.loads((folder / "sh010.notes.json").read_text())
    assert [note["text"] for note in kept["notes"]] == ["Softer at the jaw."]
    assert kept["approval"]["name"] == "Ann"
    picture_of(page, "review")


def test_the_contact_sheet_is_exported_and_saved(page: Any, tmp_path: Path) -> None:
    page.get_by_role("button", name="Contact sheet").click()
    assert len(saved(page, tmp_path / "sheet.png")) > 10_000
    picture_of(page, "export")


def test_the_review_movie_shows_the_view_of_the_viewer(page: Any, tmp_path: Path) -> None:
    """In the middle of the picture, where it has no burn-in."""
    av = pytest.importorskip("av", reason="NOT RUN: the review movie in a browser: the extra movies is not installed")
    page.get_by_label("View", exact=True).select_option("Un-tone-mapped")
    page.get_by_role("tab", name="Review").click()
    page.get_by_text("As Un-tone-mapped shows it").wait_for()
    page.get_by_role("button", name="Review movie").click()
    saved(page, tmp_path / "movie.mp4")
    with av.open(str(tmp_path / "movie.mp4")) as movie:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in movie.decode(video=0)]
    assert len(frames) == FRAMES
    page.keyboard.press("a")
    page.get_by_role("button", name="1:1").click()
    page.locator("canvas.pixels[data-comparison=a][data-view='Un-tone-mapped'][data-zoom='100']").wait_for()
    shown = shown_pixels(page).astype(int)
    wanted, found = middle(frames[1]), middle(shown)
    assert found.max() > 120
    assert np.abs(wanted - found).mean() < 2  # without the grain, of which H.264 keeps part


def test_a_picture_of_the_source_is_pinned_for_a_range(page: Any, path: Path, page_server: PageEngine) -> None:
    page.get_by_role("tab", name="Track").click()
    page.get_by_label("Picture of the source").select_option("front.jpg")
    page.get_by_label("from", exact=True).fill("1001")
    page.get_by_label("to", exact=True).fill("1002")
    page.get_by_role("button", name="Pin", exact=True).click()
    page.get_by_text("1001–1002, pinned").wait_for()
    lane = page_server.call("GET", f"/v1/ui/track?shot={path}")["views"]["lane"]
    assert [(part["first"], part["last"], part["view"], part["pinned"]) for part in lane] == [
        (1001, 1002, "front.jpg", True)
    ]
    picture_of(page, "pinned")
    page.get_by_role("button", name="Unpin all").click()
    page.get_by_text(", pinned").wait_for(state="detached")


def test_a_dropped_picture_joins_the_source_and_its_maps_are_shown(page: Any, folder: Path) -> None:
    page.get_by_role("tab", name="Source").click()
    picture = base64.b64encode((person("bea") / "right.jpg").read_bytes()).decode()
    page.evaluate(_DROP, ["dropped.jpg", picture])
    page.get_by_text("dropped.jpg was added to the source.").wait_for(timeout=120_000)
    assert (folder / "bea" / "dropped.jpg").read_bytes() == (person("bea") / "right.jpg").read_bytes()
    page.get_by_role("img", name="dropped.jpg", exact=True).wait_for()
    page.get_by_role("radio", name="Maps").click()
    shown = page.get_by_role("img", name="maps of dropped.jpg")
    shown.wait_for(timeout=120_000)
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    picture_of(page, "dropped")
