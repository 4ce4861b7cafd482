"""Refuse to mix frames of one output that were made with tracks of different frame ranges.

A track of a part of the plate places and lights the face a little differently than a longer one, most at the ends of the part
(`track/margins.py`), so that a cut between the two shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from faceplate.errors import UsageError
from faceplate.render.current import is_current
from faceplate.render.metadata import tracked_frames
from faceplate.render.renderer import Renderer
from faceplate_client import format_frames
from faceplate_client.exr import header

__all__ = ["other_tracks", "refuse_mixed_tracks"]

_FIELD = "faceplate:tracked"


def other_tracks(renderer: Renderer, frames: Iterable[int]) -> dict[str, list[int]]:
    """Return those of `frames` whose file was made with a track of other frames than the shot's track now, by that track's frames.

    A frame without a track stands under "". Files that Faceplate did not make are left out.
    """
    now, found = tracked_frames(renderer.resources), dict[str, list[int]]()
    for frame in frames:
        said = header(str(renderer.output.path(frame)))
        if "faceplate:key" in said and (then := str(said.get(_FIELD, ""))) != now:
            found.setdefault(then, []).append(frame)
    return found


def refuse_mixed_tracks(renderer: Renderer, frames: Iterable[int]) -> None:
    """Refuse to render `frames` beside others of the output that were made with a track of other frames.

    A frame that would be the same with the track of now is no reason.

    Raises
    ------
    UsageError
        `mixed-tracks`.
    """
    wanted = set(frames)
    kept = [frame for frame in renderer.output.on_disk() if frame not in wanted]
    for then, others in other_tracks(renderer, kept).items():
        stale = [frame for frame in others if not _is_same(renderer, frame)]
        if stale:
            raise UsageError(
                "mixed-tracks",
                f"Frames {format_frames(stale)} of {renderer.output} were made with {_told(then)}, and this render has "
                f"{_told(tracked_frames(renderer.resources))}: render them again too, give another output, or pass "
                "--mix-tracks to keep both.",
            )


def _told(frames: str) -> str:
    return f"a track of the frames {frames}" if frames else "no track"


def _is_same(renderer: Renderer, frame: int) -> bool:
    """Say whether the file of `frame` is what would be rendered now; the plate's frame may be gone."""
    return renderer.plate_frame(frame) is not None and renderer.plate.has(frame) and is_current(renderer, frame)
