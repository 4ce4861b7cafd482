"""Prints how closely the result follows known lights on the plate, at three values of `light_scale`, as a Markdown table.

    python bench/light_table.py

Over six pairs of demo people at 512 x 512: of the skin's low frequencies the 95th percentile of what they are off by, and the part
of the skin that is off by more than a tenth, each the mean over the pairs.
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
from lights import LIGHTS, half_size, light_off

PAIRS = (("bea", "ada"), ("eve", "bea"), ("ada", "cal"), ("fox", "dot"), ("dot", "eve"), ("cal", "fox"))
SCALES = (0.25, 0.1, 0.05)


def main() -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    made = []
    for source, target in PAIRS:
        frame, face = half_size(read_still(person(target) / "front.jpg", color), finder)
        made.append((frame, face, MeshGenerator(read_source(person(source), color, finder))))
    print("| light on the plate |" + "".join(f" `light_scale` {scale} |" for scale in SCALES))
    print("|---|" + "---:|" * len(SCALES))
    for name, light in LIGHTS.items():
        cells = []
        for scale in SCALES:
            found = []
            for frame, face, generator in made:
                lit = frame.with_pixels(frame.pixels * light(frame, face))
                off = light_off(frame, lit, face, generator, light_scale=scale)
                found.append((np.percentile(off, 95), (off > 0.1).mean()))
            worst, part = np.mean(found, axis=0)
            cells.append(f" {100 * worst:.1f} %, {100 * part:.1f} % |")
        print(f"| {name} |{''.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
