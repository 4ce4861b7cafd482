"""The texture of one picture: its pixels without their light, in the picture's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.source.light import find_light, light_over_grid, sample_skin
from faceplate.source.photograph import Photograph
from faceplate.source.views import bare_skin

__all__ = ["ViewTexture", "make_texture"]


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


def make_texture(photograph: Photograph, hidden: np.ndarray) -> ViewTexture:
    """Make the texture of a picture; `hidden` (h, w) is 1 where something in front hides the face. Nothing is filled."""
    skin = photograph.over_grid(bare_skin()) * photograph.raster.covered * (1 - photograph.to_grid(hidden))
    light = find_light(sample_skin(photograph, skin.astype(np.float32))).whole
    spread = photograph.to_picture(light_over_grid(photograph, light))
    return ViewTexture(photograph.log - spread, light, (1 - hidden).astype(np.float32))
