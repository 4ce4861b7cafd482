"""Tracks a shot: reads the plate, looks at every frame, and writes the sidecar."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from faceplate.color import ColorConfig
from faceplate.errors import RenderError, UsageError
from faceplate.face import FaceFinder
from faceplate.plate import Sequence as PlateSequence
from faceplate.track import model
from faceplate.track.analyse import ShotFinder
from faceplate.track.build import build, retracked
from faceplate.track.reader import PlateReader
from faceplate.track.sidecar import load_sidecar, save_sidecar
from faceplate.track.track import Track
from faceplate.track.work import Seen, analyse_shot, state_of
from faceplate.window import Window

__all__ = ["track_shot", "weights_of", "work_file"]


def work_file(output: Path) -> Path:
    """Where the work of an unfinished run lies."""
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
) -> Track:
    """Tracks `plate` into the sidecar `output` and answers it.

    Frames: those given, else the pattern's own, else what lies on disk. `search` limits where faces are looked for and
    cuts are seen. The work of a stopped run is gone on with.
    When `output` is there already, its corrections are kept and its people keep their ids. The result depends neither
    on `workers` nor on interruptions. Raises `UsageError` (`no-frames`, `bad-track`, `newer-track`) and `RenderError`
    (`output-unwritable`, `plate-unreadable` when not one frame could be read).
    """
    output = Path(output)
    sequence = PlateSequence.parse(plate)
    wanted = sorted(frames or sequence.declared or sequence.on_disk())
    if not wanted:
        raise UsageError("no-frames", f"No frame of {sequence} was found; check the pattern and the folder.")
    old = load_sidecar(output) if output.exists() else None
    smoothing = smoothing or (old.smoothing if old else model.Smoothing())
    reader = PlateReader(sequence, color or ColorConfig.load(), space, layer, search)
    own = ShotFinder.like(finder or FaceFinder.embedded())
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RenderError(
            "output-unwritable", f"The folder {output.parent} cannot be made: {error.strerror}."
        ) from error
    seen = analyse_shot(reader, wanted, own, work_file(output), workers=workers, progress=progress, stop=stop)
    sidecar = build(seen, _plate(plate, reader, seen, wanted), smoothing, weights_of(own))
    if old is not None:
        sidecar = retracked(sidecar, old)
        if old.corrections.bad:
            track = Track(sidecar).smoothed(smoothing.amount)
            sidecar = track.sidecar
    save_sidecar(sidecar, output)
    with suppress(OSError):
        work_file(output).unlink()
    return Track(sidecar, output)


def _plate(pattern: str, reader: PlateReader, seen: Sequence[Seen], frames: Sequence[int]) -> model.Plate:
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
    """Which networks look, by the first digits of their hashes."""
    names = (*finder.networks, finder.recogniser)
    return {name: finder.store.card(name).sha256[:16] for name in names}
