"""Tones of the skin: what they are read from, and what does not count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.comp import SkinTones, measure_tones
from faceplate.comp.skin_tones import COUNT, edge_points, tone_places
from faceplate.face import Face, topology
from faceplate.face.align import resample
from faceplate.image.frame import Frame
from faceplate.image.window import Window


def test_a_face_has_trusted_tones_on_its_outline_and_inside(tones: SkinTones) -> None:
    assert tones.log.shape == (COUNT, 3) and tones.trust.shape == (COUNT,) and np.isfinite(tones.log).all()
    assert edge_points().sum() == len(topology().oval)
    assert (tones.trust[~edge_points()] > 0.9).sum() > 40 and (tones.trust[edge_points()] > 0.5).sum() > 8


def test_a_slope_of_light_is_read_at_the_points_places(ada: tuple[Frame, Face]) -> None:
    """Of a picture that is an exponential of its place, each trusted tone is the exponent there."""
    frame, face = ada
    rows, columns = np.mgrid[: frame.window.height, : frame.window.width] + 0.5
    exponent = (0.5 * columns - 0.3 * rows) / face.size
    pixels = (face.level * np.exp(exponent))[..., None] * np.array([1.0, 0.8, 0.6])
    tones = measure_tones(pixels.astype(np.float32), frame.window, face)
    places = (tone_places(face) - (frame.window.x, frame.window.y)) / face.size
    wanted = np.log(face.level * np.array([1.0, 0.8, 0.6])) + (places @ (0.5, -0.3))[:, None]
    counted = tones.trust > 0.9
    assert counted.sum() > 50
    assert np.abs(tones.log - wanted)[counted].max() < 0.02


@pytest.mark.parametrize("stops", [-6, 5])
def test_exposure_adds_to_every_tone(stops: int, ada: tuple[Frame, Face], tones: SkinTones) -> None:
    frame, face = ada
    gain = np.float32(2.0**stops)
    exposed = measure_tones(frame.pixels * gain, frame.window, replace(face, level=face.level * float(gain)))
    np.testing.assert_allclose(exposed.log, tones.log + stops * np.log(2.0), atol=1e-4)
    np.testing.assert_allclose(exposed.trust, tones.trust, atol=1e-4)


def test_a_proxy_has_the_same_tones(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    frame, face = ada
    half = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float64)
    window = Window(0, 0, frame.window.width // 2, frame.window.height // 2)
    small = measure_tones(resample(frame.pixels, frame.window, half, window), window, face.moved(face.points * 0.5))
    counted = (small.trust > 0.9) & (tones.trust > 0.9)
    assert counted.sum() > 50
    off = np.abs(small.log - tones.log)[counted]
    assert off.mean() < 0.02 and off.max() < 0.1


def test_what_is_hidden_has_no_trust_and_changes_no_other_tone(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    frame, face = ada
    visible = np.ones(frame.pixels.shape[:2], np.float32)
    line = round(float(face.points[2, 1]) - frame.window.y)  # below the nose
    visible[line:] = 0.0
    covered = np.where(visible[..., None] > 0, frame.pixels, np.float32(7.0))
    hidden = measure_tones(covered, frame.window, face, visible)
    below = tone_places(face)[:, 1] - frame.window.y > line + 0.05 * face.size
    above = tone_places(face)[:, 1] - frame.window.y < line - 0.1 * face.size
    assert not hidden.trust[below].any()
    counted = above & (tones.trust > 0.9) & (hidden.trust > 0.9)
    assert counted.sum() > 25 and np.abs(hidden.log - tones.log)[counted].max() < 0.02


def test_dark_hair_over_the_temple_is_no_skin(ada: tuple[Frame, Face], tones: SkinTones) -> None:
    frame, face = ada
    edge = np.flatnonzero(edge_points() & (tones.trust > 0.9) & (tone_places(face)[:, 1] < face.points[168, 1]))
    assert len(edge)
    middle = tone_places(face)[edge[0]] - (frame.window.x, frame.window.y)
    y, x = np.mgrid[: frame.window.height, : frame.window.width]
    hair = (np.hypot(x - middle[0], y - middle[1]) < 0.07 * face.size)[..., None]
    haired = measure_tones(np.where(hair, frame.pixels * np.float32(0.15), frame.pixels), frame.window, face)
    assert haired.trust[edge[0]] < 0.1
    far = np.linalg.norm(tone_places(face) - tone_places(face)[edge[0]], axis=1) > 0.2 * face.size
    np.testing.assert_allclose(haired.trust[far], tones.trust[far], atol=0.2)
    np.testing.assert_allclose(haired.log[far & (tones.trust > 0.9)], tones.log[far & (tones.trust > 0.9)], atol=1e-3)


def test_a_face_outside_the_picture_has_no_trust(ada: tuple[Frame, Face]) -> None:
    frame, face = ada
    away = face.moved(face.points + np.array([5000.0, 0, 0]))
    nothing = measure_tones(frame.pixels, frame.window, away)
    assert not nothing.trust.any() and np.isfinite(nothing.log).all()
