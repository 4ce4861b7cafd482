"""Measure how like its source and its target a result is, over all ordered pairs of invented people.

    python bench/people/measure_likeness.py FOLDER
    python bench/people/measure_likeness.py FOLDER --count 4 --set blend=none --set light_luminance=0
    python bench/people/measure_likeness.py FOLDER --arcface ARCFACE.onnx --sheet /tmp/pairs.jpg
    python bench/people/measure_likeness.py FOLDER --arcface ARCFACE.onnx --paste

The plates are the target's performance frames at a yaw nearest to -15, 0 and +15 degrees and the one with the widest mouth.
Likeness is the cosine of embeddings, by the shipped SFace or by an ArcFace file given (112 x 112 RGB). `to source` compares with
the normalised mean of the source's six pictures, `to target` with the untouched plate. `ceiling` compares the source's own
untouched performance frames at the same turns with that mean; `ratio` is `to source` over `ceiling`.

With `--paste` nothing is generated: the source's own untouched frame of the same turn is laid on the plate's face by one
similarity and shown within the outline of the plate's face, in its own light. That is as much of a person as fits into the
outline: what a swap that leaves head, hair and light to the plate can reach at most.

The target's shape at rest comes from the whole performance, as a track has it. With `--alone` nothing is known beside the frame.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from population import Person
from scenes import (
    Plate,
    Recogniser,
    Setup,
    at_turns,
    face_crop,
    header,
    labelled,
    note,
    parser_for,
    refound,
    row,
    setup_of,
    write_sheet,
)

from faceplate import FaceSwapper
from faceplate.face.align import resample, similarity
from faceplate.face.shape import pose_of, resting_shape
from faceplate.image import Frame

CELL = 384
# Softness of the paste's edge, as a fraction of the face.
PASTE_EDGE = 0.025


@dataclass(frozen=True)
class Known:
    """What is worked out once per person: front picture, mean embedding, plates by turn, and each plate's embedding."""

    front: Plate
    reference: np.ndarray
    plates: dict[str, Plate]
    embeddings: dict[str, np.ndarray]

    def ceiling(self, turn: str) -> float:
        """Return the likeness of the untouched frame at `turn` to the person's pictures."""
        return float(self.embeddings[turn] @ self.reference)


@dataclass
class Sheet:
    """The strips of the sheet; nothing is collected without a path."""

    path: Path | None
    strips: list[np.ndarray] = field(default_factory=list)

    def add(self, source: Known, plate: Plate, result: Plate, text: str) -> None:
        """Add a strip: source's front, plate, result."""
        if self.path is None:
            return
        label = f"{source.front.person.name} on {plate.person.name} {plate.yaw:+.0f}: {text}"
        tiles = [face_crop(one.frame, one.face, CELL) for one in (source.front, plate, result)]
        self.strips.append(np.hstack([labelled(tiles[0], label), *tiles[1:]]))


def known_of(setup: Setup, recogniser: Recogniser, person: Person, *, alone: bool) -> Known:
    """Read a person's pictures and the performance frames at the turns; without a shape at rest where each stands `alone`."""
    views = setup.views(person)
    performance = setup.performance(person)
    rest = None if alone else resting_shape([pose_of(plate.face.points).canonical for plate in performance])
    chosen = {turn: replace(one, face=replace(one.face, rest=rest)) for turn, one in at_turns(performance).items()}
    embeddings = {turn: recogniser.embed(plate.frame, plate.face) for turn, plate in chosen.items()}
    note(f"{person.name}: " + ", ".join(f"{turn} {plate.number}" for turn, plate in chosen.items()))
    return Known(views[0], recogniser.of_views(views), chosen, embeddings)


