"""Make the pictures of docs/workspace.md: the page on the demo's plate, in a headless Chromium. Takes a few minutes.

PYTHONPATH=tests/support:tests python docs/make_workspace_pictures.py
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from faceplate.demo import person
from faceplate.demo.plate import make_plate
from pages import chromium, opened_page, page_engine

HERE = Path(__file__).parent
FRAMES = 8


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_plate(folder / "plate", frames=FRAMES)
        document = {
            "faceplate_shot": 1,
            "name": "sh010",
            "plate": "plate/plate.####.exr",
            "source": str(person("bea")),
            "track": "sh010.track.json",
            "output": "swap/swap.####.exr",
            "parameters": {"light_color": {"keys": [[1001, 1.0, "linear"], [1006, 0.7, "linear"]]}},
        }
        shot = folder / "sh010.shot.json"
        shot.write_text(json.dumps(document))
        with (
            chromium() as browser,
            page_engine(folder / "engine") as engine,
            opened_page(browser, engine.link(shot)) as page,
        ):
            page.set_default_timeout(300_000)
            take(page)


def take(page: Any) -> None:
    """Track and render the shot, and photograph the three panels."""

    def save(name: str) -> None:
        page.wait_for_timeout(1500)
        page.locator(".viewer[aria-busy=false] canvas.pixels[data-fine=true]").wait_for()
        page.screenshot(path=HERE / name, type="jpeg", quality=80)

    page.get_by_role("tab", name="Track").click()
    page.get_by_role("button", name="Track", exact=True).click()
    page.get_by_role("img", name="Turn over frames").wait_for()
    page.get_by_role("button", name="Face", exact=True).click()
    page.locator(".viewer[aria-busy=false]").wait_for()
    page.get_by_role("slider", name="Frame").press("ArrowRight")
    save("workspace_track.jpg")
    page.get_by_role("button", name="Render", exact=True).click()
    page.get_by_text(f"{FRAMES} of {FRAMES} rendered").wait_for()
    page.get_by_role("tab", name="Parameters").click()
    page.get_by_role("button", name="Fit").click()
    page.locator("[data-name=light_color] .name").click()
    page.keyboard.press("w")
    save("workspace.jpg")
    page.keyboard.press("n")
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Note on frame").fill("The jaw is a little hard on the left.")
    page.get_by_role("button", name="Add note").click()
    page.get_by_text("Ann,").wait_for()
    page.get_by_role("button", name="Approve", exact=True).click()
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Side by side").click()
    page.get_by_role("button", name="Face", exact=True).click()
    save("workspace_review.jpg")


if __name__ == "__main__":
    main()
