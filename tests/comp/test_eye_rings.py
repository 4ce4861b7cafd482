"""The strongest closed path around an eye follows a ring that was drawn there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faceplate.comp.eye_rings import TURNS, ring_contrast, shown_arcs, strongest_path, unroll_eyes
from faceplate.face import Face

SIDE = 300


def test_the_path_follows_a_faint_ring_and_tells_where_it_is_shown(face_in: Callable[[str], Face]) -> None:
    face = face_in("bea/front.jpg")
    size = 0.8 * SIDE
    low = face.points[:, :2].min(axis=0)
    points = (face.points[:, :2] - low) * size / face.size + 0.1 * SIDE
    rings = unroll_eyes(points, size)
    place = np.round(36 + 8 * np.sin(np.arange(TURNS) * 2 * np.pi / TURNS)).astype(int)
    luma = np.random.default_rng(5).normal(0, 0.02, (SIDE, SIDE)).astype(np.float32)
    for ring in rings:
        for x, y in np.round(ring.along(place)[: TURNS // 2]).astype(int):
            luma[y - 1 : y + 1, x - 1 : x + 1] = 0.3
    contrast = np.stack([ring_contrast(luma, ring, size) for ring in rings])
    paths = strongest_path(contrast)
    assert paths.shape == (2, TURNS)
    for one, path, ring in zip(contrast, paths, rings, strict=True):
        assert np.abs(path - place)[4 : TURNS // 2 - 4].max() * ring.pitch.max() < 3
        shown = shown_arcs(one[np.arange(TURNS), path])
        assert shown[4 : TURNS // 2 - 4].all()
