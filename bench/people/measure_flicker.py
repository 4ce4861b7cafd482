"""Measure how steady a result is along a sequence, and how it follows the plate's lids, mouth and gaze.

    python bench/people/measure_flicker.py FOLDER
    python bench/people/measure_flicker.py FOLDER --motion warp --noise 0.3 --count 3
    python bench/people/measure_flicker.py FOLDER --motion still --set blend=none --keep /tmp/flicker

The plate is tracked and rendered as a shot in over mode. `--motion performance` is the target's performance; `warp` is one
picture that turns, nods, speaks and blinks by warping its own mesh, so that identity and light stay; `still` repeats the front
picture with new sensor noise in every frame. The target's plate takes the next person of the draw as its source.

`plate` and `result` are the low-frequency change from frame to frame inside the face, in 8-bit levels: RMS of the difference of
mesh-stabilised crops of 256 pixels after a Gaussian of 12. `ratio` is result over plate; `most` is the largest change of one
frame over the plate's mean. `lids r` and `mouth r` correlate the openings in plate and result, `gaze` is the RMS difference of the
irises' positions in widths of an eye.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from population import Person
from scenes import Setup, column_means, face_crop, header, note, opening, parser_for, row, setup_of
from sequences import MOTIONS, WrittenPlate, folders_of_pairs, write_plate

from faceplate import Renderer, Shot
from faceplate.color.reading import read_frame
from faceplate.face import Face
from faceplate.image.frame import Frame
from faceplate.plate import PlateFile, Sequence
from faceplate.review.measures import change_between, stabilised, stabilising_matrix, stable_mesh
from faceplate.shot import Policy
from faceplate.track import track_shot

# An opening that varies by less than this does not move.
STILL = 0.04


@dataclass(frozen=True)
class Looked:
    """What is measured in one frame: plate first, result second."""

    crops: tuple[np.ndarray, np.ndarray]
    lids: tuple[float, float]
    mouth: tuple[float, float]
    gaze: np.ndarray


@dataclass(frozen=True)
class Flicker:
    """The figures of one sequence."""

    plate: float
    result: float
    most: float
    lids: float
    mouth: float
    gaze: float

    @property
    def cells(self) -> tuple[float, ...]:
        """The cells of the table's row."""
        return self.plate, self.result, self.result / max(self.plate, 1e-9), self.most, self.lids, self.mouth, self.gaze


def lids(points: np.ndarray) -> float:
    """Mean opening of the two eyes over their widths."""
    pairs = ((159, 145, 33, 133), (386, 374, 362, 263))
    return float(np.mean([_apart(points, a, b) / _apart(points, c, d) for a, b, c, d in pairs]))


def gaze(points: np.ndarray) -> np.ndarray:
    """Positions of the irises across and along the eyes, in widths of an eye, (4,)."""
    found = []
    for iris, outer, inner in ((slice(468, 473), 33, 133), (slice(473, 478), 362, 263)):
        axis = points[inner, :2] - points[outer, :2]
        width = np.linalg.norm(axis)
        offset = (points[iris, :2].mean(axis=0) - (points[outer, :2] + points[inner, :2]) / 2) / width
        axis = axis / width
        found += [offset @ axis, offset @ np.array([-axis[1], axis[0]])]
    return np.array(found)


def _apart(points: np.ndarray, first: int, second: int) -> float:
    return float(np.linalg.norm(points[first, :2] - points[second, :2]))


def rendered(setup: Setup, source: Person, plate: WrittenPlate, folder: Path) -> Iterator[tuple[Frame, Frame]]:
    """Track and render the plate; iterate over plate and result."""
    track = folder / "track.json"
    track_shot(plate.pattern, track, finder=setup.finder)
    shot = Shot(
        plate=plate.pattern,
        source=setup.place(source),
        output=str(folder / "over.####.exr"),
        mode="over",
        track=track,
        parameters=setup.parameters,
        policy=Policy(preview_slate=False),
    )
    renderer, sequence = Renderer(shot, setup.finder), Sequence.parse(plate.pattern)
    for number in plate.frames:
        file = PlateFile.open(sequence.path(number))
        before = read_frame(file, setup.color, None, file.data)
        after = before.with_pixels(renderer.over_picture(renderer.render(number))[..., :3].copy())
        yield before, after


