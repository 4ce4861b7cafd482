"""Measure how well a result follows a grade of its plate, and the colour of its teeth and sclera.

    python bench/people/measure_grade.py FOLDER
    python bench/people/measure_grade.py FOLDER --count 6 --set grain=0

For every grade of `grades.py` (CDL and saturation, in scene-linear light) the swap on the graded plate is compared with the graded
swap on the plate as it was: `RMS` is the RMS of the difference over that of the second, in percent, over the pixels that the matte
covers wholly. The graded plate's face keeps the points that were found before the grade; only its level is measured again.

`teeth` and `sclera` compare the mean CIELAB colour of the swap on the graded plate with the graded plate's own, where both show
them: `ab` is the difference of a and b, `E` is the full difference (CIE 1976). Where the areas are is decided before the grade,
in the swap without the plate's colour: a tooth that was tinted is a tooth. `tint` looks at all the teeth and the sclera of the
swap, also where the plate shows none, before any grade: by how much their chroma is above the source's own and the plate's own.
Every person is source once and target once, on the frames with the head square to the camera and with the widest mouth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from grades import GRADES, Grade, graded
from scenes import (
    Plate,
    Setup,
    at_turns,
    column_means,
    filled,
    header,
    lab,
    linear709,
    note,
    pairs_of,
    parser_for,
    refound,
    row,
    setup_of,
)

from faceplate import FaceSwapper
from faceplate.face import Face, topology
from faceplate.image.frame import Frame

TURNS = ("0°", "open")
# An area with fewer pixels than this is not measured.
LEAST_PIXELS = 16
# Teeth by their look in CIELAB, before the grade: light and of little chroma, and lighter than most of the open mouth.
TEETH_LIGHTNESS, TEETH_CHROMA = 45.0, 20.0
# Of the eye without the iris, the part from this quantile of lightness upwards is sclera; the rest is lash and shadow.
SCLERA_QUANTILE = 0.4
IRIS_MARGIN = 1.2
# Parts of the eye's width that are left out at its corners: the inner one is flesh.
OUTER_CORNER, INNER_CORNER = 0.1, 0.2


@dataclass(frozen=True)
class Scene:
    """One plate, its swap, the pixels that are compared, the areas of teeth and sclera, and their tints, before any grade."""

    plate: Plate
    swapper: FaceSwapper
    result: Frame
    inside: np.ndarray
    teeth: np.ndarray
    sclera: np.ndarray
    tints: tuple[float, float]


def scenes(setup: Setup) -> Iterator[Scene]:
    """Iterate over the scenes of all pairs."""
    colourless = setup.parameters.model_copy(update={"light_color": 0.0})
    for source, target in pairs_of(setup.people):
        swapper, chosen = setup.swapper(source), at_turns(setup.performance(target, step=3))
        plain = FaceSwapper(setup.place(source), colourless, setup.finder, color=setup.color)
        photographs = at_turns(setup.performance(source, step=3))
        for turn in TURNS:
            plate, own = chosen[turn], photographs[turn]
            found = swapper.swap(plate.frame, plate.face, plate.number)
            inside = np.zeros(plate.frame.pixels.shape[:2], bool)
            inside[found.window.slices(plate.frame.window)] = found.matte >= 1
            result = swapper(plate.frame, (plate.face,), plate.number)
            face = refound(setup, result, plate.face)
            uncoloured = plain(plate.frame, (plate.face,), plate.number)
            areas, tints = [], []
            for find in (teeth_of, sclera_of):
                swapped, there = find(uncoloured, face), find(plate.frame, plate.face)
                usual = (chroma_of(plate.frame, there), chroma_of(own.frame, find(own.frame, own.face)))
                tints.append(chroma_of(result, swapped) - float(np.fmax(*usual)))
                areas.append(swapped & there)
            note(f"{source.name} on {target.name}, {turn}: tints {tints[0]:.1f} {tints[1]:.1f}")
            yield Scene(plate, swapper, result, inside, areas[0], areas[1], (tints[0], tints[1]))


def chroma_of(frame: Frame, area: np.ndarray) -> float:
    """Return the chroma of an area's mean colour, NaN where it is too small."""
    if area.sum() < LEAST_PIXELS:
        return float("nan")
    return float(np.hypot(*lab(linear709(frame)[area].mean(axis=0))[1:]))


