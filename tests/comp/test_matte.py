"""Mattes: the hull, kept regions, and mattes from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.comp import (
    HullEdges,
    hull_matte,
    region_matte,
)
from faceplate.errors import UsageError
from faceplate.face import Face, FaceFinder, topology
from faceplate.generators import Generator, MeshGenerator, MeshSettings
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.render import Renderer
from faceplate.render.composite import CompositeResult
from faceplate.render.matte import InputMattes
from faceplate.render.swap import swap_face
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from faceplate.source import Source
from lights import half_size
from pictures import ReadPicture
from plates import read_file, write_plate


@pytest.fixture(scope="module")
def ada(read_picture: ReadPicture, finder: FaceFinder) -> tuple[Frame, Face]:
    """Ada at half size, in the working space, and her face."""
    return half_size(read_picture("ada/front.jpg"), finder)


def swap(frame: Frame, face: Face, generator: Generator, **values: object) -> CompositeResult:
    return swap_face(frame, face, generator, Parameters.model_validate(values))


def plate_of(frame: Frame, swapped: CompositeResult) -> np.ndarray:
    return frame.pixels[swapped.window.slices(frame.window)]


def test_hull_edges(ada: tuple[Frame, Face]) -> None:
    frame, face = ada

    def rows(**edges: float) -> tuple[int, int, int, int]:
        matte = hull_matte(face, frame.window, erode=0, feather=0, edges=HullEdges(**edges)) > 0.5
        y, x = np.nonzero(matte)
        return int(y.min()), int(y.max()), int(x.min()), int(x.max())

    plain = rows()
    assert rows(forehead=0.0)[0] > plain[0] + 0.1 * face.size
    assert rows(forehead=1.3)[0] < plain[0] - 0.05 * face.size
    assert rows(bottom=0.1)[1] == pytest.approx(plain[1] + 0.1 * face.size, abs=3)
    assert rows(right=0.1)[2] < plain[2] - 0.06 * face.size and rows(right=0.1)[3] == pytest.approx(plain[3], abs=2)
    assert rows(left=-0.1)[3] < plain[3] - 0.05 * face.size


@given(erode=st.floats(0, 0.2), feather=st.floats(0, 0.4))
@settings(max_examples=20, deadline=None)
def test_hull_matte_is_soft_and_inside(erode: float, feather: float) -> None:
    angles = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    points = np.column_stack([100 + 60 * np.cos(angles), 100 + 80 * np.sin(angles), np.zeros(478)])

    oval = topology().oval
    around = np.linspace(0, 2 * np.pi, len(oval), endpoint=False) - np.pi / 2
    points[oval] = np.column_stack([100 + 60 * np.cos(around), 100 + 80 * np.sin(around), np.zeros(len(oval))])
    face = Face(points, 1, 1, 0.2)
    matte = hull_matte(face, Window(0, 0, 200, 200), erode=erode, feather=feather)
    assert matte.min() == 0 and 0 <= matte.max() <= 1 and matte[:15].max() == 0
    if erode + feather < 0.3:
        assert matte[100, 100] == 1
    assert np.abs(np.diff(matte, axis=0)).max() <= 1.6 / max(feather * face.size, 1.0) + 1e-3


def test_keep_and_input_mattes(ada: tuple[Frame, Face], source_bea: Source) -> None:
    frame, face = ada
    generator = MeshGenerator(source_bea, MeshSettings(shape=0.0))  # a new shape takes along what is kept
    kept = swap(frame, face, generator, keep="eyes, nose")
    eyes = region_matte(face, kept.window, ("eyes",)) == 1
    assert eyes.sum() > 50
    assert np.array_equal(kept.over[eyes], plate_of(frame, kept)[eyes])
    with pytest.raises(UsageError) as refused:
        swap(frame, face, generator, keep="ears")
    assert refused.value.code == "bad-keep"
    left = np.zeros(frame.pixels.shape[:2], np.float32)
    left[:, :256] = 1
    held = swap_face(frame, face, generator, Parameters(), inputs=InputMattes(holdout=left))
    assert not held.matte[left[held.window.slices(frame.window)] == 1].any() and held.matte.max() == 1
    bounded = swap_face(frame, face, generator, Parameters(), inputs=InputMattes(garbage=left))
    assert not bounded.matte[left[bounded.window.slices(frame.window)] == 0].any() and bounded.matte.max() == 1


def test_hold_out_from_files(ada: tuple[Frame, Face], source_bea: Source, finder: FaceFinder, tmp_path: Path) -> None:
    frame, _ = ada
    write_plate(tmp_path / "p.1001.exr", frame.pixels, "half")
    roto = np.zeros((512, 512, 1), np.float32)
    roto[:, 256:] = 1
    write_plate(tmp_path / "roto.1001.exr", roto, "half", channels=("Y",))
    shot = Shot(
        plate=str(tmp_path / "p.####.exr"),
        output=str(tmp_path / "o.####.exr"),
        space="ACEScg",
        mode="over",
        parameters=Parameters(holdout_matte=str(tmp_path / "roto.####.exr")),
    )
    renderer = Renderer(shot, finder, MeshGenerator(source_bea))
    renderer.write(renderer.render(1001))
    before, after = read_file(tmp_path / "p.1001.exr")[0], read_file(tmp_path / "o.1001.exr")[0]
    assert np.array_equal(before[:, 256:], after[:, 256:]) and not np.array_equal(before[:, :256], after[:, :256])
