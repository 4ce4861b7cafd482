"""Which faces are left out: by their measures, by identity, and because one like them is there already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from faceplate.face import topology
from faceplate.train.crops import FaceMeasures
from faceplate.train.filters import Candidate, choose_faces, person_embedding

RNG = np.random.default_rng(3)
PERSON, STRANGER = np.eye(128, dtype=np.float32)[:2]
SEEN = FaceMeasures(0.0, 0.0, 0.1, 0.3, (0.0, 0.0), 400.0, 1.0, 0.0, 0.0, np.zeros((24, 24), np.float32))


def candidate(number: int, who: np.ndarray = PERSON, **measures: Any) -> Candidate:
    """A face unlike every other: its mesh and its picture are random."""
    rng = np.random.default_rng(number)
    seen = replace(SEEN, thumbnail=rng.random((24, 24)).astype(np.float32), **measures)
    return Candidate(f"{number}.png", None, number, rng.random((478, 2)).astype(np.float32), who, seen)


def people(count: int = 12) -> list[Candidate]:
    return [candidate(number) for number in range(count)]


@pytest.mark.parametrize(
    ("measures", "word"),
    [
        ({"side": 150.0}, "small"),
        ({"outside": 0.2}, "cut off"),
        ({"hidden": 0.5}, "occluded"),
        ({"sharpness": 0.3}, "blurred"),
        ({"sharpness": 0.3, "hidden": 0.5}, "blurred"),
    ],
)
def test_a_fault_is_named(measures: dict[str, Any], word: str) -> None:
    reasons = choose_faces([*people(), candidate(50, **measures)], 256)
    assert list(reasons) == [12] and reasons[12].startswith(word)


def test_limits_keep_what_is_usable() -> None:
    usable = candidate(50, side=180.0, outside=0.08, hidden=0.3, sharpness=0.5)
    assert choose_faces([*people(), usable], 256) == {}


def test_a_stranger_is_left_out_and_does_not_move_the_person() -> None:
    mixed = [*people(8), *[candidate(number, STRANGER) for number in (20, 21, 22)]]
    reasons = choose_faces(mixed, 96)
    assert sorted(reasons) == [8, 9, 10] and all("another person" in reason for reason in reasons.values())
    person = person_embedding(mixed)
    assert person is not None and float(person @ PERSON) == pytest.approx(1.0)


def test_of_several_faces_of_a_picture_the_person_is_used_silently() -> None:
    beside = replace(candidate(30, STRANGER), picture=5)
    assert choose_faces([*people(), beside], 96) == {12: ""}


def test_nothing_is_left_out_of_nothing() -> None:
    assert choose_faces([], 96) == {} and person_embedding([]) is None


def test_the_second_of_two_alike_is_left_out() -> None:
    faces = people()
    again = replace(faces[4], file="again.png", picture=12, landmarks=faces[4].landmarks + np.float32(0.0005))
    assert choose_faces([*faces, again], 96) == {12: "near-duplicate of 4.png"}


def test_a_blink_or_another_light_is_no_duplicate() -> None:
    first = candidate(1)
    lid = first.landmarks.copy()
    lid[topology().right_eye_loop[:4], 1] += 0.01  # hardly moves the mean over all points
    blink = replace(first, picture=50, landmarks=lid)
    lit = replace(
        first, picture=51, measures=replace(first.measures, thumbnail=first.measures.thumbnail + np.float32(0.02))
    )
    assert choose_faces([first, blink, lit], 96) == {}
