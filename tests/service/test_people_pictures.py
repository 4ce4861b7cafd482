"""Small pictures of a track's people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import pytest

from faceplate.errors import UsageError
from faceplate.render import Renderer
from faceplate.service.people_pictures import people_pictures
from faceplate.shot import load_shot


def renderer_of(folder: Path, document: dict[str, Any]) -> Renderer:
    return Renderer(load_shot(document, folder).model_copy(update={"track_first": False}))


def test_the_face_of_each_person(fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path) -> None:
    renderer = renderer_of(fast_folder, fast_document)
    found = people_pictures(renderer, tmp_path / "people", 64)
    track = renderer.resources.track
    assert track is not None
    (person,) = track.people
    assert list(found) == [person.id]
    picture = cv2.imread(found[person.id])
    assert picture is not None and picture.shape[0] == 64 and 30 < picture.shape[1] < 100
    assert picture.mean() > 40, "a face and not black"


def test_without_a_track(fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path) -> None:
    document = {key: value for key, value in fast_document.items() if key != "track"}
    with pytest.raises(UsageError) as refused:
        people_pictures(renderer_of(fast_folder, document), tmp_path / "none", 64)
    assert refused.value.code == "no-track" and not (tmp_path / "none").exists()
