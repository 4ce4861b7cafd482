"""Measure whether more pictures of the source make a result better: nested sets of 1, 2, 4 and 6 pictures.

    python bench/people/measure_sets.py FOLDER
    python bench/people/measure_sets.py FOLDER --people aside --arcface ARCFACE.onnx --frames 12

Every person is put on the next one's performance, `--frames` of it, evenly spread. Likeness to the normalised mean of the source's
six pictures, by the shipped SFace or by an ArcFace file given.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
from population import Person
from scenes import Recogniser, Setup, header, note, parser_for, refound, row, setup_of

from faceplate import FaceSwapper

SETS = (
    ("front",),
    ("front", "open"),
    ("front", "open", "left", "right"),
    ("front", "open", "left", "right", "closed", "smile"),
)
"""The nested sets of pictures."""


def measured(setup: Setup, recogniser: Recogniser, source: Person, target: Person, frames: int) -> list[float]:
    """Return the mean likeness of `source` on `target` for each set of pictures."""
    reference = recogniser.of_views(setup.views(source))
    whole = setup.performance(target)
    plates = [whole[int(index)] for index in np.linspace(0, len(whole) - 1, frames).round()]
    found = []
    for names in SETS:
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                shutil.copy(setup.place(source) / f"{name}.jpg", folder)
            swapper = FaceSwapper(Path(folder), setup.parameters, setup.finder, color=setup.color)
            likeness = []
            for plate in plates:
                frame = swapper(plate.frame, (plate.face,), plate.number)
                face = refound(setup, frame, plate.face)
                likeness.append(float(recogniser.embed(frame, face) @ reference))
        found.append(float(np.mean(likeness)))
    return found


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = parser_for(__doc__)
    parser.add_argument("--arcface", type=Path, help="ONNX file of an ArcFace network; the default is SFace")
    parser.add_argument("--frames", type=int, default=8, help="frames of each performance")
    return parser.parse_args()


def main() -> None:
    """Run the command line described at the top of this file."""
    given = options()
    setup = setup_of(given)
    recogniser = Recogniser(setup.finder, given.arcface)
    header("source", "target", *(str(len(names)) for names in SETS), words=2)
    rows = []
    for source, target in zip(setup.people, (*setup.people[1:], setup.people[0]), strict=True):
        rows.append(measured(setup, recogniser, source, target, given.frames))
        row(source.name, target.name, *rows[-1])
        note(f"{source.name} on {target.name}")
    mean = np.mean(rows, axis=0)
    row(f"mean of {len(rows)}", "", *(float(value) for value in mean))
    steps = np.diff(np.array(rows), axis=1)
    print(f"\nleast step from one set to the next: mean {np.diff(mean).min():+.3f}, single pair {steps.min():+.3f}")


if __name__ == "__main__":
    main()
