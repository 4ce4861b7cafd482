"""The embedded generator: the source's face warped onto the plate's mesh.

It needs no swap network and so no licence but the landmarker's. It works on the plate's own pixel grid, in the working
space: the source is sampled once, straight onto the plate, and what it makes is pasted back without another resampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.face.align import resample, scale_of
from faceplate.face.shape import Pose, own_shape, pose_of, turn_between
from faceplate.pyramid import fill
from faceplate.swap.generator import Crop, Encoding, Framing, Generated
from faceplate.swap.raster import MeshRaster, rasterise
from faceplate.swap.source import Source, SourceView
from faceplate.window import Window

__all__ = ["MeshGenerator"]

# Room around the mesh so that the warp and the blend have neighbours to look at.
_MARGIN = 0.08
# A view 20 degrees off costs as much as one whose mouth differs by a tenth of the head's radius.
_TURN_UNIT, _MOUTH_UNIT = np.radians(20.0), 0.1
# The source's own shape fades in over this part of the face's size, from the oval inward.
_EDGE = 0.12


@dataclass(frozen=True)
class MeshGenerator:
    """Warps the view of `source` whose pose and expression are nearest onto the plate's 478 points.

    `shape` 0..1 is how much of the source's own shape its features bring along.
    """

    source: Source
    shape: float = 1.0
    name: str = "mesh"
    encoding: Encoding = "working"
    weights: tuple[str, ...] = ()

    def frame(self, face: Face, pixel_aspect: float) -> Framing:
        """The plate's own pixels around the mesh: no rotation, no scale."""
        return Framing(np.array([[1, 0, 0], [0, 1, 0]], np.float64), face.window(_MARGIN))

    def generate(self, crop: Crop) -> Generated:
        target = pose_of(crop.face.points)
        view = min(self.source.views, key=lambda view: _difference(target, pose_of(view.face.points)))
        face = _own_features(crop.face, self.source, self.shape)
        window = crop.framing.window
        raster = rasterise(face.points, topology().closed, window, face.size)
        pixels = _warp(view, face, raster)
        coverage = raster.enlarge(raster.covered.astype(np.float32))
        return Generated(pixels, np.clip(coverage, 0.0, 1.0))


def _difference(target: Pose, view: Pose) -> float:
    """How far a view is from the target, in units of its tolerance: turn of the head, and shape of the mouth."""
    mouth = np.concatenate([topology().mouth_loop, topology().lips_loop])
    offset = view.canonical[mouth] - target.canonical[mouth]
    offset = offset - offset.mean(axis=0)
    return turn_between(target, view) / _TURN_UNIT + float(np.sqrt((offset**2).sum(axis=1).mean())) / _MOUTH_UNIT


def _own_features(face: Face, source: Source, amount: float) -> Face:
    """`face` with the source's own shape inside the outline, by `amount`; the outline stays the plate's.

    The shape is the mean over the views of what is left of them without turn and expression, less the same of the
    plate's face, so that the plate's performance is kept. It fades to nothing towards the oval.
    """
    if amount == 0:
        return face
    pose = pose_of(face.points)
    wanted = np.mean([own_shape(pose_of(view.face.points).canonical) for view in source.views], axis=0)
    offset = pose.place(wanted - own_shape(pose.canonical))
    oval = face.points[topology().oval, :2]
    inward = np.linalg.norm(face.points[:, None, :2] - oval[None], axis=2).min(axis=1) / (_EDGE * face.size)
    ramp = np.clip(inward, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    return face.moved(face.points + amount * ramp[:, None] * offset)


def _warp(view: SourceView, face: Face, raster: MeshRaster) -> np.ndarray:
    """The view's pixels under the plate's mesh, float32 (h, w, 3); beyond the mesh the warp goes on smoothly."""
    pixels, window, to_view = _sharp_enough(view, scale_of(_affine(face.points[:, :2], view.face.points[:, :2])))
    points = view.face.points[:, :2] @ to_view[:, :2].T + to_view[:, 2]
    places = _source_places(face, points, raster)
    maps = [np.ascontiguousarray(raster.enlarge(places[..., k]) - np.float32(o)) for k, o in ((0, window.x), (1, window.y))]
    return cv2.remap(pixels, maps[0] - 0.5, maps[1] - 0.5, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _sharp_enough(view: SourceView, shrink: float) -> tuple[np.ndarray, Window, np.ndarray]:
    """The view at no more than the plate's resolution: its pixels, their window, and the matrix that scaled them."""
    if shrink <= 1.1:
        return view.pixels, view.frame.window, np.array([[1, 0, 0], [0, 1, 0]], np.float64)
    scale = 1.0 / shrink
    window = view.frame.window
    small = Window(0, 0, max(round(window.width * scale), 1), max(round(window.height * scale), 1))
    matrix = np.array([[scale, 0, -window.x * scale], [0, scale, -window.y * scale]], np.float64)
    return resample(view.pixels, window, matrix, small), small, matrix


def _affine(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The least-squares affine matrix (2, 3) from `start` (n, 2) to `end` (n, 2); it takes up a squeezed plate too."""
    solution, *_ = np.linalg.lstsq(np.column_stack([start, np.ones(len(start))]), end, rcond=None)
    return np.ascontiguousarray(solution.T)


def _source_places(face: Face, points: np.ndarray, raster: MeshRaster) -> np.ndarray:
    """For each cell of the raster the place in the view, float32 (gh, gw, 2), defined and smooth everywhere.

    Only what differs from the best affine map is interpolated over the mesh: it can be continued beyond the edge, and
    rounded over the triangles' edges, where a piecewise linear warp would show its folds.
    """
    fitted = _affine(face.points[:, :2], points)
    offsets = raster.interpolate(points - (face.points[:, :2] @ fitted[:, :2].T + fitted[:, 2]))
    offsets = fill(offsets, raster.covered.astype(np.float32))
    cell = face.size * raster.covered.shape[1] / raster.window.width
    offsets = cv2.GaussianBlur(offsets, (0, 0), max(0.006 * cell, 0.3), borderType=cv2.BORDER_REPLICATE)
    rows, columns = np.indices(raster.covered.shape)
    x = (columns + 0.5) * raster.window.width / raster.covered.shape[1] + raster.window.x
    y = (rows + 0.5) * raster.window.height / raster.covered.shape[0] + raster.window.y
    base = np.stack([x, y], axis=-1) @ fitted[:, :2].T + fitted[:, 2]
    return (base + offsets).astype(np.float32)
