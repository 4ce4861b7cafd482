"""Auxiliary layers about the face: ST maps in both directions, depth and confidence.

The canonical face is a square picture, 0..1 in s (to the right) and t (*up*), into which every face unwraps the same
way, whatever its pose and expression. It is the mean head unrolled from a cylinder whose vertical axis runs through the
depth of the ears: s grows with the angle around the axis, t with the height, both at one scale, so that a painted
circle stays a circle on a cheek. The person's right ear is at s = 0.02, the left one at 0.98; the face is 0.71 high and
centred in t. No triangle of the mean head is folded there and the outline is convex, so the map is one-to-one (verified
by a test).

ST values follow Nuke's STMap: 0, 0 is the bottom left corner of the picture that is read, 1, 1 its top right corner, and
the centre of column x is at (x + 0.5) / width.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from faceplate.comp.cryptomatte import FACE_ID, cryptomatte, cryptomatte_id, murmur3_32
from faceplate.face import Face, topology
from faceplate.face.raster import rasterise
from faceplate.face.shape import head_model, normals, unsqueezed
from faceplate.image.window import Window

__all__ = [
    "CONFIDENCE",
    "DEPTH",
    "FACE_ID",
    "STMAP",
    "STMAP_COVERAGE",
    "STMap",
    "canonical_points",
    "confidence",
    "cryptomatte",
    "cryptomatte_id",
    "depth",
    "face_layer",
    "face_layers",
    "float_layers",
    "inverse_stmap",
    "murmur3_32",
    "stmap",
]

STMAP = "stmap"
"""Channels `stmap.u` and `stmap.v`; float."""

STMAP_COVERAGE = "stmap_coverage"
"""One channel: 1 where the ST map is defined."""

DEPTH = "depth.Z"
"""One channel, in the layer that compositors reserve for depth; float."""

CONFIDENCE = "confidence"
"""One channel, 0..1."""

_AXIS = 1.0  # depth of the cylinder's axis behind the mean head's centre, in its radii: where the ears are

_MARGIN = 0.02

_NOSE_TIP = 4

# rasterise() uses a coarser grid for large faces; with this size it uses every pixel, which an ST map needs.
_EVERY_PIXEL = 1.0

# Largest distance in canonical units between the visible surface and the requested one for the two to be the same.
_SAME_PLACE = 0.01

# A pixel outside all triangles extrapolates the nearest one, by at most this many times the triangle's size.
_BEYOND = 1.0

_OF_FACE = "face_"
# A face's own layers begin with its name, which may end in digits as an id layer does.
_FLOAT = re.compile(rf"({_OF_FACE}.+_)?({re.escape(STMAP)}|{re.escape(DEPTH)})|(?!{_OF_FACE}).+\d\d")


@dataclass(frozen=True)
class STMap:
    """`st` float32 (h, w, 2), 0 where undefined, and `coverage` float32 (h, w), 1 where it is valid, else 0."""

    st: np.ndarray
    coverage: np.ndarray


@cache
def canonical_points() -> np.ndarray:
    """Compute the positions of the 478 points on the canonical face: float64 (478, 2), s to the right and t up, 0..1."""
    head = head_model().reference
    across = np.arctan2(head[:, 0], _AXIS - head[:, 2])
    used = np.unique(topology().closed)
    # The cylinder's radius is the mean head's own, so that both axes have one scale where most of the face is.
    radius = float(np.median(np.hypot(head[used, 0], _AXIS - head[used, 2])))
    flat = np.column_stack([radius * across, -head[:, 1]])
    low, high = flat[used].min(axis=0), flat[used].max(axis=0)
    return 0.5 + (flat - (low + high) / 2) * (1 - 2 * _MARGIN) / float(np.max(high - low))


def stmap(face: Face, window: Window) -> STMap:
    """Compute, for every plate pixel of `window` that shows the face, its position on the canonical face.

    Read through this map, a picture painted on the canonical face lies on the plate's. Exact and linear inside each triangle
    of the mesh, continuous across them. Coverage is 1 where the pixel shows the mesh, without anti-aliasing, because an
    average of a position and nothing would be a wrong position.
    """
    return _stmap(_draw_mesh(face.points, window))


def inverse_stmap(face: Face, size: int, plate_display: Window) -> STMap:
    """Compute, for every pixel of a canonical face of `size` x `size`, its position in the plate's display window.

    Read through this map the plate unwraps. Positions in overscan lie below 0 or above 1. `st` is given for the whole mesh;
    `coverage` is 1 only where the plate shows that part of the face, so it is 0 on a cheek turned away.
    """
    frame = Window(0, 0, size, size)
    flat = np.column_stack([_to_pixels(canonical_points(), frame), np.zeros(len(face.points))])
    drawn = _draw_mesh(flat, frame)
    shown = drawn.covered & _visible_on_plate(face, drawn)
    return STMap(drawn.interpolate(_to_st(face.points[:, :2], plate_display)), shown.astype(np.float32))


def depth(face: Face, window: Window, fill: float = 0.0) -> np.ndarray:
    """Compute how far behind the tip of the nose each pixel of the face lies, float32 (h, w), in plate pixels.

    It grows away from the camera: 0 at the tip of the nose, positive behind it. The mesh has no distance to the camera, so
    there is no absolute depth. Pixels without face are `fill`. Compositors read 0 outside the data window too;
    `stmap_coverage` tells that from the nose.
    """
    return _depth(face, _draw_mesh(face.points, window), fill)


def confidence(
    face: Face,
    window: Window,
    coverage: np.ndarray | None = None,
    visibility: np.ndarray | None = None,
    pixel_aspect: float = 1.0,
) -> np.ndarray:
    """Compute the confidence of each pixel of the new face, float32 (h, w) in 0..1; 0 without face.

    It is the product of the landmarker's presence, the cosine between surface normal and view (1 facing the camera, 0
    turned away), the generator's `coverage` and a `visibility`, both (h, w) in 0..1 and 1 when not given. The projection is
    taken as parallel, as the mesh's own is.
    """
    return _confidence(face, _draw_mesh(face.points, window), (coverage, visibility), pixel_aspect)


def face_layers(
    face: Face,
    window: Window,
    *,
    coverage: np.ndarray | None = None,
    visibility: np.ndarray | None = None,
    pixel_aspect: float = 1.0,
) -> dict[str, np.ndarray]:
    """Compute `stmap` with its coverage, `depth` and `confidence` by layer name, with the mesh drawn only once."""
    drawn = _draw_mesh(face.points, window)
    mapped = _stmap(drawn)
    return {
        STMAP: mapped.st,
        STMAP_COVERAGE: mapped.coverage,
        DEPTH: _depth(face, drawn, 0.0),
        CONFIDENCE: _confidence(face, drawn, (coverage, visibility), pixel_aspect),
    }


def face_layer(name: str, layer: str = "") -> str:
    """Return the name of a layer that belongs to one of several faces: `face_ada` is its element, `face_ada_stmap` its ST map.

    What is no letter, digit or underscore in the person's `name` becomes an underscore, because other programs read layer
    names to the first dot or space.
    """
    own = _OF_FACE + re.sub(r"\W", "_", name)
    return f"{own}_{layer}" if layer else own


def float_layers(names: Iterable[str]) -> frozenset[str]:
    """Select those of the layer `names` that must be written as 32-bit float: positions, depths and ids."""
    return frozenset(name for name in names if _FLOAT.fullmatch(name))


@dataclass(frozen=True)
class _DrawnMesh:
    """The mesh on a window's own pixels: `corners` int32 and `weights` float32 (h, w, 3), `covered` bool (h, w)."""

    corners: np.ndarray
    weights: np.ndarray
    covered: np.ndarray

    def interpolate(self, values: np.ndarray) -> np.ndarray:
        """Interpolate values (478, c) at the points to every pixel: float32 (h, w, c), 0 where uncovered."""
        table, count = values.astype(np.float32), values.shape[1]
        corners, weights = self.corners[self.covered], self.weights[self.covered]
        result = np.zeros((*self.covered.shape, count), np.float32)
        result[self.covered] = sum(weights[:, k, None] * table[corners[:, k]] for k in range(3))
        return result


