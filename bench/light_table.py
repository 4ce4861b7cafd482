"""Prints how closely the result follows known lights on the plate, at two values of `light_scale`, as a Markdown table.

    python bench/light_table.py [light_scale ...]

Over six pairs of demo people at 512 x 512, the error in the low frequencies of the skin: its 95th percentile, and the part of
the skin with an error above a tenth, each the mean over the pairs. The last column is the goal of the tests for the default.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.generators import MeshGenerator
from faceplate.source import read_source
from lights import GOALS, LIGHTS, TABLE_PAIRS, half_size, light_off

SCALES = (0.25, 0.08)


def main(scales: tuple[float, ...]) -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    made = []
    for source, target in TABLE_PAIRS:
        frame, face = half_size(read_still(person(target) / "front.jpg", color), finder)
        made.append((frame, face, MeshGenerator(read_source(person(source), color, finder))))
    print("| light on the plate |" + "".join(f" `light_scale` {scale} |" for scale in scales) + " goal |")
    print("|---|" + "---:|" * (len(scales) + 1))
    for name, light in LIGHTS.items():
        cells = []
        for scale in scales:
            found = []
            for frame, face, generator in made:
                lit = frame.with_pixels(frame.pixels * light(frame, face))
                off = light_off(frame, lit, face, generator, light_scale=scale)
                found.append((np.percentile(off, 95), (off > 0.1).mean()))
            worst, part = np.mean(found, axis=0)
            cells.append(f" {100 * worst:.1f} %, {100 * part:.1f} % |")
        print(f"| {name} |{''.join(cells)} {100 * GOALS[name]:.0f} % |", flush=True)


if __name__ == "__main__":
    main(tuple(map(float, sys.argv[1:])) or SCALES)
