"""Draws the panel of the FaceSwap node from the knobs that the plug-in declares: `python docs/make_nuke_panel_picture.py [OUT]`.

The knobs are made by the plug-in itself in the tests' stand-in for Nuke. The picture is a drawing and says so: it shows which
knobs, values and buttons there are, and not how Nuke draws them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SHOWN = ("Face", "Faces", "Export", "About")
WIDTH, ROW, LABELS, PAD = 620, 30, 170, 14
TITLE = "FaceSwap1: drawn from the plug-in's knobs, not a screenshot of Nuke"

BACKGROUND, FIELD, RAISED, EDGE = (50, 50, 50), (34, 34, 34), (80, 80, 80), (24, 24, 24)
TEXT, FAINT, ACCENT = (222, 222, 222), (150, 150, 150), (60, 150, 230)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the picture."""

    x: int
    y: int
    width: int
    height: int = ROW - 8


class Panel:
    """One tab's knobs, drawn from top to bottom."""

    def __init__(self, canvas: np.ndarray, nuke: Any) -> None:
        self.canvas, self.nuke = canvas, nuke
        self.font = cv2.FontFace("sans")
        self.y, self.x = 76, LABELS
        self.fresh = True

    def heading(self, tabs: tuple[str, ...], chosen: str) -> None:
        """The title and the row of tabs, with `chosen` in front."""
        self.text(TITLE, PAD, 24, FAINT, 14)
        x = PAD
        for tab in tabs:
            width = self.width(tab) + 12
            if x + width > WIDTH:  # where Nuke has arrows
                x, self.y = PAD, self.y + 28
            top = self.y - 38
            self.box(Box(x, top, width, 26), RAISED if tab == chosen else FIELD)
            self.text(tab, x + 6, top + 19, TEXT if tab == chosen else FAINT)
            x += width + 2

    def knob(self, knob: Any) -> None:
        """One knob; a button without STARTLINE follows the previous button on its line."""
        if knob.getFlag(self.nuke.INVISIBLE) or not knob.visible():
            return
        if isinstance(knob, self.nuke.PyScript_Knob):
            self.button(knob)
            return
        self.end_of_buttons()
        if isinstance(knob, self.nuke.Text_Knob) and knob.value():
            self.text(str(knob.value()), PAD, self.y + 17)
            self.y += ROW
            return
        if isinstance(knob, self.nuke.Text_Knob):
            cv2.line(self.canvas, (PAD, self.y + 10), (WIDTH - PAD, self.y + 10), RAISED, 1)
            self.y += 20
            return
        if isinstance(knob, self.nuke.Boolean_Knob):
            self.box(Box(LABELS, self.y + 3, 16, 16), FIELD)
            if knob.value():
                self.text("x", LABELS + 3, self.y + 17)
            self.text(knob.label(), LABELS + 24, self.y + 17)
        else:
            label = knob.label()
            self.text(label, LABELS - 8 - self.width(label), self.y + 17)
            self.value(knob)
        self.y += ROW

    def value(self, knob: Any) -> None:
        """The field of a knob with a value, and a slider where it has a range."""
        nuke = self.nuke
        if isinstance(knob, nuke.XY_Knob):
            for index, number in enumerate(knob.value()):
                self.field(Box(LABELS + 98 * index, self.y, 90), f"{number:g}")
        elif isinstance(knob, nuke.Enumeration_Knob):
            self.field(Box(LABELS, self.y, 180), str(knob.value()), RAISED)
            self.text("v", LABELS + 162, self.y + 16, FAINT, 13)
        elif isinstance(knob, nuke.Array_Knob):
            number = float(knob.value())
            self.field(Box(LABELS, self.y, 90), f"{number:g}")
            self.slider(Box(LABELS + 104, self.y, WIDTH - LABELS - 104 - PAD), knob, number)
        else:
            self.field(Box(LABELS, self.y, WIDTH - LABELS - PAD), str(knob.value() or ""))

    def slider(self, box: Box, knob: Any, number: float) -> None:
        low, high = knob.min(), knob.max()
        middle = box.y + box.height // 2
        cv2.line(self.canvas, (box.x, middle), (box.x + box.width, middle), RAISED, 2)
        at = box.x + round(box.width * min(max((number - low) / (high - low), 0), 1))
        cv2.rectangle(self.canvas, (at - 3, middle - 7), (at + 3, middle + 7), ACCENT, -1)

    def button(self, knob: Any) -> None:
        width = self.width(knob.label()) + 22
        if knob.getFlag(self.nuke.STARTLINE) or self.x + width > WIDTH - PAD:
            self.end_of_buttons()
        self.box(Box(self.x, self.y, width), RAISED)
        self.text(knob.label(), self.x + 11, self.y + 16)
        self.x += width + 6
        self.fresh = False

    def end_of_buttons(self) -> None:
        if not self.fresh:
            self.y += ROW
        self.x, self.fresh = LABELS, True

    def field(self, box: Box, text: str, fill: tuple[int, int, int] = FIELD) -> None:
        self.box(box, fill)
        self.text(text, box.x + 7, box.y + 16)

    def box(self, box: Box, fill: tuple[int, int, int]) -> None:
        corners = (box.x, box.y), (box.x + box.width, box.y + box.height)
        cv2.rectangle(self.canvas, *corners, fill, -1)
        cv2.rectangle(self.canvas, *corners, EDGE, 1)

    def text(self, text: str, x: int, y: int, color: tuple[int, int, int] = TEXT, size: int = 15) -> None:
        cv2.putText(self.canvas, text, (x, y), color, self.font, size, 400)

    def width(self, text: str) -> int:
        return cv2.getTextSize((0, 0), text, (0, 0), self.font, 15, 400)[2]


def tabs_of(group: Any, nuke: Any) -> dict[str, list[Any]]:
    """The knobs of a group by the tab that they stand under, in their order."""
    found: dict[str, list[Any]] = {}
    here: list[Any] = []
    for knob in group.knobs().values():
        if isinstance(knob, nuke.Tab_Knob):
            here = found.setdefault(knob.label(), [])
        else:
            here.append(knob)
    return found


def draw() -> np.ndarray:
    """The picture: the tabs of `SHOWN`, side by side."""
    stand_in = next((ROOT / "tests").rglob("fake_nuke/__init__.py")).parents[1]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "plugins" / "nuke"), str(stand_in)]
    from fake_nuke import nuke, start

    start(gui=True)
    from faceplate_nuke.knobs import TABS, add_knobs

    group = nuke.nodes.Group()
    add_knobs(group)
    knobs = tabs_of(group, nuke)
    pictures, heights = [], []
    for tab in SHOWN:
        canvas = np.full((1600, WIDTH, 3), BACKGROUND, np.uint8)
        panel = Panel(canvas, nuke)
        panel.heading(TABS, tab)
        for knob in knobs[tab]:
            panel.knob(knob)
        panel.end_of_buttons()
        pictures.append(canvas)
        heights.append(panel.y + PAD)
    return np.hstack([picture[: max(heights)] for picture in pictures])


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "nuke_panel.png"
    if not cv2.imwrite(str(out), draw(), [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        sys.exit(f"{out} cannot be written")
    print(out)
