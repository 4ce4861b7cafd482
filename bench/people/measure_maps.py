"""Measure the maps of the source against maps drawn by hand, and what is left of glasses, strands and fringe in a result.

    python bench/people/measure_maps.py FOLDER --sheet /tmp/maps
    python bench/people/measure_maps.py FOLDER --free --count 0

`hand_maps.json` holds, for one picture of some people, every rim, bridge, lens edge, strand and fringe within the face's outline,
drawn by hand: lines with a width, and areas, in pixels of the picture.

- `left out`: of the drawn pixels within the face, the part in % that the source's maps leave out;
- `falsely`: of the face's other pixels, beyond `BESIDE` of its size around the drawing, the part in % that is left out too;
- `trace`: the person is put on `TARGETS`, on the frame with the head square to the camera, and the drawing is carried into the
  result by the meshes. Of its pixels, the part in % that still differs from the skin around by more than `TRACE` in natural
  logarithm in the direction in which the photograph differs; `beside` is the same with the drawing moved aside by `ASIDE` of the
  face's size, and `other` that of a person without glasses or fringe on the same plate, through the same drawing;
- `arrived`: the part in % of the photograph's own contrast there that is in the result, by least squares, less that of the
  other person.

With `--free` nothing is drawn or swapped: what is left out of all six pictures of people without glasses, fringe, strands and
curls.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from population import PEOPLE, Person
from scenes import (
    Plate,
    Setup,
    at_turns,
    column_means,
    face_crop,
    header,
    labelled,
    linear709,
    note,
    parser_for,
    refound,
    row,
    setup_of,
)

from faceplate import FaceSwapper
from faceplate.face import Face, topology
from faceplate.face.raster import rasterise
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.source import Source, SourceView, read_source
from faceplate.source.texture import inside_face

MAPS = Path(__file__).with_name("hand_maps.json")
# Plates, and the person without glasses or fringe, of each group.
TARGETS = {"tuning": ("p3128", "p3157"), "aside": ("p3061", "p3004")}
OTHER = {"tuning": "p3187", "aside": "p3162"}
# What may hide the face in a picture.
HIDING = {"glasses", "fringe", "strands", "curls"}
# Distances in face sizes: around the drawing within which nothing counts as false, how far it is moved aside, and the standard
# deviation within which the skin around is read.
BESIDE, ASIDE, AROUND = 0.03, 0.045, 0.02
# Contrast in natural logarithm from which a pixel counts as a trace, and how far meshes are believed, in pixels.
TRACE, SLACK = 0.12, 2
CELL, ZOOM = 720, 3
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Drawing:
    """What was drawn by hand on one picture of one person: float32 (h, w), 1 where something hides the face."""

    person: Person
    picture: str
    drawn: np.ndarray


@dataclass(frozen=True)
class Swapped:
    """A result, its face, the part around the face, and the drawing and the photograph's contrast in that part's pixels."""

    whole: Frame
    frame: Frame
    face: Face
    drawn: np.ndarray
    shown: np.ndarray


def drawings(group: str) -> list[Drawing]:
    """Read the drawings of a group."""
    people = {person.name: person for person in PEOPLE}
    return [
        Drawing(people[name], entry["picture"], drawn_on(entry["marks"], entry["side"]))
        for name, entry in json.loads(MAPS.read_text(encoding="utf-8"))[group].items()
    ]


def drawn_on(marks: list[dict], side: int) -> np.ndarray:
    """Draw marks on a picture of `side` pixels, float32 (side, side): a line where it has a width, else an area or a hole."""
    fine = 4
    canvas = np.zeros((side * fine, side * fine), np.uint8)
    for mark in marks:
        points = np.round(np.array(mark["points"], np.float64) * fine).astype(np.int32)
        if "width" in mark:
            closed = bool(mark.get("closed", False))
            cv2.polylines(canvas, [points], closed, 255, max(round(mark["width"] * fine), 1))
        else:
            cv2.fillPoly(canvas, [points], 0 if mark.get("hole") else 255)
    return cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def left_out(source: Source, view: SourceView) -> tuple[np.ndarray, np.ndarray]:
    """Return the face's pixels, and those of them that are not taken from the picture, bool (h, w) on the view's window."""
    inside = view.photograph.to_picture(inside_face(view.photograph)) > 0.5
    return inside, inside & (source.delit(view).clean < 0.5)


def found_of(source: Source, view: SourceView, drawn: np.ndarray) -> tuple[float, float]:
    """Return the part in % of the drawn pixels that is left out, and that of the face's other pixels."""
    inside, out = left_out(source, view)
    mine = drawn[view.frame.window.slices(whole_of(drawn))]
    beside = grown(mine, BESIDE * view.face.size)
    return 100 * float(out[inside & (mine > 0.5)].mean()), 100 * float(out[inside & ~beside].mean())


