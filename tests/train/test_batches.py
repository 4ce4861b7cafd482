"""A batch is a pure function of seed, step and rank, and held-out faces are in none."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from faceplate.face.align import TEMPLATES, apply
from faceplate.train.augment import AUGMENTATION
from faceplate.train.batches import Batch, BatchMaker, plain_batch
from faceplate.train.pack import Pack
from faceplate.train.sampling import chances
from training_faces import drawn_pack

PACKS = (drawn_pack("actor", 64, 6, 2, 0), drawn_pack("double", 64, 5, 1, 1))


def same(one: Batch, two: Batch) -> bool:
    return all(np.array_equal(getattr(one, item.name), getattr(two, item.name)) for item in fields(Batch))


def test_a_batch_depends_on_seed_step_and_rank_alone() -> None:
    maker = BatchMaker(PACKS, 3, seed=5)
    maker.batch(1)
    assert same(maker.batch(4), BatchMaker(PACKS, 3, seed=5).batch(4))
    for other in (maker.batch(5), replace(maker, seed=6).batch(4), replace(maker, rank=1).batch(4)):
        assert not same(maker.batch(4), other)


def test_the_warp_is_eased_from_step_to_step() -> None:
    maker = BatchMaker(PACKS, 3, seed=5, ease=(10, 20))
    assert maker.ranges_at(10) == AUGMENTATION and maker.ranges_at(40).warp == 0
    assert maker.ranges_at(15).warp == pytest.approx(AUGMENTATION.warp / 2)
    assert same(maker.batch(3), BatchMaker(PACKS, 3, seed=5).batch(3))
    assert not same(maker.batch(30), BatchMaker(PACKS, 3, seed=5).batch(30))


def test_a_rare_face_is_drawn_more_often_than_its_share() -> None:
    """One face of nine has an open mouth."""
    pack = drawn_pack("actor", 64, 9, 0, 0)
    points = np.tile(np.zeros((478, 2), np.float32), (9, 1, 1))
    points[:, 468:473], points[:, 473:478], points[:, 1] = (20, 25), (44, 25), (32, 36)
    points[:, [78, 308]] = ((24, 45), (40, 45))
    points[:, [81, 82, 13, 312, 311]] = points[:, [178, 87, 14, 317, 402]] = (32, 45)
    points[4, [178, 87, 14, 317, 402]] = (32, 53)
    found = chances(points)
    assert found.sum() == pytest.approx(1) and found[4] == pytest.approx(found[0] * np.sqrt(8))
    marked = pack.pixels.copy()
    marked[4] = 0.0
    maker = BatchMaker((replace(pack, pixels=marked, landmarks=points), PACKS[1]), 4, seed=1)
    drawn = np.mean([(maker.batch(step).targets[:4].max(axis=(1, 2, 3)) < 0.01).mean() for step in range(40)])
    assert drawn == pytest.approx(found[4], abs=0.08) and drawn > 1.5 / 9


def test_people_come_in_order_with_the_same_number_of_rows() -> None:
    batch = BatchMaker(PACKS, 3, seed=5).batch(0)
    assert np.array_equal(batch.who, np.repeat(np.eye(2, dtype=np.float32), 3, axis=0))
    assert batch.faces.shape == batch.targets.shape == batch.layers.shape == (6, 3, 64, 64)
    assert batch.layers.min() >= 0 and batch.layers.max() <= 1


def test_a_held_out_face_is_never_drawn() -> None:
    marked = PACKS[0].pixels.copy()
    marked[PACKS[0].held_out] = 0.0
    pack = Pack(marked, *(getattr(PACKS[0], item.name) for item in fields(Pack)[1:]))
    maker = BatchMaker((pack, PACKS[1]), 4, seed=1)
    assert min(maker.batch(step).targets.max(axis=(1, 2, 3)).min() for step in range(20)) > 0.1


def test_of_many_people_two_are_in_a_step_and_all_are_in_some() -> None:
    maker = BatchMaker(PACKS * 3, 2, seed=1)
    seen = [maker.batch(step).who for step in range(20)]
    assert all((rows.sum(0) > 0).sum() == 2 for rows in seen)
    assert (np.sum([rows.sum(0) for rows in seen], axis=0) > 0).all()


def test_the_recogniser_matrix_brings_its_template_onto_the_face() -> None:
    """The drawn face's points, placed anew, lie where the matrix says the recogniser's template lies."""
    batch = plain_batch(PACKS, (np.array([0]), np.array([1])))
    points = PACKS[0].landmarks[0]
    eyes = np.stack([points[468:473].mean(0), points[473:478].mean(0)])
    found = apply(batch.to_recogniser[0], TEMPLATES["arcface_112_v2"][:2] * 112)
    assert np.abs(found - eyes).max() < 0.06 * 64
