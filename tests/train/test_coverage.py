"""The coverage counts faces by turn, nod, mouth and light, and says what only the double was seen doing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate.train.coverage import AXES, Coverage, cell_of, coverage_of
from faceplate.train.coverage_sheet import draw_coverage_sheet, write_coverage_sheet
from faceplate.train.crops import FaceMeasures

SEEN = FaceMeasures(0.0, 0.0, 0.02, 0.3, (0.0, -0.3), 400.0, 1.0, 0.0, 0.0, np.zeros((24, 24), np.float32))


def faces(count: int, **measures: Any) -> list[FaceMeasures]:
    return [replace(SEEN, **measures)] * count


@pytest.mark.parametrize(
    ("measures", "named"),
    [
        ({}, ("ahead", "level", "closed", "even")),
        ({"yaw": 15.0, "pitch": 9.0}, ("to the left", "down", "closed", "even")),  # the picture's right
        ({"yaw": -40.0, "pitch": -9.0}, ("far to the right", "up", "closed", "even")),
        ({"mouth": 0.15, "light": (0.5, 0.0)}, ("ahead", "level", "parted", "from the right")),
        ({"mouth": 0.5, "light": (-0.5, 0.0)}, ("ahead", "level", "open", "from the left")),
    ],
)
def test_a_face_is_in_the_cell_of_its_measures(measures: dict[str, Any], named: tuple[str, ...]) -> None:
    cell = cell_of(replace(SEEN, **measures))
    assert tuple(bins[k] for bins, k in zip(AXES.values(), cell, strict=True)) == named


def test_every_face_is_counted_once() -> None:
    found = coverage_of(faces(5) + faces(3, yaw=12.0), faces(4, mouth=0.4))
    assert np.sum(found.counts["actor"]) == 8 and np.sum(found.counts["double"]) == 4
    assert found.counts["actor"][2][1][0][1] == 5


def test_a_gap_is_named_on_the_coarsest_level() -> None:
    actor = faces(20) + faces(20, mouth=0.15)
    double = faces(9, yaw=-15.0, mouth=0.5) + faces(6, mouth=0.5) + faces(3, mouth=0.15, light=(0.6, 0.0)) + faces(5)
    gaps = coverage_of(actor, double).gaps
    assert [(gap.turn, gap.mouth, gap.light, gap.frames) for gap in gaps] == [
        ("to the right", None, None, 9),
        ("ahead", "open", None, 6),
        ("ahead", "parted", "from the right", 3),
    ]
    assert gaps[0].advice == (
        "Film the actor speaking, the head turned 8 to 25 degrees to their own right: the double does so in 9 frames, the "
        "actor in none."
    )
    assert "with the head straight ahead and the mouth open:" in gaps[1].advice
    assert "the mouth parted and light from the right of the picture:" in gaps[2].advice


def test_one_frame_of_the_double_is_no_gap() -> None:
    assert coverage_of(faces(20), faces(20) + faces(1, yaw=30.0)).gaps == ()
    assert len(coverage_of(faces(20), faces(20) + faces(2, yaw=30.0)).gaps) == 1


def test_the_coverage_is_plain_json() -> None:
    found = coverage_of(faces(4), faces(4, pitch=12.0))
    again = Coverage.model_validate(json.loads(json.dumps(found.model_dump(mode="json"))))
    assert again.gaps == found.gaps and len(again.advice) == 1


def test_the_chart_marks_gaps_in_red_in_the_doubles_part_alone(tmp_path: Path) -> None:
    def red(found: Coverage) -> list[int]:
        sheet = draw_coverage_sheet(found, {"actor": 4, "double": 4}).astype(int)
        marks = (sheet[..., 0] > 200) & (sheet[..., 1] < 100)
        half = len(sheet) // 2
        return [int(part.sum()) for part in (marks[: half - 60], marks[half - 60 :])]

    gap, none = coverage_of(faces(4), faces(4, pitch=12.0)), coverage_of(faces(4), faces(4))
    assert red(none) == [0, 0]
    assert red(gap)[0] == 0 and red(gap)[1] > 100
    write_coverage_sheet(tmp_path / "coverage.png", gap, {})
    assert cv2.imread(str(tmp_path / "coverage.png")) is not None