def whole_of(drawn: np.ndarray) -> Window:
    """Return the window of a whole picture."""
    return Window(0, 0, drawn.shape[1], drawn.shape[0])


def grown(mask: np.ndarray, radius: float) -> np.ndarray:
    """Return where `mask` is nearer than `radius` pixels, bool."""
    side = 2 * max(round(radius), 1) + 1
    return cv2.dilate((mask > 0.2).astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0


def contrast(luma: np.ndarray, drawn: np.ndarray, size: float) -> np.ndarray:
    """Return how far the log luminance `luma` is from that of the skin around `drawn`, float32 (h, w)."""
    free = (~grown(drawn, 0.006 * size)).astype(np.float32)
    sigma = AROUND * size
    held = cv2.GaussianBlur(free, (0, 0), sigma)
    return luma - cv2.GaussianBlur(luma * free, (0, 0), sigma) / np.maximum(held, 1e-4)


def log_luma(frame: Frame, face: Face) -> np.ndarray:
    """Return the natural logarithm of luminance over the face's level, a little calmed, float32 (h, w)."""
    luma = linear709(frame) @ _LUMA
    return cv2.GaussianBlur(np.log(np.maximum(luma / max(face.level, 1e-6), 0.02)), (0, 0), 0.0015 * face.size)


def carried(view: SourceView, drawn: np.ndarray, frame: Frame, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Carry the drawing and the photograph's contrast into `frame` by the two meshes, each float32 (h, w)."""
    raster = rasterise(face.points, topology().closed, frame.window, 512.0)
    values = np.column_stack([view.face.points[:, :2] - 0.5, np.ones(len(view.face.points))])
    at = raster.interpolate(values)
    x, y, there = (np.ascontiguousarray(at[..., k]) for k in range(3))
    own = np.zeros(drawn.shape, np.float32)
    window = view.frame.window.slices(whole_of(drawn))
    own[window] = contrast(log_luma(view.frame, view.face), drawn[window], view.face.size)
    shown, mask = (cv2.remap(part, x, y, cv2.INTER_LINEAR) for part in (own, drawn))
    return mask * (there > 0.5), np.clip(shown, -1, 1)


def moved(values: np.ndarray, right: int, down: int) -> np.ndarray:
    """Return `values` moved by whole pixels."""
    return np.roll(values, (down, right), axis=(0, 1))


def traces(swapped: Swapped, free: np.ndarray) -> tuple[float, float, float]:
    """Return the parts in % of drawn pixels with a trace, of those moved aside, and of the photograph's contrast in the result.

    `free` (h, w) is where the result may be read: inside the face.
    """
    size, drawn = swapped.face.size, swapped.drawn
    luma = log_luma(swapped.frame, swapped.face)
    shifts = [(right, down) for right in (-SLACK, 0, SLACK) for down in (-SLACK, 0, SLACK)]
    found = [_read(luma, moved(drawn, *shift), moved(swapped.shown, *shift), free, size) for shift in shifts]
    marked, arrived = max(found, key=lambda one: one[1])
    apart = ~grown(drawn, 0.01 * size)
    steps = [
        (round(ASIDE * size * np.cos(turn)), round(ASIDE * size * np.sin(turn))) for turn in np.arange(8) * np.pi / 4
    ]
    aside = [_read(luma, moved(drawn, *step) * apart, moved(swapped.shown, *step), free, size)[0] for step in steps]
    return 100 * marked, 100 * float(np.nanmean(aside)), 100 * arrived


def _read(luma: np.ndarray, mask: np.ndarray, shown: np.ndarray, free: np.ndarray, size: float) -> tuple[float, float]:
    """Return the part of the pixels of `mask` with a trace, NaN without any, and the share of the contrast `shown` there."""
    core = (mask > 0.5) & free
    here, wanted = contrast(luma, mask, size)[core], shown[core]
    strong = np.abs(wanted) > TRACE
    marked = float((here * np.sign(wanted) > TRACE)[strong].mean()) if strong.any() else float("nan")
    return marked, float(here @ wanted) / max(float(wanted @ wanted), 1e-6)


def swapped_on(swapper: FaceSwapper, setup: Setup, view: SourceView, drawn: np.ndarray, plate: Plate) -> Swapped:
    """Swap a person and carry the drawing on `view` into the result."""
    frame = swapper(plate.frame, (plate.face,), plate.number)
    face = refound(setup, frame, plate.face)
    near = frame.region(face.window(0.05).intersect(frame.window))
    return Swapped(frame, near, face, *carried(view, drawn, near, face))


def within(swapped: Swapped, plate: Plate) -> np.ndarray:
    """Return the inner pixels of the face in a result, bool (h, w), without what the plate has in front of it."""
    covered = rasterise(swapped.face.points, topology().closed, swapped.frame.window, 512.0).covered.astype(np.uint8)
    changed = (swapped.frame.working() != plate.frame.region(swapped.frame.window).working()).any(axis=2)
    side = 2 * round(0.02 * swapped.face.size) + 1
    return cv2.erode(covered * changed, np.ones((side, side), np.uint8)) > 0


def measured(
    setup: Setup, drawing: Drawing, plates: list[Plate], others: list[Frame], sheet: Path | None
) -> tuple[float, ...]:
    """Return the row of one person: left out, falsely, trace, beside, other, arrived; also write its page."""
    source = read_source(setup.place(drawing.person), setup.color, setup.finder)
    view = next(view for view in source.all_views if view.path.name == drawing.picture)
    found = found_of(source, view, drawing.drawn)
    swapper = setup.swapper(drawing.person)
    results, rows = [], []
    for plate, other in zip(plates, others, strict=True):
        swapped = swapped_on(swapper, setup, view, drawing.drawn, plate)
        results.append(swapped)
        free = within(swapped, plate)
        mine = traces(swapped, free)
        theirs = traces(replace(swapped, frame=other.region(swapped.frame.window)), free)
        rows.append((mine[0], mine[1], theirs[0], mine[2] - theirs[2]))
    if sheet is not None:
        write_page(sheet / f"{drawing.person.name}.png", source, view, drawing, results)
    return (*found, *column_means(rows))


def write_page(path: Path, source: Source, view: SourceView, drawing: Drawing, results: list[Swapped]) -> None:
    """Write a page: the picture, what was drawn (red) and left out (blue), and the results, at 1:1 and enlarged."""
    inside, out = left_out(source, view)
    drawn = drawing.drawn[view.frame.window.slices(whole_of(drawing.drawn))]
    painted, level = view.frame.working(), view.face.level
    for mask, colour in ((out & (drawn < 0.5), (0.2, 0.5, 2.0)), (out & (drawn >= 0.5), (0.2, 1.5, 0.3))):
        painted[mask] = 0.4 * painted[mask] + 0.4 * level * np.array(colour, np.float32)
    missed = inside & (drawn >= 0.5) & ~out
    painted[missed] = level * np.array((2.5, 0.1, 0.1), np.float32)
    shown = Frame(painted, view.frame.window, view.frame.color.working_space, view.frame.color)
    pages = [(view.frame, view.face), (shown, view.face), *((one.whole, one.face) for one in results)]
    words = [f"{drawing.person.name} {drawing.picture}", "green: drawn and left out, red: missed, blue: left out only"]
    words += ["result"] * len(results)
    lines = [[labelled(at_scale(*page, 1), text) for page, text in zip(pages, words, strict=True)]]
    lines += [[at_scale(*page, ZOOM, point) for page in pages] for point in (70, 300, 9, 137, 366)]
    sheet = np.vstack([np.hstack(line) for line in lines])
    cv2.imwrite(str(path), np.ascontiguousarray(sheet[..., ::-1]))
    note(f"wrote {path}")


def at_scale(frame: Frame, face: Face, scale: float, point: int | None = None) -> np.ndarray:
    """Return a square of `CELL` pixels around the face or one of its points, uint8 RGB."""
    centre = None if point is None else face.points[point, :2]
    return face_crop(frame, face, CELL, CELL / (2 * scale * face.size) - 0.5, centre)


def measure_free(given: argparse.Namespace) -> None:
    """Print what is left out of the pictures of people whom nothing hides."""
    setup = setup_of(given, has=lambda person: not person.traits & HIDING)
    header("person", "traits", "left out, front", "mean of all", "most", words=2)
    rows = []
    for person in setup.people:
        source = read_source(setup.place(person), setup.color, setup.finder)
        parts = {}
        for view in source.all_views:
            inside, out = left_out(source, view)
            parts[view.path.stem] = 100 * float(out.sum() / inside.sum())
        rows.append((parts.get("front", float("nan")), float(np.mean([*parts.values()])), max(parts.values())))
        row(person.name, ", ".join(sorted(person.traits)), *rows[-1])
        note(person.name)
    means = column_means(rows)
    row(f"mean of {len(rows)}", "", *means)
    print(f"\nfalsely left out: front {means[0]:.2f} %, all pictures {means[1]:.2f} %, {len(rows)} people")


def measure_drawn(given: argparse.Namespace) -> None:
    """Print the table of all drawn pictures."""
    only = {name for name in given.only.split(",") if name}
    drawn = [one for one in drawings(given.people) if not only or one.person.name in only]
    names = {**vars(given), "only": ",".join((*TARGETS[given.people], OTHER[given.people]))}
    setup = setup_of(argparse.Namespace(**names))
    people = {person.name: person for person in setup.people}
    plates = [at_turns(setup.performance(people[name], step=3))["0°"] for name in TARGETS[given.people]]
    swapper = setup.swapper(people[OTHER[given.people]])
    others = [swapper(plate.frame, (plate.face,), plate.number) for plate in plates]
    if given.sheet:
        given.sheet.mkdir(parents=True, exist_ok=True)
    header("source", "shows", "left out", "falsely", "trace", "beside", "other", "arrived", words=2)
    rows = []
    for drawing in drawn:
        rows.append(measured(setup, drawing, plates, others, given.sheet))
        row(drawing.person.name, ", ".join(sorted(drawing.person.traits & HIDING)), *rows[-1])
    means = column_means(rows)
    row(f"mean of {len(rows)}", "", *means)
    print(
        f"\nof the drawn pixels {means[0]:.1f} % left out (least {min(one[0] for one in rows):.1f} %), of others {means[1]:.1f} %; "
        f"in the result a trace in {means[2]:.1f} %, beside {means[3]:.1f} %, of another person {means[4]:.1f} %; "
        f"contrast that arrived {means[5]:.1f} %; {len(rows)} pictures"
    )


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = parser_for(__doc__)
    parser.set_defaults(size=1024)
    parser.add_argument("--free", action="store_true", help="measure people whom nothing hides instead")
    parser.add_argument("--sheet", type=Path, help="folder for a page of each drawn picture")
    return parser.parse_args()


def main() -> None:
    """Run the command line described at the top of this file."""
    given = options()
    if given.free:
        measure_free(given)
    else:
        measure_drawn(given)


if __name__ == "__main__":
    main()
