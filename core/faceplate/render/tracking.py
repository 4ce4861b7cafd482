"""Tracks a shot: how its plate is read and which networks find its faces, the same whoever asks for the track.

A render that tracks first, `faceplate track`, the farm's tasks and the service's track job all go through
`tracker_for`, so that one shot has one track.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceplate.color import ColorConfig
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.image.window import Window
from faceplate.plate import Sequence as PlateSequence
from faceplate.shot import Shot
from faceplate.track import AutoTrack, PlateReader, Smoothing, Track, auto_track, merge_parts, track_part, track_shot

__all__ = ["ShotTracker", "tracker_for"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ShotTracker:
    """Tracks one shot: `reader` reads its plate inside the search box, `finder` has the networks that it names.

    `frames` are those that the shot asks for, in addition to the plate's own.
    """

    reader: PlateReader
    finder: FaceFinder
    frames: tuple[int, ...] = ()

    def whole_plate(self) -> tuple[int, ...]:
        """Return the frames of a complete track, sorted: the plate's declared frames or those on disk, and the shot's.

        The whole plate is tracked because smoothing looks at neighbours: a frame must not depend on which others are
        asked for. Raises `UsageError('no-frames')`.
        """
        plate = self.reader.plate
        found = tuple(sorted({*(plate.declared or plate.on_disk()), *self.frames}))
        if not found:
            raise UsageError("no-frames", f"No frame of {plate} was found; check the pattern and the folder.")
        return found

    def track(
        self,
        output: Path,
        frames: Iterable[int] | None = None,
        *,
        smoothing: Smoothing | None = None,
        workers: int = 0,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> Track:
        """Track `frames`, by default the whole plate, into the file `output`. Raises what `track_shot` raises."""
        reader = self.reader
        return track_shot(
            str(reader.plate),
            output,
            frames=sorted(frames or ()) or self.whole_plate(),
            color=reader.color,
            space=reader.space,
            layer=reader.layer,
            search=reader.search,
            smoothing=smoothing,
            workers=workers,
            finder=self.finder,
            progress=progress,
            stop=stop,
        )

    def track_part(
        self,
        output: Path,
        stretches: Sequence[int],
        frames: Iterable[int] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Analyse some stretches of the plate for `merge`; repeating it is harmless. Raises what `track_part` raises."""
        wanted = sorted(frames or ()) or self.whole_plate()
        track_part(self.reader, output, wanted, stretches, finder=self.finder, progress=progress)

    def merge(self, output: Path, frames: Iterable[int] | None = None, progress: Progress | None = None) -> Track:
        """Join the stretches into the track that a single machine makes; missing stretches are analysed here."""
        parts = merge_parts(output)
        made = self.track(output, frames, progress=progress)
        if parts is not None:
            shutil.rmtree(parts, ignore_errors=True)
        return made

    def auto_track(
        self, path: Path, frames: Sequence[int], *, make: bool, progress: Progress | None = None
    ) -> AutoTrack | None:
        """Return the track kept at `path` or, with `make`, a new one; see `faceplate.track.auto_track`."""
        return auto_track(path, self.reader, frames, self.finder, make=make, progress=progress)


def tracker_for(shot: Shot, color: ColorConfig, finder: FaceFinder) -> ShotTracker:
    """Return the tracker of a shot.

    The reader takes the plate, colour space, layer and search box from the shot, and the finder the detector,
    landmarker and recogniser that its parameters name, out of the store of `finder`. Raises what `FaceFinder.choosing`
    raises.
    """
    search = None if shot.search is None else Window(*shot.search)
    reader = PlateReader(PlateSequence.parse(shot.plate), color, shot.space, shot.layer, search)
    named = shot.parameters
    chosen = finder.choosing(named.detector, named.landmarker, named.recogniser)
    return ShotTracker(reader, chosen, shot.frames or ())
