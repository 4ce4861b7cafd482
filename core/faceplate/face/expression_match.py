"""Expression match in points: where the points of a generated face have to go so that it acts as the performance does.

Only what an expression is made of is compared, each in units of the face that shows it: how far the lids are open against
the resting face's, where the irises are between the corners of the eyes, the gap between the lips over their width, the jaw
and the lips along the directions in which faces speak and smile, and how high the brows are above their resting place. So a
face keeps its own proportions. A difference of the size of the landmarker's noise moves next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from faceplate.face.expression import (
    EYE_CORNERS,
    LID_PAIRS,
    LIP_PAIRS,
    RestingFace,
    brow_heights,
    eye_openness,
    gaze_of,
)
from faceplate.face.face import topology
from faceplate.face.shape import away_from, head_model, pose_of
from faceplate.image.soft_steps import smoothstep

__all__ = ["GAZE_SEEN", "MatchAmounts", "MatchedPoints", "match_points"]

GAZE_SEEN = (0.65, 0.2)
"""How much of an iris's movement in a picture the landmarker sees, along the eye and across."""

_MOUTH_CORNERS = (78, 308)
# Range of an eye's openness at rest, where nothing is known of the person.
_NARROW_EYES, _WIDE_EYES = 0.2, 0.34
# Least openness of a performer's eyes at rest, below that of 38 of 42 people: who is only seen with narrower eyes narrows them.
_NARROWEST_EYES = 0.18
# How far the upper lid is drawn over the lower one in a shut eye, in parts of the opening: landmarks lie inside the lids' edges.
_OVERLAP = 0.2
# Least openness that a generated eye counts as, so that a shut one can be opened.
_LEAST_OWN = 0.05
# Decimals of a pixel that movements are rounded to.
_DECIMALS = 5
# Change of the lids' openness (as a share of the resting one), the gaze and the lips' gap (in widths), the jaw and the brows (in
# radii of the head) that are halved because they may be noise.
_LID_NOISE, _GAZE_NOISE, _LIP_NOISE, _JAW_NOISE, _BROW_NOISE = 0.06, 0.01, 0.03, 0.06, 0.015
# Difference of both eyes' readings, in widths of the eye, that is halved because it may be noise.
_READ_NOISE = 0.015
# Share of a lid's movement that the upper lid makes, and of the lips' that the lower lip makes.
_UPPER_LID, _LOWER_LIP = 0.88, 0.7
# The most by which an opening grows.
_MOST_GAP = 1.6
# The most that an iris is moved along and across the eye, in widths.
_MOST_GAZE = (0.25, 0.12)
# Share of the resting openness from which on the look of an eye is seen, and seen well.
_LOOK_LOW, _LOOK_HIGH = 0.55, 0.8
# How much of the look is that of both eyes, which has less noise than one eye's own.
_BOTH_EYES = 0.5
# Reach of a lid's, a lip's and a brow's movement around it, in radii of the head.
_LID_REACH, _LIP_REACH, _BROW_REACH = 0.16, 0.2, 0.22


@dataclass(frozen=True)
class MatchAmounts:
    """How much of each difference is taken away, 0..1."""

    lids: float = 1.0
    gaze: float = 1.0
    mouth: float = 1.0
    jaw: float = 1.0
    brows: float = 1.0

    @property
    def any(self) -> bool:
        """Whether anything is matched."""
        return max(self.lids, self.gaze, self.mouth, self.jaw, self.brows) > 0


@dataclass(frozen=True)
class MatchedPoints:
    """Where a face's points go.

    Attributes
    ----------
    points : np.ndarray
        float64 (478, 3), in square pixels. Irises stay where they are; `look` moves them.
    look : np.ndarray
        float64 (2, 2), the movement of the right and left iris in square pixels.
    """

    points: np.ndarray
    look: np.ndarray


