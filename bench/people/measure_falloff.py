"""Measure whether a face's edges tell how its defocus changes with depth.

    python bench/people/measure_falloff.py FOLDER --count 0

Each person's front picture is put out of focus by a known amount at the eyes, with a known fall-off: pixels of blur that the ears
have more than the eyes. The upper quartile of the narrowest edge ratios is read at eyes, brows, nose and mouth, and the fall-off
and the blur that explain them best by the medians of all people in this table are searched. A fall-off of 0 shows what people
differ by: less than this cannot be told from a person's own edges. The face has 400 pixels.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from make_blur_table import scene_of
from scenes import Setup, header, note, parser_for, row, setup_of

from faceplate.comp.defocus import defocused, defocused_by, focus_grid, sigmas_at
from faceplate.comp.edge_widths import edge_places
from faceplate.face import Face, topology
from faceplate.image.window import Window

SIGMAS = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
EYES, FALLOFFS = (0.0, 1.0, 2.0, 4.0), (-3.0, -1.5, 0.0, 1.5, 3.0)
TRIED = np.linspace(-5.0, 5.0, 41)
# Standard deviation of a ratio between people, as a part of it and beside it; the squared deviation of an outlier.
SCATTER, LEAST, MOST = 0.15, 0.02, 9.0
# Pairs of filters, the quantile that is taken, and the least steepness of an edge over the steepest.
PAIRS, PART, STEEP = ((0.5, 1.0), (1.5, 3.0)), 0.75, 0.15
EARS = 0.36

Scene = tuple[np.ndarray, Window, Face]


def main() -> None:
    """Print the table."""
    setup = setup_of(parser_for(__doc__).parse_args())
    scenes = [read(setup.place(person) / "front.jpg", setup) for person in setup.people]
    table = np.array([[ratios(defocused(light, s), window, face) for light, window, face in scenes] for s in SIGMAS])
    medians = np.nanmedian(table, axis=1)
    note(f"{len(scenes)} people")
    header("blur at the eyes, px", "fall-off, px", "found", "10 %", "90 %", "within 1 px")
    for eyes in EYES:
        for falloff in FALLOFFS:
            found = np.array([fitted(scene, medians, eyes, falloff) for scene in scenes])
            low, middle, high = np.percentile(found, [10, 50, 90])
            row(eyes, falloff, middle, low, high, f"{(np.abs(found - falloff) <= 1).sum()} of {len(found)}")


def read(path: Path, setup: Setup) -> Scene:
    """Return a picture's luminance, its window and its face of 400 pixels."""
    return scene_of(path, setup.color, setup.finder)


def zones() -> tuple[np.ndarray, ...]:
    """Return the points of right and left eye, right and left brow, nose and mouth."""
    mesh = topology()
    loops = (mesh.right_eye_loop, mesh.left_eye_loop, mesh.right_brow, mesh.left_brow, mesh.nose, mesh.lips_loop)
    return tuple(np.asarray(loop) for loop in loops)


def ratios(light: np.ndarray, window: Window, face: Face) -> np.ndarray:
    """Return the upper quartile of the edges' ratios in each zone under each pair of filters, float64 (zones, pairs)."""
    places = edge_places(window, face)
    pixels = places.read(light, window)
    found = np.full((len(zones()), len(PAIRS)), np.nan)
    for column, (near, wide) in enumerate(PAIRS):
        first, second = (steepness(pixels, sigma) for sigma in (near, wide))
        ridge = second >= cv2.dilate(second, np.ones((3, 3), np.uint8)) * 0.98
        for line, points in enumerate(zones()):
            hull = cv2.convexHull(
                np.round(face.points[points, :2] - (places.grid.x + 0.5, places.grid.y + 0.5)).astype(np.int32)
            )
            inside = np.zeros_like(places.features)
            cv2.fillConvexPoly(inside, hull, 1)
            inside = cv2.dilate(inside, np.ones((9, 9), np.uint8)) & places.features
            if not inside.any():
                continue
            edges = (inside > 0) & ridge & (second > STEEP * np.percentile(second[inside > 0], 98))
            if edges.sum() > 8:
                found[line, column] = np.quantile(np.log2(np.clip(first[edges] / second[edges], 0.25, 4.0)), PART)
    return found


def steepness(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Return the length of the gradient under a Gaussian filter, float32 (h, w)."""
    soft = cv2.GaussianBlur(pixels, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return cv2.magnitude(cv2.Sobel(soft, -1, 1, 0, ksize=1), cv2.Sobel(soft, -1, 0, 1, ksize=1))


def fitted(scene: Scene, medians: np.ndarray, eyes: float, falloff: float) -> float:
    """Put a scene out of focus and return the fall-off that explains its ratios best."""
    light, window, face = scene
    sigmas = sigmas_at(face.points, eyes, falloff, 20.0, face.size)
    blurred = defocused_by(light, focus_grid(face.points, sigmas, face.size).on(window))
    seen = ratios(blurred, window, face)
    mesh = topology()
    level = face.points[np.concatenate([mesh.right_eye_loop, mesh.left_eye_loop]), 2].mean()
    depths = np.array([face.points[points, 2].mean() - level for points in zones()]) / (EARS * face.size)
    at, tried = (grid.ravel() for grid in np.meshgrid(np.linspace(0.0, 6.0, 49), TRIED))
    cost = np.zeros(at.size)
    for zone, depth in enumerate(depths):
        for pair in range(len(PAIRS)):
            expected = np.interp((at + tried * depth) ** 2, np.square(SIGMAS), medians[:, zone, pair])
            apart = ((expected - seen[zone, pair]) / (SCATTER * expected + LEAST)) ** 2
            cost += np.nan_to_num(np.minimum(apart, MOST))
    return float(tried[int(np.argmin(cost))])


if __name__ == "__main__":
    main()
