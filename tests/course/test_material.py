"""The course's people and files: complete, small, released, and written without touching anything else."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import cv2
import pytest

from faceplate import demo
from faceplate.color import ColorConfig
from faceplate.consent import Policy, Request, judge
from faceplate.course import PEOPLE, person
from faceplate.course.material import CLASS_POLICY, PRODUCTION, make_class, make_lesson
from faceplate.demo import VIEWS
from faceplate.errors import UsageError
from faceplate.face import FaceFinder, likeness
from faceplate.shot import load_shot
from faceplate.source import read_source

COURSE = Path(str(person("gus"))).parents[1]


def test_the_people_are_complete_small_and_released() -> None:
    assert PEOPLE == ("gus", "gus_younger")
    for view in VIEWS:
        picture = cv2.imread(str(person("gus_younger") / f"{view}.jpg"))
        assert picture is not None and picture.shape[0] == 1024
    assert len(list((person("gus") / "performance").glob("gus.*.jpg"))) == 16
    assert sum(path.stat().st_size for path in (COURSE / "people").rglob("*") if path.is_file()) < 3_000_000
    for name in PEOPLE:
        check, decision = judge(Policy(), "final", person(name), Request(PRODUCTION, "any", use="de-aging"), {})
        assert check.state == "valid" and decision.allowed and "does not exist" in check.text
    with pytest.raises(UsageError) as refused:
        person("ada")
    assert refused.value.code == "unknown-person"


def test_the_recogniser_takes_the_younger_man_for_the_older_sooner_than_a_stranger(
    finder: FaceFinder, color: ColorConfig
) -> None:
    """On front pictures SFace says 0.30, under its own limit for the same person: age costs likeness. A stranger has less."""
    fronts = (person("gus"), person("gus_younger"), demo.person("cal"))
    older, younger, stranger = (read_source(place / "front.jpg", color, finder).embedding(finder) for place in fronts)
    assert likeness(older, younger) > 0.25
    assert likeness(older, younger) > likeness(older, stranger) + 0.1


def test_scripts_of_the_lessons_are_python_and_say_what_they_do() -> None:
    scripts = sorted((COURSE / "files").rglob("*.py"))
    assert [path.name for path in scripts] == ["comp_in_blender.py", "alignment.py", "network.py"]
    for path in scripts:
        words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert words and words.splitlines()[0].endswith(".")


def test_a_lesson_is_written_beside_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    written = make_lesson("lesson2", tmp_path, small=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    for path, what in written:
        place = tmp_path / path.replace("####", "1001")
        assert place.exists() and what, path
    assert "PICTURES = 4 " in (tmp_path / "network.py").read_text(encoding="utf-8")
    assert len(list((tmp_path / "people" / "one_picture").glob("*.jpg"))) == 1
    with pytest.raises(UsageError) as refused:
        make_lesson("lesson3", tmp_path)
    assert refused.value.code == "unknown-lesson"


def test_a_class_is_strict_below_its_folder_and_never_replaces_a_show_file(tmp_path: Path) -> None:
    make_class(tmp_path)
    (tmp_path / "anna").mkdir()
    shot = load_shot({"faceplate_shot": 1, "plate": "p.####.exr"}, tmp_path / "anna")
    assert (shot.policy.always_slate, shot.policy.allow_finals) == (True, False)
    assert shot.policy.sources_from == (str(tmp_path / "people"),) and shot.production == PRODUCTION
    assert json.loads((tmp_path / "faceplate.show.json").read_text())["policy"] == CLASS_POLICY
    assert not (tmp_path / "people" / "robin" / "release.json").exists()
    with pytest.raises(UsageError) as refused:
        make_class(tmp_path)
    assert refused.value.code == "show-exists"
