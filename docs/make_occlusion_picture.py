"""Draws docs/occlusion.jpg: a swap on a plate where something is in front of the face, so that the eye can judge the matte.

    "$(python3 install env)/bin/python" docs/make_occlusion_picture.py

Columns: the plate, the result, the matte part `matte_occlusion`. Rows: a hand in the face's own colour, a light one, a dark one,
dark strands, light strands.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from faceplate.color import ColorConfig, to_uint8
from faceplate.color.reading import read_still
from faceplate.demo import people_folder, person
from faceplate.face import FaceFinder
from faceplate.generators import MeshGenerator
from faceplate.image.frame import Frame
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import read_source
from occluders import DARK_HAIR, LIGHT_HAIR, OTHER_TONES, as_plate, skin_of, with_hand, with_strands

SIDE = 320


def main() -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    rows = []
    pairs = (("ada", "bea"), ("bea", "cal"), ("dot", "eve"), ("eve", "ada"), ("fox", "cal"))
    for index, (target, source) in enumerate(pairs):
        still = read_still(people_folder() / target / "front.jpg", color)
        generator = MeshGenerator(read_source(person(source), color, finder))
        plate = as_plate(still, finder.find(still)[0])
        covered, _ = (
            lambda p: with_hand(p, skin_of(p)),
            lambda p: with_hand(p, OTHER_TONES[0]),
            lambda p: with_hand(p, OTHER_TONES[1]),
            lambda p: with_strands(p, DARK_HAIR),
            lambda p: with_strands(p, LIGHT_HAIR),
        )[index](plate)
        frame = Frame(covered, plate[2], color.working_space, color)
        swapped = swap_face(frame, plate[1], generator, Parameters(layers="parts"))
        result, matte = covered.copy(), np.zeros(covered.shape, np.float32)
        where = swapped.window.slices(frame.window)
        result[where] = swapped.over
        matte[where] = swapped.layers["matte_occlusion"][..., None]
        tiles = [np.clip(color.to_display(covered), 0, 1), np.clip(color.to_display(result), 0, 1), matte]
        x, y = (int(value) for value in (plate[1].points[1, :2] - (plate[2].x, plate[2].y)))
        reach = min(x, y, covered.shape[1] - x, covered.shape[0] - y)
        shown = [to_uint8(tile)[y - reach : y + reach, x - reach : x + reach, ::-1] for tile in tiles]
        rows.append(np.hstack([cv2.resize(tile, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for tile in shown]))
    cv2.imwrite(str(Path(__file__).with_name("occlusion.jpg")), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
