"""Hair that hangs over the face from its outline: what the occlusion network misses where hair lies dense.

Hair beside the face and over the forehead is darker than the skin, and it is streaked: its luminance changes at the width of a
strand, along one direction. Shadow on skin is dark without streaks, and grain has no direction (J. Bigün and G. Granlund,
"Optimal orientation detection of linear symmetry", ICCV 1987, for the measure of direction).
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from faceplate.comp.occlusion_edges import REC709_LUMINANCE, SIDE
from faceplate.face import topology
from faceplate.face.raster import rasterise
from faceplate.face.shape import away_from, bare_skin, head_model, light_orders, normals
from faceplate.image.soft_steps import disc, ramp
from faceplate.image.window import Window

__all__ = ["hair_odds", "hair_zone"]

# The square's pixels over those of the grid on which the zone is drawn.
_ZONE_STEP = 4
# Low-pass in pixels against grain, and the darkest value over the face's level that has a logarithm.
_CALM, _DARKEST = 1.0, 0.01
# Natural logarithm under the expected skin from nothing to enough for hair, and the softness in pixels with which it is read.
_DARK, _READ = (0.9, 1.3), 2.0
# Ridge of the skin's light, the number of robust fits, the deviation at which a point loses weight, and the darkest skin.
_RIDGES, _FITS, _OUTLIER, _DARKEST_SKIN = (0.0, 0.002, 0.002, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02), 4, 0.25, -2.5
# Contrast of the streaks in natural logarithm, and how far they have one direction, from nothing to enough; both are averaged
# over this many pixels.
_STREAKS, _DIRECTED, _AROUND = (0.06, 0.12), (0.2, 0.4), 4.0
# Radius in pixels of the thinnest hair, which an edge of a shadow is thinner than, and of a lock. A piece reaches to `_EDGE`; it
# counts by its value where it is as wide as a lock, from nothing to enough.
_LEAST, _LOCK, _EDGE, _WIDE = 6, 8, 0.1, (0.2, 0.6)
# Log-odds where nothing speaks for hair, and where everything does.
_NEVER, _SURE = -4.0, 4.0


def hair_odds(seen: np.ndarray, levels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Compute log-odds float32 (SIDE, SIDE) that hair hangs over the face.

    Parameters
    ----------
    seen : np.ndarray
        float32 (SIDE, SIDE, 3), linear Rec.709 in the face's square.
    levels : np.ndarray
        float32 (3,), the face's level in each channel.
    points : np.ndarray
        float (478, 3), the mesh in the square.
    """
    level = float(levels @ REC709_LUMINANCE)
    calm = cv2.GaussianBlur(seen @ REC709_LUMINANCE, (0, 0), _CALM)
    log = np.log(np.maximum(calm, np.float32(_DARKEST * level)) / np.float32(level))
    soft = cv2.GaussianBlur(log, (0, 0), _READ)
    skin, zone = _on_square(points, _expected_skin(soft, points), hair_zone())
    dark = ramp(skin - soft, *_DARK)
    fine = log - cv2.GaussianBlur(log, (0, 0), _AROUND)
    streaks = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), _AROUND))
    hair = dark * ramp(streaks, *_STREAKS) * ramp(_directed(log), *_DIRECTED)
    hair = _without_strips(_opened(hair * zone, _LEAST))
    return np.float32(_NEVER) + np.float32(_SURE - _NEVER) * hair


@cache
def hair_zone() -> np.ndarray:
    """Return where hair is likely, float64 (478,) in 0..1: well above the brows, and beside the face down to the mouth."""
    head, mesh = head_model().reference, topology()
    down = head[:, 1]
    loops = np.concatenate([mesh.right_brow, mesh.left_brow])
    brows, top, mouth = head[loops, 1].mean(), head[mesh.oval, 1].min(), head[mesh.lips_loop, 1].mean()
    forehead = np.clip(4.0 * (brows + 0.15 - down) / (brows - top), 0.0, 1.0)
    beside = np.clip((0.55 - away_from(mesh.oval)) / 0.25, 0.0, 1.0)
    beside *= np.clip(1.0 + 4.0 * (mouth - 0.2 - down) / (mouth - brows), 0.0, 1.0)
    return np.maximum(forehead, beside) * np.clip((away_from(loops) - 0.1) / 0.1, 0.0, 1.0)


