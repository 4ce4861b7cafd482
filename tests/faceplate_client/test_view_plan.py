"""The view that leads in a frame, and the text of the pins."""

from __future__ import annotations

import pytest

from faceplate_client import leading_view, with_pin, without_pins

LANE = [
    {"first": 1001, "last": 1020, "view": "front.jpg", "fade": 0, "turn": 2.0, "pinned": False},
    {"first": 1024, "last": 1040, "view": "left.jpg", "fade": 8, "turn": 20.0, "pinned": True},
]


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (1001, ("front.jpg", "planned")),
        (990, ("front.jpg", "planned")),
        (1021, ("front.jpg", "planned")),
        (1023, ("left.jpg", "keyed")),
        (1040, ("left.jpg", "keyed")),
        (1030, ("open.jpg", "pinned")),
    ],
)
def test_the_leading_view(frame: int, found: tuple[str, str]) -> None:
    assert leading_view({"lane": LANE}, "open.jpg@1030-1032", frame) == found


def test_without_a_plan_only_pins_lead() -> None:
    assert leading_view({"lane": []}, "open.jpg@5", 5) == ("open.jpg", "pinned")
    assert leading_view({"lane": []}, "open.jpg@5", 6) == ("", "")


def test_pins_as_text() -> None:
    assert with_pin("", "a.jpg", 1, 1) == "a.jpg@1"
    assert with_pin("a.jpg@1-10, b@2.jpg@20", "c.jpg", 5, 8) == "c.jpg@5-8, a.jpg@1-10, b@2.jpg@20"
    assert with_pin("a.jpg@5-6", "c.jpg", 5, 8) == "c.jpg@5-8"  # it lies wholly under the new one
    assert without_pins("a.jpg@1-10, c.jpg@20", 20, 20) == "a.jpg@1-10"
    assert without_pins("nonsense, c.jpg@20", 1, 100) == "nonsense"
