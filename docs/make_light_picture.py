"""Draws docs/light.jpg: the same swap on a plate lit three ways, so that the eye can judge the light stage.

    "$(python3 install env)/bin/python" docs/make_light_picture.py

Columns: the plate, the source laid over without light or blend, the result. Rows: as shot; a warm key of 3:1 from the left
with a blue rim at the right; the key from the right, two stops under; a hard key of 10:1 from the right.
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
from lights import hard_key, warm_key

SIDE = 340


def main() -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    still = read_still(people_folder() / "ada" / "front.jpg", color)
    face = finder.find(still)[0]
    generator = MeshGenerator(read_source(person("bea"), color, finder))
    plate = Frame(still.working(), still.window, color.working_space, color)
    x = (np.arange(still.window.width) - face.points[:, 0].min()) / np.ptp(face.points[:, 0])
    key = 3.0 ** (0.5 - np.clip(x, -0.5, 1.5))
    right = np.broadcast_to(0.25 / key[None, :, None], plate.pixels.shape)
    rows = []
    for light in (np.ones_like(plate.pixels), warm_key(plate, face), right, 1.6 * hard_key(plate, face)):
        lit = plate.with_pixels((plate.pixels * light).astype(np.float32))
        seen = finder.refine(lit, face)
        tiles = [lit.pixels]
        for values in ({"light_luminance": 0, "light_color": 0, "light_highlights": 0, "blend": "none"}, {}):
            swapped = swap_face(lit, seen, generator, Parameters.model_validate(values))
            pixels = lit.pixels.copy()
            pixels[swapped.window.slices(lit.window)] = swapped.over
            tiles.append(pixels)
        shown = [to_uint8(np.clip(color.to_display(tile), 0, 1))[150:, 100:950, ::-1] for tile in tiles]
        rows.append(np.hstack([cv2.resize(tile, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for tile in shown]))
    cv2.imwrite(str(Path(__file__).with_name("light.jpg")), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
