"""The source's pictures on disk: stills, a folder of them, numbered frames, movies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceplate.errors import FaceplateError, UsageError
from faceplate.plate import Sequence
from faceplate.plate.movie import MOVIE_SUFFIXES, is_movie, open_movie
from faceplate.system.user_paths import entries, is_dir, is_file

__all__ = ["frames_of", "looked_at", "source_files"]

_PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".exr", ".dpx", ".webp", ".bmp"}
# Two looks a second of a two-minute clip; more would show nothing new.
_MOST_LOOKS = 240


def source_files(path: Path) -> list[Path]:
    """The pictures and movies at `path`, in name order: a picture, a movie, a folder, a sequence such as `turn.####.exr`.

    Raises `UsageError` with code `source-missing` or `source-without-face`.
    """
    if is_dir(path):
        found = sorted(
            item
            for item in entries(path)
            if item.suffix.lower() in _PICTURES | MOVIE_SUFFIXES and is_file(item) and not item.name.startswith(".")
        )
        if not found:
            raise UsageError(
                "source-without-face", f"The source folder {path} holds no picture; put the person's in it."
            )
        return found
    if is_file(path):
        return [path]
    found = _numbered(path)
    if not found:
        raise UsageError(
            "source-missing",
            f"There is no source at {path}; give a picture, a movie, frames (turn.####.exr) or a folder of them.",
        )
    return found


def looked_at(path: Path) -> list[Path]:
    """Those of `source_files` to look at: all, but of a sequence at most 240 frames, evenly spread. Raises the same."""
    files = source_files(path)
    return files if is_dir(path) else [files[index] for index in _spread(len(files))]


def frames_of(file: Path) -> list[int | None]:
    """None for a still; of a movie the frames to look at, at most 240, evenly spread. Raises what `open_movie` raises."""
    return list(_spread(len(open_movie(file)))) if is_movie(file) else [None]


def _spread(count: int) -> list[int]:
    return [int(index) for index in np.unique(np.linspace(0, count - 1, min(count, _MOST_LOOKS)).round())]


def _numbered(path: Path) -> list[Path]:
    """The files of a frame pattern; none where it is no pattern, or nothing is there."""
    try:
        sequence = Sequence.parse(path)
        return [sequence.path(frame) for frame in sequence.on_disk()]
    except FaceplateError:
        return []
