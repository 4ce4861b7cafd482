"""Tracks a shot: reads the plate, analyses every frame, and writes the sidecar."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from faceplate.color import ColorConfig
from faceplate.comp.occlusion import NETWORK as OCCLUSION
from faceplate.errors import RenderError, UsageError
from faceplate.face import FaceFinder
from faceplate.image.window import Window
from faceplate.models import embedded_store
from faceplate.plate import Sequence as PlateSequence
from faceplate.system.atomic import publish, temporary_beside
from faceplate.system.user_paths import exists, make_folder, matches
from faceplate.track import model
from faceplate.track.assembly import build, retracked
from faceplate.track.checkpoint import FrameRecord, gather, state_of
from faceplate.track.issues import keep_track_issues
from faceplate.track.margins import MARGIN, with_margins
from faceplate.track.plate_reader import PlateReader
from faceplate.track.shot_analysis import analyse_shot, segments_of
from faceplate.track.shot_finder import ShotFinder
from faceplate.track.sidecar import load_sidecar, save_sidecar
from faceplate.track.track import Track

__all__ = ["merge_parts", "parts_folder", "track_part", "track_shot", "weights_of", "work_file"]


def work_file(output: Path) -> Path:
    """Return the file that holds the work of an unfinished run."""
    return output.with_name(f".{output.name}.work")


def track_shot(
    plate: str,
    output: Path,
    *,
    frames: Sequence[int] | None = None,
    color: ColorConfig | None = None,
    space: str | None = None,
    layer: str | None = None,
    search: Window | None = None,
    smoothing: model.Smoothing | None = None,
    workers: int = 0,
    finder: FaceFinder | None = None,
    progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
    margin: int = MARGIN,
) -> Track:
    """Track `plate` into the sidecar `output` and return the track.

    `frames` are by default the pattern's own, or those on disk. Up to `margin` frames of the plate beyond the ends of a range
    are analysed with it, so that the ends agree with a longer track's; they are not rendered. `search` limits where faces
    and cuts are looked for. The
    work of a stopped run is continued. Where `output` is there already, its corrections are kept and its people keep
    their ids. What in it is worth a look is kept beside it (`track/issues.py`). The result depends neither on `workers` nor
    on interruptions. Raises `UsageError` (`no-frames`, `bad-track`, `newer-track`) and `RenderError` (`output-unwritable`;
    `plate-unreadable` where no frame can be read).
    """
    output = Path(output)
    sequence = PlateSequence.parse(plate)
    wanted = sorted(frames or sequence.declared or sequence.on_disk())
    if not wanted:
        raise UsageError("no-frames", f"No frame of {sequence} was found; check the pattern and the folder.")
    old = load_sidecar(output) if exists(output) else None
    smoothing = smoothing or (old.smoothing if old else model.Smoothing())
    reader = PlateReader(sequence, color or ColorConfig.load(), space, layer, search)
    own = ShotFinder.like(finder or FaceFinder.embedded())
    make_folder(output.parent, "folder")
    analysed = with_margins(wanted, sequence.declared or sequence.on_disk(), margin)
    seen = analyse_shot(reader, analysed, own, work_file(output), workers=workers, progress=progress, stop=stop)
    sidecar = build(seen, _plate(plate, reader, seen, wanted), smoothing, weights_of(own), wanted)
    if old is not None:
        sidecar = retracked(sidecar, old)
        if old.corrections.bad:
            track = Track(sidecar).smoothed(smoothing.amount)
            sidecar = track.sidecar
    save_sidecar(sidecar, output)
    with suppress(OSError):
        work_file(output).unlink()
    track = Track(sidecar, output)
    with suppress(UsageError):  # a damaged list is left as it is, and told where it is read
        keep_track_issues(track)
    return track


def parts_folder(output: Path) -> Path:
    """Return the folder in which machines that share a shot's tracking leave their results, one file for each segment."""
    return output.with_name(f"{output.name}.parts")


def track_part(
    reader: PlateReader,
    output: Path,
    frames: Sequence[int],
    stretches: Sequence[int],
    *,
    finder: FaceFinder | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Analyse some of the segments of `frames` and their margins, counted from 0, for `merge_parts` to join.

    A part is written whole or not at all, and is the same on every machine. A part that is there and still fits the
    plate is not made again. Raises `UsageError('bad-stretch')` and what `track_shot` raises.
    """
    analysed = with_margins(frames, reader.plate.declared or reader.plate.on_disk())
    segments = segments_of(analysed)
    folder = parts_folder(output)
    if any(not 0 <= index < len(segments) for index in stretches):
        raise UsageError("bad-stretch", f"The plate has {len(segments)} stretches, counted from 0; not {stretches}.")
    make_folder(folder, "folder")
    own = ShotFinder.like(finder or FaceFinder.embedded())
    for done, index in enumerate(stretches):
        segment = segments[index]
        target = folder / f"{segment.number}.work"
        with temporary_beside(target) as part:
            if target.exists():
                gather([target], part)
            analyse_shot(reader, analysed, own, part, only=[segment.number])
            publish(part, target)
        if progress is not None:
            progress(done + 1, len(stretches))


def merge_parts(output: Path) -> Path | None:
    """Join the parts of other machines into the work file that `track_shot` continues; return their folder, or None."""
    folder = parts_folder(output)
    parts = [path for path in matches(folder, "*.work") if not path.name.startswith(".")]
    if not parts:
        return None
    gather(parts, work_file(output))
    return folder


def _plate(pattern: str, reader: PlateReader, seen: Sequence[FrameRecord], frames: Sequence[int]) -> model.Plate:
    first = next((item for item in seen if item.windows is not None), None)
    if first is None or first.windows is None:
        why = next((item.error for item in seen if item.error), "no reason given")
        raise RenderError("plate-unreadable", f"Not one frame of {pattern} could be read: {why}")
    search = reader.search
    display, data = ((w.x, w.y, w.width, w.height) for w in first.windows)
    return model.Plate(
        pattern=pattern,
        display=display,
        data=data,
        pixel_aspect=first.aspect,
        space=reader.space,
        layer=reader.layer,
        working=reader.color.working_space,
        search=None if search is None else (search.x, search.y, search.width, search.height),
        state=state_of(reader.plate, frames),
    )


def weights_of(finder: FaceFinder) -> dict[str, str]:
    """Return the networks that find and measure faces, with the first 16 digits of their hashes."""
    cards = [finder.store.card(name) for name in (*finder.networks, finder.recogniser)]
    return {card.name: card.sha256[:16] for card in (*cards, embedded_store().card(OCCLUSION))}