def match_points(
    seen: np.ndarray,
    performed: np.ndarray,
    amounts: MatchAmounts,
    own_rest: RestingFace | None = None,
    rest: RestingFace | None = None,
    aimed: np.ndarray | None = None,
    eyes: tuple[np.ndarray, np.ndarray] | None = None,
    spoken: np.ndarray | None = None,
) -> MatchedPoints:
    """Compute where the points of a generated face go.

    Parameters
    ----------
    seen, performed : np.ndarray
        float64 (478, 3), the landmarks of the generated face and those of the performance, in square pixels.
    amounts : MatchAmounts
        How much of each difference is taken away.
    own_rest, rest : RestingFace, optional
        The resting face of the generated person and of the performer. Without them eyes that may be open count as open, and brows
        are not moved.
    aimed : np.ndarray, optional
        float64 (478, 3), the performance in the generated person's shape, with which jaw and mouth are compared: two people differ
        along the directions of speaking, too. `performed` without it.
    eyes : tuple, optional
        (2,) each, how far the eyes of the generated face and of the performance are open (`eyelids.lids_seen`); by default as the
        landmarks have it.
    spoken : np.ndarray, optional
        float64 (478, 3), the performance with which the gap between the lips is compared; `performed` without it.

    Returns
    -------
    MatchedPoints
    """
    here, there = pose_of(seen), pose_of(performed)
    speaking = there if aimed is None else pose_of(aimed)
    offset = _speech(here.canonical, speaking.canonical, amounts)
    if own_rest is not None and rest is not None and amounts.brows > 0:
        offset = offset + amounts.brows * _brows(here.canonical, there.canonical, own_rest, rest)
    points = seen + here.place(offset)
    if amounts.mouth > 0:
        points = points + amounts.mouth * _lips(points, performed if spoken is None else spoken)
    own_eyes, eyes_wanted = (np.array(eye_openness(p)) for p in (seen, performed)) if eyes is None else eyes
    openings = _openness(own_eyes, own_rest), _openness(eyes_wanted, rest)
    if amounts.lids > 0:
        narrowed = 1.0 if rest is None else min(float(rest.eyes.mean()) / _NARROWEST_EYES, 1.0)
        for pairs, own, wanted in zip(LID_PAIRS, openings[0], narrowed * _alike(openings[1], rest), strict=True):
            points = points + amounts.lids * _lids(points, pairs, own, wanted)
    lower = None if own_rest is None or rest is None else rest.irises - own_rest.irises
    look = amounts.gaze * _look(seen, performed, np.minimum(*openings), lower)
    # The last digits of a matrix product depend on where its arrays lie in memory; a warp must not.
    return MatchedPoints(seen + np.round(points - seen, _DECIMALS), np.round(look, _DECIMALS))


def _eye_axis(points: np.ndarray, corners: tuple[int, int]) -> tuple[np.ndarray, float]:
    axis = points[corners[1], :2] - points[corners[0], :2]
    width = max(float(np.linalg.norm(axis)), 1e-9)
    return axis / width, width


def _less_noise(value: np.ndarray | float, noise: float) -> np.ndarray:
    """Return `value` with what may be noise taken away: halved at `noise`, nearly whole from three times that."""
    size = np.linalg.norm(np.atleast_1d(value)) ** 2
    return np.asarray(value) * (size / (size + noise**2))


def _openness(opened: np.ndarray, rest: RestingFace | None) -> np.ndarray:
    """Return how far each eye is open, float64 (2,), 0 shut and 1 as at rest."""
    if rest is None:
        shut, resting = np.zeros(2), np.clip(opened, _NARROW_EYES, _WIDE_EYES)
    else:
        shut, resting = (np.zeros(2), rest.eyes) if rest.lids is None else rest.lids
    return np.clip((opened - shut) / np.maximum(resting - shut, 1e-3), 0.0, _MOST_GAP)


def _alike(openness: np.ndarray, rest: RestingFace | None) -> np.ndarray:
    """Return the openness (2,) of both eyes without what may be noise in their difference; in a narrow eye that is much of it."""
    if rest is None or rest.lids is None:
        return openness
    noise = _READ_NOISE / max(float((rest.lids[1] - rest.lids[0]).mean()), 1e-3)
    return openness.mean() + np.array([0.5, -0.5]) * _less_noise(openness[0] - openness[1], noise)


def _lids(points: np.ndarray, pairs: tuple[tuple[int, ...], tuple[int, ...]], own: float, wanted: float) -> np.ndarray:
    """Return the movement (478, 3) of one eye's lids from the openness `own` to `wanted`."""
    change = float(_less_noise(wanted - own, _LID_NOISE)) / max(own, _LEAST_OWN)
    factor = min(1 + change, _MOST_GAP) if change > 0 else 1 + max(change, -1.0) * (1 + _OVERLAP)
    gap = points[list(pairs[1])] - points[list(pairs[0])]
    gap[:, 2] = 0.0
    return _spread(pairs, (1 - factor) * _UPPER_LID * gap, (factor - 1) * (1 - _UPPER_LID) * gap, _LID_REACH)


def _lips(points: np.ndarray, performed: np.ndarray) -> np.ndarray:
    """Return the movement (478, 3) of the lips that gives the mouth the performance's opening over its own width."""
    (own, width), (wanted, other) = (_lip_gaps(these) for these in (points, performed))
    own, wanted = own / width, wanted / other
    change = float(_less_noise(wanted.mean() - own.mean(), _LIP_NOISE))
    profile = own if change < 0 else wanted  # lips close along their own shape, and open to the performer's
    gaps = profile * max(change / max(float(profile.mean()), 1e-6), -1.0)
    along, _ = _eye_axis(points, _MOUTH_CORNERS)
    down = np.array([-along[1], along[0], 0.0])
    moved = gaps[:, None] * width * down
    return _spread(LIP_PAIRS, (_LOWER_LIP - 1) * moved, _LOWER_LIP * moved, _LIP_REACH)


