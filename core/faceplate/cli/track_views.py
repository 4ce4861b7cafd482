"""`faceplate tracks views`: show, make and key the view plan of a track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer

from faceplate.cli.track import choose_person, frame_range
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.models import default_store
from faceplate.render import Renderer
from faceplate.shot import Shot, is_shot_file, load_shot
from faceplate.source import Source
from faceplate.track import Track, auto_track_path
from faceplate.track.model import ViewPlan, ViewRun
from faceplate.track.view_planner import plan_for, source_identity

__all__ = ["views_command"]


@dataclass(frozen=True)
class _Opened:
    """The track, and the shot that names its source; `track` without a shot file has one made of the options."""

    shot: Shot
    path: Path

    @cached_property
    def track(self) -> Track:
        return Track.load(self.path)

    @cached_property
    def source(self) -> Source | None:
        return None if self.shot.source is None else self._renderer.source

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer(self.shot, FaceFinder(default_store()))

    def required_source(self) -> Source:
        """Return the source. Raises `UsageError('no-source')` where none was given."""
        if self.source is None:
            raise UsageError("no-source", "The source is not known; name its pictures with --source.")
        return self.source


def views_command(
    file: Annotated[Path, typer.Argument(help="The track, shot.track.json; or a shot file, x.shot.json.")],
    person: Annotated[str, typer.Option("--person", "-p", help="As for the other commands.")] = "",
    source: Annotated[
        Path | None, typer.Option("--source", "-s", help="The pictures of the person who is put in.")
    ] = None,
    source_space: Annotated[
        str | None, typer.Option(help="The colour space of the source's pictures, when the files do not say.")
    ] = None,
    ocio: Annotated[
        str | None, typer.Option(help="An OCIO config; else the shot's, $OCIO, or the built-in one.")
    ] = None,
    face: Annotated[
        str, typer.Option(help="The face whose source and track are meant, in a shot of several people.")
    ] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Make the plan anew and store it.")] = False,
    key: Annotated[
        tuple[str, str] | None,
        typer.Option("--set", metavar="FRAMES VIEW", help="Let a picture lead on some frames: 1010-1024 front.jpg."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove the pictures that were set.")] = False,
) -> None:
    """Show which picture of the source leads on which frames, and change it."""
    opened = _open(file, {"source": source, "source_space": source_space, "ocio": ocio}, face)
    track = opened.track
    who = choose_person(track, person or opened.shot.parameters.target)
    if clear:
        track = track.clear_views(who)
    if key is not None:
        track = track.key_view(who, *frame_range(key[0]), _known_view(key[1], opened.required_source()))
    if plan:
        track = _planned_anew(track, who, opened.required_source())
    if track is not opened.track:
        track.save()
    shown = _shown_plan(track, who, opened.source)
    names = _names(opened.source, shown, track)
    for line in _table(track.view_runs(shown, names), track, who):
        print(line)
    if opened.source is not None and track.view_plan(who, shown.source) is None:
        print("This plan is not stored; --plan stores it.")
    for lost in (item for item in track.sidecar.corrections.views if item.person == who and item.view not in names):
        print(f"Without effect, because the source has no usable view {lost.view}: {_frames(lost.first, lost.last)}")


def _open(file: Path, options: dict[str, Any], face: str) -> _Opened:
    changes = {name: value for name, value in options.items() if value is not None}
    if not is_shot_file(file):
        return _Opened(Shot(plate="", **changes), file)
    shot = _one_face(load_shot(file, changes=changes), face)
    path = shot.track or (auto_track_path(Renderer(shot).output) if shot.output else None)
    if path is None:
        raise UsageError("no-track", f"The shot {file} names neither a track nor an output.")
    return _Opened(shot, path)


def _one_face(shot: Shot, name: str) -> Shot:
    """Return the shot of the face `name`, or a shot of one face as it is. Raises `UsageError('no-such-face')`."""
    shots = {own.person: own for own in shot.face_shots} if shot.faces or name else {"": shot}
    if name not in shots:
        raise UsageError("no-such-face", f"Name one of the shot's faces with --face: {', '.join(shots)}.")
    return shots[name]


def _known_view(name: str, source: Source) -> str:
    """Return `name`. Raises `UsageError('no-such-view')` where the source has no such view."""
    names = [view.name for view in source.all_views]
    if name not in names:
        raise UsageError("no-such-view", f"The source has no usable view '{name}'; it has {', '.join(names)}.")
    return name


def _planned_anew(track: Track, person: str, source: Source) -> Track:
    """Return the track with a plan that no earlier plan of the person influences."""
    kept = tuple(plan for plan in track.sidecar.plans if plan.person != person)
    bare = Track(track.sidecar.model_copy(update={"plans": kept}), track.path)
    return track.with_plan(plan_for(bare, person, source))


def _shown_plan(track: Track, person: str, source: Source | None) -> ViewPlan:
    """Return the plan of the source; without a source the newest plan. Raises `UsageError('no-view-plan')`."""
    if source is not None:
        return track.view_plan(person, source_identity(source)) or plan_for(track, person, source)
    stored = [plan for plan in track.sidecar.plans if plan.person == person]
    if not stored:
        raise UsageError(
            "no-view-plan", f"The track has no view plan of {track.person(person).name}; name the source with --source."
        )
    return stored[-1]


def _names(source: Source | None, plan: ViewPlan, track: Track) -> set[str]:
    """Return the names of the source's views; without a source every key counts as valid."""
    if source is not None:
        return {view.name for view in source.all_views}
    return {run.view for run in plan.runs} | {key.view for key in track.sidecar.corrections.views}


def _table(runs: Sequence[ViewRun], track: Track, person: str) -> list[str]:
    """Return one line for each run, under a line of headings."""
    keys = [key for key in track.sidecar.corrections.views if key.person == person]
    rows = [("frames", "leading view", "hand-over", "turn", "seen", "hidden", "")]
    for run in runs:
        keyed = any(key.view == run.view and key.last == run.last for key in keys)
        rows.append(
            (
                _frames(run.first, run.last),
                run.view,
                f"{run.fade} frames" if run.fade else "-",
                "-" if run.turn is None else f"{run.turn:.0f}°",
                "-" if run.seen is None else f"{run.seen:.0%}",
                "-" if run.hidden is None else f"{run.hidden:.0%}",
                "set" if keyed and run.turn is None else "",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _frames(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