def _without_strips(hair: np.ndarray) -> np.ndarray:
    """Fade pieces that are nowhere as wide as a lock, float32 (SIDE, SIDE).

    Hair along the mesh's outline belongs to the surroundings, which move with the new face's outline; a strip of it that stayed as
    it was shot would be an island beside them.
    """
    count, found = cv2.connectedComponents((hair > _EDGE).astype(np.uint8), connectivity=8)
    places = np.flatnonzero(found)
    faded = np.zeros_like(hair)
    if places.size:
        wide = _opened(hair, _LOCK)
        labels = np.asarray(found, np.int32).ravel()[places]
        most = np.zeros(count, np.float32)
        np.maximum.at(most, labels, wide.ravel()[places])
        faded.ravel()[places] = hair.ravel()[places] * ramp(most, *_WIDE)[labels]
    return faded


def _opened(hair: np.ndarray, radius: int) -> np.ndarray:
    """Remove from `hair` (h, w) what is thinner than a disc of this radius in pixels, float32 (h, w)."""
    opened = np.zeros_like(hair)
    x, y, width, height = cv2.boundingRect((hair > 0).astype(np.uint8))
    part = slice(max(y - radius, 0), y + height + radius), slice(max(x - radius, 0), x + width + radius)
    opened[part] = cv2.morphologyEx(np.ascontiguousarray(hair[part]), cv2.MORPH_OPEN, disc(radius))
    return opened


def _expected_skin(log: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Continue the skin's log luminance `log` (SIDE, SIDE) from where no hair lies to the whole mesh, float64 (478,).

    Light is low-order in the surface's normal, so that the shading towards the outline is not taken for hair.
    """
    at = points[:, :2].astype(np.float32) - 0.5
    values = cv2.remap(log, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    normal = normals(points)
    terms, ridge = light_orders(normal), np.diag(_RIDGES)
    trust = base = (1.0 - hair_zone()) * bare_skin() * np.clip(-2.0 * normal[:, 2], 0.0, 1.0) + 1e-6
    expected = np.zeros(len(points))
    for _ in range(_FITS):
        weighted = terms * trust[:, None]
        expected = terms @ np.linalg.solve(weighted.T @ terms + ridge * trust.sum(), weighted.T @ values)
        trust = base / (1.0 + ((values - expected) / _OUTLIER) ** 2)
    return np.clip(expected, _DARKEST_SKIN, 0.0)


def _on_square(points: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    """Draw values at the mesh's points (478,) into the square, each float32 (SIDE, SIDE), 0 beyond the mesh."""
    cells = SIDE // _ZONE_STEP
    raster = rasterise(points / _ZONE_STEP, topology().closed, Window(0, 0, cells, cells), cells)
    drawn = raster.interpolate(np.column_stack(columns)) * raster.covered[..., None]
    return np.moveaxis(cv2.resize(drawn.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), 2, 0)


def _directed(log: np.ndarray) -> np.ndarray:
    """Compute how far the gradients around each pixel have one direction, float32 (h, w): 0 for none, 1 for lines."""
    x, y = (cv2.Sobel(log, cv2.CV_32F, dx, dy, ksize=3, scale=0.125) for dx, dy in ((1, 0), (0, 1)))
    xx, yy, xy = (cv2.GaussianBlur(part, (0, 0), _AROUND) for part in (x * x, y * y, x * y))
    return np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / (xx + yy + np.float32(1e-5))
