"""Which regions of an occlusion matte are occluders: hysteresis and a least size within a frame, and agreement between frames.

Everything here is continuous in its input: a region fades with its length and with how certain it is, and no decision hangs on
one threshold, so that nothing pops when the face's size or the network's odds change a little.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.image.soft_steps import disc, ramp, smoothstep

__all__ = ["steadied_odds", "without_floating", "without_holes", "without_regions_inside", "without_specks"]

# Values at which a map is cut into regions. A region of a lower level that is accepted accepts, in part, what lies in it.
_LEVELS = (0.25, 0.4, 0.55, 0.7, 0.85)

# The same for holes of a finished matte; fewer, because they are searched on many more pixels.
_HOLE_LEVELS = (0.25, 0.5, 0.75)

# How far the foot of a region's edge reaches beyond it, in pixels.
_FOOT = 2

# Log-odds by which this frame and the frames around it may differ without a correction, after a tolerance of one block.
_DEAD_ZONE = 0.5

# Largest difference that comes from rounding: the track file stores the usual log-odds in steps of a half.
_ROUNDED = 0.26

# Differences of a block's log-odds from the usual ones that are wandering: up to the first wholly, from the second on not at all;
# and usual log-odds that are doubtful.
_WANDERING, _DOUBTFUL = (2.5, 4.0), (2.5, 4.0)

# Log-odds above which a region is one, the parts of it within a place from which it begins to fade there and is gone, and the
# log-odds that it then has.
_REGION, _WITHIN, _UNSEEN = -0.5, (0.75, 0.95), -3.0

# Log-odds under the largest around a pixel from which what is missing is restored there: not at all, wholly.
_SHOWN = (-2.0, -0.5)

# Number of inner blocks, those with all neighbours in the region, from which a region that this frame alone shows is believed,
# as a fast hand must be: not at all, wholly.
_BELIEVED = (12.0, 45.0)

# Half of the longest gap in a piece, and the reach of its soft edge, as parts of the face's size.
_GAP, _FOOT_OF_PIECE = 0.006, 0.012
# Half the width of a piece from which it needs no root, not at all and wholly, as parts of the face's size.
_THICK = (0.018, 0.028)
# Values from which a pixel belongs to a piece; and the value of its root, from none to a sure one.
_PIECES, _ROOTED = (0.1, 0.2), (0.2, 0.5)


def without_specks(
    values: np.ndarray,
    length: tuple[float, float],
    certain: tuple[float, float] = (0.0, 0.0),
    evidence: np.ndarray | None = None,
    levels: tuple[float, ...] = _LEVELS,
) -> np.ndarray:
    """Fade regions of `values` that are short or uncertain.

    `values` is cut at several levels. At each level a connected region gets a weight from its length, or, as far as the regions
    of the lower levels around it were accepted, their mean weight. At the lowest level it also gets a weight from its mean of
    `evidence`. So a doubtful part stays while it is connected with a sure one, and a wrinkle with a sharp middle does not.

    Parameters
    ----------
    values, evidence : np.ndarray
        float32 (h, w), 0..1.
    length : tuple of float
        Length of a region's longer side, in pixels, at which its weight begins to rise from 0 and at which it reaches 1.
    certain : tuple of float
        The same for the region's mean of `evidence`; without evidence every region is certain.
    levels : tuple of float
        Ascending values at which `values` is cut.

    Returns
    -------
    np.ndarray
        float32 (h, w), 0..`values`.
    """
    result = np.zeros_like(values)
    x, y, width, height = cv2.boundingRect((values > levels[0]).astype(np.uint8))
    if width == 0:
        return result
    # No region reaches further than its foot does.
    part = slice(max(y - _FOOT, 0), y + height + _FOOT), slice(max(x - _FOOT, 0), x + width + _FOOT)
    seen = None if evidence is None else np.ascontiguousarray(evidence[part])
    result[part] = _held(np.ascontiguousarray(values[part]), length, certain, seen, levels)
    return result


def _held(
    values: np.ndarray,
    length: tuple[float, float],
    certain: tuple[float, float],
    evidence: np.ndarray | None,
    levels: tuple[float, ...],
) -> np.ndarray:
    """Do the work of `without_specks` on the part of the picture that has regions."""
    result = np.zeros_like(values)
    total, sure = np.zeros_like(values), None
    ends = (*levels[1:], np.inf)
    for k, (low, high) in enumerate(zip(levels, ends, strict=True)):
        found = _region_weights(values > low, length, certain, evidence if k == 0 else None)
        if found is None:
            break
        weight, mean = found
        total += weight
        if k == 0:  # the foot of a region's edge lies below the first level
            sure = None if evidence is None else cv2.dilate(mean, disc(_FOOT))
            result += np.minimum(values, np.float32(low)) * cv2.dilate(weight, disc(_FOOT))
        held = np.maximum(weight, total / np.float32(k + 1))
        result += np.clip(values - np.float32(low), 0.0, np.float32(high - low)) * held
    return result if sure is None else result * sure


def without_holes(matte: np.ndarray, length: tuple[float, float]) -> np.ndarray:
    """Fill holes of `matte`, float32 (h, w) in 0..1, whose longer side is shorter than `length` in pixels."""
    return 1 - without_specks(1 - matte, length, levels=_HOLE_LEVELS)


def without_regions_inside(odds: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Lower the log-odds `odds` (h, w) of regions that lie within `places`, bool (h, w): what hides them comes from outside.

    A region fades with the part of it that lies within. The same array where there is none.
    """
    count, found = cv2.connectedComponents((odds > _REGION).astype(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int32)
    whole, within = (np.bincount(part.ravel(), minlength=count) for part in (labels, labels[places]))
    lowered = smoothstep(within / np.maximum(whole, 1), *_WITHIN).astype(np.float32)
    lowered[0] = 0.0
    if not lowered.any():
        return odds
    weight = cv2.dilate(lowered[labels], np.ones((3, 3), np.uint8))
    return odds - weight * np.maximum(odds - np.float32(_UNSEEN), 0)


def without_floating(matte: np.ndarray, needed: np.ndarray, size: float) -> np.ndarray:
    """Remove thin pieces of a finished matte that lie wholly where a root is needed, float32 (h, w).

    Parameters
    ----------
    matte : np.ndarray
        float32 (h, w), 0..1.
    needed : np.ndarray
        float32 (h, w), 0..1, `roots.needs_root` on the matte's pixels.
    size : float
        The face's size in these pixels.
    """
    needed = np.clip(needed, 0.0, 1.0)
    if not (needed[matte > _PIECES[0]] > 0).any():
        return matte
    # Half the resolution is enough to tell the pieces apart.
    half, asked, unit = cv2.dilate(matte, np.ones((2, 2), np.uint8))[::2, ::2], needed[::2, ::2], size / 2
    rooted = np.ones_like(half)
    for level in _PIECES:
        inside = (half > level).astype(np.uint8)
        count, found = cv2.connectedComponents(cv2.dilate(inside, disc(_GAP * unit)), connectivity=8)
        labels, places = np.asarray(found, np.int32), np.flatnonzero(inside)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / np.float32(unit)
        held = np.maximum(ramp(half * (1 - asked), *_ROOTED), ramp(depth, *_THICK)).astype(np.float32)
        root = np.zeros(count, np.float32)
        np.maximum.at(root, labels.ravel()[places], held.ravel()[places])
        root[0] = 1.0
        # What is around a piece goes with it, unless it belongs to another one.
        beside = cv2.erode(root[labels], disc(_FOOT_OF_PIECE * unit))
        rooted = np.minimum(rooted, np.where(labels > 0, root[labels], beside))
    rooted = cv2.resize(rooted, matte.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return matte * (1 - needed * (1 - rooted))


def steadied_odds(odds: np.ndarray, own: np.ndarray, usual: np.ndarray, limit: float) -> np.ndarray:
    """Correct a frame's log-odds by what the frames around it show.

    Where this frame's odds are higher than the usual ones, an occluder that no other frame shows is removed; where they are
    lower, one that is missing in this frame only is restored. Each is compared with the other's largest value among the
    neighbouring blocks, so that edges, and motion of a block a frame, stay as this frame has them. What is missing is restored
    where this frame shows it most, and not in the skin beside.

    Parameters
    ----------
    odds : np.ndarray
        float32 (side, side), this frame's log-odds.
    own, usual : np.ndarray
        float32 (n, n), this frame's odds on the coarse grid, and those smoothed over time; both within ±`limit`.
    limit : float
        Odds beyond ±`limit` are taken as `limit` where a correction applies.
    """
    near = np.ones((3, 3), np.uint8)
    apart = usual - own
    apart -= np.clip(apart, -_ROUNDED, _ROUNDED)
    higher = np.maximum(own - cv2.dilate(usual, near) - np.float32(_DEAD_ZONE), 0.0)
    lower = np.maximum(usual - cv2.dilate(own, near) - np.float32(_DEAD_ZONE), 0.0)
    higher = higher * _unbelieved(higher)
    doubt = (1 - smoothstep(np.abs(apart), *_WANDERING)) * (1 - smoothstep(np.abs(usual), *_DOUBTFUL))
    doubt = doubt.astype(np.float32)
    # A block's correction covers all of it, also beside a neighbour that needs none.
    missing = (1 - doubt) * cv2.dilate(lower, near) * (lower.max() > 0)
    change = doubt * apart - (1 - doubt) * cv2.dilate(higher, near)
    if not (missing.any() or change.any()):
        return odds
    clipped, lacking = np.clip(odds, -limit, limit), ramp(lower, 0.0, 1.0) * (own + limit) - limit
    change = _enlarged(change, odds) + _enlarged(missing, odds) * _shown_most(clipped, cv2.dilate(lacking, near))
    held = odds + np.minimum(np.abs(change), 1.0) * (clipped - odds)
    return (held + change).astype(np.float32)


def _shown_most(odds: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Compute how near the log-odds `odds` (h, w) are to the `largest` around them, (n, n) on the coarse grid: 0..1.

    A rim that is fainter than usual in a frame is raised as a rim. Raised with all of its blocks, the skin beside it would be one.
    """
    return ramp(odds - _enlarged(largest, odds), *_SHOWN).astype(np.float32)


def _enlarged(blocks: np.ndarray, odds: np.ndarray) -> np.ndarray:
    return cv2.resize(blocks.astype(np.float32), odds.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _unbelieved(higher: np.ndarray) -> np.ndarray:
    """Compute 1 for small and thin regions of `higher` (n, n), and 0 for those large enough to be believed in a single frame."""
    region = (higher > 1.0).astype(np.uint8)
    count, found = cv2.connectedComponents(region, connectivity=8)
    labels = np.asarray(found, np.int32)
    inner = np.bincount(labels.ravel(), cv2.erode(region, np.ones((3, 3), np.uint8)).ravel(), minlength=count)
    keep = 1 - smoothstep(inner, *_BELIEVED)
    keep[0] = 1.0
    held = keep[labels].astype(np.float32)
    return cv2.erode(held, np.ones((3, 3), np.uint8))


def _region_weights(
    inside: np.ndarray, length: tuple[float, float], certain: tuple[float, float], evidence: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Compute each pixel's weights by the length of its region of the mask `inside` and by the region's mean of `evidence`.

    float32 (h, w) each; the second is 1 without `evidence`. None where the mask is empty.
    """
    # This algorithm takes a third of the default's time.
    count, found, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        inside.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_BBDT
    )
    if count == 1:
        return None
    places = np.flatnonzero(inside)
    labels = np.asarray(found, np.int32).ravel()[places]
    weight = smoothstep(stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1), *length).astype(np.float32)
    if evidence is None:
        return _at(places, weight[labels], inside), inside.astype(np.float32)
    mean = np.bincount(labels, evidence.ravel()[places], minlength=count) / np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    sure = smoothstep(mean, *certain).astype(np.float32)
    return _at(places, weight[labels], inside), _at(places, sure[labels], inside)


def _at(places: np.ndarray, values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return `values` (n,) at the flat `places` (n,) of a picture as large as `like` (h, w), float32; 0 elsewhere."""
    picture = np.zeros(like.size, np.float32)
    picture[places] = values
    return picture.reshape(like.shape)
