"""The mesh generator: the order of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from faceplate.cache import digest
from faceplate.comp.feature_tones import SCLERA, TEETH, FeatureTones
from faceplate.comp.grain import Grain
from faceplate.comp.occlusion import NETWORK
from faceplate.comp.teeth import filled_with_teeth, open_enough
from faceplate.face import Face, topology
from faceplate.face.expression import BLENDSHAPE_NETWORK
from faceplate.face.raster import MeshRaster
from faceplate.face.shape import unsqueezed
from faceplate.generators.interface import Crop, CropTransform, Encoding, Generated
from faceplate.generators.mesh.grid import cells_per_face
from faceplate.generators.mesh.mouth_eyes import kept_from_plate
from faceplate.generators.mesh.settings import MeshSettings
from faceplate.generators.mesh.texture_layers import TextureLayer, source_coverage, texture_layers
from faceplate.generators.mesh.texture_sizes import TextureSizes
from faceplate.generators.mesh.texture_tones import texture_tones
from faceplate.generators.mesh.warp import sum_layers
from faceplate.generators.reshape import shape_offset
from faceplate.image.soft_steps import disc
from faceplate.image.symmetric_log import from_log
from faceplate.source.source import Source
from faceplate.source.view_costs import ViewTraits, best_view
from faceplate.source.views import Geometry

__all__ = ["MeshGenerator"]

# Margin around the mesh as a fraction of the face's size, so that the warp and the blend have neighbouring pixels.
_MARGIN = 0.08

# Weight of the whole source's sclera and teeth against those of the views that show them in a frame.
_WHOLE_SOURCE = 0.1

# Softness of the borders between two textures, and of the light, as fractions of the face's size.
_SHARE_SOFT, _LIGHT_SOFT = 0.015, 0.03
# Share of a texture in a cell below which it is not visible.
_LEAST_SHARE = 5e-4


@dataclass(frozen=True)
class MeshGenerator:
    """Warps the leading view of `source` onto the plate's 478 points, and other views where it shows too little.

    `weights` are the networks that find hair in front of the views and measure their expressions.
    """

    source: Source
    settings: MeshSettings = field(default_factory=MeshSettings)
    name: str = "mesh"
    encoding: Encoding = "working"
    weights: tuple[str, ...] = (NETWORK, BLENDSHAPE_NETWORK)
    sizes: TextureSizes = field(default_factory=TextureSizes, repr=False, compare=False)

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
        offset = unsqueezed(shape_offset(unsqueezed(face.points, pixel_aspect), poses, face.rest), 1 / pixel_aspect)
        return face.moved(face.points + self.settings.shape * offset)

    def cache_identity(self) -> str:
        """Return a text that is the same exactly when the results are."""
        return digest(self.name, self.source.cache_identity(), self.settings)

    def pinned_views(self, frame: int | None) -> tuple[tuple[str, float], ...] | None:
        """Return the views that the setting `pins` names for `frame`, in equal shares; None where it names none."""
        if frame is None:
            return None
        names = dict.fromkeys(name for name, first, last in self.settings.pins if first <= frame <= last)
        return tuple((name, 1.0 / len(names)) for name in names) or None

    def views_alone(self, frame: int | None, face: Face, pixel_aspect: float) -> tuple[tuple[str, float], ...]:
        """Return the views that lead a frame without a plan: those pinned, else the one that suits `face` best."""
        traits = [ViewTraits.of(view) for view in self.source.views]
        return self.pinned_views(frame) or ((best_view(traits, face.points, pixel_aspect), 1.0),)

    def generate(self, crop: Crop) -> Generated:
        """Generate the new face on the plate's pixels, scene-linear."""
        face, raster = crop.face, crop.raster
        target = Geometry.of(face, crop.transform.pixel_aspect)
        filled = _filled(crop, target)
        layers, light = texture_layers(self.source, self._leaders(crop), face, target, self.sizes, filled)
        shares = _grid_shares(layers, face, raster)
        logged = sum_layers(layers, shares, face, raster, self.settings.eyes == "auto", filled)
        logged += raster.enlarge(_over_grid(light, face, raster))
        kept = kept_from_plate(face, target, layers, raster, self.settings, crop.openings, filled)
        coverage = cv2.dilate(raster.covered.astype(np.uint8), disc(0.03 * cells_per_face(face, raster)))
        return Generated(
            from_log(logged, face.level, out=logged),
            np.clip(raster.enlarge(coverage.astype(np.float32)), 0.0, 1.0),
            None,
            Grain.none(),  # what noise the pictures have stands still, so none of it is the plate's grain
            np.clip(raster.enlarge(kept), 0.0, 1.0) if kept.any() else None,
            _features_of(layers, self.source.features),
            texture_tones(self.source, layers, light, face),
            source_coverage(self.source, target),
        )

    def _leaders(self, crop: Crop) -> dict[str, float]:
        """Return the views that lead in a frame and their weights: the plan's, else an artist's pins, else the best."""
        known = {view.name for view in self.source.all_views}
        planned = {name: weight for name, weight in crop.views or () if name in known}
        whole = sum(planned.values())
        if whole > 0:
            return {name: weight / whole for name, weight in planned.items()}
        return dict(self.views_alone(crop.frame, crop.face, crop.transform.pixel_aspect))


