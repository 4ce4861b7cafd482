"""Thin rims of glasses in front of the face: what the occlusion network misses of them.

The network works at 320 pixels, and of a rim that is thinner than its pixels it finds some pieces. Rims are closed lines around the
eyes (`eye_rings`), so the rest is found by following the strongest closed line through these pieces. Lids, brows and wrinkles are
lines around the eyes, too: nothing is added unless the network itself finds a good part of the lines around both eyes, or less of
them and the bridge. Where there are glasses beyond doubt, smudges beside the rims are removed: brows and shadows that have the
rim's colour, and that the network doubts.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.eye_rings import TURNS, ring_contrast, shown_arcs, strongest_path
from faceplate.comp.occlusion.square import REC709_LUMINANCE, SIDE, SquareMesh, sigmoid
from faceplate.face import topology
from faceplate.image.soft_steps import disc, ramp

__all__ = ["found_around_eyes", "with_rims"]

# Darkest value over the face's level that has a logarithm.
_DARKEST = 0.01
# How much the network's probability counts beside the contrast when a line is followed.
_PULL = 0.5
# Probability from which a piece of rim is found, and the distance from the line within which it counts, in pixels.
_FOUND, _NEAR = 0.3, 2
# Part of the directions in which the network finds the line, of both eyes and of the one with less: from nothing to enough.
_BOTH, _LESS = (0.28, 0.42), (0.08, 0.2)
# The part of the bridge that is found, from nothing to enough, and how much a bridge adds to the two parts above: no hair lies
# across the nose between the eyes. The eyes' inner corners in the mesh, where a bridge is looked for, in sizes of the face below
# the line between them, and in how many places.
_BRIDGE, _MORE = (0.55, 0.8), (0.25, 0.2)
_CORNERS, _HIGH, _ROWS, _COLUMNS = (133, 362), (-0.11, 0.06), 60, 48
# The least part that calls for looking at all, found in any place of a direction.
_WORTH = 0.08
# Contrast of the line in natural logarithm, from nothing to enough, averaged over this many directions.
_CLEAR, _AROUND = (0.04, 0.1), 2.0
# What is found of the rims and, so weighted, of the bridge, from other lines around the eyes to glasses beyond doubt.
_CROSSED, _CERTAIN = 0.4, (0.85, 0.95)
# What is found with less than this is a smudge where no rim is: brows, and the rim's shadow. Distance in pixels from a rim's line
# to beside it; a rim that is found with this probability reaches so far beside its line. How far above and below the lenses
# smudges lie, and the least probability.
_SURE, _OFF, _RIM, _BESIDE, _ABOVE, _BELOW, _LEAST = (0.6, 0.9), (1.5, 4.0), (0.5, 0.7), 3, 22, 30, 1e-4
# Distance from the eye's opening within which lids and lashes lie, in pixels.
_LIDS = 5
# Thickness of the line in pixels, and its probability, which leaves the decision to the plate's own pixels.
_THICK, _SOFT, _LIKELY = 2, 0.7, 0.45


def with_rims(odds: np.ndarray, seen: np.ndarray, levels: np.ndarray, mesh: SquareMesh) -> np.ndarray:
    """Add the rims of glasses to the network's log-odds.

    Parameters
    ----------
    odds : np.ndarray
        float32 (SIDE, SIDE), the occlusion network's log-odds.
    seen : np.ndarray
        float32 (SIDE, SIDE, 3), linear Rec.709 in the face's square.
    levels : np.ndarray
        float32 (3,), the face's level in each channel.
    mesh : SquareMesh
        The face's mesh.

    Returns
    -------
    np.ndarray
        float32 (SIDE, SIDE); `odds` itself where the person wears no glasses. It is less only beside the rims of glasses beyond
        doubt, where the network doubts what it finds.
    """
    hidden = sigmoid(odds)
    rings = mesh.rings
    network = np.stack([ring.read(hidden) for ring in rings])
    if _share(network) < _WORTH:
        return odds
    level = float(levels @ REC709_LUMINANCE)
    log = np.log(np.maximum(seen @ REC709_LUMINANCE, np.float32(_DARKEST * level)) / np.float32(level))
    contrasts = np.stack([ring_contrast(log, ring, mesh.size) for ring in rings])
    paths = strongest_path(contrasts + np.float32(_PULL) * network)
    lines = [ring.along(path) for ring, path in zip(rings, paths, strict=True)]
    near = cv2.dilate(hidden, np.ones((2 * _NEAR + 1, 2 * _NEAR + 1), np.uint8))
    found = [float((_read(near, line) > _FOUND).mean()) for line in lines]
    both, bridge = sum(found) / 2, _bridge(hidden, mesh.points, mesh.size)
    more = float(ramp(bridge, *_BRIDGE))
    glasses = float(ramp(both + _MORE[0] * more, *_BOTH) * ramp(min(found) + _MORE[1] * more, *_LESS))
    if glasses == 0:
        return odds
    odds = _without_smudges(odds, hidden, lines, float(ramp(both + _CROSSED * bridge, *_CERTAIN)))
    drawn = np.zeros((SIDE, SIDE), np.float32)
    for line, contrast, path in zip(lines, contrasts, paths, strict=True):
        along = contrast[np.arange(TURNS), path]
        _draw(drawn, line, _averaged(shown_arcs(along) * ramp(_averaged(along), *_CLEAR)))
    eyes = np.zeros((SIDE, SIDE), np.uint8)
    for loop in (topology().right_eye_loop, topology().left_eye_loop):
        cv2.fillPoly(eyes, [np.round(mesh.points[loop, :2] - 0.5).astype(np.int32)], 1)
    drawn[cv2.dilate(eyes, disc(_LIDS)) > 0] = 0
    likely = np.clip(glasses * _LIKELY * cv2.GaussianBlur(drawn, (0, 0), _SOFT), 1e-4, 0.9)
    return np.maximum(odds, np.log(likely / (1 - likely)))


def _without_smudges(odds: np.ndarray, hidden: np.ndarray, lines: list[np.ndarray], certain: float) -> np.ndarray:
    """Remove what the network doubts beside the rims as far as it is `certain`, 0..1, that these are glasses."""
    if certain == 0:
        return odds
    smudges = certain * (1 - ramp(hidden, *_SURE)) * _off_lines(hidden, lines)
    held = np.maximum(hidden * (1 - smudges), _LEAST)
    return np.where(smudges > 0, np.minimum(odds, np.log(held / (1 - np.minimum(held, 1 - _LEAST)))), odds)


def _off_lines(hidden: np.ndarray, lines: list[np.ndarray]) -> np.ndarray:
    """Draw where nothing of the glasses is: in the lenses, above and below them, float32 (SIDE, SIDE) in 0..1.

    `hidden` is the network's probability; `lines` (TURNS, 2) are the rims. Bridge and arms lie beside the lenses.
    """
    away, lenses = np.ones((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    for line in lines:
        ends = np.round(line * 16).astype(np.int32)
        cv2.polylines(away, [ends], True, 0, 1, cv2.LINE_8, 4)
        cv2.fillPoly(lenses, [ends], 1, cv2.LINE_8, 4)
    columns = cv2.dilate(lenses, np.ones((_ABOVE + _BELOW + 1, 1), np.uint8), anchor=(0, _BELOW))
    off = ramp(cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_3), *_OFF)
    return columns * off * (1 - cv2.dilate(ramp(hidden, *_RIM), disc(_BESIDE)))


def found_around_eyes(odds: np.ndarray, mesh: SquareMesh) -> float:
    """Return the part of the directions around the eyes in which the network's `odds` find something, 0..1.

    The parameters are those of `with_rims`.
    """
    hidden = sigmoid(odds)
    return _share(np.stack([ring.read(hidden) for ring in mesh.rings]))


def _bridge(hidden: np.ndarray, points: np.ndarray, size: float) -> float:
    """Return the part of the way from one eye's inner corner to the other's over which something crosses the nose, 0..1."""
    ends = points[list(_CORNERS), :2] - 0.5
    way = ends[0] + np.linspace(0, 1, _COLUMNS)[:, None] * (ends[1] - ends[0])
    down = np.array([ends[0, 1] - ends[1, 1], ends[1, 0] - ends[0, 0]])
    down = down / max(float(np.hypot(*down)), 1e-9) * size
    at = (way[:, None] + np.linspace(*_HIGH, _ROWS)[:, None] * down).astype(np.float32)
    read = cv2.remap(hidden, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return float((read.max(axis=1) > _FOUND).mean())


def _share(network: np.ndarray) -> float:
    return float((network.max(axis=2) > _FOUND).mean())


def _read(picture: np.ndarray, line: np.ndarray) -> np.ndarray:
    at = line.astype(np.float32)
    return cv2.remap(picture, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]


def _averaged(along: np.ndarray) -> np.ndarray:
    """Average over neighbouring directions of a ring, float32 (TURNS,)."""
    rounds = np.concatenate([along] * 3).astype(np.float32)[None]
    return cv2.GaussianBlur(rounds, (0, 0), _AROUND)[0, TURNS : 2 * TURNS]


def _draw(drawn: np.ndarray, line: np.ndarray, weight: np.ndarray) -> None:
    """Draw a closed line with a `weight` (TURNS,) for each direction."""
    ends = np.round(line * 16).astype(int)
    for k in np.flatnonzero(weight > 0.01):
        first, second = ends[k].tolist(), ends[(k + 1) % TURNS].tolist()
        cv2.line(drawn, first, second, float(weight[k]), _THICK, cv2.LINE_8, 4)
