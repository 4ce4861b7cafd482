"""The faces of a shot file, as a host's node takes them over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faceplate_client import HostError, faces_of_shot_file


def test_paths_become_absolute_and_everything_else_stays(tmp_path: Path) -> None:
    (tmp_path / "ada.jpg").touch()
    faces = [
        {"name": "Ada", "source": "people/ada", "track": "$SHOW/a.json", "head_size": 0.8,
         "parameters": {"target": "ada.jpg", "grain": {"keys": [[1, 0.5, "linear"]]}, "holdout_matte": "m.####.exr"}},
        {"name": "Eve", "parameters": {"target": "2"}},
    ]  # fmt: skip
    path = tmp_path / "a.shot.json"
    path.write_text(json.dumps({"faceplate_shot": 1, "faces": faces}))
    ada, eve = faces_of_shot_file(str(path))
    assert (ada["source"], ada["track"], ada["head_size"]) == (str(tmp_path / "people/ada"), "$SHOW/a.json", 0.8)
    assert ada["parameters"]["target"] == str(tmp_path / "ada.jpg") and eve == faces[1]
    assert ada["parameters"]["grain"] == {"keys": [[1, 0.5, "linear"]]}
    assert ada["parameters"]["holdout_matte"] == str(tmp_path / "m.####.exr")


def test_a_file_without_faces_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.shot.json"
    for text, code in (("{", "shot-gone"), ("[]", "no-faces"), ('{"faceplate_shot": 1}', "no-faces")):
        path.write_text(text)
        with pytest.raises(HostError) as refused:
            faces_of_shot_file(str(path))
        assert refused.value.code == code and str(refused.value).endswith(".")
    with pytest.raises(HostError, match="cannot be read"):
        faces_of_shot_file(str(tmp_path / "none.shot.json"))
