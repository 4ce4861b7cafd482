"""Which picture of the source leads in a frame, from the engine's list, and the text of the parameter *Pinned views*."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["leading_view", "with_pin", "without_pins"]


def leading_view(face: Mapping[str, Any], pins: str, frame: int) -> tuple[str, str]:
    """Return the view that leads in a frame, and why: `pinned`, `keyed` in the track, `planned`; two empty words without a plan.

    Parameters
    ----------
    face : mapping
        One face of `Engine.views`.
    pins : str
        The parameter *Pinned views*.
    frame : int
        The plate's frame.
    """
    for name, first, last in _parsed(pins):
        if first <= frame <= last:
            return name, "pinned"
    runs = list(face["lane"])
    if not runs:
        return "", ""
    # Between two runs the nearer one leads.
    run = min(runs, key=lambda item: max(item["first"] - frame, frame - item["last"], 0))
    return str(run["view"]), "keyed" if run["pinned"] else "planned"


def with_pin(pins: str, name: str, first: int, last: int) -> str:
    """Return the parameter's text with one more pin, before the others, so that it wins over them."""
    frames = str(first) if first == last else f"{first}-{last}"
    return ", ".join([f"{name}@{frames}", *_words(without_pins(pins, first, last))])


def without_pins(pins: str, first: int, last: int) -> str:
    """Return the parameter's text without the pins that lie wholly in a range of frames."""
    return ", ".join(word for word in _words(pins) if not first <= _span(word)[0] <= _span(word)[1] <= last)


def _words(pins: str) -> list[str]:
    return [word.strip() for word in pins.split(",") if word.strip()]


def _span(word: str) -> tuple[int, int]:
    """Return the frames of one pin; an empty range for text that is no pin, which the engine refuses."""
    first, _, last = word.rpartition("@")[2].partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        return (1, 0)
    return int(first), int(last or first)


def _parsed(pins: str) -> list[tuple[str, int, int]]:
    return [(word.rpartition("@")[0], *_span(word)) for word in _words(pins)]
