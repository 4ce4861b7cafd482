"""Measure how much dense hair is found over faces, and how much is found where there is none.

    python bench/people/measure_hair.py FOLDER --count 0

Each person's front view is measured as shot and under one hard lamp, by `comp/occlusion/hair.py` alone: the part of the mesh, in %,
that is taken for hair. People with a fringe, loose strands or curls have some; a hard lamp must not add any.
"""

from __future__ import annotations

import numpy as np
from damage import DAMAGE
from scenes import header, note, parser_for, row, setup_of

from faceplate.comp.occlusion import mesh_maps, square_matrix
from faceplate.comp.occlusion.hair import hair_odds
from faceplate.comp.occlusion.square import SIDE, SquareMesh
from faceplate.face import Face
from faceplate.face.align import apply, resample
from faceplate.image.frame import Frame
from faceplate.image.window import Window

HAIRY = {"fringe", "strands", "curls"}


def found(frame: Frame, face: Face) -> float:
    """Return the part of the mesh in % that is taken for hair."""
    matrix = square_matrix(face, frame.pixel_aspect)
    linear = frame.color.to_linear709(np.ascontiguousarray(frame.working()))
    seen = resample(linear, frame.window, matrix, Window(0, 0, SIDE, SIDE))
    points = np.column_stack([apply(matrix, face.points[:, :2]), face.points[:, 2]])
    hull = mesh_maps(points[:, :2]).hull
    levels = np.median(seen[hull], axis=0).astype(np.float32)
    return 100.0 * float((hair_odds(seen, levels, SquareMesh(points)) > 0)[hull].mean())


def main() -> None:
    """Measure all people and print a table."""
    setup = setup_of(parser_for(__doc__).parse_args())
    header("person", "traits", "as shot, %", "hard lamp, %")
    rows = []
    for person in setup.people:
        plate = setup.plate(person, setup.place(person) / "front.jpg")
        if plate is None:
            continue
        lit = DAMAGE["hard_key"](plate.frame, plate.face, 0)
        rows.append((bool(HAIRY & set(person.traits)), found(plate.frame, plate.face), found(lit, plate.face)))
        row(person.name, ", ".join(sorted(person.traits)), *(f"{value:.1f}" for value in rows[-1][1:]))
        note(person.name)
    for hairy, word in ((True, "with a fringe, strands or curls"), (False, "others")):
        some = np.array([values for known, *values in rows if known == hairy])
        if len(some):
            print(
                f"\n{word}: {some[:, 0].mean():.2f} % as shot, {some[:, 1].mean():.2f} % under a hard lamp, {len(some)} people"
            )


if __name__ == "__main__":
    main()
