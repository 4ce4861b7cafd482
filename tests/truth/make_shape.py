"""Makes core/faceplate/face/shape.npz from the invented people in the package (documentation; not run by the tests).

    python tests/truth/make_shape.py core/faceplate/face/shape.npz      (needs scipy, for the assignment)

Meshes of every committed picture are brought to one pose (generalised Procrustes on points that move with the skull); the
mean of the people's means is the reference, made symmetric; the principal directions of what one person's mesh does
around that person's own mean, each person counting alike and mirrored copies added, are the directions of expression.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import people_folder
from faceplate.face import FaceFinder
from faceplate.face.shape import RIGID

DIRECTIONS = 5
FLIP = np.array([-1.0, 1.0, 1.0])


def normalised(points: np.ndarray) -> np.ndarray:
    centred = points - points[RIGID].mean(axis=0)
    return centred / np.sqrt((centred[RIGID] ** 2).sum(axis=1).mean())


def turned(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    u, _, vt = np.linalg.svd(points[RIGID].T @ onto[RIGID])
    return points @ (u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt)


def main(target: Path) -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    people = {
        folder.name: [
            normalised(finder.find(read_still(path, color))[0].points) for path in sorted(folder.rglob("*.jpg"))
        ]
        for folder in sorted(people_folder().iterdir())
        if folder.is_dir()
    }
    reference, posed = people["ada"][0], {}
    for _ in range(10):
        posed = {name: np.array([turned(mesh, reference) for mesh in meshes]) for name, meshes in people.items()}
        reference = normalised(np.mean([meshes.mean(axis=0) for meshes in posed.values()], axis=0))
    mirrored = turned(reference * FLIP, reference)
    mirror = linear_sum_assignment(np.linalg.norm(reference[:, None] - mirrored[None], axis=2))[1]
    reference = normalised((reference + (reference * FLIP)[mirror]) / 2)
    moves = []
    for meshes in posed.values():
        own = (meshes - meshes.mean(axis=0)) / np.sqrt(len(meshes))
        moves += [own, (own * FLIP)[:, mirror]]
    rows = np.concatenate(moves).reshape(-1, reference.size)
    expression = np.linalg.svd(rows, full_matrices=False)[2][:DIRECTIONS].reshape(DIRECTIONS, -1, 3)
    np.savez_compressed(
        target,
        reference=reference.astype(np.float32),
        mirror=mirror.astype(np.int16),
        expression=expression.astype(np.float32),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
