"""Warp of a texture onto the plate's mesh."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.face.align import apply
from faceplate.face.raster import MeshRaster
from faceplate.generators.mesh.grid import cell_centres, cells_per_face, fit_affine, grid_slices, loop_matte
from faceplate.generators.mesh.texture_layers import TextureLayer
from faceplate.image.inpaint import fill
from faceplate.image.window import Window

__all__ = ["warp_layer"]

# Distance inside its outline at which a picture is read at the edge, as a fraction of the face's size, and how soft the warp
# is between the mesh's points.
_INSET, _SOFT = 0.02, 0.006


def warp_layer(layer: TextureLayer, face: Face, raster: MeshRaster, follow_gaze: bool) -> np.ndarray:
    """Warp the layer's texture onto the plate's mesh, float32 (h, w, 3); beyond the mesh the warp continues smoothly."""
    points = _inset_outline(layer.points)
    places = _mesh_positions(face, points, raster)
    if follow_gaze:
        places = _follow_gaze(places, points, face, raster)
    places -= np.array([layer.window.x + 0.5, layer.window.y + 0.5], np.float32)
    enlarged = _enlarge(places, raster.window)
    return cv2.remap(layer.log, enlarged, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _enlarge(grid: np.ndarray, window: Window) -> np.ndarray:
    if grid.shape[:2] == (window.height, window.width):
        return grid
    return cv2.resize(grid, (window.width, window.height), interpolation=cv2.INTER_LINEAR)


def _mesh_positions(face: Face, points: np.ndarray, raster: MeshRaster) -> np.ndarray:
    """Compute for each cell of the raster the position in the picture, float32 (gh, gw, 2), defined and smooth everywhere.

    Only the difference from the best affine map is interpolated over the mesh. It can be extrapolated beyond the edge, and
    smoothed over the triangles' edges, where a piecewise linear warp would show creases.
    """
    fitted = fit_affine(face.points[:, :2], points)
    offsets = raster.interpolate(points - apply(fitted, face.points[:, :2]))
    offsets = fill(offsets, raster.covered.astype(np.float32))
    soft = max(_SOFT * cells_per_face(face, raster), 0.3)
    offsets = cv2.GaussianBlur(offsets, (0, 0), soft, borderType=cv2.BORDER_REPLICATE)
    base = apply(fitted, cell_centres(raster))
    return (base + offsets).astype(np.float32)


def _inset_outline(points: np.ndarray) -> np.ndarray:
    """Return a picture's points (478, 2) with the outline moved slightly inward, to exclude the background at its edge."""
    xy, oval = points[:, :2].copy(), topology().oval
    inward = xy[oval].mean(axis=0) - xy[oval]
    reach = _INSET * float(np.ptp(xy, axis=0).max())
    xy[oval] += inward * (reach / np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-9))
    return xy


def _follow_gaze(places: np.ndarray, points: np.ndarray, face: Face, raster: MeshRaster) -> np.ndarray:
    """Move the positions inside the eyes so that the picture's irises follow the plate's gaze."""
    mesh, places = topology(), places.copy()
    for iris, loop in ((slice(468, 473), mesh.right_eye_loop), (slice(473, 478), mesh.left_eye_loop)):
        wanted, have = face.points[iris, :2].mean(axis=0), points[iris].mean(axis=0)
        width = float(np.ptp(face.points[loop, :2], axis=0).max())
        # Cells beyond four standard deviations have no weight and are skipped.
        spread = 0.35 * width
        part = grid_slices(raster, Window.around(np.vstack([face.points[loop, :2], wanted]), 4 * spread))
        cells = cell_centres(raster, part)
        near = np.exp(-((cells - wanted) ** 2).sum(axis=2) / (2 * spread**2))
        inside = near * loop_matte(face, loop, raster)[part]
        now = (places[part] * near[..., None]).sum(axis=(0, 1)) / max(float(near.sum()), 1e-9)
        places[part] += (inside[..., None] * (have - now)).astype(np.float32)
    return places
