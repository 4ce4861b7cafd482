"""The mesh generator: the order of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from faceplate.cache import digest
from faceplate.comp.grain import Grain
from faceplate.comp.occlusion import NETWORK
from faceplate.face import Face, topology
from faceplate.face.expression import BLENDSHAPE_NETWORK
from faceplate.face.raster import rasterise
from faceplate.face.shape import unsqueezed
from faceplate.generators.interface import Crop, CropTransform, Encoding, Generated
from faceplate.generators.mesh.grid import cells_per_face, disc
from faceplate.generators.mesh.light_removal import remove_light
from faceplate.generators.mesh.mixing import fill_inner_gaps, mix_layers
from faceplate.generators.mesh.mouth_eyes import kept_from_plate
from faceplate.generators.mesh.settings import MeshSettings
from faceplate.generators.mesh.texture_layers import TextureLayer, texture_layers
from faceplate.generators.reshape import shape_offset
from faceplate.image.inpaint import fill
from faceplate.image.symmetric_log import from_log
from faceplate.source.source import Source, SourceView
from faceplate.source.views import Geometry

__all__ = ["MeshGenerator"]

# Margin around the mesh as a fraction of the face's size, so that the warp and the blend have neighbouring pixels.
_MARGIN = 0.08

# Share of clean skin from which a place counts as fully seen.
_CLEAN_SHARE = 0.2

# Hair comes in over the outline. Anything at least this far inside, as a fraction of the face's size, is the person's own
# brow or mole.
_OUTLINE_MARGIN = 0.03


@dataclass(frozen=True)
class MeshGenerator:
    """Mixes the views of `source` on the plate's 478 points.

    `weights` are the networks that find hair in front of the views and measure their expressions.
    """

    source: Source
    settings: MeshSettings = field(default_factory=MeshSettings)
    name: str = "mesh"
    encoding: Encoding = "working"
    weights: tuple[str, ...] = (NETWORK, BLENDSHAPE_NETWORK)

    @property
    def native_size(self) -> float:
        """Size of the largest face among the views, in their own pixels."""
        return max(view.face.size for view in self.source.views)

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        """Return the plate's own pixels around the mesh, without rotation or scale."""
        return CropTransform(np.array([[1, 0, 0], [0, 1, 0]], np.float64), face.window(_MARGIN), pixel_aspect)

    def reshaped(self, face: Face, pixel_aspect: float) -> Face:
        """Return `face` with the source's own shape, as far as the setting `shape` says."""
        if self.settings.shape == 0:
            return face
        poses = tuple(view.geometry.pose for view in self.source.views)
        offset = unsqueezed(shape_offset(unsqueezed(face.points, pixel_aspect), poses), 1 / pixel_aspect)
        return face.moved(face.points + self.settings.shape * offset)

    def cache_identity(self) -> str:
        """Return a text that is the same exactly when the results are."""
        return digest(self.name, self.source.cache_identity(), self.settings)

    def generate(self, crop: Crop) -> Generated:
        """Generate the new face on the plate's pixels, scene-linear."""
        views = self._views(crop.frame)
        face = crop.face
        target = Geometry.of(face, crop.transform.pixel_aspect)
        window = crop.transform.window
        raster = rasterise(face.points, topology().closed, window, face.size)
        layers = texture_layers(views, face, target, raster, self.settings.eyes)
        kept = kept_from_plate(face, target, layers, raster, self.settings)
        mixed, light, confidence = mix_layers(layers, raster, face)
        if kept.any():
            plate = TextureLayer(crop.pixels, None, window, face.points, face.level, kept, np.ones(len(face.points)))
            texture, _, _ = remove_light(plate, face, raster)
            mixed = mixed + np.clip(raster.enlarge(kept), 0, 1)[..., None] * (texture - mixed)
        coverage = cv2.dilate(raster.covered.astype(np.uint8), disc(0.03 * cells_per_face(face, raster)))
        pixels = from_log(mixed + light, face.level)
        # Where every view has hair or its outline, none shows the person's skin, so the plate's skin stays.
        clean = np.clip(fill(confidence, raster.covered.astype(np.float32)) / _CLEAN_SHARE, 0.0, 1.0)
        clean = fill_inner_gaps(clean, raster.covered, _OUTLINE_MARGIN * cells_per_face(face, raster))
        covered = np.clip(raster.enlarge(coverage * clean), 0.0, 1.0)
        return Generated(
            pixels,
            covered,
            np.clip(raster.enlarge(confidence), 0.0, 1.0),
            _most_grain([layer.noise for layer in layers]).scaled(face.level),
            np.clip(raster.enlarge(kept), 0.0, 1.0) if kept.any() else None,
        )

    def _views(self, frame: int | None) -> tuple[SourceView, ...]:
        pinned = {name for name, first, last in self.settings.pins if frame is not None and first <= frame <= last}
        return tuple(view for view in self.source.all_views if view.name in pinned) or self.source.views


def _most_grain(grains: list[Grain]) -> Grain:
    """Return the largest slope and floor of `grains`."""
    slope, floor = (np.max([getattr(grain, part) for grain in grains], axis=0) for part in ("slope", "floor"))
    return replace(Grain.none(), slope=slope, floor=floor)
