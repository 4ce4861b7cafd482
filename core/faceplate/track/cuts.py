"""Detection of cuts in a sequence from a coarse signature of every frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["difference", "find_cuts", "is_jump"]

# Difference in stops, averaged over the picture. Neighbouring hand-held frames differ by less than 0.2, two set-ups of one
# scene by about one.
_JUMP = 0.45
_TIMES_USUAL = 3.0
_REACH = 3


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the difference of two signatures uint8 (n,): mean of stops, without a change of exposure alone."""
    stops = (a.astype(np.float64) - b.astype(np.float64)) / 16.0
    return float(np.abs(stops - np.median(stops)).mean())


def is_jump(a: np.ndarray, b: np.ndarray) -> bool:
    """Check whether two neighbouring frames may show different views: a cut, or a damaged frame."""
    return difference(a, b) > _JUMP


def find_cuts(frames: Sequence[int], signatures: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Find the frames that begin a new view.

    At a cut every one of the frames before differs from every one after. A single frame of noise, a flash or a clapper is not
    a cut, because the frames on both sides of it agree. The change must also exceed the typical one, which is large in a fast
    pan, and the two changes beside it: a whip pan takes three frames or more.
    """
    count = len(frames)
    step = np.array([difference(signatures[i - 1], signatures[i]) for i in range(1, count)])
    cuts = []
    for i in range(1, count):
        if step[i - 1] <= _JUMP:
            continue
        before = range(max(i - _REACH, cuts[-1][1] if cuts else 0), i)
        after = range(i, min(i + _REACH, count))
        across = min(difference(signatures[a], signatures[b]) for a in before for b in after)
        around = np.concatenate([step[max(i - 9, 0) : i - 1], step[i : i + 8]])
        usual = float(np.median(around)) if len(around) else 0.0
        if across > _JUMP and across > _TIMES_USUAL * max(usual, _beside(step, i - 1)):
            cuts.append((frames[i], i))
    return tuple(frame for frame, _ in cuts)


def _beside(step: np.ndarray, place: int) -> float:
    """Return the change that two of the steps beside the one at `place` reach: before it, after it, or one on either side."""
    padded = np.pad(step, 2)
    before, last, following, after = (padded[place + 2 + way] for way in (-2, -1, 1, 2))
    return float(max(min(before, last), min(last, following), min(following, after)))
