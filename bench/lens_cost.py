"""Print the processor time that motion blur and defocus add to one HD frame with a face of 400 pixels, on one thread.

    OMP_NUM_THREADS=1 python bench/lens_cost.py
    OMP_NUM_THREADS=1 python bench/lens_cost.py --softness 8.2

The least of several runs of everything after the generator, less the same with both switched off. The face moves by 40 pixels a
frame, the shutter is open for half of it, and the plate's edges are `--softness` pixels wide, 3.2 by default. `measure` is what
tracking adds to each face and frame.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_frame
from faceplate.comp.edge_widths import measure_edges
from faceplate.comp.grain import measure_grain
from faceplate.demo import person
from faceplate.face import Face, FaceFinder
from faceplate.image.window import Window
from faceplate.render import Renderer
from faceplate.render.load import load_frame
from faceplate.render.plate_grain import grain_window
from faceplate.render.result import GeneratedFrame
from faceplate.shot import Shot
from faceplate.track.look import look_as_stored, measure_look
from measuring import SIZES, write_plate

ROUNDS = 9
OFF = {"motion_blur": 0.0, "defocus_amount": 0.0}
CASES = {
    "motion blur": {"shutter": "0.5", "defocus_amount": 0.0},
    "defocus": {"motion_blur": 0.0},
    "defocus with fall-off": {"motion_blur": 0.0, "defocus_falloff": 3.0},
    "both": {"shutter": "0.5"},
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--softness", type=float, default=3.2, help="standard deviation of the plate's edges in pixels")
    softness = parser.parse_args().softness
    cv2.setNumThreads(1)
    print("| | added to a frame, ms |\n|---|---:|")
    with tempfile.TemporaryDirectory() as folder:
        renderer, light, window, face = prepared(Path(folder))
        times = {
            name: least(renderer, frame(renderer, values, softness)) for name, values in {"off": OFF, **CASES}.items()
        }
        for name in CASES:
            print(f"| {name} | {times[name] - times['off']:.1f} |")
        print(f"| everything after the generator, both off | {times['off']:.1f} |")
        print(
            f"| measure, in tracking | {min(clocked(lambda: measure_edges(light, window, face)) for _ in range(ROUNDS)):.1f} |"
        )


def prepared(folder: Path) -> tuple[Renderer, np.ndarray, Window, Face]:
    """Return a renderer of one HD frame, and what tracking measures on."""
    size = SIZES[0]
    color, finder = ColorConfig.load(environ={}), FaceFinder.embedded()
    plate = write_plate(folder / "plate.1001.exr", size, color, finder)
    source = folder / "bea"
    shutil.copytree(person("bea"), source)
    renderer = Renderer(
        Shot(plate=str(plate), source=source, output=str(folder / "o.####.exr"), frames=(1001,)), finder
    )
    renderer.prepare()
    file = renderer.open(1001)
    face = renderer.find(file)
    assert face is not None
    picture = read_frame(file, renderer.color, None, file.data)
    return renderer, color.luminance(picture.working()), picture.window, face


def frame(renderer: Renderer, values: dict[str, Any], softness: float) -> GeneratedFrame:
    """Return a generated frame of a face that moves, as from a track, with these parameters."""
    file = renderer.open(1001)
    face = renderer.find(file)
    assert face is not None
    picture = read_frame(file, renderer.color, None, file.data)
    look = replace(
        look_as_stored(measure_look(picture, face)) or measure_look(picture, face), softness=softness / face.size
    )
    grain = measure_grain(picture.region(grain_window(face, file.data)).working())
    located = renderer.locate(1001, face, grain, values)
    movement = np.tile((38.0, 12.0), (478, 1))
    located = replace(located, target=replace(located.target, look=look, movement=movement))
    return renderer.generate(load_frame(renderer.resources, located, renderer.cache))


def least(renderer: Renderer, generated: GeneratedFrame) -> float:
    """Return the least milliseconds of processor time after the generator."""
    return min(clocked(lambda: renderer.composite(generated)) for _ in range(ROUNDS))


def clocked(work: Callable[[], object]) -> float:
    """Return the milliseconds of processor time that `work` takes."""
    begun = time.process_time()
    work()
    return 1e3 * (time.process_time() - begun)


if __name__ == "__main__":
    main()
