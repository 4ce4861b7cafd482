"""The view plan of a shot as a render reads it: which view of the source leads in a frame, with hand-overs and the artist's keys.

`view_planner` makes plans.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from faceplate.image.soft_steps import smoothstep
from faceplate.track.model import ViewKey, ViewRun

__all__ = ["HAND_OVER", "Views", "weights_at", "with_keys"]

Views = tuple[tuple[str, float], ...]
"""Names of views and their weights, the leader first; the weights sum to 1."""

HAND_OVER = 12
"""Frames of the hand-over into and out of an artist's key, where there is room for them."""


def weights_at(runs: Sequence[ViewRun], frame: int) -> Views:
    """Return the views that lead in `frame`: one, or two during a hand-over; nothing without runs.

    A frame between or outside the runs has the view of the nearest one.
    """
    if not runs:
        return ()
    index = max(bisect_right(runs, frame, key=lambda run: run.first) - 1, 0)
    run = runs[index]
    if frame > run.last:
        following = runs[min(index + 1, len(runs) - 1)]
        nearest = following if following.first - frame < frame - run.last and following.first > frame else run
        return ((nearest.view, 1.0),)
    before = runs[index - 1] if index else None
    into = frame - run.first
    if before is None or not 0 <= into < run.fade or before.last != run.first - 1 or before.view == run.view:
        return ((run.view, 1.0),)
    part = float(smoothstep((into + 1) / (run.fade + 1)))
    mixed = ((run.view, part), (before.view, 1.0 - part))
    return mixed if part >= 0.5 else mixed[::-1]


def with_keys(runs: Sequence[ViewRun], keys: Sequence[ViewKey]) -> tuple[ViewRun, ...]:
    """Return the runs with the artist's keys laid over them in their order; a later key overrides an earlier one.

    A keyed view leads alone on all of its frames. The hand-overs lie outside, as far as the neighbouring runs have room;
    at a cut the view changes at once.
    """
    for key in keys:
        runs = _keyed(runs, key)
    return tuple(runs)


def _keyed(runs: Sequence[ViewRun], key: ViewKey) -> list[ViewRun]:
    before = [run for run in runs if run.first < key.first]
    after = [run for run in runs if run.last > key.last]
    first, fade = key.first, 0
    if before and before[-1].last >= key.first - 1:
        neighbour = before.pop()
        handed_over = any(run.first == key.first and run.fade for run in runs)
        if neighbour.view != key.view and (neighbour.last >= key.first or handed_over):
            room = key.first - neighbour.first - max(neighbour.fade, 1)
            fade = min(max(room, 0), HAND_OVER)
            first -= fade
        before.append(_part(neighbour, neighbour.first, first - 1, neighbour.fade))
    keyed = ViewRun(first=first, last=key.last, view=key.view, fade=fade)
    if after and after[0].first <= key.last:
        neighbour = after[0]
        length = HAND_OVER if neighbour.view != key.view else 0
        after[0] = _part(neighbour, key.last + 1, neighbour.last, length)
    return [*before, keyed, *after]


def _part(run: ViewRun, first: int, last: int, fade: int) -> ViewRun:
    return run.model_copy(update={"first": first, "last": last, "fade": min(fade, last - first + 1)})
