"""Distances within a mask: the same wherever in memory they are written, and true."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.image.soft_steps import depth_inside, ramp


def test_depth_is_the_distance_to_the_nearest_pixel_outside() -> None:
    mask = cv2.circle(np.zeros((60, 80), np.uint8), (40, 30), 22, 1, -1)
    depth = depth_inside(mask)
    outside = np.argwhere(mask == 0)
    for y, x in np.argwhere(mask)[::37]:
        assert depth[y, x] == np.sqrt(np.float32(((outside - (y, x)) ** 2).sum(axis=1).min()))
    assert depth.dtype == np.float32 and (depth[mask == 0] == 0).all()


def test_depth_has_the_same_bits_in_every_part_of_memory() -> None:
    mask = cv2.circle(np.zeros((133, 113), np.uint8), (60, 70), 50, 1, -1)
    kept, found = [], set()
    for size in range(1, 60):
        kept.append(np.empty(size * 37, np.float32))
        found.add(depth_inside(mask).tobytes())
    assert len(found) == 1


def test_depth_in_a_mask_without_an_outside_is_beyond_any_reach() -> None:
    assert (depth_inside(np.ones((5, 9), np.uint8)) > 1e6).all()


def test_ramp_is_straight_between_its_ends_and_keeps_float32() -> None:
    values = ramp(np.array([-1.0, 2.0, 2.5, 4.0, 9.0], np.float32), 2.0, 4.0)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, np.array([0.0, 0.0, 0.25, 1.0, 1.0], np.float32))
    np.testing.assert_array_equal(ramp(np.array([1.0, 3.0, 4.0], np.float32), 4.0, 2.0), [1.0, 0.5, 0.0])
