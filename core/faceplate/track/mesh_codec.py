"""Compact text encoding of a mesh: quantised differences between neighbouring points, deflated, in base 64.

A mesh is stored as its difference from a base mesh. Neighbouring points differ from the base alike, so each point stores
only its difference from its parent in a tree over the mesh's edges. The numbers become small, and deflate (RFC 1951)
compresses them well.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from functools import cache

import numpy as np

from faceplate.face import topology
from faceplate.face.shape import head_model

__all__ = ["BASE", "FINE", "RAW", "on_grid", "pack_mesh", "pack_numbers", "unpack_mesh", "unpack_numbers"]

BASE = (1024, 512)
"""Steps per unit of the face's scale, in x and y and in z, for a base mesh; both finer grids contain this one."""

RAW = (2048, 512)
"""The same for raw landmarks: 0.08 px on a face 480 px tall."""

FINE = (4096, 512)
"""The same for smoothed meshes: 0.04 px, an RMS error of 0.013 px."""

_LIMIT = 1 << 20


def pack_mesh(shape: np.ndarray, base: np.ndarray, steps: tuple[int, int]) -> str:
    """Encode `shape` (478, 3) relative to `base` (478, 3), both in units of the face's scale."""
    order, parent, _ = _tree()
    whole = np.rint((shape - base) * _scales(steps)).astype(np.int64)
    told = whole[order].copy()
    told[1:] -= whole[parent[1:]]
    return _text(told.T.ravel())


def unpack_mesh(text: str, base: np.ndarray, steps: tuple[int, int]) -> np.ndarray:
    """Decode the text of `pack_mesh`. Raises `ValueError` for invalid text."""
    order, _, levels = _tree()
    whole = np.zeros((478, 3), np.int64)
    told = _numbers(text, 478 * 3).reshape(3, 478).T
    whole[order[0]] = told[0]
    for rows, points, parents in levels:
        whole[points] = whole[parents] + told[rows]
    return on_grid(base + whole / _scales(steps), steps)


def on_grid(shape: np.ndarray, steps: tuple[int, int]) -> np.ndarray:
    """Round `shape` (478, 3) to the stored grid, so that stored and decoded values are the same floats."""
    return np.rint(shape * _scales(steps)) / _scales(steps)


def pack_numbers(values: np.ndarray, steps: float) -> str:
    """Encode numbers (n,) as text, rounded to 1/`steps`."""
    return _text(np.rint(np.asarray(values, np.float64) * steps).astype(np.int64))


def unpack_numbers(text: str, count: int, steps: float) -> np.ndarray:
    """Decode the text of `pack_numbers`. Raises `ValueError`."""
    return _numbers(text, count) / steps


def _scales(steps: tuple[int, int]) -> np.ndarray:
    return np.array([steps[0], steps[0], steps[1]], np.float64)


def _text(values: np.ndarray) -> str:
    zigzag = np.where(values < 0, -2 * values - 1, 2 * values)
    if zigzag.size and zigzag.max() >= _LIMIT:
        raise ValueError("a point lies too far from its neighbours to be stored")
    # Low, middle and high bytes are stored separately: the last two are nearly always 0 and compress to almost nothing.
    planes = np.concatenate([(zigzag >> shift & 0xFF).astype(np.uint8) for shift in (0, 8, 16)])
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return base64.b64encode(packer.compress(planes.tobytes()) + packer.flush()).decode("ascii")


def _numbers(text: str, count: int) -> np.ndarray:
    try:
        opener = zlib.decompressobj(-15)
        data = opener.decompress(base64.b64decode(text, validate=True), 3 * count + 1)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError("not packed numbers") from error
    if len(data) != 3 * count or not opener.eof:
        raise ValueError(f"holds {len(data) // 3} numbers where {count} are needed")
    planes = np.frombuffer(data, np.uint8).reshape(3, count).astype(np.int64)
    zigzag = planes[0] | planes[1] << 8 | planes[2] << 16
    return np.where(zigzag & 1, -(zigzag + 1) // 2, zigzag // 2)


_Levels = tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]


@cache
def _tree() -> tuple[np.ndarray, np.ndarray, _Levels]:
    """Build a breadth-first tree over the mesh from the tip of the nose.

    Returns
    -------
    order : np.ndarray
        (478,), the points in the stored order.
    parent : np.ndarray
        (478,), the parent of each of these points.
    levels : tuple
        (positions in the order, points, their parents) for each depth. Iris points, which no triangle has, are attached to
        their nearest neighbours.
    """
    neighbours = _neighbours()
    order, parent, depth = [4], [4], [0]
    seen = {4}
    for place, point in enumerate(order):
        for other in sorted(neighbours[point] - seen):
            seen.add(other)
            order.append(other)
            parent.append(point)
            depth.append(depth[place] + 1)
    points, parents, depths = np.array(order), np.array(parent), np.array(depth)
    levels = []
    for level in range(1, int(depths.max()) + 1):
        rows = np.flatnonzero(depths == level)
        levels.append((rows, points[rows], parents[rows]))
    return points, parents, tuple(levels)


def _neighbours() -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(478)]
    edges = [edge for a, b, c in topology().skin.tolist() for edge in ((a, b), (b, c), (c, a))]
    reference = head_model().reference
    for point in range(478):
        if not any(point in edge for edge in edges):
            gap = np.linalg.norm(reference - reference[point], axis=1)
            gap[468:] = np.inf
            gap[point] = np.inf
            edges.append((point, int(gap.argmin())))
    for a, b in edges:
        found[a].add(b)
        found[b].add(a)
    return found