class Watcher:
    """Measures frame after frame of one sequence."""

    def __init__(self, setup: Setup, plate: WrittenPlate) -> None:
        self._setup, self._plate = setup, plate
        self._face: Face | None = None
        self._reference: np.ndarray | None = None

    def look(self, index: int, before: Frame, after: Frame) -> tuple[Looked, Face]:
        """Measure one frame; also return the plate's face."""
        finder = self._setup.finder
        face = finder.find(before)[0] if self._face is None else finder.refine(before, self._face)
        self._face = face
        there = finder.refine(after, face)
        known = self._plate.meshes[index]
        points = face.points if known is None else known
        if self._reference is None:
            self._reference = stable_mesh(points)
        matrix = stabilising_matrix(points, self._reference, is_known=known is not None)
        crops = [stabilised(frame, matrix) for frame in (before, after)]
        looked = Looked(
            (crops[0], crops[1]),
            (lids(face.points), lids(there.points)),
            (opening(face.points), opening(there.points)),
            gaze(there.points) - gaze(face.points),
        )
        return looked, face


def flicker_of(looked: list[Looked]) -> Flicker:
    """Compute the figures from what was seen frame by frame."""
    changes = np.array([[change_between(one.crops[k], two.crops[k]) for k in (0, 1)] for one, two in pairwise(looked)])
    plate, result = changes.mean(axis=0)
    return Flicker(
        float(plate),
        float(result),
        float(changes[:, 1].max() / max(plate, 1e-9)),
        _correlation([one.lids for one in looked]),
        _correlation([one.mouth for one in looked]),
        float(np.sqrt(np.mean([one.gaze**2 for one in looked]))),
    )


def _correlation(pairs: list[tuple[float, float]]) -> float:
    """Return the correlation of plate and result; NaN where the plate's value does not move."""
    if np.ptp(np.array(pairs)[:, 0]) < STILL:
        return float("nan")
    return float(np.corrcoef(np.array(pairs).T)[0, 1])


def measure(setup: Setup, given: argparse.Namespace, source: Person, target: Person, folder: Path) -> Flicker:
    """Make, render and measure one sequence in `folder`."""
    noise = given.noise if given.noise is not None else float(given.motion == "still")
    plate = write_plate(setup, target, given.motion, given.frames, noise, folder)
    watcher, looked = Watcher(setup, plate), []
    for index, (before, after) in enumerate(rendered(setup, source, plate, folder)):
        seen, face = watcher.look(index, before, after)
        looked.append(seen)
        if given.keep:
            pair = np.hstack([face_crop(frame, face, 512) for frame in (before, after)])
            cv2.imwrite(str(folder / f"pair.{plate.frames[index]}.jpg"), np.ascontiguousarray(pair[..., ::-1]))
    return flicker_of(looked)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = parser_for(__doc__)
    parser.set_defaults(count=3)
    parser.add_argument("--motion", choices=tuple(MOTIONS), default="performance", help="what the plate shows")
    parser.add_argument("--frames", type=int, default=36, help="frames of a sequence")
    parser.add_argument("--noise", type=float, help="strength of sensor noise; 1 with --motion still, else 0")
    parser.add_argument("--keep", type=Path, help="folder for plates, tracks and pictures, which are kept there")
    return parser.parse_args()


def main() -> None:
    """Run the command line described at the top of this file."""
    given = options()
    setup, found = setup_of(given), []
    header("target", "source", "plate", "result", "ratio", "most", "lids r", "mouth r", "gaze", words=2)
    for target, source, folder in folders_of_pairs(setup.people, given.keep):
        found.append(measure(setup, given, source, target, folder).cells)
        row(target.name, source.name, *found[-1])
        note(f"{target.name} done")
    mean = column_means(found)
    row(f"mean of {len(found)}", "", *mean)
    print(f"\n{given.motion}: ratio {mean[2]:.2f}, largest {max(one[2] for one in found):.2f}, {len(found)} sequences")


if __name__ == "__main__":
    main()
