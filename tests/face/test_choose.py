"""The choice of one face among several."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, choose_face, parse_target


def face_at(x: float, size: float) -> Face:
    points = np.random.default_rng(0).random((478, 3)) * size
    points[:, 0] += x
    return Face(points, 0.9, 1.0, 0.2)


def test_choosing_by_word_and_number() -> None:
    faces = (face_at(500, 100), face_at(100, 80), face_at(900, 60))
    embed = lambda face: np.ones(128, np.float32)  # noqa: E731
    assert choose_face(faces, "largest", embed) is faces[0]
    assert choose_face(faces, "leftmost", embed) is faces[1]
    assert choose_face(faces, "rightmost", embed) is faces[2]
    assert choose_face(faces, 2, embed) is faces[0]
    with pytest.raises(RenderError, match="shows 3") as refused:
        choose_face(faces, 4, embed)
    assert refused.value.code == "no-such-face"
    with pytest.raises(RenderError, match="choose one with --target") as refused:
        choose_face(faces, "auto", embed)
    assert refused.value.code == "several-faces"
    assert choose_face((face_at(0, 300), *faces[1:]), "auto", embed).size > 200
    with pytest.raises(RenderError) as refused:
        choose_face((), "auto", embed)
    assert refused.value.code == "no-face"


def test_choosing_by_likeness() -> None:
    faces = (face_at(500, 100), face_at(100, 80))
    wanted = np.eye(128, dtype=np.float32)[0]
    mine = {id(faces[0]): np.eye(128, dtype=np.float32)[1], id(faces[1]): wanted + 0.3}
    assert choose_face(faces, "her.jpg", lambda face: mine[id(face)], wanted) is faces[1]
    with pytest.raises(RenderError) as refused:
        choose_face(faces[:1], "her.jpg", lambda face: mine[id(face)], wanted)
    assert refused.value.code == "no-likeness"


@pytest.mark.parametrize("text", ["", "  ", "0", "-1"])
def test_target_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_target(text)
