"""`faceplate track` and `faceplate tracks …`: track a shot, show a track, correct it, export it.

`tracks` commands change the track file in place, whole or not at all. Each adds to the layer of corrections and leaves
the tracked values as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faceplate.cli.render_shot import parse_rectangle
from faceplate.color import ColorConfig
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.models import default_store
from faceplate.plate import Sequence, parse_frames
from faceplate.render.tracking import tracker_for
from faceplate.shot import Shot
from faceplate.source import read_source
from faceplate.system.user_paths import exists
from faceplate.track import Smoothing, Track
from faceplate.track.track import made
from faceplate.track.view_planner import with_plans

__all__ = ["choose_person", "frame_range", "track_command", "tracks_app"]

tracks_app = typer.Typer(help="Show, correct and export a track.", no_args_is_help=True)

_File = Annotated[Path, typer.Argument(help="The track: shot.track.json.")]
_Person = Annotated[
    str, typer.Argument(help="The person: a number, a name, an id, frame:x,y, or a picture of them.", metavar="PERSON")
]


def track_command(
    plate: Annotated[str, typer.Argument(help="The plate: plate.####.exr, plate.%04d.exr, plate.$F4.exr, one file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The track to write: shot.track.json.")],
    frames: Annotated[str | None, typer.Option("--frames", "-f", help="1001-1048, 1001-1048x2, 1001,1005.")] = None,
    space: Annotated[str | None, typer.Option(help="The plate's colour space, when the file does not say.")] = None,
    layer: Annotated[str | None, typer.Option(help="The part or layer that holds the picture.")] = None,
    search: Annotated[str | None, typer.Option(help="x,y,width,height: look for faces only there.")] = None,
    ocio: Annotated[str | None, typer.Option(help="An OCIO config; else $OCIO, else the built-in ACES config.")] = None,
    working: Annotated[
        str | None, typer.Option(help="The working space; the config's scene_linear by default.")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="How many stretches to track in parallel; 0: one for each processor.", min=0)
    ] = 0,
    smooth: Annotated[float | None, typer.Option(help="0 keeps the raw values, 1 is usual.", min=0, max=4)] = None,
    gap: Annotated[
        int | None, typer.Option(help="Fill absences of up to so many frames; 12 by default.", min=0)
    ] = None,
    qc: Annotated[Path | None, typer.Option(help="Also write a QC sheet (PNG) of the first person.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--source", "-s", help="The person who is put in: also plan which picture leads on which frames."),
    ] = None,
    source_space: Annotated[
        str | None, typer.Option(help="The colour space of the source's pictures, when the files do not say.")
    ] = None,
) -> None:
    """Find and follow the faces of a shot. A stopped run continues where it ended."""
    color = ColorConfig.load(ocio, working=working)
    shot = Shot(plate=plate, space=space, layer=layer, search=parse_rectangle(search))
    known = {key: value for key, value in (("amount", smooth), ("gap", gap)) if value is not None}
    before = Track.load(output).sidecar.smoothing.model_dump() if exists(output) else {}
    finder = FaceFinder(default_store())
    pictures = None if source is None else read_source(source, color, finder, source_space)
    with _bar() as bar:
        task = bar.add_task("track", total=None)
        track = tracker_for(shot, color, finder).track(
            output,
            parse_frames(frames) if frames else None,
            smoothing=made(Smoothing, **{**before, **known}),
            workers=workers,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if pictures is not None:
        track = with_plans(track, pictures)
        track.save()
    if qc is not None and track.people:
        _qc(track, qc, track.people[0].id, 12, color)
    _tell(track)
    print(f"{len(track.frames)} frames: {output}")


@tracks_app.command("show")
def show(file: _File) -> None:
    """Show who is in the track, in which frames, and the corrections."""
    _tell(Track.load(file))


@tracks_app.command("rename")
def rename(file: _File, person: _Person, name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Give a person a name."""
    track = Track.load(file)
    track.rename(choose_person(track, person), name).save()


