"""Measure the edges of invented people under known blurs and write the table that `comp/edge_widths.py` reads.

python bench/people/make_blur_table.py FOLDER core/faceplate/comp/edge_widths.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from population import tuning

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.comp.edge_widths import DIRECTIONS, SCALES, EdgeWidths, feature_points, measure_edges
from faceplate.face import Face, FaceFinder
from faceplate.face.align import resample
from faceplate.image.window import Window

SIGMAS = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.5, 6.5, 9.0, 13.0)
LENGTHS = (0.0, 2.0, 4.0, 6.0, 9.0, 13.0, 19.0, 28.0, 40.0)
PICTURES = ("front.jpg", "right.jpg", "open.jpg")
FACE = 400.0
# Room around the features, in pixels, for blurs and filters.
ROOM = 80.0


def main(folder: Path, target: Path) -> None:
    """Write the medians over all people that may be tuned on."""
    color, finder = ColorConfig.load(environ={}), FaceFinder.embedded()
    people = [person for person in tuning() if "glasses" not in person.traits]
    scenes = [scene_of(folder / person.name / PICTURES[k % 3], color, finder) for k, person in enumerate(people)]
    table = np.zeros((len(SIGMAS), len(LENGTHS), SCALES, DIRECTIONS // 2 + 1))
    for i, sigma in enumerate(SIGMAS):
        for j, length in enumerate(LENGTHS):
            found = [ratios_of(scene, sigma, length, k) for k, scene in enumerate(scenes)]
            table[i, j] = np.nanmedian(np.concatenate(found), axis=0)
        print(sigma, np.round(table[i, :, :, [0, -1]], 2).tolist(), file=sys.stderr, flush=True)
    for i, j, k, a in np.argwhere(np.isnan(table)):  # too few edges are left: continue from the next shorter streak
        table[i, j, k, a] = table[i, j - 1, k, a] if j else table[i - 1, j, k, a]
    np.savez_compressed(target, sigmas=np.array(SIGMAS), lengths=np.array(LENGTHS), ratio=table.astype(np.float32))


def scene_of(path: Path, color: ColorConfig, finder: FaceFinder) -> tuple[np.ndarray, Window, Face]:
    """Return a picture's luminance around the features, its window and its face, of `FACE` pixels."""
    still = read_still(path, color)
    face = finder.find(still)[0]
    scale = FACE / face.size
    window = Window(0, 0, round(still.window.width * scale), round(still.window.height * scale))
    near = Window.around(face.points[feature_points(), :2] * scale, ROOM).intersect(window)
    pixels = resample(still.working(), still.window, np.array([[scale, 0, 0], [0, scale, 0]]), near)
    return color.luminance(pixels) / face.level, near, face.moved(face.points * scale)


def ratios_of(scene: tuple[np.ndarray, Window, Face], sigma: float, length: float, number: int) -> np.ndarray:
    """Return the ratios by the angle to the streaks, (runs, 3, angles), for two directions of the movement."""
    light, window, face = scene
    rows = []
    for turn in (number % 4, (number + 2) % 4):
        blurred = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) if sigma else light
        if length:
            blurred = cv2.filter2D(blurred, -1, streak(length, turn * np.pi / 4), borderType=cv2.BORDER_REPLICATE)
        rows += folded(measure_edges(blurred, window, face), turn * DIRECTIONS // 4)
        if not length:
            break
    return np.array(rows)


def folded(edges: EdgeWidths, first: int) -> list[np.ndarray]:
    """Return the ratios from along to across the movement, which lies in direction `first`, once for each side."""
    held = np.where(edges.weights > 0.05, edges.ratios, np.nan)
    half = np.arange(DIRECTIONS // 2 + 1)
    return [held[:, (first + way * half) % DIRECTIONS] for way in (1, -1)]


def streak(length: float, angle: float) -> np.ndarray:
    """Return the kernel of a straight movement at constant speed, float32 (n, n)."""
    half = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    count = int(length * 16) + 1
    for part in (np.arange(count) + 0.5) / count - 0.5:
        x, y = half + part * length * np.cos(angle), half + part * length * np.sin(angle)
        column, row = int(np.floor(x)), int(np.floor(y))
        right, down = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer([1 - down, down], [1 - right, right]).astype(np.float32)
    return kernel / kernel.sum()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
