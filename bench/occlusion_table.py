"""Prints how much of a hand, of strands and of glasses in front of the face stays in front, as a Markdown table.

    python bench/occlusion_table.py

Over three views (front, left, open mouth) of each demo person: of the occluder's pixels inside the hull with an alpha above 0.9,
the part whose luminance changes by less than 2 % when a face three times as dark goes under the matte; and the matte's mean error.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.comp.occlusion import occlusion_matte
from faceplate.demo import PEOPLE, person
from faceplate.face import FaceFinder
from occluders import (
    DARK_FRAME,
    DARK_HAIR,
    LIGHT_HAIR,
    METAL_FRAME,
    OTHER_TONES,
    as_plate,
    held_back,
    inside,
    skin_of,
    with_glasses,
    with_hand,
    with_strands,
)


def main() -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    kept: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for name in PEOPLE:
        for view in ("front", "left", "open"):
            frame = read_still(person(name) / f"{view}.jpg", color)
            plate = as_plate(frame, finder.find(frame)[0])
            cases = {
                "hand, light": with_hand(plate, OTHER_TONES[0]),
                "hand, dark": with_hand(plate, OTHER_TONES[1]),
                "hand, the face's own colour": with_hand(plate, skin_of(plate)),
                "strands, dark": with_strands(plate, DARK_HAIR),
                "strands, light": with_strands(plate, LIGHT_HAIR),
                "glasses, dark": with_glasses(plate, DARK_FRAME),
                "glasses, metal": with_glasses(plate, METAL_FRAME),
                "nothing": (plate[0], np.zeros(plate[0].shape[:2], np.float32)),
            }
            for case, (pixels, alpha) in cases.items():
                matte = occlusion_matte(pixels, *plate[1:], color)
                errors.setdefault(case, []).append(float(np.abs(matte - alpha)[inside(plate)].mean()))
                if alpha.any():
                    kept.setdefault(case, []).append(held_back(color, pixels, plate, alpha, matte))
    print("| in front | kept, mean | kept, worst | matte error, mean | worst |\n|---|---:|---:|---:|---:|")
    for case, error in errors.items():
        shares = kept.get(case)
        shown = f"{np.mean(shares):.1%} | {np.min(shares):.1%}" if shares else " | "
        print(f"| {case} | {shown} | {np.mean(error):.3f} | {np.max(error):.3f} |")


if __name__ == "__main__":
    main()
