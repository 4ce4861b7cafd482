"""Fixtures of the render tests."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.face.align import resample
from faceplate.generators import Generator, MeshGenerator
from faceplate.image.window import Window
from faceplate.models import ModelStore
from faceplate.models.store import EMBEDDED
from faceplate.source import Source
from fixed_picture import FixedPicture
from pictures import FaceIn, ReadPicture
from plates import write_plate
from three_frame_shot import ThreeFrameShot, write_networks

SIDE, BIG = 260, 716


@pytest.fixture(scope="module", params=["mesh", "fixed"])
def generator(
    request: pytest.FixtureRequest, source_bea: Source, read_picture: ReadPicture, face_in: FaceIn
) -> Generator:
    """Return `mesh`, and a network that ignores the performance; both make Bea."""
    if request.param == "mesh":
        return MeshGenerator(source_bea)
    return FixedPicture(read_picture("bea/front.jpg"), face_in("bea/front.jpg"))


@pytest.fixture(scope="session")
def three_frames(tmp_path_factory: pytest.TempPathFactory) -> ThreeFrameShot:
    folder = tmp_path_factory.mktemp("three_frames")
    color = ColorConfig.load(environ={})
    from faceplate.color.reading import read_still
    from faceplate.demo import people_folder

    frame = read_still(people_folder() / "ada" / "front.jpg", color)
    rng = np.random.default_rng(3)
    for number, shift in ((1001, 0.0), (1002, 3.3), (1003, 6.1)):
        matrix = np.array([[0.25, 0, shift], [0, 0.25, 0]], np.float64)
        pixels = resample(frame.working(), frame.window, matrix, Window(0, 0, SIDE, SIDE))
        pixels = pixels + rng.normal(0, 1, pixels.shape).astype(np.float32) * np.sqrt(
            np.maximum(pixels, 0) * 4e-4 + 1e-6
        )
        write_plate(folder / f"plate.{number}.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    matrix = np.array([[0.7, 0, 0], [0, 0.7, 0]], np.float64)
    pixels = resample(frame.working(), frame.window, matrix, Window(0, 0, BIG, BIG))
    write_plate(folder / "big.1001.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    matte = np.zeros((SIDE, SIDE, 3), np.float32)
    matte[:, 110:150] = 1
    write_plate(folder / "matte.exr", matte, "half")
    (folder / "source").mkdir()
    shutil.copy(person("bea") / "front.jpg", folder / "source")
    return ThreeFrameShot(folder, FaceFinder(ModelStore((write_networks(folder / "models"), EMBEDDED))))
