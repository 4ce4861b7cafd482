"""`faceplate issues`: lists what tracking, rendering and checking a shot noticed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.issues import KINDS, SEVERITIES, Issue, merged_issues
from faceplate.models import default_store
from faceplate.render import Renderer
from faceplate.render.issues import shot_issues
from faceplate.shot import is_shot_file, load_shot, read_rules
from faceplate.track import Track, keep_track_issues

__all__ = ["issues_command"]


def issues_command(
    file: Annotated[Path, typer.Argument(help="The shot file, x.shot.json; or a track, x.track.json.")],
    kind: Annotated[
        list[str] | None, typer.Option("--kind", "-k", help=f"Only of this kind, may be repeated: {', '.join(KINDS)}.")
    ] = None,
    face: Annotated[str, typer.Option(help="Only of this face, in a shot of several people.")] = "",
    severity: Annotated[str, typer.Option(help="Only of this severity or above: low, medium, high.")] = "low",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list for a program.")] = False,
    path_mapping: Annotated[Path | None, typer.Option(help="A JSON file of paths of other machines.")] = None,
) -> None:
    """List the frames that are worth a look, and why: low confidence, fast turns, occlusions, faults and notes.

    The list comes from tracking, from renders and from faceplate check, and is kept beside the track.
    """
    _refuse_unknown(kind or [], KINDS, "--kind")
    _refuse_unknown([severity], SEVERITIES, "--severity")
    least = SEVERITIES.index(severity)
    found = [
        issue
        for issue in _issues(file, path_mapping)
        if (not kind or issue.kind in kind)
        and (not face or issue.face == face)
        and SEVERITIES.index(issue.severity) >= least
    ]
    if as_json:
        print(json.dumps([issue.model_dump() for issue in found], indent=1, ensure_ascii=False))
        return
    for issue in found:
        print(_line(issue))
    print(f"{len(found)} issue{'' if len(found) == 1 else 's'}.")


def _issues(file: Path, path_mapping: Path | None) -> tuple[Issue, ...]:
    if is_shot_file(file):
        shot = load_shot(file, mapping=read_rules(path_mapping) if path_mapping else ())
        return shot_issues(Renderer(shot, FaceFinder(default_store())))
    track = Track.load(file)
    names = {person.id: person.name for person in track.people}
    marks = keep_track_issues(track)
    return merged_issues(mark.model_copy(update={"face": names.get(mark.face, mark.face)}) for mark in marks)


def _line(issue: Issue) -> str:
    measured = "" if issue.value is None else f" ({issue.value:g}; limit {issue.threshold:g})"
    return f"{issue.frames:<12} {issue.severity:<7} {issue.kind:<22} {issue.face:<10} {issue.text}{measured}"


def _refuse_unknown(words: list[str], known: Iterable[str], option: str) -> None:
    names = list(known)
    for word in words:
        if word not in names:
            raise UsageError("bad-option", f"{option} is '{word}'; it can be {', '.join(names)}.")
