"""Margins of a tracked range: frames beyond its ends that are analysed, so that its ends agree with a longer track's.

Smoothing, tones and the resting face look at neighbouring frames. A range that ends in the middle of a plate has fewer of
them at its ends than a longer range has there. The frames of the margins are stored in the track as measured and smoothed,
but they are not among the track's `ranges` and are not rendered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

__all__ = ["MARGIN", "with_margins"]

MARGIN = 24
"""Frames on either side. `python bench/range_edges.py` prints what other values give."""


def with_margins(frames: Sequence[int], plate: Collection[int], margin: int = MARGIN) -> tuple[int, ...]:
    """Return `frames` with up to `margin` further frames of the `plate` before and after each of their runs, sorted.

    The margins keep the step of `frames`. A single frame gets none: it is analysed by itself.
    """
    wanted = set(frames)
    if len(wanted) < 2:
        return tuple(sorted(wanted))
    step = int(min(np.diff(sorted(wanted))))
    there = set(plate)
    ends = [(frame, way) for frame in wanted for way in (-step, step) if frame + way not in wanted]
    beyond = {frame + way * k for frame, way in ends for k in range(1, margin + 1)}
    return tuple(sorted(wanted | (beyond & there)))
