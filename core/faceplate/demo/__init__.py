"""Invented people to try Faceplate with, and a plate made from one of them. See `docs/demo.md`.

None of these people exists: the pictures come from a generator (`people/README.md` names it). They are 8-bit sRGB JPEGs
of 1024 x 1024 pixels.
"""

from __future__ import annotations

from pathlib import Path

from faceplate.errors import UsageError

__all__ = ["PEOPLE", "VIEWS", "people_folder", "performance", "person"]

PEOPLE = ("ada", "bea", "cal", "dot", "eve", "fox")
"""Names of the invented people."""

VIEWS = ("front", "left", "right", "open", "closed", "smile")
"""Names of each person's pictures."""


def people_folder() -> Path:
    """Return the folder that has one folder for each of `PEOPLE`."""
    return Path(__file__).parent / "people"


def person(name: str) -> Path:
    """Return the folder with the six `VIEWS` of one person, `front.jpg` and so on: a source for a swap.

    Raises
    ------
    UsageError
        `unknown-person`.
    """
    if name not in PEOPLE:
        raise UsageError("unknown-person", f"There is no demo person {name!r}: choose one of {', '.join(PEOPLE)}.")
    return people_folder() / name


def performance(name: str = "ada") -> tuple[Path, ...]:
    """List the frames of a person's performance, `ada.1001.jpg` to `ada.1024.jpg`, in order.

    Raises
    ------
    UsageError
        `unknown-person`, or `no-performance`: only ada performs.
    """
    frames = tuple(sorted((person(name) / "performance").glob(f"{name}.*.jpg")))
    if not frames:
        raise UsageError("no-performance", f"The demo has no performance by {name}: use ada's.")
    return frames
