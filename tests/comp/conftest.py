"""A face and its tones, on which the tests of tones and beards stand."""

from __future__ import annotations

import pytest

from faceplate.comp import SkinTones, measure_tones
from faceplate.face import Face, FaceFinder
from faceplate.image.frame import Frame
from lights import half_size
from pictures import ReadPicture


@pytest.fixture(scope="module")
def ada(read_picture: ReadPicture, finder: FaceFinder) -> tuple[Frame, Face]:
    """Ada at half size, in the working space, and her face."""
    return half_size(read_picture("ada/front.jpg"), finder)


@pytest.fixture(scope="module")
def tones(ada: tuple[Frame, Face]) -> SkinTones:
    """Ada's tones."""
    frame, face = ada
    return measure_tones(frame.pixels, frame.window, face)
