"""The texture of one picture: its pixels without their light, in the picture's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.source.light import light_over_grid
from faceplate.source.photograph import Photograph

__all__ = ["ViewTexture", "inside_face", "make_texture"]

# Below this cosine to the view the surface is near the outline, and the texture is cut off this far inside it; elsewhere
# only at its soft edge. Fractions of the face's size.
_GRAZING_COSINE, _INSET, _EDGE = 0.45, 0.02, 0.005


@dataclass(frozen=True)
class ViewTexture:
    """A picture without its light.

    Attributes
    ----------
    log : np.ndarray
        float32 (h, w, 3) on `view.frame.window`: the symmetric logarithm at level `view.face.level`
        (`image.symmetric_log`) with the light subtracted. Skin has a mean of about 0.
    light : np.ndarray
        float32 (478, 3), the log light at the mesh's points that was subtracted: `log` plus this light, interpolated over
        the mesh, is the photograph where `clean` is 1. It includes the skin's mean colour.
    clean : np.ndarray
        float32 (h, w), 1 where the pixels are the photograph's own skin or feature, 0 where something hides the face.
    """

    log: np.ndarray
    light: np.ndarray
    clean: np.ndarray


def make_texture(photograph: Photograph, light: np.ndarray, hidden: np.ndarray) -> ViewTexture:
    """Remove a picture's light.

    Parameters
    ----------
    photograph : Photograph
        The picture.
    light : np.ndarray
        float32 (478, 3), its log light at the mesh's points.
    hidden : np.ndarray
        float32 (gh, gw) on the picture's grid, 1 where something in front hides the face. Nothing is filled here
        (`source.fill`).
    """
    spread = photograph.to_picture(light_over_grid(photograph, light))
    return ViewTexture(photograph.log - spread, light, photograph.to_picture(inside_face(photograph) * (1 - hidden)))


def inside_face(photograph: Photograph) -> np.ndarray:
    """Compute where the grid shows the face and not what is behind its outline, float32 (gh, gw) in 0..1.

    Where the surface turns away, a mesh that is off by a pixel shows the background at the outline.
    """
    covered = photograph.raster.covered.astype(np.uint8)
    depth = cv2.distanceTransform(cv2.copyMakeBorder(covered, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0), cv2.DIST_L2, 3)
    depth = depth[1:-1, 1:-1] / photograph.cells
    turned = np.clip((_GRAZING_COSINE - photograph.geometry.seen) / _GRAZING_COSINE, 0, 1)
    inset = _INSET * np.clip(2 * photograph.over_grid(turned), 0, 1) + _EDGE
    return np.clip((depth - inset) / _EDGE, 0, 1).astype(np.float32)
