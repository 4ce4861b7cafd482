"""The views that supply the texture: their weights for each part of the face, and their pixels at the plate's resolution."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from faceplate.comp.grain import Grain
from faceplate.face import Face, topology
from faceplate.face.align import apply, resample, scale_of
from faceplate.face.raster import MeshRaster
from faceplate.face.shape import head_model
from faceplate.generators.mesh.grid import cells_per_face, fit_affine
from faceplate.image.inpaint import fill
from faceplate.image.window import Window
from faceplate.source.source import SourceView
from faceplate.source.views import Geometry, suitability

__all__ = ["TextureLayer", "light_weight", "resolution_weight", "texture_layers", "visibility_weight"]

# Views that reach this share of the mix nowhere are left out, because they would cost time without being visible.
_LEAST_SHARE = 0.03

# Least weight of a view where hair hides the face in it.
_HIDDEN_WEIGHT = 1e-4

# Distance inside its outline at which a view is read at the edge, as a fraction of the face's size.
_INSET = 0.02

# Up to the first fall-off, in natural logarithm per unit of the normal, light can be removed completely (a key light of 4:1
# from side to side measures 0.45, the invented people's pictures up to 1.5). Each further step of the second value divides
# a view's weight by e.
_SOFT_LIGHT, _HARDER = 1.6, 0.5


@dataclass(frozen=True)
class TextureLayer:
    """A picture that supplies texture, and its share in the mix.

    Attributes
    ----------
    pixels : np.ndarray
        float32 (h, w, 3), scene-linear, on `window`.
    hidden : np.ndarray, optional
        (h, w), where hair or other occluders hide the face; None where nothing does.
    points : np.ndarray
        (478, 3), the mesh in this picture.
    level : float
        The face's log average.
    share : np.ndarray
        (gh, gw), its share of each cell.
    seen : np.ndarray
        (478,), how perpendicularly the picture saw each point.
    follow_gaze : bool
        Whether the irises are moved to the plate's gaze.
    noise : Grain
        Its grain at level 1.
    """

    pixels: np.ndarray
    hidden: np.ndarray | None
    window: Window
    points: np.ndarray
    level: float
    share: np.ndarray
    seen: np.ndarray
    follow_gaze: bool = False
    pixel_aspect: float = 1.0
    noise: Grain = field(default_factory=Grain.none)

    @property
    def geometry(self) -> Geometry:
        """The mesh as a `Geometry`."""
        return Geometry(self.points, pixel_aspect=self.pixel_aspect)


def texture_layers(
    views: tuple[SourceView, ...], face: Face, target: Geometry, raster: MeshRaster, eyes: str
) -> list[TextureLayer]:
    """Choose the views, real and mirrored, for each part of the face; their shares sum to 1 in every cell.

    Parameters
    ----------
    views : tuple of SourceView
        The source's views.
    face : Face
        The target face on the plate.
    target : Geometry
        Its geometry.
    raster : MeshRaster
        The target mesh.
    eyes : str
        The setting `eyes`.
    """
    candidates = [(view, geometry) for view in views for geometry in (view.geometry, view.mirror)]
    sharpest = max(view.analysis.sharpness for view in views)
    weights = [
        suitability(geometry, target)
        * visibility_weight(view, geometry)
        * resolution_weight(view, face, sharpest)
        * light_weight(view)
        for view, geometry in candidates
    ]
    wanted = np.stack(weights, axis=1)
    wanted /= wanted.sum(axis=1, keepdims=True)
    used = np.flatnonzero(wanted.max(axis=0) >= _LEAST_SHARE)
    candidates, wanted = [candidates[index] for index in used], wanted[:, used]
    shares = fill(raster.interpolate(wanted), raster.covered.astype(np.float32))
    shares = np.maximum(shares - _LEAST_SHARE, 0) ** 2
    shares = cv2.GaussianBlur(shares, (0, 0), max(0.012 * cells_per_face(face, raster), 0.5)).reshape(shares.shape)
    shares /= np.maximum(shares.sum(axis=2, keepdims=True), 1e-12)
    layers = []
    for index, (view, geometry) in enumerate(candidates):
        if shares[..., index].max() >= _LEAST_SHARE:
            pixels, hidden, window, to_view = _reduced_view(view, face)
            points = np.column_stack([apply(to_view, _inset_outline(geometry.points)), geometry.points[:, 2]])
            layers.append(
                TextureLayer(
                    pixels=pixels,
                    hidden=hidden,
                    window=window,
                    points=points,
                    level=view.face.level,
                    share=shares[..., index],
                    seen=geometry.seen,
                    follow_gaze=eyes == "auto",
                    pixel_aspect=geometry.pixel_aspect,
                    noise=view.noise(scale_of(to_view)),
                )
            )
    return layers


def _inset_outline(points: np.ndarray) -> np.ndarray:
    """Return a view's points (478, 2) with the outline moved slightly inward, to exclude hair and background at its edge."""
    xy, oval = points[:, :2].copy(), topology().oval
    inward = xy[oval].mean(axis=0) - xy[oval]
    reach = _INSET * float(np.ptp(xy, axis=0).max())
    xy[oval] += inward * (reach / np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-9))
    return xy


def resolution_weight(view: SourceView, face: Face, sharpest: float) -> float:
    """Compute the weight of a view's resolution: 1 when it shows as much as the plate, less when it shows less.

    An out-of-focus view is treated like one with fewer pixels. For blurs of half a pixel to two, the sharpness falls as the
    number of pixels with the same detail does, 1 / sqrt(1 + 4 sigma^2), to within a third.
    """
    focus = min(view.analysis.sharpness / sharpest, 1.0) if sharpest > 0 else 1.0
    return max(min(focus * view.face.size / max(face.size, 1e-9), 1.0), 1e-3) ** 2


def light_weight(view: SourceView) -> float:
    """Compute the weight of a view's light: 1 while it is soft, less when it is hard and its shadows cannot be removed."""
    return float(np.exp(-max(view.analysis.contrast - _SOFT_LIGHT, 0.0) / _HARDER))


def visibility_weight(view: SourceView, geometry: Geometry) -> np.ndarray:
    """Compute the weight of each point in a view, float64 (478,): low where hair hides it, so that another view is used."""
    shown = view.visibility[head_model().mirror] if geometry.mirrored else view.visibility
    return shown**3 + _HIDDEN_WEIGHT


def _reduced_view(view: SourceView, face: Face) -> tuple[np.ndarray, np.ndarray, Window, np.ndarray]:
    """Reduce a view to at most the plate's resolution: pixels, occlusion, their window, and the matrix that scaled them."""
    shrink = scale_of(fit_affine(face.points[:, :2], view.face.points[:, :2]))
    if shrink <= 1.1:
        return view.pixels, view.occlusion, view.frame.window, np.array([[1, 0, 0], [0, 1, 0]], np.float64)
    scale = 1.0 / shrink
    window = view.frame.window
    small = Window(0, 0, max(round(window.width * scale), 1), max(round(window.height * scale), 1))
    matrix = np.array([[scale, 0, -window.x * scale], [0, scale, -window.y * scale]], np.float64)
    pixels, hidden = (resample(part, window, matrix, small) for part in (view.pixels, view.occlusion))
    return pixels, hidden, small, matrix
