"""The course: the material of two lessons and the show file of a class. See `docs/course/en/index.md`.

The man of the course does not exist (`people/README.md`): he performs in the plate, and is the source when he was younger.
"""

from __future__ import annotations

from pathlib import Path

from faceplate.errors import UsageError

__all__ = ["PEOPLE", "person"]

PEOPLE = ("gus", "gus_younger")
"""The man who performs in the course's plate, and the same man younger, who is its source."""


def person(name: str) -> Path:
    """Return the folder of one of `PEOPLE`. The younger man has six views (`faceplate.demo.VIEWS`); the older one performs.

    Raises
    ------
    UsageError
        `unknown-person`.
    """
    if name not in PEOPLE:
        raise UsageError("unknown-person", f"The course has no person {name!r}: choose {' or '.join(PEOPLE)}.")
    return Path(__file__).parent / "people" / name
