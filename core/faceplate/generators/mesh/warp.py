"""Warp of the textures onto the plate's mesh."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.face.align import apply
from faceplate.face.raster import MeshRaster
from faceplate.generators.mesh.grid import cell_axes, cells_per_face, fit_affine, grid_slices, is_seen, loop_matte
from faceplate.generators.mesh.mouth_dark import mouth_dark
from faceplate.generators.mesh.mouth_warp import PlateMouth
from faceplate.generators.mesh.texture_layers import TextureLayer
from faceplate.image.window import Window

__all__ = ["sum_layers"]

# Distance inside its outline at which a picture is read at the edge, as a fraction of the face's size, and how soft the warp
# is between the mesh's points.
_INSET, _SOFT = 0.02, 0.006
# Cells beyond a share's border that its enlargement reaches.
_FILTER_ROOM = 3


def sum_layers(
    layers: list[TextureLayer],
    shares: np.ndarray,
    face: Face,
    raster: MeshRaster,
    follow_gaze: bool,
    filled: float = 0.0,
) -> np.ndarray:
    """Warp the layers' textures onto the plate's mesh and sum them, float32 (h, w, 3).

    `shares` float32 (layers, gh, gw) are their shares on the raster's grid, which sum to 1. A layer is read only where it has
    one. Beyond the mesh the warp continues smoothly. `filled` says how far the plate's mouth is full of teeth, 0..1.
    """
    positions = _mesh_positions(layers, face, raster)
    gazes = _plate_gazes(face, raster) if follow_gaze else ()
    plate_mouth = PlateMouth.of(face, raster)
    window = raster.window
    total = np.zeros((window.height, window.width, 3), np.float32)
    for layer, places, share in zip(layers, positions, shares, strict=True):
        near = _pixels_with(share, window)
        if near is None:
            continue
        for gaze in gazes:
            if is_seen(share, gaze.part):
                gaze.move(places, layer.points)
        gap = None
        if plate_mouth is not None and layer.teeth is not None and is_seen(share, plate_mouth.part):
            gap = np.zeros(share.shape, np.float32)
            gap[plate_mouth.part] = plate_mouth.keep_teeth(places, layer.points, layer.teeth, filled)
        places = cv2.subtract(places, np.array([layer.window.x + 0.5, layer.window.y + 0.5, 0.0, 0.0]))
        x, y = cv2.split(_enlarge(places, window)[near])
        part = cv2.remap(layer.log, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        if gap is not None and gap.any():
            part += _enlarge(gap, window)[near][..., None] * np.minimum(mouth_dark(layer) - part, 0)
        if len(layers) > 1:
            weight = np.ascontiguousarray(raster.enlarge(share)[near])
            cv2.multiply(part, cv2.merge([weight] * 3), dst=part)
        total[near] += part
    return total


def _pixels_with(share: np.ndarray, window: Window) -> tuple[slice, slice] | None:
    """Return rows and columns of the `window`'s pixels that any cell with a share can reach; None where there is none."""
    rows, columns = np.flatnonzero(share.any(axis=1)), np.flatnonzero(share.any(axis=0))
    if rows.size == 0:
        return None
    down, across = window.height / share.shape[0], window.width / share.shape[1]
    return (
        slice(max(int((rows[0] - _FILTER_ROOM) * down), 0), int((rows[-1] + 1 + _FILTER_ROOM) * down) + 1),
        slice(max(int((columns[0] - _FILTER_ROOM) * across), 0), int((columns[-1] + 1 + _FILTER_ROOM) * across) + 1),
    )


def _enlarge(grid: np.ndarray, window: Window) -> np.ndarray:
    if grid.shape[:2] == (window.height, window.width):
        return grid
    return cv2.resize(grid, (window.width, window.height), interpolation=cv2.INTER_LINEAR)


