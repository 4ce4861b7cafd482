"""Measure how people differ along the directions of expression, and how one person varies while acting.

    python bench/people/measure_shape.py FOLDER --count 0

The meshes of a person's six pictures and of every third performance frame are brought to one pose. `people` is the covariance,
over the people, of the means of the two: what the pictures and the performance agree on is the person. `acting` is the mean
variance within a performance. Both are in squared radii of the head, and are the constants of `faceplate/face/shape.py`.
`share` is the part of the people's variance, over all directions, that lies along these.
"""

from __future__ import annotations

import numpy as np
from scenes import Setup, header, note, parser_for, row, setup_of

from faceplate.face.shape import head_model, pose_of

STEP = 3


def meshes_of(setup: Setup) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return each person's canonical meshes, float64 (n, 1434) of the pictures and of the performance."""
    found = []
    for person in setup.people:
        pictures, frames = setup.views(person), setup.performance(person, STEP)
        if len(pictures) > 1 and len(frames) > 1:
            both = ([pose_of(one.face.points).canonical.ravel() for one in group] for group in (pictures, frames))
            found.append(tuple(np.array(group) for group in both))
        note(person.name)
    return found


def main() -> None:
    """Run the command line described at the top of this file."""
    known = meshes_of(setup_of(parser_for(__doc__).parse_args()))
    directions = head_model().expression
    means = np.array([[group.mean(axis=0) for group in both] for both in known])
    pictures, frames = (means[:, k] @ directions.T for k in range(2))
    centred = [group - group.mean(axis=0) for group in (pictures, frames)]
    people = (centred[0] * centred[1]).sum(axis=0) / (len(known) - 1)
    acting = np.mean([(both[1] @ directions.T).var(axis=0, ddof=1) for both in known], axis=0)
    header("", *(str(k + 1) for k in range(len(directions))))
    for name, values in (("people", people), ("acting", acting)):
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    whole = (means[:, 1] - means[:, 1].mean(axis=0)) ** 2
    inside = centred[1] ** 2
    row("share", float(inside.sum() / whole.sum()), *[""] * (len(directions) - 1))
    print(
        f"\n{len(known)} people, {inside.sum() / whole.sum():.0%} of their variance along the directions of expression"
    )


if __name__ == "__main__":
    main()
