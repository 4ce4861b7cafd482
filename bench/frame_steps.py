"""Print the processor time of each step of one frame, on one thread, on an HD and a UHD plate.

    OMP_NUM_THREADS=1 python bench/frame_steps.py

Processor time on one thread hardly depends on what else the machine does, so two versions can be compared on a busy one.
Face, grain and what tracking measured of the face's pixels are known, as from a track. Values are the least of several runs.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_frame
from faceplate.comp.grain import measure_grain
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.render import Renderer
from faceplate.render.load import load_frame
from faceplate.render.plate_grain import grain_window
from faceplate.shot import Shot
from faceplate.track.look import look_as_stored, measure_look
from measuring import SIZES, Size, read_exr, write_exr, write_plate

ROUNDS = 7
Result = TypeVar("Result")
STEPS = ("locate", "load and prepare", "generate", "composite", "write")


def main() -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    print(f"| plate | {' | '.join(STEPS)} | whole, ms | bare read + write, ms |")
    print("|---|" + "---:|" * (len(STEPS) + 2))
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            steps, bare = measured(Path(folder), size)
            cells = [f"{value:.0f}" for value in (*steps, steps.sum(), bare)]
            print(f"| {size.name} | {' | '.join(cells)} |", flush=True)


def measured(folder: Path, size: Size) -> tuple[np.ndarray, float]:
    """Return the milliseconds of each step, and of OpenImageIO reading and writing the same file."""
    color, finder = ColorConfig.load(environ={}), FaceFinder.embedded()
    plate = write_plate(folder / f"{size.name}.1001.exr", size, color, finder)
    source = folder / "bea"
    if not source.exists():
        shutil.copytree(person("bea"), source)
    output = str(folder / "out" / f"{size.name}.####.exr")
    renderer = Renderer(Shot(plate=str(plate), source=source, output=output, frames=(1001,)), finder)
    renderer.prepare()
    runs = np.array([list(steps_of(renderer)) for _ in range(ROUNDS)])
    bare = [clocked(lambda: write_exr(folder / "bare.exr", *read_exr(plate)))[0] for _ in range(ROUNDS)]
    return runs.min(axis=0), min(bare)


def steps_of(renderer: Renderer) -> Iterator[float]:
    """Render one frame as from a track and yield the milliseconds of each step."""
    file = renderer.open(1001)
    face = renderer.find(file)
    assert face is not None
    picture = read_frame(file, renderer.color, None, file.data)
    look = look_as_stored(measure_look(picture, face))
    grain = measure_grain(picture.region(grain_window(face, file.data)).working())
    spent, located = clocked(lambda: renderer.locate(1001, face, grain))
    yield spent
    located = replace(located, target=replace(located.target, look=look))
    spent, loaded = clocked(lambda: load_frame(renderer.resources, located, renderer.cache))
    yield spent
    spent, generated = clocked(lambda: renderer.generate(loaded))
    yield spent
    spent, rendered = clocked(lambda: renderer.composite(generated))
    yield spent
    yield clocked(lambda: renderer.write(rendered))[0]


def clocked(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the milliseconds of processor time that `work` takes, and its result."""
    begun = time.process_time()
    result = work()
    return 1e3 * (time.process_time() - begun), result


if __name__ == "__main__":
    main()
