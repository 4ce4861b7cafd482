"""Removal of a view's own light: the skin's low frequencies, without hair and other places that are not skin."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.face.raster import MeshRaster
from faceplate.face.shape import away_from, head_model
from faceplate.generators.mesh.grid import cells_per_face, disc
from faceplate.generators.mesh.texture_layers import TextureLayer
from faceplate.generators.mesh.warp import source_positions, warp_layer
from faceplate.image.low_pass import local_linear
from faceplate.image.symmetric_log import to_log
from faceplate.source.views import bare_skin

__all__ = ["remove_light"]

# Standard deviation of the low-pass that defines a view's light, as a fraction of the face's size.
_LIGHT_SIGMA = 0.10

# Deviation from the skin's light, in natural logarithm, from which a place counts as hair.
_HAIR_CONTRAST = 0.35

# Hair beside the face is expected up to the first distance inside the outline and not beyond the second, in units of the
# head model.
_HAIR_FULL, _HAIR_NONE = 0.7, 1.0

# Extent of a person's brows beyond the mesh's brows, in units of the head model.
_BROW_MARGIN = 0.2

# Distance beside hair within which skin is left out, as a fraction of the face's size.
_BESIDE_HAIR = 0.02

# Below this cosine between surface and view a place is so near the outline that the background may show.
_GRAZING_COSINE = 0.35

# Number of fits of a view's light, and how much coarser the first is.
_FITS, _FIRST_FIT_SCALE = 3, 2.5


def remove_light(layer: TextureLayer, face: Face, raster: MeshRaster) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Warp a layer to the plate's pixels and remove its light.

    Returns
    -------
    texture, light : np.ndarray
        float32 (h, w, 3), log domain: the layer without its low-frequency light on the skin, and that light.
    clean : np.ndarray
        float32 (gh, gw), 1 where the skin is free of hair.
    """
    places = source_positions(layer, face, raster)
    warped = to_log(warp_layer(layer, places, raster), layer.level)
    grazed = np.clip((_GRAZING_COSINE - layer.seen) / _GRAZING_COSINE, 0, 1)
    areas = raster.interpolate(np.stack([bare_skin(), _hair_prone_points(), grazed], axis=1))
    light, clean = _fit_light(warped, _visible_skin(layer, places, face, raster), areas, face, raster)
    return warped - light, light, clean


def _visible_skin(layer: TextureLayer, places: np.ndarray, face: Face, raster: MeshRaster) -> np.ndarray:
    """Compute where nothing in a layer's picture hides the face or lies right beside it, float32 (gh, gw) in 0..1."""
    if layer.hidden is None:
        return np.ones(raster.covered.shape, np.float32)
    x, y = (np.ascontiguousarray(places[..., axis], np.float32) for axis in (0, 1))
    hidden = cv2.remap(layer.hidden, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Hair casts a shadow and has a soft edge, so the pixels right beside it are left out too.
    beside = cv2.dilate(np.clip(2 * hidden, 0, 1), disc(_BESIDE_HAIR * cells_per_face(face, raster)))
    return 1 - np.clip(cv2.GaussianBlur(beside, (0, 0), max(0.01 * cells_per_face(face, raster), 0.5)), 0, 1)


def _fit_light(
    warped: np.ndarray, shown: np.ndarray, areas: np.ndarray, face: Face, raster: MeshRaster
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the low frequencies of the skin in `warped` (h, w, 3); also return where the skin is free of hair, float32 (gh, gw).

    `shown` (gh, gw) is 0 where hair was found. `areas` (gh, gw, 3) give where bare skin is, where hair is likely, and where
    the picture's own outline is near, with hair or background right behind. Hair that was not found deviates from the skin's
    light; later fits exclude it, and it is not used.
    """
    grid = cv2.resize(warped, raster.covered.shape[::-1], interpolation=cv2.INTER_AREA)
    bare, hanging, grazed = np.moveaxis(areas, 2, 0)
    skin = bare * np.maximum(shown * (1 - grazed), np.float32(1e-4))
    sigma = _LIGHT_SIGMA * cells_per_face(face, raster)
    soft = max(0.01 * cells_per_face(face, raster), 0.5)
    # Hair is likely over the forehead, beside the face and behind an outline; elsewhere a deviation belongs to the person: a
    # fold, a beard. So the first fit uses the rest of the skin and is coarse enough to extend from there.
    haired = np.maximum(hanging * (skin > 0.1), grazed)
    light = local_linear(grid, skin * np.maximum(1 - haired, np.float32(0.01)), _FIRST_FIT_SCALE * sigma)
    trust = skin
    for _ in range(_FITS):
        off = _largest_channel(np.abs(cv2.GaussianBlur(grid - light, (0, 0), soft)))
        trust = skin * np.clip(2.0 - off / 0.35, 1e-5, 1.0)
        light = local_linear(grid, trust, sigma)
    off = _largest_channel(np.abs(cv2.GaussianBlur(grid - light, (0, 0), soft)))
    clean = 1.0 - haired * (1.0 - np.clip(2.0 - off / _HAIR_CONTRAST, 0.02, 1.0))
    clean = cv2.erode(clean.astype(np.float32), disc(0.02 * cells_per_face(face, raster)))
    clean = cv2.GaussianBlur(clean.astype(np.float32), (0, 0), max(0.01 * cells_per_face(face, raster), 0.5))
    return raster.enlarge(light), np.asarray(clean * np.maximum(shown, np.float32(1e-3)), np.float32)


def _largest_channel(values: np.ndarray) -> np.ndarray:
    """Return the largest channel of (gh, gw, 3); NumPy's max along a last axis of three takes ten times as long."""
    return np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2])


@cache
def _hair_prone_points() -> np.ndarray:
    """Return where hair is likely, float64 (478,): 1 well above the brows and near the outline down to the mouth, 0 elsewhere.

    Brows are the person's own hair. On them, and within their extent beyond the mesh's brows, only an occluder that was found
    in front of the face counts.
    """
    head, mesh = head_model().reference, topology()
    brows = head[np.concatenate([mesh.right_brow, mesh.left_brow]), 1].mean()
    top, mouth = head[mesh.oval, 1].min(), head[mesh.lips_loop, 1].mean()
    above = np.clip(4.0 * (brows + 0.15 - head[:, 1]) / (brows - top), 0.0, 1.0)
    beside = np.clip((_HAIR_NONE - away_from(mesh.oval)) / (_HAIR_NONE - _HAIR_FULL), 0.0, 1.0)
    beside *= np.clip(1.0 + 4.0 * (mouth - head[:, 1]) / (mouth - brows), 0.0, 1.0)
    brow = away_from(np.concatenate([mesh.right_brow, mesh.left_brow]))
    return np.maximum(above, beside) * np.clip((brow - _BROW_MARGIN / 2) / (_BROW_MARGIN / 2), 0.0, 1.0)
