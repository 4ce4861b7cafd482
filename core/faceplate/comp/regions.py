"""Regions of the face as mattes, from the mesh's loops: what can be kept from the plate, and where bare skin is."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.image.soft_steps import disc
from faceplate.image.window import Window

__all__ = ["REGIONS", "region_matte", "skin_weight"]

REGIONS = ("eyes", "mouth", "brows", "nose", "jaw")
"""The regions that `region_matte` can draw."""

# Growth of a region beyond its own points and softness of its edge, as fractions of the face's size.
_GROW = {"eyes": 0.02, "mouth": 0.015, "brows": 0.025, "nose": 0.02, "jaw": 0.0}
_SOFT = 0.02
_SAMPLES = 400.0
# The jaw is everything below the mouth's corners, out to the oval.
_JAW = (61, 291)
_NOSE_WINGS = (6, 122, 131, 49, 129, 64, 98, 97, 2, 326, 327, 294, 358, 279, 360, 351)


def region_matte(face: Face, window: Window, names: tuple[str, ...]) -> np.ndarray:
    """Draw the named `REGIONS` as one soft matte, float32 (h, w) in 0..1 on `window`."""
    # Soft shapes need no more than this many samples across the face, so only the final resize depends on the plate's size.
    scale = min(_SAMPLES / face.size, 1.0)
    size = (max(round(window.width * scale), 1), max(round(window.height * scale), 1))
    factors = np.array([size[0] / window.width, size[1] / window.height])
    matte = np.zeros(size[::-1], np.float32)
    for name in names:
        drawn = np.zeros(matte.shape, np.uint8)
        for outline in _outlines(face, name):
            fixed = np.round(((outline - (window.x, window.y)) * factors - 0.5) * 16).astype(np.int32)
            cv2.fillPoly(drawn, [fixed], 1, cv2.LINE_8, 4)
        grown = _GROW[name] * face.size * scale
        if grown >= 1:
            drawn = cv2.dilate(drawn, disc(grown))
        part = drawn.astype(np.float32)
        sigma = max(_SOFT * face.size * scale / 2, 0.5)
        matte = np.maximum(matte, cv2.GaussianBlur(part, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))
    if scale < 1:
        matte = cv2.resize(matte, (window.width, window.height), interpolation=cv2.INTER_LINEAR)
    # A blur does not reach 0 and 1 exactly. Stretching it makes the middle exactly 1 and the distance exactly 0.
    return np.clip((matte - np.float32(0.02)) / np.float32(0.96), 0, 1)


def skin_weight(face: Face, window: Window) -> np.ndarray:
    """Draw the bare skin inside the oval, where light can be compared.

    Returns
    -------
    np.ndarray
        float32 (h, w): 1 on bare skin, 0 on eyes, brows, mouth and outside.
    """
    inside = np.zeros((window.height, window.width), np.float32)
    cv2.fillPoly(inside, [_to_fixed_point(face.points[topology().oval, :2], window)], 1.0, cv2.LINE_AA, 4)
    return inside * (1.0 - region_matte(face, window, ("eyes", "mouth", "brows")))


def _outlines(face: Face, name: str) -> list[np.ndarray]:
    mesh, xy = topology(), face.points[:, :2]
    if name == "eyes":
        return [xy[mesh.right_eye_loop], xy[mesh.left_eye_loop]]
    if name == "mouth":
        return [xy[mesh.lips_loop]]
    if name == "brows":
        return [cv2.convexHull(xy[brow].astype(np.float32))[:, 0] for brow in (mesh.right_brow, mesh.left_brow)]
    if name == "nose":
        return [xy[list(_NOSE_WINGS)]]
    right, left = xy[_JAW[0]], xy[_JAW[1]]
    along = left - right
    away = xy[mesh.oval] - right
    below = along[0] * away[:, 1] - along[1] * away[:, 0] > 0
    lower = xy[mesh.oval][below]
    return [cv2.convexHull(np.concatenate([lower, [right, left]]).astype(np.float32))[:, 0]]


def _to_fixed_point(outline: np.ndarray, window: Window) -> np.ndarray:
    return np.round((outline - (window.x + 0.5, window.y + 0.5)) * 16).astype(np.int32)
