"""What an input of a dataset is: which frames of movies, sequences and tracked shots are read, and which are not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceplate.errors import FaceplateError, UsageError
from faceplate.track import Track
from faceplate.train.inputs import TrainingInput, open_input
from movies import write_movie
from training_inputs import MadeDataset


def named(found: TrainingInput) -> list[tuple[str, int | None]]:
    return [(frame.file, frame.frame) for frame in found.frames]


def test_every_nth_frame_of_a_movie_and_of_a_sequence(dataset: MadeDataset, tmp_path: Path) -> None:
    settings = replace(dataset.request.settings, every=3)
    write_movie(tmp_path / "i.mov", [np.full((48, 64, 3), 20 * k, np.uint8) for k in range(8)])
    assert named(open_input(tmp_path / "i.mov", settings)) == [(f"{tmp_path.name}/i.mov", k) for k in (0, 3, 6)]
    plate = dataset.request.double[0].parent / "sh010" / "plate.####.exr"
    names = [file for file, _ in named(open_input(plate, settings))]
    assert names == [f"sh010/plate.{number}.exr" for number in (1001, 1004, 1007, 1010)]


def test_pictures_of_a_folder_are_all_read(dataset: MadeDataset) -> None:
    found = open_input(dataset.request.actor[0], replace(dataset.request.settings, every=3))
    assert len(found.frames) == len(list(dataset.request.actor[0].glob("*.png"))) and found.shot == ""


def test_a_tracked_shot_gives_its_own_frames(dataset: MadeDataset, tmp_path: Path) -> None:
    found = open_input(dataset.request.double[0], replace(dataset.request.settings, every=4))
    assert named(found) == [("sh010.shot.json", number) for number in (1001, 1005, 1009)]
    assert found.shot == "sh010" and found.place.name == "plate.####.exr"
    document = json.loads(dataset.request.double[0].read_text("utf-8")) | {"frames": "1003-1005", "production": "Glass"}
    (tmp_path / "sh010.shot.json").write_text(json.dumps(document), "utf-8")
    some = open_input(tmp_path / "sh010.shot.json", dataset.request.settings)
    assert [frame.frame for frame in some.frames] == [1003, 1004, 1005] and some.production == "Glass"
    faces = some.frames[0].read().faces
    assert len(faces) == 1


def test_frames_that_an_artist_marked_are_left_out(dataset: MadeDataset, tmp_path: Path) -> None:
    document = json.loads(dataset.request.double[0].read_text("utf-8"))
    track = Track.load(document["track"])
    person = track.people[0].id
    track.mark_bad(person, 1004).save(tmp_path / "marked.track.json")
    document["track"] = str(tmp_path / "marked.track.json")
    shutil.copy(dataset.request.double[0], tmp_path / "sh010.shot.json")
    (tmp_path / "sh010.shot.json").write_text(json.dumps(document), "utf-8")
    frames = {frame.frame: frame for frame in open_input(tmp_path / "sh010.shot.json", dataset.request.settings).frames}
    with pytest.raises(UsageError, match="an artist left the frame out"):
        frames[1004].read()
    assert frames[1005].read().faces


def test_a_track_without_people_is_refused(dataset: MadeDataset, tmp_path: Path) -> None:
    document = json.loads(dataset.request.double[0].read_text("utf-8"))
    track = Track.load(document["track"])
    track.delete(track.people[0].id).save(tmp_path / "empty.track.json")
    document["track"] = str(tmp_path / "empty.track.json")
    (tmp_path / "sh010.shot.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(FaceplateError) as caught:
        open_input(tmp_path / "sh010.shot.json", dataset.request.settings)
    assert caught.value.code == "no-face"
