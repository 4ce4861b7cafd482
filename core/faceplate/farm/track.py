"""Tracking shared by several nodes: each analyses stretches of the plate, then one task joins them into the track."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from faceplate.errors import FaceplateError, UsageError
from faceplate.render import Renderer
from faceplate.render.tracking import ShotTracker, tracker_for
from faceplate.track import Track

__all__ = ["merge_track", "track_stretches"]

Progress = Callable[[int, int], None]


def track_stretches(
    renderer: Renderer, frames: Sequence[int] | None, stretches: Sequence[int], progress: Progress | None = None
) -> None:
    """Analyse some stretches of the plate and leave the result beside the track; repeating it is harmless.

    `frames` are those of the whole track, by default the whole plate; `stretches` count from 0. Raises `UsageError`
    `no-track`, `bad-stretch`, and what tracking raises.
    """
    _tracker(renderer).track_part(_track_path(renderer), stretches, frames, progress)


def merge_track(renderer: Renderer, frames: Sequence[int] | None, progress: Progress | None = None) -> Track:
    """Join all stretches into the track that a single machine makes; stretches that are missing are analysed here.

    The view plan is stored with it. Where the source cannot be read here, every task makes the same plan for itself.
    """
    track = _tracker(renderer).merge(_track_path(renderer), frames, progress)
    with suppress(FaceplateError):
        planned = renderer.resources.with_view_plans(track)
        if planned is not track:
            planned.save()
            return planned
    return track


def _tracker(renderer: Renderer) -> ShotTracker:
    return tracker_for(renderer.shot, renderer.color, renderer.finder)


def _track_path(renderer: Renderer) -> Path:
    if renderer.shot.track is None:
        raise UsageError("no-track", "The shot names no track; give the file to make with --track.")
    return renderer.shot.track
