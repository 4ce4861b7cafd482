"""Filling of what is hidden in a picture's texture, from the person's atlas."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face.shape import bare_skin
from faceplate.image.inpaint import fill
from faceplate.source.atlas import Atlas, continued_skin, upper_face
from faceplate.source.photograph import Photograph
from faceplate.source.texture import ViewTexture

__all__ = ["fill_texture"]

# Standard deviation within which the atlas is levelled to the picture, as a fraction of the face's size, and its limit in
# natural logarithm.
_LEVEL_SIGMA, _MOST = 0.03, 0.4
# Difference between a picture's skin and the atlas, in natural logarithm, that counts by 1 / e.
_SKIN_STEP = 0.3


def fill_texture(photograph: Photograph, texture: ViewTexture, atlas: Atlas) -> ViewTexture:
    """Return the texture with its hidden parts filled from the atlas, and with skin continued beyond the mesh's outline.

    The atlas is levelled to the picture: their low-frequency difference on the skin around is continued into what is filled.
    """
    raster, near = photograph.raster, photograph.near
    places = photograph.over_grid(atlas.uv - 0.5, 0.004)
    shown = _atlas_at(atlas, places, (near.width, near.height))
    inside = near.slices(photograph.window)
    log, clean = texture.log[inside], texture.clean[inside][..., None]
    step = photograph.to_grid(texture.log) - cv2.resize(shown, raster.covered.shape[::-1], interpolation=cv2.INTER_AREA)
    skin = photograph.over_grid(bare_skin()) * raster.covered * photograph.to_grid(texture.clean) ** 4
    # Hair that was not found differs from the atlas by more than skin does, and must not be continued.
    skin = skin * np.maximum(np.exp(-((np.abs(step).max(axis=2) / _SKIN_STEP) ** 2)), 1e-3)
    step = _continued(step, skin.astype(np.float32), _LEVEL_SIGMA * photograph.cells)
    step = cv2.resize(np.clip(step, -_MOST, _MOST), (near.width, near.height), interpolation=cv2.INTER_LINEAR)
    over = _beyond(photograph, clean * log + (1 - clean) * (shown + step))
    filled = texture.log.copy()
    filled[inside] = over
    return ViewTexture(filled, texture.light, texture.clean)


def _beyond(photograph: Photograph, log: np.ndarray) -> np.ndarray:
    """Continue the skin smoothly beyond the mesh's outline, float32 (h, w, 3) on `photograph.near`."""
    raster, size = photograph.raster, (photograph.near.width, photograph.near.height)
    covered = cv2.erode(raster.covered.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    skin = np.maximum(photograph.over_grid(bare_skin()), 0.02) * covered
    grid = cv2.resize(log, covered.shape[::-1], interpolation=cv2.INTER_AREA)
    grid = continued_skin(grid, skin, photograph.over_grid(upper_face()))
    within = cv2.GaussianBlur(covered, (0, 0), max(0.004 * photograph.cells, 0.5))
    within = np.clip(2 * within, 0, 1)[..., None] * np.ones(1, np.float32)
    smooth = cv2.GaussianBlur(grid, (0, 0), 0.015 * photograph.cells)
    share = cv2.resize(within, size, interpolation=cv2.INTER_LINEAR)[..., None]
    return log * share + cv2.resize(smooth, size, interpolation=cv2.INTER_LINEAR) * (1 - share)


def _atlas_at(atlas: Atlas, places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Read the atlas at `places` (gh, gw, 2) on the grid, enlarged to `size`, float32 (h, w, 3)."""
    x, y = (cv2.resize(np.ascontiguousarray(places[..., axis]), size) for axis in (0, 1))
    return cv2.remap(atlas.log, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _continued(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Blur what counts and continue it into the rest, float32 (gh, gw, 3)."""
    held = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    carried = cv2.GaussianBlur(values * weight[..., None], (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    known = np.clip(held - 0.02, 0, 1)
    return cv2.GaussianBlur(fill(carried / np.maximum(held, 1e-6)[..., None], known), (0, 0), 0.5 * sigma)
