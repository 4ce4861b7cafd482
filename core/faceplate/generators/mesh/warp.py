"""Warp of a view onto the plate's mesh."""

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

__all__ = ["source_positions", "warp_layer"]


def source_positions(layer: TextureLayer, face: Face, raster: MeshRaster) -> np.ndarray:
    """Compute for each cell of the raster the position in the layer's picture, in its pixel indices, float32 (gh, gw, 2)."""
    places = _mesh_positions(face, layer.points[:, :2], raster)
    if layer.follow_gaze:
        places = _follow_gaze(places, layer.points, face, raster)
    return places - np.array([layer.window.x + 0.5, layer.window.y + 0.5], np.float32)


def warp_layer(layer: TextureLayer, places: np.ndarray, raster: MeshRaster) -> np.ndarray:
    """Warp the layer's pixels onto the plate's mesh, float32 (h, w, 3); beyond the mesh the warp continues smoothly."""
    maps = [np.ascontiguousarray(raster.enlarge(places[..., axis])) for axis in (0, 1)]
    return cv2.remap(layer.pixels, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _mesh_positions(face: Face, points: np.ndarray, raster: MeshRaster) -> np.ndarray:
    """Compute for each cell of the raster the position in the view, float32 (gh, gw, 2), defined and smooth everywhere.

    Only the difference from the best affine map is interpolated over the mesh. It can be extrapolated beyond the edge, and
    smoothed over the triangles' edges, where a piecewise linear warp would show creases.
    """
    fitted = fit_affine(face.points[:, :2], points)
    offsets = raster.interpolate(points - apply(fitted, face.points[:, :2]))
    offsets = fill(offsets, raster.covered.astype(np.float32))
    offsets = cv2.GaussianBlur(
        offsets, (0, 0), max(0.006 * cells_per_face(face, raster), 0.3), borderType=cv2.BORDER_REPLICATE
    )
    base = apply(fitted, cell_centres(raster))
    return (base + offsets).astype(np.float32)


def _follow_gaze(places: np.ndarray, points: np.ndarray, face: Face, raster: MeshRaster) -> np.ndarray:
    """Move the positions inside the eyes so that the view's irises follow the plate's gaze."""
    mesh, places = topology(), places.copy()
    for iris, loop in ((slice(468, 473), mesh.right_eye_loop), (slice(473, 478), mesh.left_eye_loop)):
        wanted, have = face.points[iris, :2].mean(axis=0), points[iris, :2].mean(axis=0)
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
