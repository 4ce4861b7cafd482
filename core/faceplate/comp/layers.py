"""Layers that tell a compositor about the face: ST maps there and back, depth, confidence, and ids as Cryptomatte.

The canonical face is a square picture, 0..1 in s (to the right) and t (*up*), into which every face unwraps the same
way, whatever its turn and expression. It is the mean head rolled off a cylinder whose vertical axis runs through the
depth of the ears: s grows with the angle around the axis, t with the height, both at one scale, so that a painted
circle stays a circle on a cheek. The person's right ear is at s = 0.02, the left one at 0.98; the face is 0.71 high and
centred in t. No triangle of the mean head is folded there and the outline is convex, so the map is one-to-one (a test
holds it to that).

ST values follow Nuke's STMap: 0, 0 is the bottom left corner of the picture that is looked up, 1, 1 its top right
corner, and the centre of column x is at (x + 0.5) / width.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

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
    "face_layers",
    "float_layers",
    "inverse_stmap",
    "murmur3_32",
    "stmap",
]

STMAP = "stmap"
"""Channels `stmap.u` and `stmap.v`; float."""
STMAP_COVERAGE = "stmap_coverage"
"""One channel: 1 where the ST map says something."""
DEPTH = "depth.Z"
"""One channel, in the layer that compositors keep for it; float."""
CONFIDENCE = "confidence"
"""One channel, 0..1."""
FACE_ID = "faceplate_id"
"""Cryptomatte's name for the layer; its channels are `faceplate_id00.R` and so on; float."""

_AXIS = 1.0  # depth of the cylinder's axis behind the mean head's centre, in its radii: where the ears are
_MARGIN = 0.02
_NOSE_TIP = 4
# rasterise() thins its grid for faces larger than this says; a map that an artist paints through wants every pixel.
_EVERY_PIXEL = 1.0
# How far, in canonical units, the surface seen at a place may be from the one asked for and still be that one.
_SAME_PLACE = 0.01
# A pixel that no triangle holds goes on from the nearest one, by no more than the triangle itself (times this).
_BEYOND = 1.0
_FLOAT = re.compile(rf"{re.escape(STMAP)}|{re.escape(DEPTH)}|.+\d\d")


@dataclass(frozen=True)
class STMap:
    """`st` float32 (h, w, 2), 0 where undefined, and `coverage` float32 (h, w), 1 where it may be used, else 0."""

    st: np.ndarray
    coverage: np.ndarray


@cache
def canonical_points() -> np.ndarray:
    """Where the 478 points lie on the canonical face: float64 (478, 2), s to the right and t up, 0..1."""
    head = head_model().reference
    across = np.arctan2(head[:, 0], _AXIS - head[:, 2])
    used = np.unique(topology().closed)
    # The cylinder's radius is the mean head's own, so that both axes have one scale where most of the face is.
    radius = float(np.median(np.hypot(head[used, 0], _AXIS - head[used, 2])))
    flat = np.column_stack([radius * across, -head[:, 1]])
    low, high = flat[used].min(axis=0), flat[used].max(axis=0)
    return 0.5 + (flat - (low + high) / 2) * (1 - 2 * _MARGIN) / float(np.max(high - low))


def stmap(face: Face, window: Window) -> STMap:
    """For every plate pixel of `window` that shows the face: its place on the canonical face.

    Looked up through this map, a picture painted on the canonical face lies on the plate's. Exact and linear inside
    each triangle of the mesh, continuous across them; coverage is 1 where the pixel shows the mesh, without
    anti-aliasing, because a place mixed with nothing would be a wrong place.
    """
    return _stmap(_draw(face.points, window))


def inverse_stmap(face: Face, size: int, plate_display: Window) -> STMap:
    """For every pixel of a canonical face of `size` x `size`: its place in the plate, as parts of its display window.

    Looked up through this map the plate unwraps. Places in overscan lie below 0 or above 1. `st` is given for the whole
    mesh; `coverage` is 1 only where the plate shows that part of the face, so that it is 0 on a cheek turned away.
    """
    frame = Window(0, 0, size, size)
    flat = np.column_stack([_to_pixels(canonical_points(), frame), np.zeros(len(face.points))])
    drawn = _draw(flat, frame)
    shown = drawn.covered & _shown(face, drawn)
    return STMap(drawn.interpolate(_to_st(face.points[:, :2], plate_display)), shown.astype(np.float32))


def depth(face: Face, window: Window, fill: float = 0.0) -> np.ndarray:
    """How far behind the tip of the nose each pixel of the face lies, float32 (h, w), in plate pixels.

    It grows away from the camera, as a distance does: 0 at the tip of the nose, positive behind it. The mesh knows no
    distance to the camera, so there is no absolute one. Pixels without face are `fill`; 0 is what a compositor
    finds outside the data window too, `stmap_coverage` tells it from the nose.
    """
    return _depth(face, _draw(face.points, window), fill)


