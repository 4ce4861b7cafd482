"""Prints the memory and the time of wedges of more and more variants, as a Markdown table.

    python bench/wedge_memory.py [side] [variants ...]

Each wedge is made in a process of its own: one demo person's face on two frames of another, `side` pixels square (256), with
light_scale and blend_amount over so many values that there are 4, 36 and 100 variants. The stage cache is held to 64 MB, so that
what grows would be the wedge's own. The columns: variants, peak memory of the process in MB, takes, seconds, cells on a sheet,
the sheet's size in pixels, and how often the generator ran and was shared.
"""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813

from faceplate.cli.wedge import plan_of, renderers_of
from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import person
from faceplate.review.wedge import lay_out, render_takes

FRAMES = (1001, 1002)
COUNTS = (4, 36, 100)
CACHE = "64M"


def write_shot(folder: Path, side: int) -> Path:
    """Write a plate of two frames, a source of one picture, and the shot file."""
    still = read_still(person("ada") / "front.jpg", ColorConfig.load(environ={}))
    small = cv2.resize(still.working(), (side, side), interpolation=cv2.INTER_AREA)
    (folder / "plates").mkdir()
    for frame in FRAMES:
        spec = oiio.ImageSpec(side, side, 3, "half")
        spec.attribute("colorInteropID", "lin_ap1_scene")
        out = oiio.ImageOutput.create(str(folder / "plates" / f"plate.{frame}.exr"))
        assert out is not None and out.open(str(folder / "plates" / f"plate.{frame}.exr"), spec)
        out.write_image(np.ascontiguousarray(np.roll(small, frame - FRAMES[0], axis=1)))
        out.close()
    (folder / "bea").mkdir()
    for name in ("front.jpg", "release.json", "release.sig.json"):
        shutil.copy(person("bea") / name, folder / "bea")
    path = folder / "sh010.shot.json"
    document = {
        "faceplate_shot": 1,
        "name": "sh010",
        "plate": "plates/plate.####.exr",
        "source": "bea",
        "output": "out/sh010.####.exr",
    }
    path.write_text(json.dumps(document))
    return path


def measure(shot: Path, count: int) -> None:
    """Make one wedge in this process and print a row."""
    across = math.isqrt(count)
    axes = [f"light_scale=0.05:0.5:{across}", f"blend_amount=0:1:{count // across}"]
    begun = time.perf_counter()
    renderers = renderers_of(plan_of(str(shot), axes, None, shot.parent / f"wedge{count}"))
    renderers.prepare()
    takes = sum(take.done.written is not None for take in render_takes(renderers))
    document = lay_out(renderers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    width, height = document.sheets[0].size
    made, shared = (document.stages[kind].get("generate", 0) for kind in ("computed", "shared"))
    print(
        f"| {len(document.variants)} | {peak:.0f} | {takes} | {time.perf_counter() - begun:.1f} "
        f"| {len(document.sheets[0].cells)} | {width} x {height} | {made} + {shared} |",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    if arguments and arguments[0] == "one":
        measure(Path(arguments[1]), int(arguments[2]))
        return
    side = int(arguments[0]) if arguments else 256
    print("| variants | peak MB | takes | seconds | cells | sheet | generator ran + shared |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        shot = write_shot(Path(folder), side)
        for count in map(int, arguments[1:]) if len(arguments) > 1 else COUNTS:
            environ = {**os.environ, "FACEPLATE_CACHE_MEMORY": CACHE, "FACEPLATE_CACHE": "off"}
            subprocess.run([sys.executable, __file__, "one", str(shot), str(count)], env=environ, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
