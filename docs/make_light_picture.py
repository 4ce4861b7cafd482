"""Draws docs/light.jpg: the same swap on a plate lit three ways, so that the eye can judge the light stage.

    "$(python3 install env)/bin/python" docs/make_light_picture.py

Columns: the plate, the source laid over without light or blend, the result. Rows: as shot; a warm key of 3:1 from the left
with a blue rim at the right; the key from the right, two stops under.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.color import ColorConfig, to_uint8
from faceplate.demo import people_folder, person
from faceplate.face import FaceFinder
from faceplate.frame import Frame, read_still
from faceplate.params import Parameters
from faceplate.stages import swap_face
from faceplate.swap import MeshGenerator, read_source

SIDE = 340


def main() -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    still = read_still(people_folder() / "ada" / "front.jpg", color)
    face = finder.find(still)[0]
    generator = MeshGenerator(read_source(person("bea"), color, finder))
    plate = Frame(still.working(), still.window, color.working_space, color)
    x = (np.arange(still.window.width) - face.points[:, 0].min()) / np.ptp(face.points[:, 0])
    key = 3.0 ** (0.5 - np.clip(x, -0.5, 1.5))
    rim = np.exp(-(((x - 1.0) / 0.25) ** 2))[:, None] * np.array([0.1, 0.2, 0.5])
    left = np.stack([key**1.1, key, key**0.85], axis=-1) + rim
    rows = []
    for light in (np.ones_like(left), left, 0.25 / np.stack([key, key, key], axis=-1)):
        lit = plate.with_pixels((plate.pixels * light[None]).astype(np.float32))
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
