"""Measure what each dial does to a result: what it names, what else it moves, whether it is monotonic, and the likeness it costs.

    python bench/people/measure_dials.py FOLDER --count 4
    python bench/people/measure_dials.py FOLDER --count 5 --responses
    python bench/people/measure_dials.py FOLDER --count 0 --own

The front picture is the plate. The landmarker measures the result at steps over each dial's range. `own` is the change of what
the dial names from one end to the other, as a share of the change put on the mesh; `other` is the largest change of anything else
at half range, as a share of what the other thing's own dial puts on the mesh there; `backward` is the largest step against the
dial's direction, as a share of the dial's whole change; `identity` is the fall of SFace's similarity to the source at half range.

`--responses` prints what each dial, a row, moves at half range, in the units of `other`: the mean over the pairs, and in
brackets the standard deviation between them. The mean is systematic; the rest belongs to the landmarker's noise. The last line
tells how far the other brow moves in the pixels (median of the optical flow over it), as a share of the brow whose dial is turned:
the landmarker, which knows symmetric faces, sees more.

`--own` prints how far SFace's similarity of a person's own picture with an open mouth lies below that of the front picture, both to
the person's other pictures: what the recogniser makes of an open mouth where nothing was swapped.
"""

from __future__ import annotations

import cv2
import numpy as np
from population import Person
from scenes import (
    VIEWS,
    Plate,
    Recogniser,
    Setup,
    column_means,
    display,
    face_crop,
    filled,
    header,
    labelled,
    note,
    pairs_of,
    parser_for,
    row,
    setup_of,
    write_sheet,
)

from faceplate.face import Face, topology
from faceplate.face.dials import DIALS, Dials, dial_features, dialled
from faceplate.face.expression import RestingFace, mouth_openness
from faceplate.generators import Generator
from faceplate.image.frame import Frame
from faceplate.render.expression_match import RestingFaces
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import PARAMETERS

STEPS = 5
# Shares of the range at which a dial is measured beside its ends.
HALF = 0.5
BROWS = (topology().right_brow, topology().left_brow)


def ends_of(dial: str) -> tuple[float, float]:
    """Return the range of a dial."""
    parameter = next(item for item in PARAMETERS if item.name == f"dial_{dial}")
    return float(parameter.minimum or 0.0), float(parameter.maximum or 0.0)


class Swapper:
    """Puts one person on another's front picture with a dial turned."""

    def __init__(self, setup: Setup, source: Person, target: Person) -> None:
        self.setup, self.plate = setup, setup.views(target)[0]
        resources = setup.swapper(source).resources
        self.generator: Generator = resources.generator(setup.parameters)
        self.rest = RestingFaces(RestingFace.of([self.plate.face.points]), resources.source.resting_face)

    def swap(self, dial: str = "", value: float = 0.0) -> tuple[Frame, Face]:
        """Return the result and the face that the landmarker finds in it."""
        frame, face = self.plate.frame, self.plate.face
        values = {f"dial_{dial}": value} if dial else {}
        parameters = self.setup.parameters.model_copy(update={"grain": 0.0, **values})
        result = swap_face(frame, face, self.generator, parameters, rest=self.rest)
        pixels = frame.pixels.copy()
        pixels[result.window.slices(frame.window)] = result.over
        after = frame.with_pixels(pixels)
        return after, self.setup.finder.refine(after, face)


def measure(setup: Setup, source: Person, target: Person, tiles: list[np.ndarray]) -> np.ndarray:
    """Return a row for each dial, float64 (9, 4): own, other, backward, identity."""
    swapper, recogniser = Swapper(setup, source, target), Recogniser(setup.finder)
    likeness_to = recogniser.of_views(setup.views(source))
    frame, face = swapper.swap()
    rest, alike = dial_features(face.points), float(recogniser.embed(frame, face) @ likeness_to)
    strip, table, half_moves = [labelled(face_crop(frame, face, 320, -0.05), target.name)], [], []
    for number, dial in enumerate(DIALS):
        low, high = ends_of(dial)
        seen, fall = [], 0.0
        for value in np.linspace(low, high, STEPS):
            after, there = (frame, face) if value == 0 else swapper.swap(dial, float(value))
            seen.append(dial_features(there.points))
            if value in (low, high):
                strip.append(labelled(face_crop(after, there, 320, -0.05), f"{dial} {value:g}"))
        half = HALF * high
        after, there = swapper.swap(dial, half)
        fall = alike - float(recogniser.embed(after, there) @ likeness_to)
        put = _put(swapper.plate, dial, high) - _put(swapper.plate, dial, low)
        own = np.array(seen)[:, number]
        backward = max(0.0, float(-np.diff(own).min())) / max(abs(own[-1] - own[0]), 1e-9)
        half_moves.append(dial_features(there.points) - rest)
        table.append([(own[-1] - own[0]) / put[number], 0.0, backward, fall])
    tiles.append(np.hstack(strip))
    moves = np.abs(np.array(half_moves))
    at_half = [_put(swapper.plate, dial, HALF * ends_of(dial)[1]) - _put(swapper.plate, dial, 0.0) for dial in DIALS]
    shares = moves / np.abs(np.diag(np.array(at_half)))[None]
    np.fill_diagonal(shares, 0.0)
    result = np.array(table)
    result[:, 1] = shares.max(axis=1)
    return result


