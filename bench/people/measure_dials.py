"""Measure what each dial does to a result: what it names, what else it moves, whether it is monotonic, and the likeness it costs.

    python bench/people/measure_dials.py FOLDER --count 4
    python bench/people/measure_dials.py FOLDER --count 5 --responses
    python bench/people/measure_dials.py FOLDER --count 0 --own

The front picture is the plate. The landmarker measures the result at steps over each dial's range. `own` is the change of what
the dial names from one end to the other, as a share of the change put on the mesh; `other` is the largest mean change of anything
else at half range, as a share of what the other thing's own dial puts on the mesh there, with its standard error; `backward` is the
largest step against the dial's direction, as a share of the dial's whole change; `identity` is the fall of
SFace's similarity to the source at half range. `backward` is of the mean over the pairs, with the standard error of that step: the
landmarker misreads some eyes and lips by more than a step of a dial, in single pairs. `least in the pixels` is the smallest step of
any pair as the optical flow sees it at the points that the dial moves, as a share of what was put on the mesh.

The second table has what each dial, a row, moves at half range, in the units of `other`: the mean over the pairs and its standard
error. A mean within two errors of 0 tells nothing but scatter. The last columns are read in the pixels: lids by
`face/eyelids.py`, as a share of their own dial there, and how far the other brow moves (median of the optical flow over it), as a
share of the brow whose dial is turned: the landmarker, which knows symmetric faces, sees more. `--responses` measures at
half range alone, which leaves `own` and `backward` out.

The line below the first table says what SFace makes of the source's own picture with an open mouth where nothing was swapped, for
as much opening as half of the dial adds: the fall from the front picture to the open one, both to the person's other pictures,
times the ratio of both openings.

`--own` prints how far SFace's similarity of a person's own picture with an open mouth lies below that of the front picture, both to
the person's other pictures: what the recogniser makes of an open mouth where nothing was swapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from population import Person
from scenes import (
    VIEWS,
    Plate,
    Recogniser,
    Setup,
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
from faceplate.face.eyelids import lids_of
from faceplate.generators import Generator
from faceplate.image.frame import Frame
from faceplate.render.expression_match import RestingFaces
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import PARAMETERS

STEPS = 5
# Shares of the range at which a dial is measured beside its ends.
HALF = 0.5
LIDS = DIALS.index("lids")
COLUMNS = ("own", "identity")
# Share of the largest movement from which a point counts among those that a dial moves.
MOVES = 0.3
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


@dataclass(frozen=True)
class Turned:
    """What turning the dials does to one pair of people.

    Attributes
    ----------
    own, identity : np.ndarray
        float64 (9,) each: change of the feature that a dial names from end to end, over the change put on the mesh; fall of the
        similarity at half range. NaN where they were not measured.
    steps, flown : np.ndarray
        float64 (9, 4) each: change of that feature in each step of the dial as the landmarker sees it, and of the points that it
        moves as the optical flow does, over the change put on the mesh.
    moved : np.ndarray
        float64 (9, 11): what each dial, a row, moves at half range, each feature over what its own dial puts on the mesh there. The
        last two columns are the opening of the lids as it is read from the pixels, in widths of an eye, and how far the other brow
        moves in the pixels, of the brow whose dial is turned (NaN for other dials).
    opened, reference : float
        By how much of its width half of the mouth's dial parts the lips, and the fall of the similarity for as much opening in the
        source's own open picture; NaN where a picture is missing.
    """

    own: np.ndarray
    identity: np.ndarray
    steps: np.ndarray
    flown: np.ndarray
    moved: np.ndarray
    opened: float
    reference: float


def measure(setup: Setup, source: Person, target: Person, whole: bool, tiles: list[np.ndarray]) -> Turned:
    """Turn every dial of one pair; over its range where `whole`, else to half of it alone."""
    swapper, recogniser = Swapper(setup, source, target), Recogniser(setup.finder)
    likeness_to = recogniser.of_views(setup.views(source))
    frame, face = swapper.swap()
    rest, alike = dial_features(face.points), float(recogniser.embed(frame, face) @ likeness_to)
    lids, strip = float(lids_of(frame, face).mean()), [labelled(face_crop(frame, face, 320, -0.05), target.name)]
    own, identity = (np.full(len(DIALS), np.nan) for _ in range(2))
    stepped, flown = (np.full((len(DIALS), STEPS - 1), np.nan) for _ in range(2))
    moved, opened = np.full((len(DIALS), len(DIALS) + 2), np.nan), float("nan")
    put = np.array([_put(swapper.plate, dial, HALF * ends_of(dial)[1]) for dial in DIALS]) - _put(swapper.plate, "", 0)
    put = np.abs(np.diag(put))
    for number, dial in enumerate(DIALS):
        low, high = ends_of(dial)
        seen, pictures = [], []
        for value in np.linspace(low, high, STEPS) if whole else (HALF * high,):
            after, there = (frame, face) if value == 0 else swapper.swap(dial, float(value))
            seen.append(dial_features(there.points)[number])
            pictures.append(after)
            if value in (low, high):
                strip.append(labelled(face_crop(after, there, 320, -0.05), f"{dial} {value:g}"))
            if value == HALF * high:
                identity[number] = alike - float(recogniser.embed(after, there) @ likeness_to)
                moved[number, : len(DIALS)] = (dial_features(there.points) - rest) / put
                moved[number, -2] = float(lids_of(after, there).mean()) - lids
                moved[number, -1] = other_brow(dial, frame, after, face)
                if dial == "mouth":
                    opened = mouth_openness(there.points) - mouth_openness(face.points)
        if whole:
            steps = np.diff(seen)
            ends = _put(swapper.plate, dial, high) - _put(swapper.plate, dial, low)
            own[number] = steps.sum() / ends[number]
            stepped[number], flown[number] = (
                steps * (STEPS - 1) / ends[number],
                flown_steps(swapper.plate, dial, pictures),
            )
    tiles.append(np.hstack(strip))
    fall, wider = own_open_mouth(setup, recogniser, source)
    return Turned(own, identity, stepped, flown, moved, opened, fall / wider * opened)


def flown_steps(plate: Plate, dial: str, pictures: list[Frame]) -> np.ndarray:
    """Return how far the pixels go with each step of a dial, of what was put on the mesh: float64 (steps,)."""
    meshes = [
        dialled(plate.face.points, Dials(**{dial: float(value)})).whole[:, :2]
        for value in np.linspace(*ends_of(dial), STEPS)
    ]
    found = []
    for (first, second), (before, after) in zip(pairwise(pictures), pairwise(meshes), strict=True):
        put = after - before
        length = np.linalg.norm(put, axis=1)
        moves = length > MOVES * length.max()
        places = (before[moves] - (first.window.x + 0.5, first.window.y + 0.5)).astype(np.float32)
        went = cv2.remap(flow_between(first, second), places[None, :, 0], places[None, :, 1], cv2.INTER_LINEAR)[0]
        found.append(float((went * put[moves]).sum() / (put[moves] ** 2).sum()))
    return np.array(found)


def flow_between(before: Frame, after: Frame) -> np.ndarray:
    """Return the optical flow from one frame to another, float32 (h, w, 2)."""
    grey = [(display(frame).mean(axis=2) * 255).astype(np.uint8) for frame in (before, after)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(grey[0], grey[1], np.zeros((*grey[0].shape, 2), np.float32))


def other_brow(dial: str, before: Frame, after: Frame, face: Face) -> float:
    """Return how far the other brow rises in the pixels, over the one whose `dial` is turned; NaN for another dial."""
    if dial not in ("brow_right", "brow_left"):
        return float("nan")
    right, left = brow_rises(before, after, face)
    return left / right if dial == "brow_right" else right / left


def brow_rises(before: Frame, after: Frame, face: Face) -> tuple[float, float]:
    """Return how far the pixels of the right and the left brow rise from one frame to another, in pixels."""
    flow = flow_between(before, after)
    right, left = (
        -float(np.median(flow[cv2.dilate(filled(hull, before).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0, 1]))
        for hull in (cv2.convexHull(face.points[brow, :2].astype(np.float32))[:, 0] for brow in BROWS)
    )
    return right, left


def _put(plate: Plate, dial: str, value: float) -> np.ndarray:
    return dial_features(dialled(plate.face.points, Dials(**({dial: value} if dial else {}))).whole)


def print_responses(found: list[Turned]) -> None:
    """Print what each dial moves at half range: mean and standard error."""
    header("dial", *DIALS, "lids in the pixels", "other brow in the pixels")
    moved = np.array([one.moved for one in found])
    moved[..., -2] /= moved[:, LIDS, -2].mean()
    mean, error = moved.mean(axis=0), moved.std(axis=0, ddof=1) / np.sqrt(len(found))
    for dial, means, errors in zip(DIALS, mean, error, strict=True):
        cells = zip(means, errors, strict=True)
        row(dial, *("–" if one != one else f"{one:.2f} ± {other:.2f}" for one, other in cells))


def print_range(found: list[Turned]) -> None:
    """Print the table of own, other, backward and identity."""
    header("dial", "own", "other", "which", "backward", "least in the pixels", "identity", "its largest")
    crossed = np.array([one.moved[:, : len(DIALS)] for one in found])
    mean, error = crossed.mean(axis=0), crossed.std(axis=0, ddof=1) / np.sqrt(len(found))
    np.fill_diagonal(mean, 0.0)
    for number, dial in enumerate(DIALS):
        own, fall = (np.array([getattr(one, name)[number] for one in found]) for name in COLUMNS)
        steps, flown = (np.array([getattr(one, name)[number] for one in found]) for name in ("steps", "flown"))
        most = int(np.abs(mean[number]).argmax())
        other = f"{mean[number, most]:.3f} ± {error[number, most]:.3f}"
        told = [
            f"{value:.3f}" if value == value else "–" for value in (own.mean(), flown.min(), fall.mean(), fall.max())
        ]
        row(dial, told[0], other, DIALS[most], backward_of(steps), *told[1:])
    opened, own = (np.nanmean([getattr(one, name) for one in found]) for name in ("opened", "reference"))
    print(
        f"\n{len(found)} pairs, mean fall of identity {np.mean([one.identity for one in found]):.3f}; half of the mouth's dial "
        f"parts the lips by {opened:.2f} of their width, and as much in the source's own open picture costs {own:.3f}\n"
    )


def backward_of(steps: np.ndarray) -> str:
    """Return the largest step back of the pairs' mean with its standard error, from `steps` (pairs, n), over the whole change."""
    mean, error = steps.mean(axis=0), steps.std(axis=0, ddof=1) / np.sqrt(len(steps))
    if mean[0] != mean[0]:
        return "–"
    least, whole = int(mean.argmin()), abs(float(mean.sum()))
    return f"{max(0.0, -mean[least]) / whole:.3f} ± {error[least] / whole:.3f}"


