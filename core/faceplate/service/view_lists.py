"""Which picture of the source leads at which frames, for panels: the view plan of each face as a list of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faceplate.errors import FaceplateError
from faceplate.render import Renderer
from faceplate.source import Source
from faceplate.track import Track
from faceplate.track.view_planner import plan_for, source_identity

__all__ = ["view_list", "views_of"]


def views_of(renderer: Renderer) -> list[dict[str, Any]]:
    """Return for each face of a shot the names of its source's views, and its view plan with the artist's keys.

    A run leads from `first` to `last`, plate frames; `fade` is the length of the hand-over into it. The plan is empty without a
    track, and the names are empty without a source. Raises what choosing the person raises.
    """
    found = []
    for own in renderer.faces or (renderer,):
        track = own.resources.track
        person = None if track is None else own.resources.person(own.shot.parameters)
        found.append({"face": own.shot.person, **view_list(own, track, person)})
    return found


def view_list(renderer: Renderer, track: Track | None, person: str | None) -> dict[str, Any]:
    """Return the `names` of the source's views and the `lane` of leading views of a tracked person."""
    try:
        source = renderer.source if renderer.shot.source is not None else None
    except FaceplateError:  # rendering reports it
        source = None
    names = [] if source is None else [view.name for view in source.all_views]
    if source is None or track is None or person is None:
        return {"names": names, "lane": []}
    return {"names": names, "lane": _lane(track, person, source, names)}


def _lane(track: Track, person: str, source: Source, names: Sequence[str]) -> list[dict[str, Any]]:
    plan = track.view_plan(person, source_identity(source)) or plan_for(track, person, source)
    keys = [key for key in track.sidecar.corrections.views if key.person == person]
    return [
        {
            "first": run.first,
            "last": run.last,
            "view": run.view,
            "fade": run.fade,
            "turn": run.turn,
            "pinned": any(key.view == run.view and key.first <= run.first and run.last <= key.last for key in keys),
        }
        for run in track.view_runs(plan, names)
    ]
