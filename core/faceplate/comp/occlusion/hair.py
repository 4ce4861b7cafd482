"""Hair that hangs over the face from its outline: what the occlusion network misses of it.

Hair beside the face and over the forehead is darker than the skin, and it is streaked: its luminance changes at the width of a
strand, along one direction. Shadow on skin is dark without streaks, and grain has no direction (J. Bigün and G. Granlund,
"Optimal orientation detection of linear symmetry", ICCV 1987, for the measure of direction).

Dense hair is found by that alone. Of a fringe the network often finds only the roots; from what is found for sure the rest is
followed along what is dark and looks like hair, to the strands' ends. This is the morphological reconstruction of a grey picture
(L. Vincent, "Morphological grayscale reconstruction in image analysis", IEEE Trans. Image Processing 1993), which is continuous
in its input.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from faceplate.comp.occlusion.square import REC709_LUMINANCE, SIDE, SquareMesh, sigmoid
from faceplate.face import topology
from faceplate.face.shape import away_from, bare_skin, head_model, light_orders, normals
from faceplate.image.soft_steps import disc, ramp

__all__ = ["hair_odds", "hair_zone", "with_hair"]

# Low-pass in pixels against grain, and the darkest value over the face's level that has a logarithm.
_CALM, _DARKEST = 1.0, 0.01
# Natural logarithm under the expected skin from nothing to enough for hair, and the softness in pixels with which it is read.
_DARK, _READ = (0.9, 1.3), 2.0
# Ridge of the skin's light, the number of robust fits, the deviation at which a point loses weight, and the darkest skin.
_RIDGES, _FITS, _OUTLIER, _DARKEST_SKIN = (0.0, 0.002, 0.002, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02), 4, 0.25, -2.5
# Logarithm of green over blue over the face's, from skin to hair that is yellower than it; the softness with which it is read; and
# the contrast of strands that such hair has at least, which skin in warm shade has not. Beside the face and at the brows it counts
# where it is twice this many pixels wide: a strip along the outline moves with the hair beside it.
_YELLOW, _YELLOW_READ, _YELLOW_STRANDS, _BROAD = (0.1, 0.2), 3.0, (0.04, 0.08), 10
# Contrast of the streaks in natural logarithm, and how far they have one direction, from nothing to enough; both are averaged
# over this many pixels.
_STREAKS, _DIRECTED, _AROUND = (0.06, 0.12), (0.2, 0.4), 4.0
# Radius in pixels of the thinnest hair, which an edge of a shadow is thinner than, and of a lock. A piece reaches to `_EDGE`; it
# counts by its value where it is as wide as a lock, from nothing to enough.
_LEAST, _LOCK, _EDGE, _WIDE = 6, 8, 0.1, (0.2, 0.6)
# Log-odds where nothing speaks for hair, and where everything does.
_NEVER, _SURE = -4.0, 4.0
# The same clues for hair that hangs down from what is found, from nothing to enough: weaker ones do. The last line is of the
# network's log-odds: in general, where brows are, and the radius in pixels of hair that counts at brows in any case.
_DARK_BELOW = (0.4, 0.75)
_STREAKS_BELOW, _DIRECTED_BELOW = (0.04, 0.08), (0.2, 0.4)
_DOUBT, _DOUBT_AT_BROWS, _THICK = (-7.0, -4.0), (-2.5, -0.5), 11
# How far the streaks lie down the face, from a brow's to hair's that hangs over it.
_UPRIGHT = (0.1, 0.4)
# Width in pixels under which a line is a strand, their contrast in natural logarithm from a shadow's to hair's, and how far the
# edges lie across the face, from hair's to a shadow's.
_STRAND, _STRANDS, _ACROSS = 5, (0.09, 0.14), (0.25, 0.5)
# Logarithm of red over green against the face's, from other things to skin in the shade, and from there to other things.
_AS_RED, _TOO_RED = (-0.3, -0.2), (0.7, 0.9)
# The most steps in which hair is followed, of two pixels each.
_FAR = 160


def with_hair(
    odds: np.ndarray, seen: np.ndarray, levels: np.ndarray, mesh: SquareMesh
) -> tuple[np.ndarray, np.ndarray]:
    """Add hair that hangs over the face to the network's log-odds.

    Parameters
    ----------
    odds : np.ndarray
        float32 (SIDE, SIDE), the occlusion network's log-odds.
    seen, levels, mesh
        As in `hair_odds`.

    Returns
    -------
    roots, whole : np.ndarray
        float32 (SIDE, SIDE) each, nowhere less than `odds`: with dense hair, and with what hangs down from it as well. Grain moves
        the ends of hair, and hardly its roots.
    """
    clues = _Clues.of(seen, levels, mesh)
    found = np.maximum(odds, _dense(clues))
    return found, np.maximum(found, _as_odds(_hanging(clues, odds, sigmoid(found))))


def hair_odds(seen: np.ndarray, levels: np.ndarray, mesh: SquareMesh) -> np.ndarray:
    """Compute log-odds float32 (SIDE, SIDE) that dense hair hangs over the face.

    Parameters
    ----------
    seen : np.ndarray
        float32 (SIDE, SIDE, 3), linear Rec.709 in the face's square.
    levels : np.ndarray
        float32 (3,), the face's level in each channel.
    mesh : SquareMesh
        The face's mesh.
    """
    return _dense(_Clues.of(seen, levels, mesh))


@dataclass(frozen=True)
class _Clues:
    """What speaks for hair, float32 (SIDE, SIDE) each.

    `darker` and `softly` are the natural logarithm under the expected skin, as it is and softly read; `streaks` the contrast of
    strands, `directed` how far they have one direction, and `upright` how far it is down the face. `shadow` speaks against hair:
    skin's colour, and edges across the face without strands, as a brim's shadow has them. `zone` is where hair is likely,
    `forehead` the part of it above the brows, which are `brows`; from the `roots` hair hangs down. What is found lower may be the
    frame of glasses.
    """

    darker: np.ndarray
    softly: np.ndarray
    yellow: np.ndarray
    streaks: np.ndarray
    directed: np.ndarray
    upright: np.ndarray
    shadow: np.ndarray
    zone: np.ndarray
    forehead: np.ndarray
    brows: np.ndarray
    roots: np.ndarray

    @classmethod
    def of(cls, seen: np.ndarray, levels: np.ndarray, mesh: SquareMesh) -> _Clues:
        level = float(levels @ REC709_LUMINANCE)
        calm = cv2.GaussianBlur(seen @ REC709_LUMINANCE, (0, 0), _CALM)
        log = np.log(np.maximum(calm, np.float32(_DARKEST * level)) / np.float32(level))
        soft = cv2.GaussianBlur(log, (0, 0), _READ)
        parts = (_expected_skin(soft, mesh.points), hair_zone(), _forehead(), 1.0 - _off_brows(), _roots())
        skin, zone, forehead, brows, roots = mesh.drawn(*parts)
        fine = log - cv2.GaussianBlur(log, (0, 0), _AROUND)
        streaks = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), _AROUND))
        directed, across, widely = _directed(log)
        strands, upright = _strands(log), ramp(-across, *_UPRIGHT)
        shadow = ramp(widely, *_ACROSS) * (1 - ramp(strands, *_STRANDS)) * _as_red_as_skin(seen, levels)
        shadow, strands = (cv2.resize(part, log.shape[::-1]) for part in (shadow, strands))
        yellow = ramp(_yellower(seen, levels), *_YELLOW) * upright * ramp(strands, *_YELLOW_STRANDS)
        yellow *= np.maximum(roots, ramp(_opened_at_half(np.minimum(yellow, zone), _BROAD), *_WIDE))
        return cls(skin - log, skin - soft, yellow, streaks, directed, upright, shadow, zone, forehead, brows, roots)


def _dense(clues: _Clues) -> np.ndarray:
    """Compute log-odds of dense hair, float32 (SIDE, SIDE)."""
    unlike = np.maximum(ramp(clues.softly, *_DARK), clues.yellow)
    hair = unlike * ramp(clues.streaks, *_STREAKS) * ramp(clues.directed, *_DIRECTED)
    return _as_odds(_without_strips(_opened(hair * clues.zone, _LEAST)))


def _as_odds(hair: np.ndarray) -> np.ndarray:
    return np.float32(_NEVER) + np.float32(_SURE - _NEVER) * hair


def _hanging(clues: _Clues, odds: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Follow hair from what is `found` (SIDE, SIDE), 0..1, to its ends, float32 (SIDE, SIDE) in 0..1.

    `odds` are the network's log-odds. Beside the face only what is as wide as a lock counts, as in `_without_strips`.
    """
    dark = ramp(clues.darker, *_DARK_BELOW) * (1 - clues.shadow)
    streaked = ramp(clues.streaks, *_STREAKS_BELOW) * ramp(clues.directed, *_DIRECTED_BELOW)
    like = np.maximum(dark * np.maximum(ramp(odds, *_DOUBT), streaked), clues.yellow * streaked)
    locks = _opened_at_half(like * clues.zone, _LOCK)
    # No brow is as thick, so that a brow counts only beneath hair.
    thick = _opened_at_half(like * np.minimum(clues.forehead + clues.brows, 1), _THICK)
    over = np.maximum(dark * np.maximum(ramp(odds, *_DOUBT_AT_BROWS), streaked * clues.upright), thick) * clues.brows
    like = np.maximum(np.minimum(like * clues.forehead + over, 1), locks).astype(np.float32)
    if not (like > 0).any():
        return like
    roots = found * clues.roots
    reached = _reconstructed(_pooled(roots), _pooled(np.maximum(roots, like)))
    return np.minimum(cv2.resize(reached, like.shape[::-1], interpolation=cv2.INTER_NEAREST), like)


