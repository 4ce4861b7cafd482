"""A shot's tracking shared by several nodes: stretches of the plate, then one track of them all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from faceplate.errors import UsageError
from faceplate.image.window import Window
from faceplate.render import Renderer
from faceplate.track import PlateReader, Track, merge_parts, track_part, track_shot

__all__ = ["merge_track", "track_stretches"]

Progress = Callable[[int, int], None]


def track_stretches(
    renderer: Renderer, frames: Sequence[int] | None, stretches: Sequence[int], progress: Progress | None = None
) -> None:
    """Looks at some stretches of the plate and leaves what was seen beside the track; done twice it does no harm."""
    track_part(
        _reader(renderer),
        _track(renderer),
        frames or renderer.frames(),
        stretches,
        finder=renderer.resources.finder(renderer.shot.parameters),
        progress=progress,
    )


def merge_track(renderer: Renderer, frames: Sequence[int] | None, progress: Progress | None = None) -> Track:
    """The track of all stretches, which is the one that a single machine makes. What is missing is looked at here."""
    reader, output = _reader(renderer), _track(renderer)
    parts = merge_parts(output)
    made = track_shot(
        str(reader.plate),
        output,
        frames=sorted(frames or renderer.frames()),
        color=reader.color,
        space=reader.space,
        layer=reader.layer,
        search=reader.search,
        finder=renderer.resources.finder(renderer.shot.parameters),
        progress=progress,
    )
    if parts is not None:
        shutil.rmtree(parts, ignore_errors=True)
    return made


def _reader(renderer: Renderer) -> PlateReader:
    shot = renderer.shot
    search = None if shot.search is None else Window(*shot.search)
    return PlateReader(renderer.plate, renderer.color, shot.space, shot.layer, search)


def _track(renderer: Renderer) -> Path:
    if renderer.shot.track is None:
        raise UsageError("no-track", "The shot names no track; give the file to make with --track.")
    return renderer.shot.track
