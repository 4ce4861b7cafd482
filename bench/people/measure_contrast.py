"""Measure how much of stubble, beard, make-up and freckles arrives: contrast against the cheek in source and result.

    python bench/people/measure_contrast.py FOLDER
    python bench/people/measure_contrast.py FOLDER --only p3022,p3044 --set light_luminance=0

Only people with one of these traits are sources. Each is put on `--targets` other people, on the frame with the head square to
the camera. For the areas of a trait (stubble and beard: upper lip, chin, jaw; make-up: eyelids, lips; freckles: cheeks and nose):

- `dark`: mean log2 luminance of the area minus the cheeks', in stops;
- `chroma`: how far log2 R/G and B/G of the area are from the cheeks'; the result's is measured along the source's;
- `texture`: RMS of the band between 1/250 and 1/50 of the face's size in log2 luminance.

`ratio` is result over source; a dash where the source has too little to compare. The shading of source picture and plate counts as
contrast too, so judge means of several targets.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import cv2
import numpy as np
from population import Person
from scenes import Setup, at_turns, filled, header, linear709, note, parser_for, refound, row, setup_of

from faceplate.face import Face, topology
from faceplate.image.frame import Frame

AREAS = {
    "stubble": ("upper lip", "chin", "jaw"),
    "beard": ("upper lip", "chin", "jaw"),
    "make-up": ("eyelids", "lips"),
    "freckles": ("cheeks", "nose"),
}
# Polygons of the mesh; the person's right, then left.
UPPER_LIP = (98, 97, 2, 326, 327, 270, 269, 267, 0, 37, 39, 40)
CHIN = (181, 84, 17, 314, 405, 400, 377, 152, 148, 176)
CHEEKS = ((50, 101, 205, 187), (280, 330, 425, 411))
LIDS = (
    (246, 161, 160, 159, 158, 157, 173, 190, 56, 28, 27, 29, 30, 247),
    (466, 388, 387, 386, 385, 384, 398, 414, 286, 258, 257, 259, 260, 467),
)
# The jaw is a band inside the outline, between two parts of the way from the mouth's corner.
JAWS = (((172, 136, 150, 149), 61), ((397, 365, 379, 378), 291))
JAW_BAND = (0.45, 0.85)
# The least of stops, of log2 chroma and of texture in the source that is worth a ratio.
LEAST_DARK, LEAST_CHROMA, LEAST_TEXTURE = 0.15, 0.08, 0.02
# Band of the texture, in face sizes.
FINE, COARSE = 1 / 250, 1 / 50
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Contrast:
    """An area against the cheeks: darkness in stops, log2 chroma (2,), and RMS of the fine texture in stops."""

    dark: float
    chroma: np.ndarray
    texture: float


def area_of(name: str, frame: Frame, face: Face) -> np.ndarray:
    """Return the pixels of a named area, bool (h, w)."""
    points, shape = face.points, topology()
    if name == "upper lip":
        return filled(points[list(UPPER_LIP)], frame)
    if name == "chin":
        return filled(points[list(CHIN)], frame)
    if name == "lips":
        return filled(points[shape.lips_loop], frame) & ~filled(points[shape.mouth_loop], frame)
    if name == "nose":
        return filled(points[[6, 197, 198, 4, 420, 197]], frame) | filled(
            cv2.convexHull(_xy(points, (6, 131, 360)))[:, 0], frame
        )
    if name == "jaw":
        return np.logical_or(*(filled(_jaw(points, outline, corner), frame) for outline, corner in JAWS))
    rings = LIDS if name == "eyelids" else CHEEKS
    return np.logical_or(*(filled(points[list(ring)], frame) for ring in rings))


def _xy(points: np.ndarray, numbers: tuple[int, ...]) -> np.ndarray:
    return np.ascontiguousarray(points[list(numbers), :2], np.float32)


def _jaw(points: np.ndarray, outline: tuple[int, ...], corner: int) -> np.ndarray:
    away = points[list(outline), :2] - points[corner, :2]
    near, far = (points[corner, :2] + part * away for part in JAW_BAND)
    return np.concatenate([near, far[::-1]])


def contrasts(frame: Frame, face: Face, names: tuple[str, ...]) -> dict[str, Contrast]:
    """Measure the named areas of one picture."""
    rgb = np.maximum(linear709(frame), 1e-4)
    stops, chroma = np.log2(rgb @ _LUMA), np.log2(rgb[..., [0, 2]] / rgb[..., 1:2])
    band = cv2.GaussianBlur(stops, (0, 0), max(FINE * face.size, 0.3)) - cv2.GaussianBlur(
        stops, (0, 0), COARSE * face.size
    )
    cheek = area_of("cheeks", frame, face)
    found = {}
    for name in names:
        area = area_of(name, frame, face)
        found[name] = Contrast(
            float(stops[area].mean() - stops[cheek].mean()),
            chroma[area].mean(axis=0) - chroma[cheek].mean(axis=0),
            float(np.sqrt(np.mean(band[area] ** 2))),
        )
    return found


def measured(setup: Setup, source: Person, targets: list[Person]) -> dict[str, tuple[Contrast, list[Contrast]]]:
    """Return for each area the source's own contrast and that of the result on each target."""
    names = tuple(dict.fromkeys(name for trait in AREAS if trait in source.traits for name in AREAS[trait]))
    view, swapper = setup.views(source)[0], setup.swapper(source)
    own = contrasts(view.frame, view.face, names)
    results: dict[str, list[Contrast]] = {name: [] for name in names}
    for target in targets:
        plate = at_turns(setup.performance(target, step=3))["0°"]
        frame = swapper(plate.frame, (plate.face,), plate.number)
        for name, one in contrasts(frame, refound(setup, frame, plate.face), names).items():
            results[name].append(one)
    return {name: (own[name], results[name]) for name in names}


