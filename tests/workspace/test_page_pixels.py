"""The viewer's pixels, read back from WebGL2 in a real browser, against PyOpenColorIO on the CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import PyOpenColorIO
import pytest

from faceplate.color import BUILTIN_CONFIG
from pages import PageEngine, opened_page, picture_of, shown_pixels
from plates import write_plate

OCIO: Any = PyOpenColorIO  # a compiled module without stubs
DISPLAY = "sRGB - Display"
VIEWS = ("ACES 1.0 - SDR Video", "Un-tone-mapped")
STOPS = (-2.0, 0.0, 3.0)


def chart() -> np.ndarray:
    """ACEScg from -0.05 to 64: greys, the primaries, skin, a saturated blue and a mixed sign. Half floats in float32."""
    steps = np.concatenate([np.linspace(-0.05, 0.05, 41), np.geomspace(0.05, 64, 87)])
    hues = [(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0.62, 0.48), (0.1, 0.2, 1), (1, -0.05, 0.3), (0.9, 1, 0.02)]
    pixels = np.array([[[step * part for part in hue] for step in steps] for hue in hues])
    return pixels.astype(np.float16).astype(np.float32)


def expected(pixels: np.ndarray, view: str, stops: float) -> np.ndarray:
    """What OCIO shows on the CPU: display code values, not clipped."""
    config = OCIO.Config.CreateFromFile(BUILTIN_CONFIG)
    exposed = OCIO.MatrixTransform.Scale([2.0**stops] * 3 + [1.0])
    shown = OCIO.DisplayViewTransform(src="ACEScg", display=DISPLAY, view=view)
    processor = config.getProcessor(OCIO.GroupTransform([exposed, shown])).getDefaultCPUProcessor()
    result = np.ascontiguousarray(pixels)
    processor.applyRGB(result)
    return result


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chart")
    write_plate(folder / "chart.exr", chart(), "half", colorInteropID="lin_ap1_scene")
    path = folder / "chart.shot.json"
    path.write_text(json.dumps({"faceplate_shot": 1, "plate": "chart.exr", "frames": "1-2"}))
    return path


@pytest.fixture(scope="module")
def seen(shot: Path, browser: Any, page_server: PageEngine) -> dict[tuple[str, float], np.ndarray]:
    """The chart's pixels in the page, by view and exposure."""
    found: dict[tuple[str, float], np.ndarray] = {}
    height, width = chart().shape[:2]
    with opened_page(browser, page_server.link(shot)) as page:
        page.get_by_label("Picture A").select_option("plate")
        page.get_by_label("Display").select_option(DISPLAY)
        page.get_by_text("plate, ").wait_for()
        page.get_by_role("button", name="1:1").click()
        for view in VIEWS:
            page.get_by_label("View", exact=True).select_option(view)
            for stops in STOPS:
                field = page.get_by_label("Exposure, value in stops")
                field.fill(str(stops))
                field.press("Enter")
                page.locator(f"canvas.pixels[data-view='{view}'][data-exposure='{stops:g}']").wait_for()
                pixels = shown_pixels(page)
                top, left = pixels.shape[0] // 2 - height // 2, pixels.shape[1] // 2 - width // 2
                found[view, stops] = pixels[top : top + height, left : left + width]
        picture_of(page, "chart")
    return found


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("stops", STOPS)
def test_the_viewer_shows_what_ocio_shows_on_the_cpu(
    seen: dict[tuple[str, float], np.ndarray], view: str, stops: float
) -> None:
    wanted = np.clip(expected(chart(), view, stops), 0, 1)
    error = np.abs(seen[view, stops] / 255 - wanted)
    assert wanted.max() > 0.9 and wanted.min() < 0.02
    assert error.max() <= 1 / 255 + 1e-6