def own_open_mouth(setup: Setup, recogniser: Recogniser, person: Person) -> tuple[float, float]:
    """Return how far a person's own open picture is less like the others than the front one, and how much wider its lips part.

    Both are NaN where a picture shows no face.
    """
    views = [setup.plate(person, setup.place(person) / f"{name}.jpg") for name in VIEWS]
    front, left, right, opened, *others = views
    rest = [view for view in (left, right, *others) if view is not None]
    if front is None or opened is None or not rest:
        return float("nan"), float("nan")
    usual = recogniser.of_views(rest)
    alike = [float(recogniser.embed(view.frame, view.face) @ usual) for view in (front, opened)]
    return alike[0] - alike[1], mouth_openness(opened.face.points) - mouth_openness(front.face.points)


def print_own(setup: Setup) -> None:
    """Print what an open mouth costs in people's own pictures."""
    recogniser, found = Recogniser(setup.finder), []
    for person in setup.people:
        found.append(own_open_mouth(setup, recogniser, person))
        note(f"{person.name} done")
    found = [one for one in found if one[0] == one[0]]
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
    parser.add_argument("--responses", action="store_true", help="measure at half range alone")
    parser.add_argument("--own", action="store_true", help="print what an open mouth costs in people's own pictures")
    given = parser.parse_args()
    setup, tiles, found = setup_of(given), [], []
    if given.own:
        print_own(setup)
        return
    for target, source in pairs_of(setup.people):
        found.append(measure(setup, source, target, not given.responses, tiles))
        note(f"{source.name} on {target.name} done")
    print_range(found)
    print_responses(found)
    if given.sheet:
        from pathlib import Path

        write_sheet(Path(given.sheet), tiles, 1)


if __name__ == "__main__":
    main()
