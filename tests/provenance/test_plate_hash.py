"""The plate's hash in a frame's header costs one reading of the plate file, whatever the number of frames."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.face import FaceFinder
from faceplate.plate import PlateFile
from faceplate.render import Renderer
from faceplate.render.batch import render_frames
from faceplate.shot import Policy, Shot
from faceplate.shot.parameters import Parameters
from movies import write_movie
from plates import write_plate

PARAMETERS = Parameters(generator="null", occlusion=0.0, grain=0.0, no_face="pass")


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file is hashed, by its name."""
    counts: Counter[str] = Counter()
    digest = hashlib.file_digest

    def counted(stream: Any, kind: str) -> Any:
        counts[Path(stream.name).name] += 1
        return digest(stream, kind)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    return counts


def renderer_of(plate: Path, output: Path, finder: FaceFinder, **changes: Any) -> Renderer:
    """A renderer that puts in no face, so that reading and writing are what it does."""
    shot = Shot(
        plate=str(plate), output=str(output), mode="over", parameters=PARAMETERS, track_first=False,
        policy=Policy(preview_slate=False), **changes,
    )  # fmt: skip
    return Renderer(shot, finder)


def test_a_plate_of_one_file_a_frame_is_hashed_once_a_frame(
    tmp_path: Path, finder: FaceFinder, hashed: Counter[str]
) -> None:
    pixels = np.random.default_rng(1).random((48, 64, 3))
    for number in (1001, 1002):
        write_plate(tmp_path / f"plate.{number}.exr", pixels, "half")
    renderer = renderer_of(tmp_path / "plate.####.exr", tmp_path / "out.####.exr", finder, space="ACEScg")
    renderer.prepare()
    assert all(done.error is None for done in render_frames(renderer, (1001, 1002), recorded=True))
    assert hashed["plate.1001.exr"] == 1 and hashed["plate.1002.exr"] == 1
    said = PlateFile.open(tmp_path / "out.1001.exr").attributes["faceplate:plate_sha256"]
    assert said == hashlib.sha256((tmp_path / "plate.1001.exr").read_bytes()).hexdigest()


def test_a_movie_is_hashed_once_for_all_its_frames(tmp_path: Path, finder: FaceFinder, hashed: Counter[str]) -> None:
    pictures = [np.full((48, 64, 3), 900 * index, np.uint16) for index in range(5)]
    movie = write_movie(tmp_path / "plate.mov", pictures)
    renderer = renderer_of(movie, tmp_path / "out.####.exr", finder)
    renderer.prepare()
    assert all(done.error is None for done in render_frames(renderer, range(5), recorded=True))
    assert hashed["plate.mov"] == 1
