"""Augmentation draws everything from its generator, and moves a face and its layers together."""

from __future__ import annotations

import numpy as np

from faceplate.color.encoding import SHOULDER
from faceplate.train.augment import Augmentation, augment
from faceplate.train.curve import network_of, plain_of
from training_faces import drawn_pack

PACK = drawn_pack("actor", 96, 2, 1, seed=3)
FACE = np.asarray(PACK.pixels[0], np.float32)
MATTE = PACK.matte[0][..., None]
STILL = Augmentation(0, 0, 0, 0, 5, 0, 0, 0, 0, 0)


def test_without_ranges_nothing_changes() -> None:
    rng = np.random.default_rng(2)
    picture, target, layers, placed = augment(FACE, MATTE, rng, STILL)
    assert np.abs(target - FACE).max() < 1e-5
    assert np.abs(placed - np.eye(2, 3)).max() < 1e-9
    assert np.array_equal(layers, MATTE)
    assert np.abs(picture - FACE).mean() < 5e-3  # a draw may still blur a little


def test_the_same_draw_gives_the_same_bits_and_another_does_not() -> None:
    first, again, other = (augment(FACE, MATTE, np.random.default_rng(seed)) for seed in (7, 7, 8))
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one, two)
    assert not np.array_equal(first[0], other[0])


def test_the_matte_moves_with_the_target() -> None:
    """The face's own colour stays inside the matte wherever it was placed."""
    ranges = Augmentation(20, 0.2, 0.15, 0, 5, 0, 0, 0, 0, 0)
    for seed in range(8):
        _, target, layers, _ = augment(FACE, MATTE, np.random.default_rng(seed), ranges)
        inside, outside = layers[..., 0] > 250, layers[..., 0] < 5
        assert target[inside].mean() > target[outside].mean() + 0.15


def test_only_the_input_is_bent_and_grainy() -> None:
    ranges = Augmentation(0, 0, 0, 0.05, 5, 0, 0, 0, 0.05, 0)
    picture, target, _, _ = augment(FACE, MATTE, np.random.default_rng(4), ranges)
    assert np.abs(target - FACE).max() < 1e-5
    assert np.abs(picture - FACE).mean() > 0.02


def test_light_changes_input_and_target_alike() -> None:
    ranges = Augmentation(0, 0, 0, 0, 5, 1.0, 1.0, 0.3, 0, 0)
    picture, target, _, _ = augment(FACE, MATTE, np.random.default_rng(11), ranges)
    assert np.abs(target - FACE).mean() > 0.03
    assert np.abs(picture - target).mean() < 5e-3


def test_eased_there_is_no_warp_and_half_of_the_placement() -> None:
    whole = Augmentation()
    assert whole.eased(1) == whole
    calm = whole.eased(0)
    assert (calm.warp, calm.turn, calm.scale, calm.shift) == (0, whole.turn / 2, whole.scale / 2, whole.shift / 2)
    assert (calm.light, calm.colour, calm.grain) == (whole.light, whole.colour, whole.grain)


def test_a_brighter_light_stays_on_the_shoulder() -> None:
    """Two stops more make a bright skin a highlight that decodes to some four times the light, not to a lamp."""
    bright = np.full_like(FACE, 0.75)
    lit = network_of(plain_of(bright) * np.float32(2 ** (2 / 2.2)))
    ratio = SHOULDER.decode(lit) / SHOULDER.decode(bright)
    assert lit.max() < 0.95 and 3.5 < ratio.mean() < 5.5
    ranges = Augmentation(0, 0, 0, 0, 5, 1.0, 1.0, 0.3, 0, 0)
    assert max(augment(bright, MATTE, np.random.default_rng(seed), ranges)[1].max() for seed in range(20)) < 0.95