@tracks_app.command("delete")
def delete(
    file: _File,
    person: _Person,
    frames: Annotated[str | None, typer.Option("--frames", "-f", help="Only in 1010-1020.")] = None,
) -> None:
    """Remove a person from every frame, or from some."""
    track = Track.load(file)
    first, last = frame_range(frames) if frames else (None, None)
    track.delete(choose_person(track, person), first, last).save()


@tracks_app.command("split")
def split(
    file: _File,
    person: _Person,
    frame: Annotated[int, typer.Argument(help="The first frame of the new person.")],
    new: Annotated[str | None, typer.Option(help="The new person's id.")] = None,
) -> None:
    """From a frame on, make a person a new one."""
    track = Track.load(file)
    track.split(choose_person(track, person), frame, new).save()


@tracks_app.command("join")
def join(file: _File, person: _Person, into: Annotated[str, typer.Argument(help="The person to keep.")]) -> None:
    """Join two people into one."""
    track = Track.load(file)
    track.join(choose_person(track, person), choose_person(track, into)).save()


@tracks_app.command("key")
def key(
    file: _File,
    person: _Person,
    frame: Annotated[int, typer.Argument(help="The keyframe.")],
    move: Annotated[str, typer.Option(help="x,y in plate pixels, y down.")] = "0,0",
    scale: Annotated[float, typer.Option(help="A factor about the face's centre.")] = 1.0,
    rotate: Annotated[float, typer.Option(help="Degrees clockwise about the face's centre.")] = 0.0,
) -> None:
    """Set a keyframe that moves, scales or rotates the face."""
    track = Track.load(file)
    track.key(choose_person(track, person), frame, _pair("--move", move), scale, rotate).save()


@tracks_app.command("drag")
def drag(
    file: _File,
    person: _Person,
    region: Annotated[str, typer.Argument(help="brow-right, brow-left, brows, eye-right, eye-left, eyes, mouth, jaw.")],
    frame: Annotated[int, typer.Argument(help="The keyframe.")],
    move: Annotated[str, typer.Option(help="x,y in parts of the face's size, along the head's own axes.")],
) -> None:
    """Set a keyframe that drags one region of the face."""
    track = Track.load(file)
    track.drag(choose_person(track, person), region, frame, _pair("--move", move)).save()


@tracks_app.command("bad")
def bad(
    file: _File,
    person: _Person,
    frames: Annotated[str, typer.Argument(help="1010-1012, or one frame.")],
    exclude: Annotated[bool, typer.Option(help="Leave the frames out instead of interpolating over them.")] = False,
) -> None:
    """Mark frames as wrong, so that smoothing does not use them."""
    track = Track.load(file)
    first, last = frame_range(frames)
    track.mark_bad(choose_person(track, person), first, last, exclude).save()


@tracks_app.command("span")
def span(
    file: _File,
    person: _Person,
    frames: Annotated[str, typer.Argument(help="In and out: 1010-1080.")],
    fade_in: Annotated[int, typer.Option(help="Frames of fade after the in.", min=0)] = 0,
    fade_out: Annotated[int, typer.Option(help="Frames of fade before the out.", min=0)] = 0,
) -> None:
    """Set the in and out frame of a person, with fades."""
    track = Track.load(file)
    first, last = frame_range(frames)
    track.in_out(choose_person(track, person), first, last, fade_in, fade_out).save()


@tracks_app.command("clear")
def clear(file: _File, person: _Person) -> None:
    """Remove a person's keys, drags, bad frames, spans and keyed views."""
    track = Track.load(file)
    track.clear(choose_person(track, person)).save()


@tracks_app.command("smooth")
def smooth(
    file: _File,
    amount: Annotated[float, typer.Option(help="0 keeps the raw values, 1 is usual.", min=0, max=4)] = 1.0,
    gap: Annotated[int | None, typer.Option(help="Fill absences of up to so many frames.", min=0)] = None,
) -> None:
    """Smooth again from the raw values, without the plate; frames marked as bad are not used."""
    Track.load(file).smoothed(amount, gap).save()


