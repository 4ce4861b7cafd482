"""The profile fade: from a given turn on, where no picture has seen the face, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.comp.profile import RAMP, fade_amount, profile_matte
from faceplate.face import Face
from faceplate.generators import MeshGenerator, SourceCoverage
from faceplate.generators.interface import Crop, Generated
from faceplate.generators.mesh.settings import MeshSettings
from faceplate.image.window import Window
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source
from lights import half_size
from pictures import ReadPicture
from track_sightings import mean_head

HEAD = Face(mean_head(150.0, 150.0, 75.0), 1.0, 1.0, 0.2)
WINDOW = Window(0, 0, 300, 300)


def test_the_fade_begins_at_its_turn_and_is_complete_after_the_ramp() -> None:
    assert fade_amount(24.9, 25.0, 1.0) == 0.0
    assert fade_amount(25.0 + RAMP / 2, 25.0, 1.0) == pytest.approx(0.5)
    assert fade_amount(25.0 + RAMP, 25.0, 0.6) == pytest.approx(0.6)


def test_only_what_was_not_seen_fades() -> None:
    seen = np.where(HEAD.points[:, 0] > 150.0, 1.0, 0.0)
    matte = profile_matte(HEAD, WINDOW, seen, 0.8)
    x, y = (int(value) for value in HEAD.points[454, :2])
    assert matte[y, x - 20] > 0.99
    x, y = (int(value) for value in HEAD.points[234, :2])
    assert matte[y, x + 20] == pytest.approx(0.2, abs=0.02)
    assert np.abs(profile_matte(HEAD, WINDOW, np.ones(478), 1.0) - 1).max() < 1e-5


class Turned(MeshGenerator):
    """The mesh generator on a head that is said to be turned 34 degrees away, the left half of the face never seen."""

    def generate(self, crop: Crop) -> Generated:
        half = np.where(crop.face.points[:, 0] > crop.face.points[:, 0].mean(), 1.0, 0.0)
        return replace(super().generate(crop), covered=SourceCoverage(34.0, half))


def test_matte_and_note_say_so(read_picture: ReadPicture, finder, source_bea: Source) -> None:
    frame, face = half_size(read_picture("ada/front.jpg"), finder)
    generator = Turned(source_bea, MeshSettings(shape=0.0))

    def swap(**values: object):
        return swap_face(
            frame, face, generator, Parameters.model_validate({"layers": "all", "occlusion": 0.0, **values})
        )

    faded, whole = swap(), swap(profile_fade=0.0)
    assert any("34°" in note and "profile_fade" in note for note in faded.notes)
    assert "matte_profile" in faded.layers and "matte_profile" not in whole.layers
    assert np.allclose(faded.matte, whole.matte * faded.layers["matte_profile"], atol=1e-6)
    middle = faded.matte.shape[1] // 2
    assert faded.matte[:, middle + 40 :].sum() > 0.95 * whole.matte[:, middle + 40 :].sum()
    assert faded.matte[:, : middle - 40].sum() < 0.6 * whole.matte[:, : middle - 40].sum()
    within = swap(profile_turn=40.0)
    assert np.array_equal(within.over, whole.over) and within.notes == whole.notes


def test_a_head_that_a_picture_shows_is_not_faded(read_picture: ReadPicture, finder, source_bea: Source) -> None:
    frame, face = half_size(read_picture("ada/front.jpg"), finder)
    values = {"layers": "parts", "occlusion": 0.0}
    swapped = swap_face(frame, face, MeshGenerator(source_bea), Parameters.model_validate(values))
    assert "matte_profile" not in swapped.layers and not any("profile" in note for note in swapped.notes)
