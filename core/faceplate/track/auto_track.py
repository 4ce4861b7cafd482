"""The track that a render makes for itself: kept beside its output, and used again while it fits the plate.

The whole plate is tracked and not only the frames that are asked for, because a frame must not depend on which others
are rendered with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.plate import Sequence as PlateSequence
from faceplate.system.user_paths import exists
from faceplate.track.checkpoint import state_of
from faceplate.track.model import Sidecar
from faceplate.track.plate_reader import PlateReader
from faceplate.track.track import Track
from faceplate.track.tracker import track_shot, weights_of

__all__ = ["AutoTrack", "auto_track", "auto_track_path"]


@dataclass(frozen=True)
class AutoTrack:
    """A track kept beside an output. `fresh` is True where it was made just now."""

    track: Track
    fresh: bool


def auto_track_path(output: PlateSequence) -> Path:
    """Return where the track of an output is kept: `swap.track.json` for `swap.####.exr`."""
    stem = output.prefix.rstrip("._-") if output.padding is not None else Path(output.prefix).stem
    return output.folder / f"{stem + '.' if stem else ''}track.json"


def auto_track(
    path: Path,
    reader: PlateReader,
    frames: Sequence[int],
    finder: FaceFinder,
    *,
    make: bool,
    progress: Callable[[int, int], None] | None = None,
) -> AutoTrack | None:
    """Return the track kept at `path` if it still fits the plate and holds `frames`; otherwise a new one, or None.

    A new track is made only with `make`, of the whole plate. It keeps the corrections of the old one, as `track_shot`
    does. Raises what `track_shot` raises; a file that is no track is refused (`bad-track`) and not overwritten.
    """
    if exists(path):
        try:
            track = Track.load(path)
        except UsageError as error:
            raise UsageError(
                error.code,
                f"{error} It is the track kept beside the output; move it away to track the plate again.",
            ) from error
        if _fits(track.sidecar, reader, finder) and all(track.holds(frame) for frame in frames):
            return AutoTrack(track, False)
    if not make:
        return None
    whole = {*(reader.plate.declared or reader.plate.on_disk()), *frames}
    track = track_shot(
        str(reader.plate),
        path,
        frames=sorted(whole),
        color=reader.color,
        space=reader.space,
        layer=reader.layer,
        search=reader.search,
        finder=finder,
        progress=progress,
    )
    return AutoTrack(track, True)


def _fits(sidecar: Sidecar, reader: PlateReader, finder: FaceFinder) -> bool:
    """Whether the track was made from these files, read in the same way, with the same networks."""
    plate, search = sidecar.plate, reader.search
    wanted = (
        reader.space,
        reader.layer,
        reader.color.working_space,
        None if search is None else (search.x, search.y, search.width, search.height),
    )
    if (plate.space, plate.layer, plate.working, plate.search) != wanted or sidecar.weights != weights_of(finder):
        return False
    frames = (frame for first, last, step in sidecar.ranges for frame in range(first, last + 1, step))
    return plate.state == state_of(reader.plate, frames)