def _mesh_positions(layers: list[TextureLayer], face: Face, raster: MeshRaster) -> list[np.ndarray]:
    """Compute for each layer and each cell of the raster the position in its picture, float32 (gh, gw, 2), smooth everywhere.

    Only the difference from the best affine map is interpolated over the mesh. It can be extrapolated beyond the edge, and
    smoothed over the triangles' edges, where a piecewise linear warp would show creases. All layers go through each step
    together.
    """
    plate = face.points[:, :2]
    inset = [_inset_outline(layer.points) for layer in layers]
    fitted = fit_affine(plate, np.column_stack(inset)).reshape(-1, 2, 3)
    apart = [points - apply(matrix, plate) for points, matrix in zip(inset, fitted, strict=True)]
    soft = max(_SOFT * cells_per_face(face, raster), 0.3)
    offsets = raster.spread(np.column_stack(apart))
    smooth = [cv2.GaussianBlur(group, (0, 0), soft, borderType=cv2.BORDER_REPLICATE) for group in offsets]
    planes = [plane for group in smooth for plane in cv2.split(group)]
    x, y = cell_axes(raster)
    for plane, (by_x, by_y, shift) in zip(planes, np.concatenate(fitted), strict=True):
        plane += (by_x * x + shift).astype(np.float32)
        plane += (by_y * y).astype(np.float32)[:, None]
    return [cv2.merge(planes[k : k + 2]) for k in range(0, len(planes), 2)]


def _inset_outline(points: np.ndarray) -> np.ndarray:
    """Return a picture's points (478, 2) with the outline moved slightly inward, to exclude the background at its edge."""
    xy, oval = points[:, :2].copy(), topology().oval
    inward = xy[oval].mean(axis=0) - xy[oval]
    reach = _INSET * float(np.ptp(xy, axis=0).max())
    xy[oval] += inward * (reach / np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-9))
    return xy


@dataclass(frozen=True)
class _PlateGaze:
    """One eye of the plate: where its iris is, and how far each cell near it belongs to the eye.

    Attributes
    ----------
    iris : slice
        The mesh's points on the iris.
    part : tuple of slice
        Rows and columns of the raster's grid near the eye.
    near : np.ndarray
        float32 (n, m), a Gaussian around the plate's iris.
    inside : np.ndarray
        float32 (n, m, 2), the same within the eye's loop, for both coordinates.
    """

    iris: slice
    part: tuple[slice, slice]
    near: np.ndarray
    inside: np.ndarray

    def move(self, places: np.ndarray, points: np.ndarray) -> None:
        """Move, in place, the positions (gh, gw, 2) inside the eye so that the picture's iris follows the plate's gaze.

        `points` (478, 3) are the mesh in the picture.
        """
        read = places[self.part]
        if read.size:
            now = np.tensordot(self.near, read, 2) / max(float(self.near.sum()), 1e-9)
            shift = (points[self.iris, :2].mean(axis=0) - now).astype(np.float32)
            cv2.add(read, cv2.multiply(self.inside, np.array([*shift, 0.0, 0.0], np.float64)), dst=read)


def _plate_gazes(face: Face, raster: MeshRaster) -> tuple[_PlateGaze, _PlateGaze]:
    """Find the gaze of the plate's right and left eye."""
    mesh = topology()
    x, y = cell_axes(raster)

    def of_eye(iris: slice, loop: np.ndarray) -> _PlateGaze:
        wanted, outline = face.points[iris, :2].mean(axis=0), face.points[loop, :2]
        # Cells beyond four standard deviations have no weight and are skipped.
        spread = 0.35 * float(np.ptp(outline, axis=0).max())
        part = grid_slices(raster, Window.around(np.vstack([outline, wanted]), 4 * spread))
        across, down = (
            np.exp(-((axis[cells] - centre) ** 2) / (2 * spread**2)).astype(np.float32)
            for axis, cells, centre in zip((x, y), part[::-1], wanted, strict=True)
        )
        near = down[:, None] * across
        return _PlateGaze(iris, part, near, np.dstack([near * loop_matte(face, loop, raster, part)] * 2))

    return of_eye(slice(468, 473), mesh.right_eye_loop), of_eye(slice(473, 478), mesh.left_eye_loop)