def _draw_mesh(points: np.ndarray, window: Window) -> _DrawnMesh:
    """Draw the mesh over `window`, with pixels on the triangles' edges assigned to the triangle that contains them.

    The rasteriser rounds each triangle's edge outward by up to half a pixel, which would show as a step of that size.
    """
    inside = Window.around(points[:, :2]).intersect(window)
    corners = np.zeros((window.height, window.width, 3), np.int32)
    weights = np.zeros((window.height, window.width, 3), np.float32)
    covered = np.zeros((window.height, window.width), bool)
    if not inside.empty:
        raster = rasterise(points, topology().closed, inside, _EVERY_PIXEL)
        part = inside.slices(window)
        corners[part], weights[part] = (np.moveaxis(these, 0, 2) for these in (raster.corners, raster.weights))
        covered[part] = raster.covered
        _correct_edges(points[:, :2] - (window.x, window.y), corners, weights, covered)
    return _DrawnMesh(corners, weights, covered)


def _stmap(drawn: _DrawnMesh) -> STMap:
    return STMap(drawn.interpolate(canonical_points()), drawn.covered.astype(np.float32))


def _depth(face: Face, drawn: _DrawnMesh, fill: float) -> np.ndarray:
    behind = drawn.interpolate(face.points[:, 2:] - face.points[_NOSE_TIP, 2])[..., 0]
    return np.where(drawn.covered, behind, np.float32(fill))