def teeth_of(frame: Frame, face: Face) -> np.ndarray:
    """Return the pixels of the teeth, bool (h, w)."""
    colour = lab(linear709(frame))
    inside = filled(face.points[topology().mouth_loop], frame)
    return inside & (colour[..., 0] > TEETH_LIGHTNESS) & (np.hypot(colour[..., 1], colour[..., 2]) < TEETH_CHROMA)


def sclera_of(frame: Frame, face: Face) -> np.ndarray:
    """Return the pixels of the sclera of both eyes, without the corners, bool (h, w)."""
    lightness = lab(linear709(frame))[..., 0]
    found = np.zeros(lightness.shape, bool)
    y, x = np.mgrid[: lightness.shape[0], : lightness.shape[1]] + 0.5
    at = np.stack([x + frame.window.x, y + frame.window.y], axis=-1)
    shape = topology()
    eyes = ((shape.right_eye_loop, slice(468, 473), 33, 133), (shape.left_eye_loop, slice(473, 478), 263, 362))
    for loop, iris, outer, inner in eyes:
        rim = face.points[iris, :2]
        radius = IRIS_MARGIN * float(np.linalg.norm(rim[1:] - rim[0], axis=1).mean())
        start, axis = face.points[outer, :2], face.points[inner, :2] - face.points[outer, :2]
        along = (at - start) @ axis / (axis @ axis)
        eye = cv2.erode(filled(face.points[loop], frame).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        eye &= (along > OUTER_CORNER) & (along < 1 - INNER_CORNER)
        white = eye & (np.linalg.norm(at - rim.mean(axis=0), axis=-1) > radius)
        if white.any():
            found |= white & (lightness >= np.quantile(lightness[white], SCLERA_QUANTILE))
    return found


def graded_swap(setup: Setup, scene: Scene, grade: Grade) -> tuple[Frame, Frame]:
    """Return the graded plate and the swap on it."""
    plate = graded(scene.plate.frame, grade)
    face = replace(scene.plate.face, level=refound(setup, plate, scene.plate.face).level)
    return plate, scene.swapper(plate, (face,), scene.plate.number)


def colour_off(result: Frame, plate: Frame, area: np.ndarray) -> tuple[float, float]:
    """Return the differences of mean colour in an area: of a and b, and the full one; NaN where it is too small."""
    if area.sum() < LEAST_PIXELS:
        return float("nan"), float("nan")
    off = lab(linear709(result)[area].mean(axis=0)) - lab(linear709(plate)[area].mean(axis=0))
    return float(np.hypot(off[1], off[2])), float(np.linalg.norm(off))


def measured(setup: Setup, scene: Scene, grade: Grade) -> tuple[float, ...]:
    """Return RMS in percent, and for teeth and sclera the two differences of colour."""
    plate, first = graded_swap(setup, scene, grade)
    second = graded(scene.result, grade)
    there = second.pixels[scene.inside]
    rms = np.sqrt(np.mean((first.pixels[scene.inside] - there) ** 2)) / np.sqrt(np.mean(there**2))
    return 100 * float(rms), *colour_off(first, plate, scene.teeth), *colour_off(first, plate, scene.sclera)


def main() -> None:
    """Run the command line described at the top of this file."""
    parser = parser_for(__doc__)
    parser.set_defaults(count=3)
    setup = setup_of(parser.parse_args())
    made = list(scenes(setup))
    header("grade", "RMS, %", "most, %", "teeth ab", "teeth E", "sclera ab", "sclera E")
    all_rows = []
    for name, grade in {"none": Grade(), **GRADES}.items():
        rows = [measured(setup, scene, grade) for scene in made]
        all_rows += [] if name == "none" else rows
        found = column_means(rows)
        row(name, found[0], max(one[0] for one in rows), *found[1:])
    found = column_means(all_rows)
    row(f"mean of {len(GRADES)}", found[0], max(one[0] for one in all_rows), *found[1:])
    header("tint", "teeth mean", "most", "sclera mean", "most")
    tints = np.array([scene.tints for scene in made])
    row("no grade", *np.ravel(np.stack([np.nanmean(tints, axis=0), np.nanmax(tints, axis=0)], axis=1)))
    print(f"\nRMS {found[0]:.1f} %, teeth ab {found[1]:.1f}, sclera ab {found[3]:.1f}, {len(made)} plates")


if __name__ == "__main__":
    main()
