"""Prints what each stage costs for a face of 400 and of 1,600 pixels on a UHD plate, and how the cost grows with the area.

    python bench/face_growth.py

Growth is (time at 1,600 / time at 400) / 16, the growth of the area: 1 is linear, below 1 better.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.comp import LightMatch, gradient_blend, hull_matte, match_light, measure_tones, multiband_blend
from faceplate.comp.grain import match_grain, measure_grain
from faceplate.comp.occlusion import occlusion_matte
from faceplate.comp.outline_warp import REACH, follow_outline
from faceplate.demo import people_folder, person
from faceplate.face import Face, FaceFinder
from faceplate.face.align import apply, resample
from faceplate.generators import Crop, CropTransform, MeshGenerator
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import read_source

UHD = Window(0, 0, 3840, 2160)
ROUNDS = 3


def median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def measured(size: int, color: ColorConfig, still: Frame, seen: Face, generator: MeshGenerator) -> dict[str, float]:
    """Milliseconds by stage for a face of `size` pixels in the middle of a UHD plate."""
    scale = size / seen.size
    centre = seen.points[:, :2].mean(axis=0)
    matrix = np.column_stack([np.eye(2) * scale, np.array([1920, 1080]) - scale * centre])
    plate = Frame(resample(still.working(), still.window, matrix, UHD), UHD, color.working_space, color)
    face = seen.moved(np.column_stack([apply(matrix, seen.points[:, :2]), seen.points[:, 2] * scale]))
    inside = generator.frame(face, 1.0).window.intersect(UHD)
    transform = CropTransform(np.eye(2, 3), inside)
    crop = np.ascontiguousarray(plate.pixels[inside.slices(UHD)])
    made = generator.generate(Crop(crop, transform, face)).pixels
    matte = hull_matte(face, inside, erode=0, feather=0.045)
    seam = ((matte > 0) & (matte < 1)).astype(np.float32)
    grain = measure_grain(crop, np.ones(matte.shape, bool))

    def light() -> LightMatch | None:
        new, old = (measure_tones(pixels, inside, face) for pixels in (made, crop))
        return match_light(new, old, face, scale=Parameters().light_scale)

    wanted = generator.reshaped(face, 1.0)
    around = face.window(REACH).union(wanted.window(REACH)).intersect(UHD)
    beneath = np.ascontiguousarray(plate.pixels[around.slices(UHD)])

    def surround() -> np.ndarray:
        moved = follow_outline(face, wanted, around, np.zeros((around.height, around.width), np.float32))
        return beneath if moved is None else moved.plate(beneath, grain)

    stages: dict[str, Callable[[], object]] = {
        "prepare: outline warp": surround,
        "generate: mesh": lambda: generator.generate(Crop(crop, transform, face)),
        "matte: hull": lambda: hull_matte(face, inside, erode=0, feather=0.045),
        "matte: occlusion": lambda: occlusion_matte(crop, face, inside, color, sensitivity=0.5),
        "match: tones and light": light,
        "match: gradient blend": lambda: gradient_blend(made, crop, matte >= 1, seam, face.level, 1.0, 0.1 * size),
        "match: multiband blend": lambda: multiband_blend(made, crop, matte, face.level),
        "grain: measure": lambda: measure_grain(crop, np.ones(matte.shape, bool)),
        "grain: match": lambda: match_grain(made, crop, matte, inside, 1, size=face.size, grain=grain),
        "the whole swap": lambda: swap_face(plate.region(face.window(0.5)), face, generator, Parameters()),
    }
    return {name: median_ms(work) for name, work in stages.items()}


def main() -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    still = read_still(people_folder() / "ada" / "front.jpg", color)
    seen = finder.find(still)[0]
    generator = MeshGenerator(read_source(person("bea"), color, finder))
    small, large = (measured(size, color, still, seen, generator) for size in (400, 1600))
    print("| stage | 400 px, ms | 1,600 px, ms | growth over area |\n|---|---:|---:|---:|")
    for name in small:
        print(f"| {name} | {small[name]:.0f} | {large[name]:.0f} | {large[name] / small[name] / 16:.2f} |")


if __name__ == "__main__":
    main()