def confidence(
    face: Face,
    window: Window,
    coverage: np.ndarray | None = None,
    visibility: np.ndarray | None = None,
    pixel_aspect: float = 1.0,
) -> np.ndarray:
    """How sure each pixel of the new face is, float32 (h, w) in 0..1; 0 without face.

    It is the product of the landmarker's presence, the cosine between surface and view (1 where the face looks into the
    camera, 0 where it turns away), the generator's `coverage` and a `visibility`, both (h, w) in 0..1 and 1 when
    not given. The view is taken as parallel, as the mesh's own projection is.
    """
    return _confidence(face, _draw(face.points, window), (coverage, visibility), pixel_aspect)


def face_layers(
    face: Face,
    window: Window,
    *,
    coverage: np.ndarray | None = None,
    visibility: np.ndarray | None = None,
    pixel_aspect: float = 1.0,
) -> dict[str, np.ndarray]:
    """`stmap` with its coverage, `depth` and `confidence` by their layers' names, with the mesh drawn only once."""
    drawn = _draw(face.points, window)
    mapped = _stmap(drawn)
    return {
        STMAP: mapped.st,
        STMAP_COVERAGE: mapped.coverage,
        DEPTH: _depth(face, drawn, 0.0),
        CONFIDENCE: _confidence(face, drawn, (coverage, visibility), pixel_aspect),
    }


