"""Make sheets of every person of a group, once as source and once as target, at about 1:1 of a picture of 1024 pixels.

    python bench/people/make_sheet.py FOLDER OUT
    python bench/people/make_sheet.py FOLDER OUT --count 6 --damage desaturated --turn open

Each line shows the source's front picture, the plate, the result, and the result enlarged at the eyes, mouth, jaw and temple. Pages
are `OUT/page.01.jpg` onwards. Without `--turn` the lines go through the turns in order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from population import Person
from scenes import (
    TURNS,
    Setup,
    at_turns,
    face_crop,
    header,
    labelled,
    note,
    pairs_of,
    parser_for,
    refound,
    row,
    setup_of,
    write_sheet,
)

from faceplate.face import Face
from faceplate.image.frame import Frame

CELL = 640
LINES = 4
# Points around which the result is enlarged, and half the side of what is shown, in face sizes.
ZOOMS = {"eyes": ((168,), 0.34), "mouth": ((13, 14), 0.17), "jaw": ((152, 172), 0.17), "temple": ((54, 67), 0.17)}


def zoomed(frame: Frame, face: Face) -> np.ndarray:
    """Return the four enlarged parts as one square tile."""
    tiles = []
    for name, (points, reach) in ZOOMS.items():
        centre = face.points[list(points), :2].mean(axis=0)
        tiles.append(labelled(face_crop(frame, face, CELL // 2, reach - 0.5, centre), name))
    return np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])


def line(setup: Setup, source: Person, target: Person, turn: str) -> np.ndarray:
    """Swap one pair and return its line of tiles."""
    front = setup.still(setup.place(source) / "front.jpg")
    own = setup.finder.find(front)[0]
    plate = at_turns(setup.performance(target, step=2))[turn]
    result = setup.swapper(source)(plate.frame, (plate.face,), plate.number)
    face = refound(setup, result, plate.face)
    words = ", ".join(sorted(source.traits))
    return np.hstack(
        [
            labelled(face_crop(front, own, CELL), f"{source.name}: {words}"),
            labelled(face_crop(plate.frame, plate.face, CELL), f"{target.name}.{plate.number} {plate.yaw:+.0f} deg"),
            labelled(face_crop(result, face, CELL), f"{source.name} on {target.name}"),
            zoomed(result, face),
        ]
    )


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = parser_for(__doc__)
    parser.set_defaults(count=0, size=1024)
    parser.add_argument("out", type=Path, help="folder for the pages")
    parser.add_argument("--turn", choices=tuple(TURNS), help="show all plates at this turn")
    return parser.parse_args()


def main() -> None:
    """Run the command line described at the top of this file."""
    given = options()
    setup = setup_of(given)
    given.out.mkdir(parents=True, exist_ok=True)
    header("source", "target", "turn", "page", words=3)
    waiting: list[np.ndarray] = []
    pairs = pairs_of(setup.people)
    for index, (source, target) in enumerate(pairs):
        turn = given.turn or list(TURNS)[index % len(TURNS)]
        waiting.append(line(setup, source, target, turn))
        page = index // LINES + 1
        row(source.name, target.name, turn, str(page))
        if len(waiting) == LINES or index + 1 == len(pairs):
            write_sheet(given.out / f"page.{page:02d}.jpg", waiting, 1)
            waiting = []
    note(f"{len(pairs)} pairs")


if __name__ == "__main__":
    main()