def _reconstructed(seed: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the largest picture below `mask` that is connected with `seed`: each pixel's best way there by its lowest value."""
    around, held = np.ones((3, 3), np.uint8), np.minimum(seed, mask)
    for step in range(1, _FAR + 1):
        more = np.minimum(cv2.dilate(held, around), mask)
        if step % 8 == 0 and np.array_equal(more, held):
            break
        held = more
    return held


def _opened_at_half(values: np.ndarray, radius: int) -> np.ndarray:
    """Return what is at least twice `radius` pixels wide, float32 (SIDE, SIDE), found at half the resolution."""
    half = cv2.resize(values.astype(np.float32), (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.morphologyEx(half, cv2.MORPH_OPEN, disc(radius / 2)), values.shape[::-1])


def _pooled(values: np.ndarray) -> np.ndarray:
    """Return the largest value of each block of 2 x 2, float32 (SIDE / 2, SIDE / 2): a strand stays connected."""
    rows = np.maximum(values[::2], values[1::2])  # fifteen times as fast as a maximum over two axes
    return np.maximum(rows[:, ::2], rows[:, 1::2])


@cache
def hair_zone() -> np.ndarray:
    """Return where hair is likely, float64 (478,) in 0..1: well above the brows, and beside the face down to the mouth."""
    head, mesh = head_model().reference, topology()
    down = head[:, 1]
    loops = np.concatenate([mesh.right_brow, mesh.left_brow])
    brows, mouth = head[loops, 1].mean(), head[mesh.lips_loop, 1].mean()
    beside = np.clip((0.55 - away_from(mesh.oval)) / 0.25, 0.0, 1.0)
    beside *= np.clip(1.0 + 4.0 * (mouth - 0.2 - down) / (mouth - brows), 0.0, 1.0)
    return np.maximum(_forehead(), beside * _off_brows())


@cache
def _forehead() -> np.ndarray:
    """Return the forehead well above the brows, float64 (478,) in 0..1."""
    head, mesh = head_model().reference, topology()
    down = head[:, 1]
    brows = head[np.concatenate([mesh.right_brow, mesh.left_brow]), 1].mean()
    top = head[mesh.oval, 1].min()
    return np.clip(4.0 * (brows + 0.15 - down) / (brows - top), 0.0, 1.0) * _off_brows()


@cache
def _roots() -> np.ndarray:
    """Return the forehead where no glasses reach, float64 (478,) in 0..1."""
    head, mesh = head_model().reference, topology()
    brows = head[np.concatenate([mesh.right_brow, mesh.left_brow]), 1].mean()
    return np.clip((brows - 0.1 - head[:, 1]) / 0.1, 0.0, 1.0)


@cache
def _off_brows() -> np.ndarray:
    """Return where no brow is, float64 (478,) in 0..1."""
    mesh = topology()
    return np.clip((away_from(np.concatenate([mesh.right_brow, mesh.left_brow])) - 0.1) / 0.1, 0.0, 1.0)


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


def _directed(log: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute how far the gradients around each pixel have one direction, and how far they run down or up the face.

    float32 (h, w), 0 for no direction to 1 for lines; float32 (h, w), -1 for upright lines to 1 for lines across; and the same read
    more widely, float32 (h / 4, w / 4).
    """
    x, y = (cv2.Sobel(log, cv2.CV_32F, dx, dy, ksize=3, scale=0.125) for dx, dy in ((1, 0), (0, 1)))
    xx, yy, xy = (cv2.GaussianBlur(part, (0, 0), _AROUND) for part in (x * x, y * y, x * y))
    most = xx + yy + np.float32(1e-5)
    directed, across = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / most, (yy - xx) / most
    xx, yy = _widely(xx), _widely(yy)
    return directed, across, (yy - xx) / (xx + yy + np.float32(1e-5))


def _strands(log: np.ndarray) -> np.ndarray:
    """Compute the contrast of lines as thin as strands, float32 (h / 4, w / 4): a single edge, however strong, has none."""
    thin = np.ones((_STRAND, _STRAND), np.uint8)
    lines = cv2.morphologyEx(log, cv2.MORPH_CLOSE, thin) - cv2.morphologyEx(log, cv2.MORPH_OPEN, thin)
    return np.sqrt(_widely(lines * lines))


def _as_red_as_skin(seen: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Compute how far the colour is that of skin in the shade, float32 (h / 4, w / 4) in 0..1; skin in the shade is redder."""
    size = (seen.shape[1] // 4, seen.shape[0] // 4)
    red, green = (cv2.resize(seen[..., k], size, interpolation=cv2.INTER_AREA) / levels[k] for k in (0, 1))
    redder = np.log(np.maximum(red, np.float32(_DARKEST)) / np.maximum(green, np.float32(_DARKEST)))
    return ramp(redder, *_AS_RED) * (1 - ramp(redder, *_TOO_RED))


def _yellower(seen: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Compute by how much green is over blue more than in the face, natural logarithm, float32 (SIDE, SIDE), softly read."""
    green, blue = (cv2.GaussianBlur(seen[..., k], (0, 0), _YELLOW_READ) / levels[k] for k in (1, 2))
    return np.log(np.maximum(green, np.float32(_DARKEST)) / np.maximum(blue, np.float32(_DARKEST)))


def _widely(values: np.ndarray) -> np.ndarray:
    """Average over some 8 pixels, float32 (h / 4, w / 4)."""
    small = cv2.resize(values, (values.shape[1] // 4, values.shape[0] // 4), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), _AROUND / 2)
