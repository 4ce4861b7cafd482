"""The invented people: complete, small, and measured."""

from __future__ import annotations

import hashlib
import json

import cv2
import numpy as np
import pytest

from faceplate.demo import PEOPLE, VIEWS, people_folder, performance, person
from faceplate.errors import UsageError
from pictures import TRUTH

MEASURED = json.loads(TRUTH.read_text())["pictures"]


def test_people_are_complete_and_small() -> None:
    pictures = [person(name) / f"{view}.jpg" for name in PEOPLE for view in VIEWS] + list(performance())
    assert [path.name for path in performance()] == [f"ada.{frame}.jpg" for frame in range(1001, 1025)]
    for path in pictures:
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None and picture.shape == (1024, 1024, 3), path
    assert sum(path.stat().st_size for path in people_folder().rglob("*") if path.is_file()) < 12_000_000
    assert "nobody's likeness" in (people_folder() / "README.md").read_text()


def test_unknown_people_are_refused() -> None:
    with pytest.raises(UsageError, match="ada, bea") as refused:
        person("../ada")
    assert refused.value.code == "unknown-person"
    with pytest.raises(UsageError) as refused:
        performance("bea")
    assert refused.value.code == "no-performance"


def test_truth_was_measured_on_the_pictures_that_are_here() -> None:
    views = {f"{name}/{view}.jpg" for name in PEOPLE for view in VIEWS}
    frames = {f"ada/performance/ada.{frame}.jpg" for frame in (1001, 1006, 1012, 1018, 1024)}
    assert set(MEASURED) == views | frames
    for name, truth in MEASURED.items():
        assert truth["sha256"] == hashlib.sha256((people_folder() / name).read_bytes()).hexdigest(), name
        assert np.array(truth["points"]).shape == (478, 2) and len(truth["blendshapes"]) == 52
        x, y, width, height = truth["box"]
        middle = np.mean(truth["points"], axis=0)
        assert x < middle[0] < x + width and y < middle[1] < y + height
