"""Measure how a result follows a performance that is known: blinks, looks and words warped onto one picture by parameters.

    python bench/people/measure_acting.py FOLDER --count 12
    python bench/people/measure_acting.py FOLDER --generator fixed --sheet /tmp/acting

`lids r` and `mouth r` correlate the openings in the result with the true ones of the plate's mesh. Lids are read from the pixels
(`face/eyelids.py`), in the result and, as `plate r`, in the plate: that is the measure's own error. `points r` is `lids r` as the
landmarker's points have it, which see drawn and narrow lids half open, and `points plate` the same of the plate. `gaze` is the RMS
difference of the irises' positions in plate and result, in widths of an eye, while the lids are open; `look` the same without each
eye's mean difference over the clip, which belongs to the eyes' shapes.

`lag` is the larger delay in frames of lids and mouth behind the plate's, `look lag` that of the look across both eyes, in the
frames whose eyes are open (`review.measures.delay_between`). Both compare what is read of the result with what is read of the
plate in the same way: the reading of narrow eyes is itself early or late against the truth, because a blink, a look and a turn
of the head come together. There is no look lag where the plate's own look is not seen (it correlates by less than 0.8 with the
truth, as in narrow eyes behind glasses), or where the result does not follow it at any delay.

`--generator fixed` is a stand-in for a network that ignores the plate's expression: it answers with the source's front picture on
the aligned crop.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

import cv2
import numpy as np
from measure_flicker import gaze, lids
from population import Person
from scenes import Setup, column_means, face_crop, header, labelled, note, opening, parser_for, row, setup_of
from sequences import WrittenPlate, blink_at, folders_of_pairs, write_plate

from faceplate import Renderer, Shot
from faceplate.color.reading import read_frame, read_still
from faceplate.face.eyelids import lids_of
from faceplate.plate import PlateFile, Sequence
from faceplate.review.measures import delay_between
from faceplate.shot import Policy
from faceplate.track import track_shot
from fixed_picture import FixedPicture

# Lids that are shut further than this show no gaze.
SHUT = 0.35
# Lids that are shut further than this leave a look that is not followed, and the correlation from which a plate's look is seen.
OPEN, SEEN = 0.2, 0.8
# Frames on the sheet: open, blink, look to both sides, closed and open mouth.
SHOWN = (0, 6, 7, 9, 12, 18, 25, 30)


@dataclass(frozen=True)
class Acting:
    """The figures of one sequence."""

    lids: float
    plate: float
    points: float
    points_plate: float
    mouth: float
    gaze: float
    look: float
    lag: float
    look_lag: float

    @property
    def cells(self) -> tuple[float, ...]:
        """The cells of the table's row."""
        return astuple(self)


def renderer_of(setup: Setup, given: argparse.Namespace, source: Person, plate: WrittenPlate, folder: Path) -> Renderer:
    """Track the plate and return the renderer of the swap."""
    track = folder / "track.json"
    if not track.exists():
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
    generator = None
    if given.generator == "fixed":
        frame = read_still(setup.place(source) / "front.jpg", setup.color)
        generator = FixedPicture(frame, setup.finder.find(frame)[0])
    return Renderer(shot, setup.finder, generator)


def measure(setup: Setup, given: argparse.Namespace, source: Person, target: Person, folder: Path) -> Acting:
    """Make, render and measure one sequence in `folder`."""
    plate = write_plate(setup, target, "acting", given.frames, given.noise, folder)
    renderer = renderer_of(setup, given, source, plate, folder)
    sequence, truth, plates, results, tiles = Sequence.parse(plate.pattern), [], [], [], []
    face = None
    for index, number in enumerate(plate.frames):
        file = PlateFile.open(sequence.path(number))
        before = read_frame(file, setup.color, None, file.data)
        after = before.with_pixels(renderer.over_picture(renderer.render(number))[..., :3].copy())
        face = setup.finder.find(before)[0] if face is None else setup.finder.refine(before, face)
        there = setup.finder.refine(after, face)
        mesh = plate.meshes[index]
        assert mesh is not None
        truth.append((lids(mesh), opening(mesh), across(gaze(mesh))))
        for read, frame, its in ((plates, before, face), (results, after, there)):
            read.append((lids_of(frame, its).mean(), lids(its.points), opening(its.points), *gaze(its.points)))
        if given.sheet and index in SHOWN:
            tiles.append(np.vstack([face_crop(frame, face, 448, -0.08) for frame in (before, after)]))
    if given.sheet:
        given.sheet.mkdir(parents=True, exist_ok=True)
        sheet = np.hstack([labelled(tile, str(number)) for tile, number in zip(tiles, SHOWN, strict=False)])
        cv2.imwrite(str(given.sheet / f"{source.name}_on_{target.name}.png"), np.ascontiguousarray(sheet[..., ::-1]))
    return figures(np.array(truth), np.array(plates), np.array(results))


