"""Writes what a lesson begins with into a folder, and the show file of a class."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceplate import demo
from faceplate.course import person
from faceplate.course.plate import FRAMES, HEIGHTS, PATTERN, ROTO, make_course_plate
from faceplate.demo.footage import make_folder
from faceplate.errors import UsageError
from faceplate.shot.load import SHOW_FILE
from faceplate.system.atomic import write_bytes

__all__ = ["CLASS_POLICY", "LESSONS", "PRODUCTION", "make_class", "make_lesson"]

PRODUCTION = "Time turned back"
"""The name of the course's production, for which a release may be asked."""

CLASS_POLICY = {"always_slate": True, "allow_finals": False, "sources_from": "people"}
"""What a class allows: see `faceplate.consent.policy.Policy`."""

_FILES = Path(__file__).parent / "files"
_FEWER = re.compile(r"PICTURES = \d+")
"""The line of a script that says how many pictures it uses; the small size takes four."""

_STUDY_FRAMES = {"full": 8, "small": 6}
"""The frames of lesson 2: the lamp comes on, and the hand reaches the face."""


@dataclass(frozen=True)
class _Lesson:
    """The number of frames of either size, whether the hand's matte belongs to it, and its source folders."""

    frames: dict[str, int]
    roto: bool
    sources: dict[str, tuple[str, ...]]


LESSONS = {
    "lesson1": _Lesson(FRAMES, True, {"gus_younger": demo.VIEWS}),
    "lesson2": _Lesson(_STUDY_FRAMES, False, {"gus_younger": demo.VIEWS, "one_picture": ("front",)}),
}
"""The lessons with material."""


def make_lesson(
    name: str, folder: Path, *, small: bool = False, progress: Callable[[int, int], None] | None = None
) -> list[tuple[str, str]]:
    """Write the material of a lesson into `folder`; return (path inside it, what it is) of everything written.

    Files of the same names are replaced; others are left alone. `progress` is called with (frames done, total frames).

    Raises
    ------
    UsageError
        `unknown-lesson`.
    RenderError
        `cannot-write`.
    """
    if name not in LESSONS:
        raise UsageError("unknown-lesson", f"The course has no lesson {name!r}: choose {' or '.join(LESSONS)}.")
    lesson, size = LESSONS[name], "small" if small else "full"
    make_folder(folder)
    written = [("faceplate.show.json", f"the show file of the production {PRODUCTION}")]
    _write(folder / SHOW_FILE, _json({"faceplate_show": 1, "defaults": {"production": PRODUCTION}}))
    for source, views in lesson.sources.items():
        _copy_person(folder / "people" / source, views)
        pictures = "one picture" if len(views) == 1 else f"{len(views)} pictures"
        written.append((f"people/{source}/", f"the source: Gus when he was younger, {pictures} and a release"))
    for file in sorted((_FILES / name).glob("*.py")):
        text = file.read_text(encoding="utf-8")
        _write(folder / file.name, _FEWER.sub("PICTURES = 4", text) if small else text)
        title = text.split('"""')[1].splitlines()[0].rstrip(".")
        written.append((file.name, title[0].lower() + title[1:]))
    roto = folder / "roto" if lesson.roto else None
    count = lesson.frames[size]
    make_course_plate(folder / "plate", roto=roto, frames=count, height=HEIGHTS[size], progress=progress)
    high = HEIGHTS[size]
    written.append(
        (f"plate/{PATTERN}", f"the plate: {count} frames of {high * 16 // 9} x {high}, half-float EXR in ACEScg")
    )
    if lesson.roto:
        written.append((f"roto/{ROTO}", "the hand's matte, as a roto department delivers it"))
    return written


def make_class(folder: Path) -> list[tuple[str, str]]:
    """Write the show file of a class and the folder its sources come from; return (path, what it is) of what was written.

    Raises
    ------
    UsageError
        `show-exists`: a show file is never replaced.
    RenderError
        `cannot-write`.
    """
    path = folder / SHOW_FILE
    if path.exists():
        raise UsageError("show-exists", f"{path} is there already: remove it, or add the class's policy to it by hand.")
    make_folder(folder)
    for name in demo.PEOPLE:
        _copy_files(demo.person(name), folder / "people" / name, demo.VIEWS)
    _copy_person(folder / "people" / "gus_younger", demo.VIEWS)
    for view in ("front", "smile"):
        write_bytes(folder / "people" / "robin" / f"{view}.jpg", (demo.person("dot") / f"{view}.jpg").read_bytes())
    document = {"faceplate_show": 1, "defaults": {"production": PRODUCTION}, "policy": CLASS_POLICY}
    _write(path, _json(document))
    return [
        (SHOW_FILE, "the policy: a slate on every picture, no finals, sources from people/ alone"),
        ("people/", f"the invented people: {', '.join((*demo.PEOPLE, 'gus_younger'))}"),
        ("people/robin/", "for the consent exercise: two pictures of an invented person, without a release"),
    ]


def _copy_person(place: Path, views: tuple[str, ...]) -> None:
    _copy_files(person("gus_younger"), place, views)


def _copy_files(source: Path, place: Path, views: tuple[str, ...]) -> None:
    make_folder(place)
    for name in (*(f"{view}.jpg" for view in views), "release.json", "release.sig.json"):
        write_bytes(place / name, (source / name).read_bytes())


def _write(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def _json(document: dict[str, object]) -> str:
    return json.dumps(document, indent=2) + "\n"
