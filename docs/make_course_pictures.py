"""Draws the pictures of docs/course from the folders that the two lessons made at full size.

    "$(python3 install env)/bin/python" docs/make_course_pictures.py time_turned_back sliders

lesson1.jpg: plate, finished shot and matte around the face on four frames, at 1:1. alignment.jpg, average.jpg, precision.jpg and
overfit.jpg are the sheets of lesson 2, made smaller.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO

from faceplate.color import ColorConfig

FRAMES = (1001, 1005, 1007, 1009)
BOX = (slice(180, 1080), slice(420, 1320))
SIDE = 440
COURSE = Path(__file__).parent / "course"
WIDTHS = {"alignment": 1400, "average": 512, "precision": 1400, "overfit": 1400}


def read(path: Path) -> np.ndarray:
    """Return a file's pixels, float32 (h, w, channels), over its display window."""
    picture = OpenImageIO.ImageBuf(str(path))
    picture = OpenImageIO.ImageBufAlgo.crop(picture, picture.roi_full)
    return np.asarray(picture.get_pixels(OpenImageIO.FLOAT))


def tile(pixels: np.ndarray, color: ColorConfig) -> np.ndarray:
    """Return ACEScg pixels as sRGB with a soft shoulder, uint8 (SIDE, SIDE, 3), BGR."""
    light = np.maximum(color.to_linear709(np.ascontiguousarray(pixels, np.float32)), 0)
    light = np.where(light > 0.6, 0.6 + 0.4 * (1 - np.exp((0.6 - light) / 0.4)), light)
    shown = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-8) ** (1 / 2.4) - 0.055)
    small = cv2.resize(np.clip(shown, 0, 1)[BOX], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return (small[..., ::-1] * 255 + 0.5).astype(np.uint8)


def main() -> None:
    """Run the command line described at the top of this file."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    first, second = map(Path, sys.argv[1:])
    color, columns = ColorConfig.load(environ={}), []
    for frame in FRAMES:
        plate = read(first / "plate" / f"plate.{frame}.exr")[..., :3]
        element = read(first / "swap" / f"swap.{frame}.exr")[..., :4]
        over = plate * (1 - element[..., 3:]) + element[..., :3]
        matte = cv2.resize(element[BOX][..., 3], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        grey = (np.clip(matte, 0, 1)[..., None].repeat(3, axis=2) * 255 + 0.5).astype(np.uint8)
        columns.append(np.vstack([tile(plate, color), tile(over, color), grey]))
    cv2.imwrite(str(COURSE / "lesson1.jpg"), np.hstack(columns), [cv2.IMWRITE_JPEG_QUALITY, 88])
    for name, width in WIDTHS.items():
        sheet = cv2.imread(str(second / f"{name}.png"))
        if sheet is None:
            raise SystemExit(f"{second} has no {name}.png: run the lesson's commands first.")
        size = (width, round(sheet.shape[0] * width / sheet.shape[1]))
        cv2.imwrite(str(COURSE / f"{name}.jpg"), cv2.resize(sheet, size, interpolation=cv2.INTER_AREA))


if __name__ == "__main__":
    main()
