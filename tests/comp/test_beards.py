"""Beards are told from shade and from the colour of the light."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from faceplate.comp import (
    SkinTones,
    match_light,
    measure_features,
    without_beard,
    without_plate_beard,
)
from faceplate.comp.beards import grey_beard
from faceplate.comp.feature_tones import TEETH
from faceplate.comp.skin_tones import below_nose, edge_points, tone_places, tone_points
from faceplate.face import Face, FaceFinder, topology
from faceplate.face.shape import head_model
from faceplate.generators import MeshGenerator
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.track.look import measure_look
from lights import half_size
from pictures import ReadPicture, ReadSource


def filled_mouth(face: Face, window: Window) -> np.ndarray:
    """Return the pixels between the lips, bool (h, w)."""
    mouth = np.zeros((window.height, window.width), np.uint8)
    loop = face.points[topology().mouth_loop, :2] - (window.x + 0.5, window.y + 0.5)
    cv2.fillPoly(mouth, [np.round(loop).astype(np.int32)], 1)
    return mouth > 0


def darker(tones: SkinTones, amount: float, side: float = 0.0) -> SkinTones:
    """Return the tones with the lower face darker by `amount`; on one `side` alone where that is not 0."""
    head = head_model().reference[tone_points()]
    where = (head[:, 1] > 0.85) & (side * head[:, 0] >= 0)
    return replace(tones, log=tones.log - amount * where[:, None])


def test_a_full_beard_is_no_shade_and_the_light_leaves_it_dark(tones: SkinTones) -> None:
    below = head_model().reference[tone_points(), 1] > head_model().reference[topology().lips_loop, 1].mean()
    bearded = replace(tones, log=tones.log - 2.5 * below[:, None])
    found = without_beard(bearded)
    assert tones.trust[below].sum() > 10 and found.trust[below].max() == 0
    upper = head_model().reference[tone_points(), 1] < head_model().reference[topology().nose, 1].max()
    np.testing.assert_array_equal(found.trust[upper], tones.trust[upper])


def test_skin_below_the_nose_in_moderate_shade_is_trusted(tones: SkinTones) -> None:
    below = head_model().reference[tone_points(), 1] > head_model().reference[topology().lips_loop, 1].mean()
    shaded = replace(tones, log=tones.log - 0.3 * below[:, None])
    inside = ~edge_points()
    np.testing.assert_array_equal(without_beard(tones).trust[inside], tones.trust[inside])
    assert without_beard(shaded).trust[inside & below].sum() > 0.9 * tones.trust[inside & below].sum()


@pytest.mark.parametrize(("greyer", "expected"), [(0.0, 0.0), (0.06, 0.0), (0.2, 1.0), (-0.2, 0.0)])
def test_a_grey_beard_is_told_from_skin(tones: SkinTones, greyer: float, expected: float) -> None:
    bearded = SkinTones(np.zeros_like(tones.log), tones.trust)
    bearded.log[:, 0] -= greyer * below_nose()
    assert grey_beard(bearded) == pytest.approx(expected, abs=0.01)


def test_a_plates_dark_beard_does_not_darken_the_new_chin(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    _, face = ada
    found = match_light(tones, without_plate_beard(darker(tones, 1.4)), face, scale=0.08)
    assert found is not None
    places = tone_places(face) / face.size
    head = head_model().reference[tone_points()]
    change = (found.light.at(places) + edge_points()[:, None] * found.seam.at(places)).mean(axis=1)
    chin, cheek = (head[:, 1] > 1.3) & (tones.trust > 0.5), (np.abs(head[:, 1] - 0.4) < 0.3) & (tones.trust > 0.5)
    assert abs(change[chin].mean() - change[cheek].mean()) < 0.15


def test_a_plates_grey_beard_does_not_colour_the_new_jaw(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    _, face = ada
    grey = below_nose()[:, None] * np.array([-0.1, 0.0, 0.1])
    found = match_light(tones, replace(tones, log=tones.log + grey), face, scale=0.08)
    assert found is not None
    places, low = tone_places(face) / face.size, below_nose() * tones.trust
    for changes, where in ((found.light.at(places), ~edge_points()), (found.seam.at(places), edge_points())):
        assert abs(np.average(changes[:, 0] - changes[:, 2], weights=low * where)) < 0.04, "0.2 would make it grey"


def test_under_a_plates_beard_teeth_keep_the_colour_that_the_track_measured(
    read_picture: ReadPicture, finder: FaceFinder, source_of: ReadSource
) -> None:
    """A track holds teeth over the skin around the mouth, which is the beard: without it they are the same teeth."""
    frame, face = half_size(read_picture("ada/open.jpg"), finder)
    shaven = measure_look(frame, face)
    assert shaven.tones is not None and shaven.features is not None and shaven.features.certainty[TEETH] > 0.5
    bearded = darker(shaven.tones, 1.4)
    over = measure_features(frame.pixels, frame.window, face, bearded)
    looks = shaven, replace(shaven, tones=bearded, features=over)
    generator, parameters = MeshGenerator(source_of("eve")), Parameters(grain=0, occlusion=0)
    plain, found = (swap_face(frame, face, generator, parameters, look=look).over for look in looks)
    window = swap_face(frame, face, generator, parameters, look=shaven).window
    mouth = filled_mouth(face, window)
    change = np.log(found[mouth].mean(axis=0) / plain[mouth].mean(axis=0))
    assert np.abs(change - change.mean()).max() < 0.02, "0.07 if they were held against the skin beside the beard"


@pytest.mark.parametrize(("amount", "side"), [(0.5, 0.0), (1.4, 1.0), (1.4, -1.0), (-1.0, 0.0)])
def test_shade_below_the_nose_is_no_beard_of_the_plate(amount: float, side: float, tones: SkinTones) -> None:
    """Moderate shade, or deep shade on one side alone, is light and stays."""
    shaded = darker(tones, amount, side)
    np.testing.assert_array_equal(without_plate_beard(shaded).trust, shaded.trust)


def test_where_the_lower_face_is_not_seen_nothing_is_taken_for_a_beard(tones: SkinTones) -> None:
    hidden = replace(tones, trust=tones.trust * (below_nose() < 0.1), log=np.full_like(tones.log, tones.log.mean()))
    np.testing.assert_array_equal(without_plate_beard(hidden).trust, hidden.trust)
