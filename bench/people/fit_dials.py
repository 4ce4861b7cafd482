"""Fit the directions of the dials from the 52 blendshapes of the invented people: core/faceplate/face/dials.npz.

    python bench/people/fit_dials.py FOLDER core/faceplate/face/dials.npz

Meshes of sixteen tuning people's pictures and performances, and of drawn blinks, are brought to one pose. What a person's mesh
does around that person's own mean is explained by what the person's blendshapes do around theirs (ridge regression). A dial's
direction is the sum of its blendshapes' directions, made symmetric, limited to the part of the face that it names, freed of what
the other dials move, and scaled to the change named in `SIZES`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scenes import Setup, note, parser_for, setup_of

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

from population import Person

from faceplate.face.dials import DIALS, canonical_features
from faceplate.face.expression import BLENDSHAPES, LID_PAIRS
from faceplate.face.face import topology
from faceplate.face.shape import away_from, head_model, pose_of
from faceplate.image.soft_steps import smoothstep
from track_plates import blinking

# Blendshapes of a dial, with their signs, and what 1 changes of the feature that it moves, in radii of the head.
BLENDS: dict[str, dict[str, float]] = {
    "lids": {"eyeBlinkLeft": -1, "eyeBlinkRight": -1},
    "brow_right": {"browOuterUpRight": 1, "browInnerUp": 0.5, "browDownRight": -1},
    "brow_left": {"browOuterUpLeft": 1, "browInnerUp": 0.5, "browDownLeft": -1},
    "mouth": {"jawOpen": 1},
    "smile": {"mouthSmileLeft": 1, "mouthSmileRight": 1, "mouthFrownLeft": -1, "mouthFrownRight": -1},
    "jaw": {"jawLeft": 1, "jawRight": -1, "mouthLeft": 0.5, "mouthRight": -0.5},
    "press": {"mouthPressLeft": 1, "mouthPressRight": 1, "mouthRollLower": 1, "mouthRollUpper": 1},
}
SIZES = {"lids": 0.1, "brow_right": 0.1, "brow_left": 0.1, "mouth": 0.45, "smile": 0.3, "jaw": 0.16, "press": 0.09}
RIDGE = 0.02
STEP = 4


def meshes(setup: Setup, person: Person) -> Iterator[np.ndarray]:
    """Iterate over a person's meshes (478, 3)."""
    views = setup.views(person)
    yield from (view.face.points for view in views)
    yield from (plate.face.points for plate in setup.performance(person, STEP))
    front = views[0]
    for shut in (0.4, 0.7, 1.0):
        drawn = blinking(front.frame.pixels, front.face.points[:, :2], shut)
        yield setup.finder.refine(front.frame.with_pixels(drawn), front.face).points


def samples(setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets (n, 1434) and blendshapes (n, 52) around each person's own means, with their mirror images."""
    from faceplate.face.expression import expression_of

    offsets, blends = [], []
    for person in setup.people:
        found = list(meshes(setup, person))
        shapes = np.array([pose_of(points).canonical for points in found])
        values = np.array([expression_of(points) for points in found], np.float64)
        shapes, values = shapes - shapes.mean(axis=0), values - values.mean(axis=0)
        offsets += [shapes, shapes[:, head_model().mirror] * (-1, 1, 1)]
        blends += [values, values[:, _mirrored()]]
        note(f"{person.name}: {len(found)} meshes")
    return np.concatenate(offsets).reshape(-1, 1434), np.concatenate(blends)


def _mirrored() -> list[int]:
    swapped = [name.replace("Left", "?").replace("Right", "Left").replace("?", "Right") for name in BLENDSHAPES]
    return [BLENDSHAPES.index(name) for name in swapped]


def parts() -> dict[str, np.ndarray]:
    """Return how far each point belongs to a dial's part of the face, float64 (478,) each."""
    mesh, head = topology(), head_model().reference
    lids = np.concatenate([np.array(side) for pairs in LID_PAIRS for side in pairs])
    eyes = smoothstep(1.0 - away_from(lids) / 0.22)
    lips = away_from(np.concatenate([mesh.lips_loop, mesh.mouth_loop]))
    below = smoothstep((head[:, 1] - head[2, 1]) / (head[0, 1] - head[2, 1]))
    upper = smoothstep((head[2, 1] - head[:, 1]) / (head[2, 1] - head[168, 1]))
    brows = {
        name: smoothstep(1.0 - away_from(brow) / 0.3) * smoothstep(away_from(lids) / 0.16) * upper
        for name, brow in (("brow_right", mesh.right_brow), ("brow_left", mesh.left_brow))
    }
    mouth = smoothstep(1.0 - lips / 0.6) * smoothstep((head[:, 1] - head[1, 1]) / (head[0, 1] - head[1, 1]))
    eyes[head[:, 1] > head[2, 1]] = 0
    return {"lids": eyes, **brows, "mouth": below, "smile": mouth, "jaw": below, "press": smoothstep(1.0 - lips / 0.3)}


def directions(offsets: np.ndarray, blends: np.ndarray) -> np.ndarray:
    """Return the dials' directions (7, 478, 3)."""
    gram = blends.T @ blends
    fitted = np.linalg.solve(gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)), blends.T @ offsets)
    raw = {
        name: np.sum([sign * fitted[BLENDSHAPES.index(one)] for one, sign in used.items()], axis=0)
        for name, used in BLENDS.items()
    }
    found = np.stack([raw[name].reshape(478, 3) * parts()[name][:, None] for name in DIALS[2:]])
    found[:, 468:] = 0
    found = _symmetric(found)
    found[:, :, 2] *= 0.5
    # A dial moves its own feature, and by sums of the others none of theirs.
    moved = np.array([canonical_features(one) for one in found])
    note("features moved by each raw direction:\n" + np.array2string(moved, precision=4, suppress_small=True))
    found = np.einsum("ij,jpk->ipk", np.linalg.inv(moved), found)
    return _symmetric(found * np.array([SIZES[name] for name in DIALS[2:]])[:, None, None])


def _symmetric(found: np.ndarray) -> np.ndarray:
    mirror = head_model().mirror
    other = found[:, mirror] * (-1, 1, 1)
    names = list(DIALS[2:])
    right, left = names.index("brow_right"), names.index("brow_left")
    other[[right, left]] = other[[left, right]]
    other[names.index("jaw")] *= -1
    return (found + other) / 2


def main() -> None:
    """Run the command line described at the top of this file."""
    parser = parser_for(__doc__)
    parser.set_defaults(count=16)
    parser.add_argument("result", type=Path, help="the file to write")
    parser.add_argument("--samples", type=Path, help="keep or reuse the measured meshes in this file")
    given: argparse.Namespace = parser.parse_args()
    if given.samples and given.samples.exists():
        with np.load(given.samples) as table:
            offsets, blends = table["offsets"], table["blends"]
    else:
        offsets, blends = samples(setup_of(given))
        if given.samples:
            np.savez_compressed(given.samples, offsets=offsets, blends=blends)
    np.savez_compressed(given.result, directions=directions(offsets, blends).astype(np.float16))
    print(f"{given.result}: {given.result.stat().st_size} bytes from {len(offsets)} meshes")


if __name__ == "__main__":
    main()