def cells(own: Contrast, results: list[Contrast]) -> tuple[float, ...]:
    """Return source, result and ratio of darkness, chroma and texture; the results are means over the targets."""
    length = float(np.linalg.norm(own.chroma))
    along = own.chroma / max(length, 1e-9)
    pairs = (
        (own.dark, float(np.mean([one.dark for one in results])), LEAST_DARK),
        (length, float(np.mean([one.chroma @ along for one in results])), LEAST_CHROMA),
        (own.texture, float(np.mean([one.texture for one in results])), LEAST_TEXTURE),
    )
    return tuple(v for a, b, least in pairs for v in (a, b, b / a if abs(a) >= least else float("nan")))


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = parser_for(__doc__)
    parser.set_defaults(count=4)
    parser.add_argument("--targets", type=int, default=3, help="number of plates for each source")
    return parser.parse_args()


def main() -> None:
    """Run the command line described at the top of this file."""
    given = options()
    setup = setup_of(given, has=lambda person: bool(person.traits & set(AREAS)))
    others = setup_of(argparse.Namespace(**{**vars(given), "only": "", "count": given.targets + 1})).people
    names = [f"{what} {column}" for what in ("dark", "chroma", "texture") for column in ("source", "result", "ratio")]
    header("source", "area", *names, words=2)
    rows = []
    for source in setup.people:
        targets = [person for person in others if person != source][: given.targets]
        for name, (own, results) in measured(setup, source, targets).items():
            rows.append(cells(own, results))
            row(f"{source.name} {'/'.join(sorted(source.traits & set(AREAS)))}", name, *rows[-1])
        note(f"{source.name} done")
    ratios = [np.array(rows)[:, k] for k in (2, 5, 8)]
    text = []
    for what, values in zip(("dark", "chroma", "texture"), ratios, strict=True):
        known = values[np.isfinite(values)]
        within = float(np.mean(np.abs(known - 1) <= 0.25)) if known.size else float("nan")
        text.append(f"{what} median ratio {np.median(known):.2f}, within 25 % {100 * within:.0f} %")
    print(f"\n{'; '.join(text)}; {len(rows)} areas")


if __name__ == "__main__":
    main()