def _filled(crop: Crop, target: Geometry) -> float:
    """Return how far the plate's mouth is full of teeth, 0..1: by the track, else by the pixels.

    What a dial has opened shows a gap.
    """
    performed = min(crop.openings[0], 1.0) if crop.openings else 1.0
    shown = performed**2 * open_enough(target.mouth)
    if shown == 0.0:
        return 0.0
    full = filled_with_teeth(crop.pixels, crop.transform.window, crop.face) if crop.teeth is None else crop.teeth
    return shown * full


def _grid_shares(layers: list[TextureLayer], face: Face, raster: MeshRaster) -> np.ndarray:
    """Spread the layers' shares over the raster's grid, softly, float32 (layers, gh, gw); they sum to 1."""
    soft = max(_SHARE_SOFT * cells_per_face(face, raster), 0.5)
    shares = np.stack([layer.share for layer in layers], axis=1)
    planes: list[np.ndarray] = []
    for group in raster.spread(shares):
        planes += cv2.split(cv2.GaussianBlur(group, (0, 0), soft, borderType=cv2.BORDER_REPLICATE))
    # A share that nobody can see would cost the reading of a texture.
    spread = np.stack(planes)
    spread[spread <= _LEAST_SHARE] = 0
    spread /= np.maximum(spread.sum(axis=0), np.float32(1e-9))
    return spread


def _features_of(layers: list[TextureLayer], whole: FeatureTones) -> FeatureTones:
    """Return sclera and teeth of the views that `layers` take eyes and mouth from; where these show none, of the `whole` source."""
    mesh = topology()
    log, total = _WHOLE_SOURCE * whole.log, np.full(2, _WHOLE_SOURCE)
    for layer in layers:
        if layer.features is None:
            continue
        for row, loops in ((SCLERA, (mesh.right_eye_loop, mesh.left_eye_loop)), (TEETH, (mesh.mouth_loop,))):
            weight = float(layer.share[np.concatenate(loops)].mean() * layer.features.certainty[row])
            log[row] += weight * layer.features.log[row]
            total[row] += weight
    return FeatureTones(log / total[:, None], whole.certainty)


def _over_grid(light: np.ndarray, face: Face, raster: MeshRaster) -> np.ndarray:
    """Spread values at the points (478, 3) over the raster's grid, float32 (gh, gw, 3), without the triangles' creases."""
    (spread,) = raster.spread(light)
    soft = _LIGHT_SOFT * cells_per_face(face, raster)
    return cv2.GaussianBlur(spread, (0, 0), max(soft, 0.5), borderType=cv2.BORDER_REPLICATE)