def pasted(source: Plate, plate: Plate) -> Frame:
    """Lay the untouched face of `source` on that of `plate` by one similarity, within the outline of the plate's face."""
    window, points = plate.frame.window, plate.face.points[:, :2]
    matrix = similarity(source.face.points[:, :2], points)
    moved = resample(source.frame.working(), source.frame.window, matrix, window)
    outline = cv2.convexHull((points - (window.x, window.y)).astype(np.float32)).reshape(-1, 2)
    matte = np.zeros((window.height, window.width), np.float32)
    cv2.fillConvexPoly(matte, np.rint(outline).astype(np.int32), 1.0)
    matte = cv2.GaussianBlur(matte, (0, 0), PASTE_EDGE * max(plate.face.box[2:]))[..., None]
    mixed = (plate.frame.working() * (1 - matte) + moved * matte).astype(np.float32)
    return replace(plate.frame, pixels=mixed, space=plate.frame.color.working_space)


def measured_pair(
    setup: Setup, recogniser: Recogniser, swapper: FaceSwapper | None, source: Known, target: Known
) -> list[tuple[float, float, Plate]]:
    """Return likeness to source and to target, and the result, for every turn; without `swapper` of a paste."""
    found = []
    for turn, plate in target.plates.items():
        own = source.plates[turn]
        frame = pasted(own, plate) if swapper is None else swapper(plate.frame, (plate.face,), plate.number)
        face = refound(setup, frame, plate.face)
        embedding = recogniser.embed(frame, face)
        result = Plate(plate.person, plate.number, frame, face)
        found.append((float(embedding @ source.reference), float(embedding @ target.embeddings[turn]), result))
    return found


def measure(setup: Setup, recogniser: Recogniser, sheet: Sheet, *, paste: bool = False, alone: bool = False) -> None:
    """Print the table of all pairs."""
    known = {person: known_of(setup, recogniser, person, alone=alone) for person in setup.people}
    header("source", "target", "to source", "least", "to target", "ceiling", "ratio", words=2)
    rows, swapper, of = [], None, None
    for index, (source, target) in enumerate(itertools.permutations(setup.people, 2)):
        if not paste and of is not source:
            swapper, of = setup.swapper(source), source
        found = measured_pair(setup, recogniser, swapper, known[source], known[target])
        to_source, to_target = [one[0] for one in found], [one[1] for one in found]
        ceiling = float(np.mean([known[source].ceiling(turn) for turn in known[source].plates]))
        mean = float(np.mean(to_source))
        rows.append((mean, min(to_source), float(np.mean(to_target)), ceiling, mean / ceiling))
        row(source.name, target.name, *rows[-1])
        turn = index % len(found)
        plate = list(known[target].plates.values())[turn]
        sheet.add(known[source], plate, found[turn][2], f"{to_source[turn]:.2f}")
        note(f"{index + 1} of {len(setup.people) * (len(setup.people) - 1)} pairs")
    summary(rows)


def summary(rows: list[tuple[float, float, float, float, float]]) -> None:
    """Print the last row and a line for a report."""
    mean = np.mean(rows, axis=0)
    pairs = np.array(rows)
    row(f"mean of {len(rows)}", "", *(float(value) for value in mean))
    print(
        f"\nto source {mean[0]:.3f}, least pair {pairs[:, 0].min():.3f}, least frame {pairs[:, 1].min():.3f}, "
        f"to target {mean[2]:.3f} (most {pairs[:, 2].max():.3f}), ceiling {mean[3]:.3f}, "
        f"ratio {mean[4]:.3f} (least {pairs[:, 4].min():.3f}), {len(rows)} pairs"
    )


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = parser_for(__doc__)
    parser.add_argument("--arcface", type=Path, help="ONNX file of an ArcFace network; the default is SFace")
    parser.add_argument("--paste", action="store_true", help="paste the source's own frame instead of swapping")
    parser.add_argument("--alone", action="store_true", help="swap each frame without what a track knows of the others")
    parser.add_argument("--sheet", type=Path, help="JPEG to write: source's front, plate and result of each pair")
    return parser.parse_args()


def main() -> None:
    """Run the command line described at the top of this file."""
    given = options()
    setup, sheet = setup_of(given), Sheet(given.sheet)
    measure(setup, Recogniser(setup.finder, given.arcface), sheet, paste=given.paste, alone=given.alone)
    if sheet.path is not None:
        write_sheet(sheet.path, sheet.strips, 3)


if __name__ == "__main__":
    main()