def cryptomatte(
    names_and_mattes: Sequence[tuple[str, np.ndarray]], layer: str = FACE_ID
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Mattes by name as Cryptomatte: layers float32 (h, w, 4) by name, and the metadata that goes with them.

    Mattes are (h, w) in 0..1. A layer's channels are id, coverage, id, coverage, the largest coverage of a pixel first:
    two ranks a layer, as many layers as the names need. Give every name in every frame (a matte of zeros for who is
    not seen), so that their number does not change over a shot. Where the mattes add up to more than 1 they are
    scaled to 1; equal names are one matte. Ids must stay exact: the layers need 32 bits and a lossless compression.
    After "Cryptomatte Specification", github.com/Psyop/Cryptomatte/specification.
    Raises ValueError when no matte is given or their sizes differ.
    """
    if not names_and_mattes:
        raise ValueError("a Cryptomatte needs at least one name")
    named: dict[str, np.ndarray] = {}
    for name, matte in names_and_mattes:
        named[name] = named.get(name, np.float32(0)) + np.clip(matte, 0, 1).astype(np.float32)
    covered = np.stack(list(named.values()))
    covered = covered / np.maximum(covered.sum(axis=0), 1)
    ids = np.array([cryptomatte_id(name) for name in named], np.float32)
    order = np.argsort(-covered, axis=0, kind="stable")
    ranked = np.take_along_axis(covered, order, axis=0)
    pairs = np.stack([np.where(ranked > 0, ids[order], np.float32(0)), ranked], axis=-1)
    if len(pairs) % 2:
        pairs = np.concatenate([pairs, np.zeros_like(pairs[:1])])
    layers = {
        f"{layer}{number:02d}": np.concatenate([pairs[2 * number], pairs[2 * number + 1]], axis=-1)
        for number in range(len(pairs) // 2)
    }
    return layers, _metadata(layer, named)


def cryptomatte_id(name: str) -> float:
    """The pixel value that stands for `name`: its hash's bits as a float, kept clear of zeros, infinities and NaN."""
    hashed = murmur3_32(name.encode())
    exponent = min(max(hashed >> 23 & 255, 1), 254)
    return float(np.uint32(hashed & 0x807FFFFF | exponent << 23).view(np.float32))


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """MurmurHash3_x86_32 of `data`, an unsigned 32-bit number (A. Appleby, public domain, 2011)."""
    h, whole = seed, len(data) // 4 * 4
    for start in range(0, whole, 4):
        h = _rotate(h ^ _scramble(int.from_bytes(data[start : start + 4], "little")), 13) * 5 + 0xE6546B64 & 0xFFFFFFFF
    h ^= _scramble(int.from_bytes(data[whole:], "little")) ^ len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def float_layers(names: Iterable[str]) -> frozenset[str]:
    """Those of the layer `names` that must be written as 32-bit float: places, depths and ids."""
    return frozenset(name for name in names if _FLOAT.fullmatch(name))


@dataclass(frozen=True)
class _Drawn:
    """The mesh on a window's own pixels: `corners` int32 and `weights` float32 (h, w, 3), `covered` bool (h, w)."""

    corners: np.ndarray
    weights: np.ndarray
    covered: np.ndarray

    def interpolate(self, values: np.ndarray) -> np.ndarray:
        """Values (478, c) at the points, read off in every pixel: float32 (h, w, c), 0 where uncovered."""
        table, count = values.astype(np.float32), values.shape[1]
        corners, weights = self.corners[self.covered], self.weights[self.covered]
        result = np.zeros((*self.covered.shape, count), np.float32)
        result[self.covered] = sum(weights[:, k, None] * table[corners[:, k]] for k in range(3))
        return result


def _draw(points: np.ndarray, window: Window) -> _Drawn:
    """The mesh over `window`, with the pixels on the triangles' edges given to the triangle that they lie in.

    The rasteriser rounds each triangle's edge outward by up to half a pixel, which would show as a step of that size.
    """
    inside = Window.around(points[:, :2]).intersect(window)
    corners = np.zeros((window.height, window.width, 3), np.int32)
    weights = np.zeros((window.height, window.width, 3), np.float32)
    covered = np.zeros((window.height, window.width), bool)
    if not inside.empty:
        raster = rasterise(points, topology().closed, inside, _EVERY_PIXEL)
        part = inside.slices(window)
        corners[part], weights[part], covered[part] = raster.corners, raster.weights, raster.covered
        _settle(points[:, :2] - (window.x, window.y), corners, weights, covered)
    return _Drawn(corners, weights, covered)


def _stmap(drawn: _Drawn) -> STMap:
    return STMap(drawn.interpolate(canonical_points()), drawn.covered.astype(np.float32))


def _depth(face: Face, drawn: _Drawn, fill: float) -> np.ndarray:
    behind = drawn.interpolate(face.points[:, 2:] - face.points[_NOSE_TIP, 2])[..., 0]
    return np.where(drawn.covered, behind, np.float32(fill))


def _confidence(face: Face, drawn: _Drawn, factors: Iterable[np.ndarray | None], pixel_aspect: float) -> np.ndarray:
    facing = drawn.interpolate(normals(unsqueezed(face.points, pixel_aspect)))
    length = np.sqrt((facing**2).sum(axis=2))
    sure = np.float32(face.presence) * np.clip(-facing[..., 2] / np.maximum(length, 1e-6), 0, 1)
    for given in factors:
        if given is not None:
            sure = sure * np.clip(given, 0, 1)
    return np.ascontiguousarray(sure, np.float32)


def _settle(xy: np.ndarray, corners: np.ndarray, weights: np.ndarray, covered: np.ndarray) -> None:
    """Give each pixel that its triangle does not hold, in place, to the triangle of a neighbour that holds it best."""
    rows, columns = np.nonzero(covered & (weights.min(axis=2) <= 0))
    centre = np.column_stack([columns, rows]) + 0.5
    best = np.full(len(rows), -np.inf)
    kept_corners, kept_weights = corners[rows, columns], weights[rows, columns]
    for down in (0, -1, 1):
        for across in (0, -1, 1):
            beside = (np.clip(rows + down, 0, len(covered) - 1), np.clip(columns + across, 0, covered.shape[1] - 1))
            tried = _weights_in(xy[corners[beside]], centre)
            held = np.where(covered[beside], tried.min(axis=1), -np.inf)
            better = held > best
            best = np.maximum(held, best)
            kept_corners[better], kept_weights[better] = corners[beside][better], tried[better]
    bounded = np.clip(kept_weights, -_BEYOND, 1 + _BEYOND)
    corners[rows, columns] = kept_corners
    weights[rows, columns] = bounded / bounded.sum(axis=1, keepdims=True)


def _weights_in(triangle: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Barycentric coordinates (n, 3) of `place` (n, 2) in `triangle` (n, 3, 2), below 0 where it lies outside."""
    a, u, v = triangle[:, 0], triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0]
    w = place - a
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    second = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
    third = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
    return np.column_stack([1 - second - third, second, third])


def _shown(face: Face, drawn: _Drawn) -> np.ndarray:
    """Which canonical pixels the plate shows, bool: there the plate's own map must lead back to where one came from."""
    around = face.window().grow(1)
    there = stmap(face, around)
    seen = np.dstack([there.st, there.coverage])
    places = drawn.interpolate(face.points[:, :2] - (around.x + 0.5, around.y + 0.5))
    found = cv2.remap(seen, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    known = np.maximum(found[..., 2:], 1e-6)
    off = np.abs(found[..., :2] / known - drawn.interpolate(canonical_points())).max(axis=2)
    return (found[..., 2] > 0.5) & (off < _SAME_PLACE)


def _to_st(xy: np.ndarray, frame: Window) -> np.ndarray:
    """Continuous pixels (n, 2) of `frame`, y down, as s and t."""
    return np.column_stack([(xy[:, 0] - frame.x) / frame.width, 1 - (xy[:, 1] - frame.y) / frame.height])


def _to_pixels(st: np.ndarray, frame: Window) -> np.ndarray:
    """s and t (n, 2) as continuous pixels of `frame`, y down."""
    return np.column_stack([frame.x + st[:, 0] * frame.width, frame.y + (1 - st[:, 1]) * frame.height])


def _metadata(layer: str, names: Iterable[str]) -> dict[str, str]:
    manifest = {name: _hex(cryptomatte_id(name)) for name in sorted(names)}
    under = f"cryptomatte/{_hex(cryptomatte_id(layer))[:7]}"
    return {
        f"{under}/name": layer,
        f"{under}/hash": "MurmurHash3_32",
        f"{under}/conversion": "uint32_to_float32",
        f"{under}/manifest": json.dumps(manifest, separators=(",", ":")),
    }


def _hex(value: float) -> str:
    return f"{int(np.float32(value).view(np.uint32)):08x}"


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & 0xFFFFFFFF


def _scramble(block: int) -> int:
    return _rotate(block * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF
