"""Make plates with a whip pan and a rack focus of known shutter and focus, run them, and write sheets of the results.

    python bench/people/lens_sheet.py FOLDER OUT --only p3022,p3044

The first person is put on the second one's front picture, which stands before an uneven wall. `whip`: the camera rests, whips
to the side and rests again, with the shutter open for half of each frame. `cross`: the person moves alike before a wall that
stands still. `rack`: the focus leaves the face, to a blur of `--most` pixels, and comes back. The plates have grain. The sheets
show plate, result and matte of some frames at 1:1, and below them an edge of the face, three times as large. Printed are the
path of the frame in pixels, its blur, and edge widths of plate and result without the streaks of the movement that is known.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from population import Person
from scenes import Setup, display, header, labelled, note, parser_for, row, setup_of

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

from faceplate import Renderer, Shot
from faceplate.color.reading import read_still
from faceplate.comp.edge_widths import measure_edges, softness
from faceplate.face import Face
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.render.result import Rendered
from faceplate.shot import Policy
from faceplate.track import Track, track_shot
from track_plates import background, over, write_frames

WIDTH, HEIGHT, SIDE = 960, 640, 560
FIRST = 1001
SHUTTER = 0.5
# Samples of a path, at least; a longer path has one for each half pixel.
SAMPLES = 9
# Frames of a sequence, and those on its sheet.
FRAMES, SHOWN = 15, (0, 3, 5, 7, 9, 11, 14)
# Most pixels from frame to frame.
SPEED = 46.0
ENLARGED, EDGE = 3, 84


@dataclass(frozen=True)
class Take:
    """A plate by its frames: `picture` makes one, `path` (2,) says how far it is smeared, `sigma` how far out of focus it is."""

    name: str
    picture: Callable[[int], np.ndarray]
    path: Callable[[int], np.ndarray]
    sigma: Callable[[int], float]


def place(time: float) -> float:
    """Return how far the whip pan has come at `time`, in frames: at rest, on its way for seven frames, at rest."""
    part = float(np.clip((time - 3.5) / 7.0, 0.0, 1.0))
    return SPEED * 7.0 / 1.875 * (part**3 * (10 - 15 * part + 6 * part**2))


def takes(portrait: np.ndarray, most: float) -> Iterator[Take]:
    """Yield the three plates of a `portrait` (h, w, 3), scene-linear."""
    reach = int(place(FRAMES)) + 4
    wall = background(WIDTH + reach, HEIGHT, 5)
    scene = over(wall, portrait, (WIDTH / 2 + reach / 2, HEIGHT / 2), SIDE)
    still = np.ascontiguousarray(wall[:, :WIDTH])

    def panned(time: float) -> np.ndarray:
        return shifted(scene, reach - 2 - place(time))

    def crossing(time: float) -> np.ndarray:
        return over(still, portrait, (WIDTH / 2 - reach / 2 + place(time), HEIGHT / 2), SIDE)

    def focused(index: int) -> float:
        return most * float(np.sin(np.pi * index / (FRAMES - 1)) ** 2)

    def racked(index: int) -> np.ndarray:
        sigma, here = focused(index), over(still, portrait, (WIDTH / 2, HEIGHT / 2), SIDE)
        return cv2.GaussianBlur(here, (0, 0), sigma, borderType=cv2.BORDER_REFLECT) if sigma > 0.05 else here

    def moved(index: int) -> np.ndarray:
        return np.array([place(index + SHUTTER / 2) - place(index - SHUTTER / 2), 0.0])

    for name, made in (("whip", panned), ("cross", crossing)):
        yield Take(name, lambda index, made=made: exposed(made, index), moved, lambda index: 0.0)
    yield Take("rack", racked, lambda index: np.zeros(2), focused)


def shifted(scene: np.ndarray, left: float) -> np.ndarray:
    """Return the part of a wide `scene` that begins `left` pixels from its edge."""
    matrix = np.array([[1.0, 0.0, -left], [0.0, 1.0, 0.0]])
    return cv2.warpAffine(scene, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def exposed(made: Callable[[float], np.ndarray], index: int) -> np.ndarray:
    """Return the mean of what the camera sees while the shutter is open, around frame `index`."""
    length = place(index + SHUTTER / 2) - place(index - SHUTTER / 2)
    count = max(int(2 * length), SAMPLES) if length > 0.01 else 1
    times = index + SHUTTER * ((np.arange(count) + 0.5) / count - 0.5)
    return np.asarray(np.mean([made(float(time)) for time in times], axis=0, dtype=np.float32))


def rendered(setup: Setup, take: Take, source: Person, folder: Path) -> Iterator[tuple[int, Frame, Rendered]]:
    """Write, track and render a plate; yield each frame's index, its plate and its result."""
    pattern = write_frames(folder / take.name, FRAMES, take.picture, 0.3, FIRST)
    track = folder / f"{take.name}.track.json"
    track_shot(pattern, track, finder=setup.finder)
    shutters = [f"{item.fraction:.2f}" for item in Track.load(track).sidecar.shutters]
    note(f"{take.name}: shutter {', '.join(shutters) or 'none'}")
    shot = Shot(
        plate=pattern,
        source=setup.place(source),
        output=str(folder / "over.####.exr"),
        track=track,
        parameters=setup.parameters,
        policy=Policy(preview_slate=False),
    )
    renderer = Renderer(shot, setup.finder)
    window = Window(0, 0, WIDTH, HEIGHT)
    for index in range(FRAMES):
        file = renderer.open(FIRST + index)
        plate = Frame(
            renderer.resources.read_plate(file, window).working(), window, setup.color.working_space, setup.color
        )
        yield index, plate, renderer.render(FIRST + index)


