"""Thin rims of glasses in front of the face: what the occlusion network misses of them.

The network works at 320 pixels, and of a rim that is thinner than its pixels it finds some pieces. Rims are closed lines around the
eyes (`eye_rings`), so the rest is found by following the strongest closed line through these pieces. Lids, brows and wrinkles are
lines around the eyes, too: nothing is added unless the network itself finds a good part of the lines around both eyes.
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
# The least part that calls for looking at all, found in any place of a direction.
_WORTH = 0.2
# Contrast of the line in natural logarithm, from nothing to enough, averaged over this many directions.
_CLEAR, _AROUND = (0.04, 0.1), 2.0
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
        float32 (SIDE, SIDE), nowhere less than `odds`; `odds` itself where the person wears no glasses.
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
    glasses = float(ramp(sum(found) / 2, *_BOTH) * ramp(min(found), *_LESS))
    if glasses == 0:
        return odds
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


def found_around_eyes(odds: np.ndarray, mesh: SquareMesh) -> float:
    """Return the part of the directions around the eyes in which the network's `odds` find something, 0..1.

    The parameters are those of `with_rims`.
    """
    hidden = sigmoid(odds)
    return _share(np.stack([ring.read(hidden) for ring in mesh.rings]))


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
