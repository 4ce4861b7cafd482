"""Measures of pictures with known answers."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.face import Face
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.review.measures import (
    change_between,
    delay_between,
    light_error,
    outline_ring,
    seam_ratio,
    stabilised,
    stabilising_matrix,
    stable_mesh,
)
from network_scene import frontal_head

SIDE = 200


@pytest.fixture
def face() -> Face:
    return frontal_head((100, 100), 50)


@pytest.fixture
def skin() -> np.ndarray:
    """Smooth noise around 0.2, as a plate has it."""
    noise = np.random.default_rng(4).normal(0, 1, (SIDE, SIDE, 3)).astype(np.float32)
    return 0.2 * np.exp(0.2 * cv2.GaussianBlur(noise, (0, 0), 3))


def test_a_seam_is_seen_at_the_outline_alone(skin: np.ndarray, face: Face) -> None:
    window = Window(0, 0, SIDE, SIDE)
    ring = outline_ring(face, window)
    assert ring.any() and not ring[100, 100] and not ring[0, 0]
    assert seam_ratio(skin, skin, ring) == pytest.approx(1)
    inside = np.zeros((SIDE, SIDE), np.uint8)
    outer = cv2.findContours(ring.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    cv2.drawContours(inside, outer, -1, 1, -1)
    darker = np.where(inside[..., None] > 0, skin * 0.5, skin)
    assert seam_ratio(darker, skin, ring) > 1.5
    assert seam_ratio(skin * 0.25, skin, ring) == pytest.approx(1, rel=1e-3), "exposure is no seam"
    moved = face.moved(face.points + np.array([15.0, 0, 0]))
    assert seam_ratio(skin, skin, ring, outline_ring(moved, window)) != 1
    assert math.isnan(seam_ratio(skin, skin, np.zeros((SIDE, SIDE), bool)))
    assert math.isnan(seam_ratio(skin, np.full_like(skin, 0.2), ring))


def test_light_that_follows_evenly_is_no_error(skin: np.ndarray, face: Face) -> None:
    window, whole = Window(0, 0, SIDE, SIDE), np.ones((SIDE, SIDE), np.float32)
    assert light_error(skin * np.float32(1.7), skin, whole, face, window) < 1e-3, "another skin colour is no error"
    across = np.linspace(0.5, 1.5, SIDE, dtype=np.float32)[None, :, None]
    wrong, half = (light_error(skin * across**power, skin, whole, face, window) for power in (1.0, 0.5))
    assert wrong > 1.5 * half > 0.05
    assert math.isnan(light_error(skin, skin, 0 * whole, face, window))


def test_flicker_is_the_change_of_a_stabilised_face(color: ColorConfig, skin: np.ndarray, face: Face) -> None:
    """A face that moves does not change; one that gets brighter does, by as many levels on every crop."""

    def crop(pixels: np.ndarray, moved: int, reference: np.ndarray) -> np.ndarray:
        frame = Frame(np.roll(pixels, moved, 1), Window(30, 20, SIDE, SIDE), color.working_space, color)
        points = face.points + np.array([30.0 + moved, 20, 0])
        return stabilised(frame, stabilising_matrix(points, reference))

    reference = stable_mesh(face.points + np.array([30.0, 20, 0]))
    first, second = crop(skin, 0, reference), crop(skin, 8, reference)
    brighter = crop(skin * np.float32(1.1), 8, reference)
    assert change_between(first, second) < 0.05 < 1 < change_between(first, brighter) < 10


def acted(count: int = 36) -> tuple[np.ndarray, np.ndarray]:
    """A look and a blink of a clip of `count` frames."""
    at = np.arange(count)
    blink = np.clip(1.5 - np.abs(at - 7) / 3.0, 0, 1)
    return 0.1 * np.sin(2 * np.pi * at / 24), 1 - np.maximum(blink, np.clip(0.8 - np.abs(at - 25) / 4.0, 0, 0.5))


@pytest.mark.parametrize("delay", [-3, -2, -1, 0, 1, 2, 3])
def test_a_known_delay_is_found(delay: int) -> None:
    """By the frame, in a result that follows at half the plate's size and is noisy, also where some frames show nothing."""
    noise = np.random.default_rng(3 + delay)
    for followed, scatter in zip(acted(), (0.002, 0.04), strict=True):
        late = 0.5 * np.roll(followed, delay) + 0.01 + noise.normal(0, scatter, len(followed))
        assert delay_between(followed, late) == delay
    look, lids = acted()
    late = np.where(lids > 0.8, np.roll(look, delay), -0.03) + noise.normal(0, 0.002, len(look))
    assert delay_between(look, late, lids > 0.8) == delay


def test_closed_eyes_make_no_look_early() -> None:
    """What is read of irises behind half-closed lids is not the look; it makes the look fit best elsewhere."""
    look, lids = acted()
    read = np.where(lids > 0.8, look, -0.08)
    assert delay_between(look, read, lids > 0.8) == 0
    fits = [np.corrcoef(look[3 - d : 33 - d], read[3:33])[0, 1] for d in range(-3, 4)]
    assert int(np.argmax(fits)) != 3


def test_what_does_not_follow_has_no_delay() -> None:
    look, _ = acted()
    noise = np.random.default_rng(1).normal(0, 1, len(look))
    assert math.isnan(delay_between(look, noise)) and math.isnan(delay_between(look, np.zeros_like(look)))


def test_a_flat_peak_is_no_delay() -> None:
    """Two neighbouring delays that fit equally well within the error are not told apart: it is the lesser one."""
    slow = np.sin(2 * np.pi * np.arange(36) / 200)
    assert delay_between(slow, slow + np.random.default_rng(2).normal(0, 0.1, 36)) == 0
