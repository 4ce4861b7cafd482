"""Views of a source with other pixels under the same mesh, for tests that paint on a picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from faceplate.face.shape import normals
from faceplate.image.frame import Frame
from faceplate.source import SourceView
from faceplate.source.maps import Maps
from occluders import Scene

__all__ = ["normal_maps", "repainted", "scene_of", "skin_mask", "strand_on"]


def repainted(view: SourceView, pixels: np.ndarray) -> SourceView:
    """The view with other working-space pixels (h, w, 3) on the same window."""
    other = replace(view)
    frame = view.frame
    other.__dict__["frame"] = Frame(pixels.astype(np.float32), frame.window, frame.color.working_space, frame.color)
    return other


def scene_of(view: SourceView) -> Scene:
    return view.pixels, view.face, view.frame.window


def maps_of(view: SourceView) -> Maps:
    """What the view shows where, on its pixels."""
    return view.grid_maps.on_picture(view.photograph)


def normal_maps(view: SourceView) -> np.ndarray:
    """The surface's normals on the view's pixels, towards the camera, float32 (h, w, 3)."""
    toward = normals(view.geometry.square) * (1.0, 1.0, -1.0)
    return view.photograph.to_picture(view.photograph.over_grid(toward, 0.01))


def skin_mask(view: SourceView) -> np.ndarray:
    """Where the view surely shows skin that faces the camera, bool (h, w)."""
    facing = view.photograph.to_picture(view.photograph.over_grid(view.geometry.seen))
    return (maps_of(view).skin > 0.9) & (view.texture.clean > 0.9) & (facing > 0.4)


def strand_on(view: SourceView, colour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The view's pixels with a strand four pixels wide from the hairline towards the brows, and its alpha."""
    ends = view.face.points[[10, 9], :2] - (view.frame.window.x, view.frame.window.y)
    start, end = ends[0] - (20, 20), ends[1] - (30, 20)
    t = np.linspace(0, 1, 40)[:, None]
    line = start + t * (end - start) + np.column_stack([12 * np.sin(3 * t[:, 0]), 0 * t[:, 0]])
    drawn = np.zeros(view.pixels.shape[:2], np.uint8)
    cv2.polylines(drawn, [np.round(line * 16).astype(np.int32)], False, 255, 4, cv2.LINE_AA, 4)
    alpha = drawn.astype(np.float32) / 255
    return (view.pixels * (1 - alpha[..., None]) + colour * alpha[..., None]).astype(np.float32), alpha