def across(looks: np.ndarray) -> np.ndarray:
    """Return the mean look of both eyes along their widths, of `gaze` (..., 4)."""
    return looks[..., [0, 2]].mean(axis=-1)


def figures(truth: np.ndarray, plates: np.ndarray, results: np.ndarray) -> Acting:
    """Compute the figures of `truth` (n, 3), lids, mouth and look, and of plate and result (n, 7): lids, twice, mouth and gaze."""
    shut = np.array([blink_at(index) for index in range(len(truth))])
    off = (results - plates)[shut < SHUT, 3:]
    lags = [delay_between(plates[:, k], results[:, k]) for k in (0, 2)]
    looks, opened = (across(plates[:, 3:]), across(results[:, 3:])), shut < OPEN
    seen = np.corrcoef(truth[opened, 2], looks[0][opened])[0, 1] >= SEEN
    read, plate, points, points_plate = (
        float(np.corrcoef(truth[:, 0], these)[0, 1])
        for these in (results[:, 0], plates[:, 0], results[:, 1], plates[:, 1])
    )
    return Acting(
        read,
        plate,
        points,
        points_plate,
        float(np.corrcoef(truth[:, 1], results[:, 2])[0, 1]),
        float(np.sqrt(np.mean(off**2))),
        float(np.sqrt(np.mean((off - off.mean(axis=0)) ** 2))),
        max(lags, key=abs),
        delay_between(*looks, opened) if seen else float("nan"),
    )


def cells_of(figures: Iterable[float]) -> list[str]:
    """Return the cells of a row of the table; a dash where there is no figure."""
    return ["–" if value != value else f"{value:.3f}" for value in figures]


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = parser_for(__doc__)
    parser.set_defaults(count=12)
    parser.add_argument("--generator", choices=("mesh", "fixed"), default="mesh", help="what makes the face")
    parser.add_argument("--frames", type=int, default=36, help="frames of a sequence")
    parser.add_argument("--noise", type=float, default=0.0, help="strength of sensor noise")
    parser.add_argument("--sheet", type=Path, help="folder for a sheet of each pair")
    parser.add_argument("--keep", type=Path, help="folder for plates and tracks, which are kept there")
    return parser.parse_args()


def main() -> None:
    """Run the command line described at the top of this file."""
    given = options()
    setup, found = setup_of(given), []
    columns = "lids r", "plate r", "points r", "points plate", "mouth r", "gaze", "look", "lag", "look lag"
    header("target", "source", *columns, words=2)
    for target, source, folder in folders_of_pairs(setup.people, given.keep):
        found.append(measure(setup, given, source, target, folder).cells)
        row(target.name, source.name, *cells_of(found[-1]))
        note(f"{target.name} done")
    mean = column_means(found)
    row(f"mean of {len(found)}", "", *cells_of(mean))
    table = np.array(found)
    row(f"median of {len(found)}", "", *cells_of(np.nanmedian(table, axis=0)))
    least, most, looks = table.min(axis=0), np.nanmax(np.abs(table), axis=0), int(np.isfinite(table[:, 8]).sum())
    print(
        f"\nacting: least lids {least[0]:.3f}, plate {least[1]:.3f}, points {least[2]:.3f}, least mouth {least[4]:.3f}, "
        f"largest gaze {most[5]:.3f}, look {most[6]:.3f}, largest lag {most[7]:.0f}, of the look {most[8]:.0f} "
        f"in the {looks} that show one, {len(found)} sequences"
    )


if __name__ == "__main__":
    main()
