"""The new face's tones from the source's textures: those of the generated picture, and still where the mesh is not."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.skin_tones import SkinTones, edge_points, measure_tones
from faceplate.face import Face
from faceplate.generators import MeshGenerator
from faceplate.generators.interface import Crop, Generated
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.source import Source
from pictures import FaceIn, ReadPicture


def generated(generator: MeshGenerator, frame: Frame, face: Face) -> tuple[Generated, Window]:
    transform = generator.frame(face, frame.pixel_aspect)
    pixels = frame.region(transform.window).working()
    return generator.generate(Crop(pixels, transform, face)), transform.window


@pytest.fixture(scope="module")
def frames(read_picture: ReadPicture, face_in: FaceIn, source_bea: Source) -> list[tuple[SkinTones, SkinTones]]:
    """Tones from the textures and measured on the picture, on ada's face and twice more with the landmarker's jitter."""
    frame, face = read_picture("ada/front.jpg"), face_in("ada/front.jpg")
    generator, found = MeshGenerator(source_bea), []
    for k in range(3):
        jitter = np.random.default_rng(k).normal(0, 1.5 * (k > 0), face.points.shape)
        moved = face.moved(face.points + jitter)
        result, window = generated(generator, frame, moved)
        assert result.tones is not None
        found.append((result.tones, measure_tones(result.pixels, window, moved)))
    return found


def test_they_are_the_tones_of_the_picture(frames: list[tuple[SkinTones, SkinTones]]) -> None:
    known, measured = frames[0]
    both = np.minimum(known.trust, measured.trust) > 0.8
    assert both.sum() > 30
    away = (known.log - measured.log)[both]
    assert abs(away.mean()) < 0.06 and away.std() < 0.12


def test_they_stand_still_where_the_mesh_jitters(frames: list[tuple[SkinTones, SkinTones]]) -> None:
    sure = np.min([np.minimum(known.trust, measured.trust) for known, measured in frames], axis=0) > 0.8
    still, moving = (np.std([pair[k].log[sure] for pair in frames], axis=0).mean() for k in (0, 1))
    assert still < moving / 4


def test_the_outline_is_left_to_the_picture(frames: list[tuple[SkinTones, SkinTones]]) -> None:
    assert frames[0][0].trust[edge_points()].max() == 0.0
