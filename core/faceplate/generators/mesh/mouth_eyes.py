"""The plate's own mouth and eyes: where they are kept."""

from __future__ import annotations

import numpy as np

from faceplate.face import Face, topology
from faceplate.face.raster import MeshRaster
from faceplate.generators.mesh.grid import loop_matte
from faceplate.generators.mesh.mouth_warp import most_growth
from faceplate.generators.mesh.settings import MeshSettings
from faceplate.generators.mesh.texture_layers import TextureLayer
from faceplate.source.views import Geometry

__all__ = ["kept_from_plate", "kept_share"]

# The plate's mouth or eye is kept while the views are less than half as open, and replaced above four fifths.
_OPEN_LOW, _OPEN_HIGH = 0.5, 0.8

_CLOSED_BELOW = 0.04


def kept_from_plate(
    face: Face,
    target: Geometry,
    layers: list[TextureLayer],
    raster: MeshRaster,
    settings: MeshSettings,
    openings: tuple[float, float, float] | None = None,
    filled: float = 0.0,
) -> np.ndarray:
    """Compute where the plate's own mouth and eyes are kept, float32 (gh, gw).

    With the setting `auto` they are kept as far as no view is open as far as the plate's are. `openings` are a crop's: what dials
    have opened is no inside of the plate's. As far as the plate's mouth is `filled` with teeth, 0..1, those of a view grow.
    """
    mesh = topology()
    kept = np.zeros(raster.covered.shape, np.float32)
    places = (
        (settings.mouth, mesh.mouth_loop, target.mouth, lambda layer: _mouth_of(layer, filled)),
        (settings.eyes, mesh.right_eye_loop, target.eyes[0], lambda layer: layer.geometry.eyes[0]),
        (settings.eyes, mesh.left_eye_loop, target.eyes[1], lambda layer: layer.geometry.eyes[1]),
    )
    for (setting, loop, wanted, openness), own in zip(places, openings or (1.0, 1.0, 1.0), strict=True):
        if setting == "plate":
            amount = 1.0
        elif setting == "source":
            amount = 0.0
        else:
            inside = [(float(layer.share[loop].sum()), openness(layer)) for layer in layers]
            have = sum(share * value for share, value in inside) / max(sum(share for share, _ in inside), 1e-9)
            amount = kept_share(have, wanted * min(own, 1.0))
        if amount > 0:
            kept = np.maximum(kept, loop_matte(face, loop, raster) * np.float32(amount))
    return kept


def _mouth_of(layer: TextureLayer, filled: float) -> float:
    """Return how far the mouth of `layer` is open, with its teeth as large as they may be shown."""
    growth = 1.0 if layer.teeth is None else most_growth(layer.teeth)
    return layer.geometry.mouth * (1.0 + filled * (growth - 1.0))


def kept_share(have: float, wanted: float) -> float:
    """Return how far the plate's own mouth or eye is kept where the new face is open by `have` and the performance by `wanted`."""
    short = np.clip((_OPEN_HIGH - have / max(wanted, 1e-9)) / (_OPEN_HIGH - _OPEN_LOW), 0.0, 1.0)
    return float(short * np.clip((wanted - _CLOSED_BELOW) / _CLOSED_BELOW, 0.0, 1.0))