@tracks_app.command("export")
def export(
    file: _File,
    output: Annotated[Path, typer.Option("--output", "-o", help=".nk, .csv, .json (Blender), .usda, .usdc or .usd.")],
    person: Annotated[str, typer.Option("--person", "-p", help="As for the other commands.")] = "auto",
    form: Annotated[str | None, typer.Option("--format", help="nuke, blender, usd or csv; else by the name.")] = None,
    reference: Annotated[
        int | None, typer.Option(help="The reference frame, in which the nodes change nothing.")
    ] = None,
) -> None:
    """Write a person's track for another program."""
    from faceplate.track.export import export_track

    track = Track.load(file)
    print(export_track(track, output, choose_person(track, person), form, reference))


@tracks_app.command("qc")
def qc(
    file: _File,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A sheet (.png), a movie (.mp4, .mov), or pictures: qc.####.png."),
    ],
    person: Annotated[str, typer.Option("--person", "-p", help="As for the other commands.")] = "auto",
    tiles: Annotated[int, typer.Option(help="The number of frames to show.", min=1, max=240)] = 12,
    rate: Annotated[float, typer.Option(help="A movie's frames a second.", min=1, max=240)] = 24.0,
    ocio: Annotated[str | None, typer.Option(help="An OCIO config.")] = None,
) -> None:
    """Draw landmarks over the plate, and plots of jitter and confidence: one sheet, or every frame as a movie."""
    track = Track.load(file)
    who, color = choose_person(track, person), ColorConfig.load(ocio)
    if output.suffix.lower() == ".png" and Sequence.parse(output).padding is None:
        _qc(track, output, who, tiles, color)
    else:
        _qc_movie(track, output, who, color, rate)
    print(output)


def _qc(track: Track, output: Path, person: str, tiles: int, color: ColorConfig) -> None:
    from faceplate.track.qc import write_qc

    write_qc(track, output, person, tiles, color)


def _qc_movie(track: Track, output: Path, person: str, color: ColorConfig, rate: float) -> None:
    from faceplate.track.qc import write_qc_movie

    with _bar() as bar:
        task = bar.add_task("qc", total=None)
        write_qc_movie(
            track, output, person, color, rate, lambda done, total: bar.update(task, completed=done, total=total)
        )


def choose_person(track: Track, person: str) -> str:
    """Return the id of the person that an argument names. Raises what `Track.choose` raises."""
    return track.choose(person, _embedding)


def _embedding(path: Path) -> np.ndarray:
    finder = FaceFinder.embedded()
    return read_source(path, ColorConfig.load(), finder).embedding(finder)


def frame_range(text: str) -> tuple[int, int]:
    """Return the first and last frame of `1010-1020`. Raises `UsageError('bad-frames')`."""
    frames = parse_frames(text)
    return min(frames), max(frames)


def _pair(option: str, text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError("bad-option", f"{option} is '{text}'; write two numbers, x,y.") from None
    return x, y


def _bar() -> Progress:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


def _tell(track: Track) -> None:
    for person in track.people:
        name = "" if person.name == person.id else f" ({person.id})"
        missing = len(person.frames) and person.frames[-1] - person.frames[0] + 1 - len(person.frames)
        span_ = f"frames {person.frames[0]}-{person.frames[-1]}" if person.frames else "no frames"
        holes = f", {missing} of them without" if missing else ""
        print(f"{person.number} {person.name}{name}: {span_}{holes}")
    sidecar = track.sidecar
    print(f"Tracked frames: {track.range_text}")
    cuts = [cut for cut in sidecar.cuts if track.holds(cut)]
    if cuts:
        print("Cuts at " + ", ".join(map(str, cuts)))
    for item in sidecar.unread:
        print(f"Frame {item.frame} could not be read: {item.why}")
    layer = sidecar.corrections
    counts = {
        "edits": layer.people,
        "keys": layer.keys,
        "drags": layer.drags,
        "bad": layer.bad,
        "spans": layer.spans,
        "views": layer.views,
    }
    if any(counts.values()):
        print("Corrections: " + ", ".join(f"{len(items)} {name}" for name, items in counts.items() if items))
    for orphan in track.orphans:
        print(f"Without a person in this track: {orphan}")