def _confidence(face: Face, drawn: _DrawnMesh, factors: Iterable[np.ndarray | None], pixel_aspect: float) -> np.ndarray:
    facing = drawn.interpolate(normals(unsqueezed(face.points, pixel_aspect)))
    length = np.sqrt((facing**2).sum(axis=2))
    sure = np.float32(face.presence) * np.clip(-facing[..., 2] / np.maximum(length, 1e-6), 0, 1)
    for given in factors:
        if given is not None:
            sure = sure * np.clip(given, 0, 1)
    return np.ascontiguousarray(sure, np.float32)


def _correct_edges(xy: np.ndarray, corners: np.ndarray, weights: np.ndarray, covered: np.ndarray) -> None:
    """Assign each pixel outside its triangle, in place, to the neighbouring triangle that contains it best."""
    rows, columns = np.nonzero(covered & (weights.min(axis=2) <= 0))
    centre = np.column_stack([columns, rows]) + 0.5
    best = np.full(len(rows), -np.inf)
    kept_corners, kept_weights = corners[rows, columns], weights[rows, columns]
    for down in (0, -1, 1):
        for across in (0, -1, 1):
            beside = (np.clip(rows + down, 0, len(covered) - 1), np.clip(columns + across, 0, covered.shape[1] - 1))
            tried = _barycentric(xy[corners[beside]], centre)
            held = np.where(covered[beside], tried.min(axis=1), -np.inf)
            better = held > best
            best = np.maximum(held, best)
            kept_corners[better], kept_weights[better] = corners[beside][better], tried[better]
    bounded = np.clip(kept_weights, -_BEYOND, 1 + _BEYOND)
    corners[rows, columns] = kept_corners
    weights[rows, columns] = bounded / bounded.sum(axis=1, keepdims=True)


def _barycentric(triangle: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Compute barycentric coordinates (n, 3) of `place` (n, 2) in `triangle` (n, 3, 2), below 0 outside it."""
    a, u, v = triangle[:, 0], triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0]
    w = place - a
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    second = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
    third = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
    return np.column_stack([1 - second - third, second, third])


def _visible_on_plate(face: Face, drawn: _DrawnMesh) -> np.ndarray:
    """Find the canonical pixels that the plate shows, bool: the plate's own ST map must lead back to the same position."""
    around = face.window().grow(1)
    there = stmap(face, around)
    seen = np.dstack([there.st, there.coverage])
    places = drawn.interpolate(face.points[:, :2] - (around.x + 0.5, around.y + 0.5))
    found = cv2.remap(seen, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    known = np.maximum(found[..., 2:], 1e-6)
    off = np.abs(found[..., :2] / known - drawn.interpolate(canonical_points())).max(axis=2)
    return (found[..., 2] > 0.5) & (off < _SAME_PLACE)


def _to_st(xy: np.ndarray, frame: Window) -> np.ndarray:
    """Convert continuous pixels (n, 2) of `frame`, y down, to s and t."""
    return np.column_stack([(xy[:, 0] - frame.x) / frame.width, 1 - (xy[:, 1] - frame.y) / frame.height])


def _to_pixels(st: np.ndarray, frame: Window) -> np.ndarray:
    """Convert s and t (n, 2) to continuous pixels of `frame`, y down."""
    return np.column_stack([frame.x + st[:, 0] * frame.width, frame.y + (1 - st[:, 1]) * frame.height])
