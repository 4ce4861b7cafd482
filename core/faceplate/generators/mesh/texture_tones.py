"""The tones of the new face, known from the source's textures.

A texture does not change from frame to frame. Its tones are measured once, so that the light that is matched to the plate does
not follow small errors of the mesh, as tones measured on each frame's warped picture would.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.comp.skin_tones import COUNT, SkinTones, edge_points, tone_points
from faceplate.face import Face
from faceplate.generators.mesh.texture_layers import TextureLayer
from faceplate.image.symmetric_log import from_log
from faceplate.source.source import Source

__all__ = ["texture_tones"]

# The least tone over the plate's level.
_LEAST = 1e-3


def texture_tones(source: Source, layers: Sequence[TextureLayer], light: np.ndarray, face: Face) -> SkinTones:
    """Return the tones of the face that `layers` and `light` make, where the views show it.

    Parameters
    ----------
    source : Source
        The source's views and their textures.
    layers : sequence of TextureLayer
        The frame's textures.
    light : np.ndarray
        float32 (478, 3), the leaders' light.
    face : Face
        The face on the plate; its level is used.

    Returns
    -------
    SkinTones
        Trust is 0 at the outline, where a picture's surroundings take part, and where the atlas fills the face.
    """
    points, edge = tone_points(), edge_points()
    logged, trust = np.zeros((COUNT, 3)), np.zeros(COUNT)
    for layer in layers:
        if layer.view is None:
            continue
        tones = source.tones[layer.view]
        weight = layer.share[points] * tones.trust * ~edge
        logged += weight[:, None] * tones.log
        trust += weight
    logged = logged / np.maximum(trust, 1e-9)[:, None] + light[points]
    pixels = from_log(logged.astype(np.float32)[None], face.level)[0]
    return SkinTones(np.log(np.maximum(pixels, _LEAST * face.level)).astype(np.float64), np.clip(trust, 0.0, 1.0))