def _lip_gaps(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the gaps between the inner lips (9,), and the inner mouth's width."""
    along, width = _eye_axis(points, _MOUTH_CORNERS)
    gap = points[list(LIP_PAIRS[1]), :2] - points[list(LIP_PAIRS[0]), :2]
    return np.maximum(gap @ np.array([-along[1], along[0]]), 0.0), width


def _look(seen: np.ndarray, performed: np.ndarray, shown: np.ndarray, lower: np.ndarray | None) -> np.ndarray:
    """Return the movement of the irises (2, 2) in pixels.

    `shown` (2,) is how far both faces' eyes are open, `lower` (2,) by how much the performer's irises lie lower at rest; where that
    is unknown, looks up and down are left alone.
    """
    apart = gaze_of(performed) - gaze_of(seen)
    apart[:, 1] = 0.0 if lower is None else apart[:, 1] - lower
    sure = smoothstep(shown, _LOOK_LOW, _LOOK_HIGH)
    both = (sure[:, None] * apart).sum(axis=0) / max(float(sure.sum()), 1e-6)
    moved = np.zeros((2, 2))
    for eye, corners in enumerate(EYE_CORNERS):
        along, width = _eye_axis(seen, corners)
        wanted = _less_noise(_BOTH_EYES * both + (1 - _BOTH_EYES) * apart[eye], _GAZE_NOISE) / GAZE_SEEN[0]
        x, y = np.clip(wanted, -np.array(_MOST_GAZE), _MOST_GAZE) * width * sure[eye]
        moved[eye] = x * along + y * np.array([-along[1], along[0]])
    return moved


def _speech(own: np.ndarray, wanted: np.ndarray, amounts: MatchAmounts) -> np.ndarray:
    """Return the movement of jaw and lips on a canonical mesh (478, 3), along the directions of speaking and smiling."""
    if max(amounts.jaw, amounts.mouth) == 0:
        return np.zeros_like(own)
    directions = head_model().expression
    apart = _less_noise(directions @ (wanted - own).ravel(), _JAW_NOISE * np.sqrt(len(own)))
    jaw, mouth = _speech_parts()
    return (amounts.jaw * jaw + amounts.mouth * mouth)[:, None] * (directions.T @ apart).reshape(-1, 3)


def _brows(own: np.ndarray, wanted: np.ndarray, own_rest: RestingFace, rest: RestingFace) -> np.ndarray:
    """Return the movement of the brows on a canonical mesh (478, 3)."""
    raised = (brow_heights(wanted) - rest.brows) - (brow_heights(own) - own_rest.brows)
    moved = np.zeros_like(own)
    for height, part in zip(raised, _brow_parts(), strict=True):
        moved[:, 1] -= float(_less_noise(height, _BROW_NOISE)) * part
    return moved


def _spread(
    pairs: tuple[tuple[int, ...], tuple[int, ...]], upper: np.ndarray, lower: np.ndarray, reach: float
) -> np.ndarray:
    """Spread the movement of both sides of an opening, (n, 3) each, over the points near them: float64 (478, 3)."""
    return _shares(pairs, reach) @ np.concatenate([upper, lower])


@cache
def _shares(pairs: tuple[tuple[int, ...], tuple[int, ...]], reach: float) -> np.ndarray:
    """Compute how far each point moves with each point of an opening, float64 (478, 2n), by distance on the mean head.

    A point moves with the side that is nearer to it.
    """
    head = head_model().reference
    edge = np.concatenate([np.array(side) for side in pairs])
    apart = np.linalg.norm(head[:, None] - head[edge][None], axis=2)
    shares = np.exp(-((apart / (0.35 * reach)) ** 2))
    upper = np.arange(len(edge)) < len(pairs[0])
    nearer = apart[:, upper].min(axis=1) <= apart[:, ~upper].min(axis=1)
    shares = np.where(nearer[:, None] == upper[None], shares, 0.0)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
    shares *= smoothstep(1.0 - apart.min(axis=1) / (2 * reach))[:, None]
    shares[edge] = np.eye(len(edge))
    shares[468:] = 0.0
    return shares


@cache
def _speech_parts() -> tuple[np.ndarray, np.ndarray]:
    """Return how far each point belongs to the jaw and to the mouth, float64 (478,) each; nothing above the nose's base."""
    head, mesh = head_model().reference, topology()
    below = smoothstep((head[:, 1] - head[2, 1]) / (head[17, 1] - head[2, 1]))
    mouth = smoothstep(1.0 - away_from(np.concatenate([mesh.lips_loop, mesh.mouth_loop])) / 0.35)
    return below * (1 - mouth), mouth


@cache
def _brow_parts() -> tuple[np.ndarray, np.ndarray]:
    """Return how far each point moves with the right and the left brow, float64 (478,) each; lids do not."""
    mesh = topology()
    lids = np.concatenate([mesh.right_eye_loop, mesh.left_eye_loop])
    still = smoothstep(away_from(lids) / 0.12)
    right, left = (
        smoothstep(1.0 - away_from(brow) / _BROW_REACH) * still for brow in (mesh.right_brow, mesh.left_brow)
    )
    return right, left
