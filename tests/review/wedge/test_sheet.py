"""The contact sheet of a wedge: every cell at its place on the axes, and a sheet that stays within its limits."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from faceplate.color import ColorConfig, to_uint8
from faceplate.face import Face
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.review.wedge import parse_axes, variants_of
from faceplate.review.wedge.sheet import WedgeSheet
from faceplate.review.wedge.views import PlateView
from network_scene import frontal_head

WINDOW = Window(10, 20, 60, 80)


def view(color: ColorConfig, face: Face | None, aspect: float = 1.0) -> PlateView:
    pixels = np.full((WINDOW.height, WINDOW.width, 3), 0.18, np.float32)
    return PlateView(1001, cast(Any, None), Frame(pixels, WINDOW, color.working_space, color, aspect), face)


@pytest.mark.parametrize("words", [["light_scale=0.05:0.5:3", "blend=none,seam"], ["light_scale=0.05:0.5:10"]])
def test_a_cell_shows_its_variant_at_its_place(color: ColorConfig, words: list[str]) -> None:
    axes = parse_axes(words)
    sheet = WedgeSheet(axes, view(color, None), color, "sh010")
    places = []
    for variant in variants_of(axes):
        grey = np.full((WINDOW.height, WINDOW.width, 3), 0.02 * (variant.index + 1), np.float32)
        places.append(sheet.add(variant, grey))
        x, y, _, height = places[-1]
        shown = to_uint8(color.to_display(grey[:1, :1]))[0, 0]
        assert np.abs(sheet.pixels[y + height // 2, x + height // 2].astype(int) - shown).max() <= 1
    if len(axes) > 1:
        assert places[0][1] == places[1][1] == places[2][1] < places[3][1] and places[0][0] == places[3][0]
        assert places[0][0] < places[1][0] < places[2][0]
    else:
        assert places[7][1] == places[0][1] < places[8][1] and places[8][0] == places[0][0]


def test_eyes_and_mouth_stand_beside_the_face(color: ColorConfig) -> None:
    """A picture whose colour says where it comes from: the eyes are above the mouth, and both inside the face."""
    face = frontal_head((40, 60), 20)
    rows = np.broadcast_to(np.linspace(0, 1, WINDOW.height, dtype=np.float32)[:, None, None], (80, 60, 3))
    (axes, plate) = parse_axes(["blend=none,seam"]), view(color, face)
    sheet = WedgeSheet(axes, plate, color, "sh010")
    x, y, width, height = sheet.add(variants_of(axes)[0], np.ascontiguousarray(rows))
    side = height
    eyes = sheet.pixels[y + 4 : y + side // 2 - 4, x + side + 4 : x + width - 4].mean()
    mouth = sheet.pixels[y + side // 2 + 4 : y + side - 4, x + side + 4 : x + width - 4].mean()
    whole = sheet.pixels[y : y + side, x : x + side].astype(float)
    assert whole[5].mean() < eyes < mouth < whole[-5].mean()


def test_a_take_that_was_not_rendered_is_an_empty_cell(color: ColorConfig) -> None:
    axes = parse_axes(["blend=none,seam"])
    sheet = WedgeSheet(axes, view(color, None), color, "sh010")
    x, y, width, height = sheet.add(variants_of(axes)[1], None)
    assert np.ptp(sheet.pixels[y : y + height, x : x + width]) == 0


def test_a_large_wedge_stays_within_the_limit(color: ColorConfig) -> None:
    axes = parse_axes(["light_scale=0.05:0.5:128", "blend=none,seam"])
    assert max(WedgeSheet(axes, view(color, None), color, "sh010").pixels.shape) <= 20_000
    axes = parse_axes(["light_scale=0.05:0.5:16", "grain=0:1:16"])
    assert max(WedgeSheet(axes, view(color, None), color, "sh010").pixels.shape) <= 8192
