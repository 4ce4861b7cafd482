"""Time what is worked out once per source, on one core, from the demo's six pictures of 1,024 pixels.

    python bench/source_time.py

Prints seconds of processor time: maps and light for each picture, the atlas for all, and the filled texture of each.
"""

from __future__ import annotations

import time

import cv2

from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.source import read_source


def main() -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    source = read_source(person("bea"), ColorConfig.load(), FaceFinder.embedded())
    for view in source.views:
        view.pixels  # noqa: B018 (reading the files is not measured)
    source.views[0].occlusion  # noqa: B018 (neither is opening the network)
    start = time.process_time()
    for view in source.views:
        view.light  # noqa: B018
    found = time.process_time()
    source.atlas  # noqa: B018
    voted = time.process_time()
    for name in source.textures:
        source.textures[name]
    filled = time.process_time()
    count = len(source.views)
    print(f"maps and light, each picture {(found - start) / count:.2f} s")
    print(f"atlas, {count} pictures       {voted - found:.2f} s")
    print(f"filled texture, each         {(filled - voted) / count:.2f} s")


if __name__ == "__main__":
    main()