def strips(setup: Setup, take: Take, plate: Frame, made: Rendered, index: int) -> np.ndarray:
    """Return a column of the sheet: plate, result and matte at 1:1, and an edge of the face three times as large."""
    assert made.face is not None
    result = made.result.element_on(plate.window)
    over_ = plate.pixels.copy()
    over_[made.result.window.slices(plate.window)] = made.result.over
    shown = [display(plate), display(plate.with_pixels(over_)), np.repeat(result.matte[..., None], 3, axis=2)]
    points = made.face.points[:, :2]
    centre, edge = points.mean(axis=0), points[[234, 132, 127]].mean(axis=0)
    tall = [cut(picture, centre, 360, 440) for picture in shown]
    small = [cut(picture, edge, EDGE, EDGE) for picture in shown]
    big = [cv2.resize(tile, (252, 252), interpolation=cv2.INTER_NEAREST)[:, :252] for tile in small]
    lower = [np.pad(tile, ((0, 0), (54, 54), (0, 0))) for tile in big]
    tiles = [np.vstack(pair) for pair in zip(tall, lower, strict=True)]
    length = float(np.hypot(*take.path(index)))
    return labelled(np.vstack(tiles), f"{index}: path {length:.0f} px, focus {take.sigma(index):.1f} px")


def cut(picture: np.ndarray, centre: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return the part of a picture around `centre`, uint8 (height, width, 3)."""
    x, y = (round(float(at) - side / 2) for at, side in zip(centre, (width, height), strict=True))
    padded = np.pad(picture, ((height, height), (width, width), (0, 0)), mode="edge")
    part = padded[y + height : y + 2 * height, x + width : x + 2 * width]
    return (np.clip(part, 0, 1) * 255 + 0.5).astype(np.uint8)


def width(frame: Frame, face: Face, path: np.ndarray) -> float:
    """Return the width of the face's edges in pixels, without the streaks along `path` (2,)."""
    edges = measure_edges(frame.color.luminance(frame.pixels), frame.window, face)
    return softness(edges, path / face.size, 1.0) * face.size


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = parser_for(__doc__)
    parser.add_argument("out", type=Path, help="folder for plates, tracks and sheets")
    parser.add_argument("--most", type=float, default=6.0, help="most blur of the rack focus, in pixels")
    parser.add_argument("--takes", default="whip,cross,rack", help="which plates are made")
    return parser.parse_args()


def main() -> None:
    """Run the command line described at the top of this file."""
    given = options()
    setup = setup_of(given)
    source, target = setup.people[:2]
    given.out.mkdir(parents=True, exist_ok=True)
    portrait = read_still(setup.place(target) / "front.jpg", setup.color).working()
    header("plate", "frame", "path, px", "focus, px", "plate's edges", "result's edges")
    for take in takes(portrait, given.most):
        if take.name not in given.takes.split(","):
            continue
        columns = []
        for index, plate, made in rendered(setup, take, source, given.out):
            if made.face is None:
                row(take.name, str(index), float(np.hypot(*take.path(index))), take.sigma(index), "no face", "")
                continue
            pixels = plate.pixels.copy()
            pixels[made.result.window.slices(plate.window)] = made.result.over
            path = take.path(index)
            before, after = width(plate, made.face, path), width(plate.with_pixels(pixels), made.face, path)
            row(take.name, str(index), float(np.hypot(*path)), take.sigma(index), before, after)
            if index in SHOWN:
                columns.append(strips(setup, take, plate, made, index))
        sheet = given.out / f"{take.name}.png"
        cv2.imwrite(str(sheet), np.ascontiguousarray(np.hstack(columns)[..., ::-1]))
        note(f"wrote {sheet}")


if __name__ == "__main__":
    main()
