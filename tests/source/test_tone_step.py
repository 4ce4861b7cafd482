"""Two textures of one person are levelled by the broad difference of their skin, and by no more than that."""

from __future__ import annotations

import numpy as np

from faceplate.comp.skin_tones import COUNT, SkinTones
from faceplate.source.tone_step import tone_step


def tones(log: np.ndarray, trust: float = 1.0) -> SkinTones:
    return SkinTones(log, np.full(COUNT, trust))


def test_an_even_difference_is_found_everywhere() -> None:
    own = np.random.default_rng(1).normal(0, 0.05, (COUNT, 3))
    wanted = np.array([0.1, 0.05, -0.1])
    step = tone_step(tones(own), tones(own + wanted))
    assert step.shape == (478, 3) and np.abs(step - wanted).max() < 1e-6


def test_one_odd_tone_hardly_counts_and_an_unseen_face_not_at_all() -> None:
    own, other = np.zeros((COUNT, 3)), np.zeros((COUNT, 3))
    other[40] = 0.5
    assert np.abs(tone_step(tones(own), tones(other))).max() < 0.1
    assert not tone_step(tones(own), tones(other + 1, 0.0)).any()


def test_it_is_limited() -> None:
    zero = np.zeros((COUNT, 3))
    assert tone_step(tones(zero), tones(zero + 2.0)).max() <= 0.3