def responses(setup: Setup, source: Person, target: Person) -> tuple[np.ndarray, np.ndarray]:
    """Return what each dial moves at half range, over what each feature's own dial puts on the mesh there, float64 (9, 9).

    Also how far the left brow moves in the pixels under the right one's dial, and the right one under the left one's, (2,).
    """
    swapper = Swapper(setup, source, target)
    halves = [HALF * ends_of(dial)[1] for dial in DIALS]
    before, face = swapper.swap()
    rest = dial_features(face.points)
    turned = [swapper.swap(*turn) for turn in zip(DIALS, halves, strict=True)]
    moved = [dial_features(there.points) - rest for _, there in turned]
    resting = _put(swapper.plate, "", 0.0)
    put = [_put(swapper.plate, *turn) - resting for turn in zip(DIALS, halves, strict=True)]
    rises = [brow_rises(before, turned[DIALS.index(dial)][0], face) for dial in ("brow_right", "brow_left")]
    return np.array(moved) / np.abs(np.diag(np.array(put))), np.array(
        [rises[0][1] / rises[0][0], rises[1][0] / rises[1][1]]
    )


def brow_rises(before: Frame, after: Frame, face: Face) -> tuple[float, float]:
    """Return how far the pixels of the right and the left brow rise from one frame to another, in pixels."""
    grey = [(display(frame).mean(axis=2) * 255).astype(np.uint8) for frame in (before, after)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = search.calc(grey[0], grey[1], np.zeros((*grey[0].shape, 2), np.float32))
    right, left = (
        -float(np.median(flow[cv2.dilate(filled(hull, before).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0, 1]))
        for hull in (cv2.convexHull(face.points[brow, :2].astype(np.float32))[:, 0] for brow in BROWS)
    )
    return right, left


def _put(plate: Plate, dial: str, value: float) -> np.ndarray:
    return dial_features(dialled(plate.face.points, Dials(**({dial: value} if dial else {}))).whole)


def print_responses(setup: Setup) -> None:
    """Print the table of `responses`: mean and standard deviation."""
    found, brows = [], []
    for target, source in pairs_of(setup.people):
        moved, rises = responses(setup, source, target)
        found.append(moved)
        brows.append(rises)
        note(f"{source.name} on {target.name} done")
    header("dial", *DIALS)
    for dial, mean, spread in zip(DIALS, np.mean(found, axis=0), np.std(found, axis=0), strict=True):
        row(dial, *(f"{one:.2f} ({other:.2f})" for one, other in zip(mean, spread, strict=True)))
    cells = (
        f"{one:.2f} ({other:.2f})" for one, other in zip(np.mean(brows, axis=0), np.std(brows, axis=0), strict=True)
    )
    print("\nthe other brow in the pixels: under brow_right {}, under brow_left {}".format(*cells))


def print_own(setup: Setup) -> None:
    """Print what an open mouth costs in people's own pictures."""
    recogniser, found = Recogniser(setup.finder), []
    for person in setup.people:
        views = [setup.plate(person, setup.place(person) / f"{name}.jpg") for name in VIEWS]
        front, left, right, opened, *others = views
        rest = [view for view in (left, right, *others) if view is not None]
        if front is None or opened is None or not rest:
            continue
        usual = recogniser.of_views(rest)
        alike = [float(recogniser.embed(view.frame, view.face) @ usual) for view in (front, opened)]
        found.append((alike[0] - alike[1], mouth_openness(opened.face.points) - mouth_openness(front.face.points)))
        note(f"{person.name} done")
    (fall, wider), spread = np.mean(found, axis=0), np.std(found, axis=0)[0]
    print(
        f"own picture with an open mouth: identity falls by {fall:.3f} ({spread:.3f}), "
        f"the lips part by {wider:.2f} of their width, {len(found)} people"
    )


def main() -> None:
    """Run the command line described at the top of this file."""
    parser = parser_for(__doc__)
    parser.set_defaults(count=4)
    parser.add_argument("--sheet", help="a JPEG with both ends of every dial")
    parser.add_argument("--responses", action="store_true", help="print what each dial moves, in place of the table")
    parser.add_argument("--own", action="store_true", help="print what an open mouth costs in people's own pictures")
    given = parser.parse_args()
    setup, tiles, found = setup_of(given), [], []
    if given.responses or given.own:
        (print_responses if given.responses else print_own)(setup)
        return
    for target, source in pairs_of(setup.people):
        found.append(measure(setup, source, target, tiles))
        note(f"{source.name} on {target.name} done")
    header("dial", "own", "other", "backward", "identity")
    mean = np.mean(found, axis=0)
    for dial, cells in zip(DIALS, mean, strict=True):
        row(dial, *(f"{value:.3f}" for value in cells))
    row("mean", *(f"{value:.3f}" for value in column_means([tuple(cells) for cells in mean])))
    print(f"\n{len(found)} pairs, largest fall of identity at half range {np.max(np.array(found)[..., 3]):.3f}")
    if given.sheet:
        from pathlib import Path

        write_sheet(Path(given.sheet), tiles, 1)


if __name__ == "__main__":
    main()
