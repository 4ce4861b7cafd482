"""Measure automatic defocus: plates blurred by known amounts, and how soft the new face becomes.

    python bench/people/measure_defocus.py FOLDER [--face 400] [--grain 0.01]

The target's front picture, with a face of `--face` pixels, is blurred by a Gaussian of each width and put through a swap by another
person and by the plate's own person. `plate` and `result` are edge widths in pixels, without the streaks of a movement, as tracking
measures them. `error` is the result's over the plate's, less 1: the median of its absolute values, and how many are within 10 %.
`blur` is what the new face was given, its median and its tenth and ninetieth percentiles: the truth is the first column.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from population import Person
from scenes import Setup, header, note, pairs_of, parser_for, row, setup_of

from faceplate.color.reading import read_still
from faceplate.comp.edge_widths import measure_edges, softness
from faceplate.face import Face
from faceplate.face.align import resample
from faceplate.generators import Generator, MeshGenerator
from faceplate.generators.mesh.settings import MeshSettings
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.render.blur import blur_reach, find_blur
from faceplate.render.composite import composite
from faceplate.render.generate import generate_face
from faceplate.render.lens import PlateLens
from faceplate.render.match import match_face
from faceplate.render.matte import make_mattes
from faceplate.render.prepare import prepare_plate
from faceplate.shot.parameters import Parameters
from faceplate.source import read_source

SIGMAS = (0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Measured:
    """Edge widths of plate and result, and the blur that the new face was given, in pixels."""

    plate: float
    result: float
    blur: float


def main() -> None:
    """Print the table."""
    parser = parser_for(__doc__)
    parser.add_argument("--face", type=float, default=400.0, help="the face's size in pixels")
    parser.add_argument("--grain", type=float, default=0.0, help="grain on the plate, as a part of the face's level")
    options = parser.parse_args()
    setup = setup_of(options)
    found: dict[tuple[str, float], list[Measured]] = {}
    for target, source in pairs_of(setup.people):
        frame, face = plate_of(setup, target, options.face)
        for who, person in (("another person", source), ("the same person", target)):
            note(f"{person.name} on {target.name}")
            made = MeshGenerator(read_source(setup.place(person), setup.color, setup.finder), MeshSettings(shape=0.0))
            for sigma in SIGMAS:
                found.setdefault((who, sigma), []).append(measured(setup, frame, face, made, sigma, options.grain))
    header("source", "blur of the plate, px", "plate", "result", "error, %", "within 10 %", "blur", "10 %", "90 %")
    for (who, sigma), rows in found.items():
        values = np.array([[item.plate, item.result, item.blur] for item in rows])
        errors = np.abs(values[:, 1] / values[:, 0] - 1)
        low, middle, high = np.percentile(values[:, 2], [10, 50, 90])
        plate, result = np.median(values[:, :2], axis=0)
        within = f"{(errors <= 0.1).sum()} of {len(errors)}"
        row(who, sigma, plate, result, 100 * float(np.median(errors)), within, middle, low, high)


def plate_of(setup: Setup, person: Person, size: float) -> tuple[Frame, Face]:
    """Read the person's front picture in the working space, its face scaled to `size` pixels."""
    still = read_still(setup.place(person) / "front.jpg", setup.color)
    face = setup.finder.find(still)[0]
    scale = size / face.size
    window = Window(0, 0, round(still.window.width * scale), round(still.window.height * scale))
    pixels = resample(still.working(), still.window, np.array([[scale, 0, 0], [0, scale, 0]]), window)
    return Frame(pixels, window, setup.color.working_space, setup.color), face.moved(face.points * scale)


def measured(setup: Setup, frame: Frame, face: Face, generator: Generator, sigma: float, grain: float) -> Measured:
    """Blur the plate by `sigma` pixels, swap the face, and measure both."""
    soft = cv2.GaussianBlur(frame.pixels, (0, 0), sigma, borderType=cv2.BORDER_REFLECT) if sigma else frame.pixels
    if grain:
        noise = np.random.default_rng(7).standard_normal(soft.shape, np.float32)
        soft = soft + noise * np.float32(grain) * np.sqrt(np.maximum(soft, 0.05 * face.level) * face.level)
    plate = frame.with_pixels(soft)
    own = width(plate, face)
    values = Parameters.model_validate({**setup.parameters.model_dump(), "occlusion": 0.0, "grain": 0.0})
    prepared = prepare_plate(plate, face, generator, values, lens=PlateLens(softness=own / face.size))
    made = generate_face(prepared, generator, values)
    blur = find_blur(prepared, made, values)
    prepared = prepared.grown(blur_reach(blur), values)
    mattes = make_mattes(prepared, made, values, blur=blur)
    result = composite(
        prepared, made, mattes, match_face(prepared, made, mattes, values, prepared.tones, blur=blur), values
    )
    pixels = plate.pixels.copy()
    pixels[result.window.slices(plate.window)] = result.over
    return Measured(own, width(plate.with_pixels(pixels), face), 0.0 if blur is None else blur.sigma)


def width(frame: Frame, face: Face) -> float:
    """Return the width of the face's edges in pixels."""
    return softness(measure_edges(frame.color.luminance(frame.pixels), frame.window, face)) * face.size


if __name__ == "__main__":
    main()
