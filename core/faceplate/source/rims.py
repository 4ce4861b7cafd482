"""Rims of glasses in the source's pictures, too thin for the occlusion network.

A rim is a closed line around an eye (`comp.eye_rings`). It is looked for only in the pictures of a person who wears glasses: lids
and wrinkles are lines around the eyes, too.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.eye_rings import TURNS, ring_contrast, shown_arcs, strongest_path, unroll_eyes
from faceplate.face import topology
from faceplate.source.light import LUMINANCE
from faceplate.source.photograph import Photograph

__all__ = ["find_rims"]

# Thickness of a rim, of it with the pad beside the nose, and of its soft border, as fractions of the face's size.
_RIM, _PAD, _SOFT = 0.024, 0.045, 0.004
# Where no frame was found otherwise: the least part of the directions that must show the rim, and its least mean contrast below
# the eye, where lids and brows have no lines.
_LEAST_SHOWN, _LEAST_BELOW = 0.6, 0.22


def find_rims(photograph: Photograph, frame: bool) -> np.ndarray:
    """Find the rims of glasses in a picture of a person who wears them, float32 (gh, gw) in 0..1 on its grid.

    With `frame`, other parts of the frame were found in this picture, and every long arc of a rim counts; without, only a rim that
    goes almost round an eye. What is inside the eye's opening is left free.
    """
    luma, points, cells = photograph.grid @ LUMINANCE, photograph.grid_points, photograph.cells
    drawn = np.zeros(luma.shape, np.uint8)
    rings = unroll_eyes(points, cells)
    contrasts = np.stack([ring_contrast(luma, ring, cells) for ring in rings])
    for ring, contrast, path in zip(rings, contrasts, strongest_path(contrasts), strict=True):
        along = contrast[np.arange(TURNS), path]
        shown = shown_arcs(along)
        if frame or (shown.mean() >= _LEAST_SHOWN and along[: TURNS // 2].mean() >= _LEAST_BELOW):
            _draw(drawn, ring.along(path), shown, cells)
    for loop in (topology().right_eye_loop, topology().left_eye_loop):
        cv2.fillPoly(drawn, [np.round(points[loop]).astype(np.int32)], 0)
    soft = cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), max(_SOFT * cells, 0.5))
    return soft * photograph.raster.covered


def _draw(drawn: np.ndarray, path: np.ndarray, shown: np.ndarray, cells: float) -> None:
    """Draw the shown part of a closed path, thicker below the eye beside the nose, where the pads are."""
    turn = np.arange(TURNS) / TURNS
    pad = (turn > 0.3) & (turn < 0.5)
    ends = np.round(path * 16).astype(int)
    for k in np.flatnonzero(shown & np.roll(shown, -1)):
        width = max(round((_PAD if pad[k] else _RIM) * cells), 1)
        first, second = ends[k].tolist(), ends[(k + 1) % TURNS].tolist()
        cv2.line(drawn, first, second, 1, width, cv2.LINE_8, 4)
