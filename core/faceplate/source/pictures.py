"""The source's files: stills, a folder of them, numbered frames, movies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceplate.errors import FaceplateError, UsageError
from faceplate.plate import Sequence
from faceplate.plate.movie import MOVIE_SUFFIXES, is_movie, open_movie
from faceplate.system.user_paths import entries, is_dir, is_file

__all__ = ["sampled_files", "sampled_frames", "source_files"]

_PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".exr", ".dpx", ".webp", ".bmp"}
# Two samples a second of a two-minute clip; more would add nothing new.
_MAX_SAMPLES = 240


def source_files(path: Path) -> list[Path]:
    """List the pictures and movies at `path` in name order.

    `path` is a picture, a movie, a folder, or a sequence such as `turn.####.exr`.

    Raises
    ------
    UsageError
        `source-missing` or `source-without-face`.
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


def sampled_files(path: Path) -> list[Path]:
    """List the files to analyse: all of `source_files`, but at most 240 evenly spaced frames of a sequence. Raises the same."""
    files = source_files(path)
    return files if is_dir(path) else [files[index] for index in _evenly_spread(len(files))]


def sampled_frames(file: Path) -> list[int | None]:
    """List the frames of `file` to analyse: [None] for a still, at most 240 evenly spaced frames of a movie.

    Raises what `open_movie` raises.
    """
    return list(_evenly_spread(len(open_movie(file)))) if is_movie(file) else [None]


def _evenly_spread(count: int) -> list[int]:
    return [int(index) for index in np.unique(np.linspace(0, count - 1, min(count, _MAX_SAMPLES)).round())]


def _numbered(path: Path) -> list[Path]:
    """List the files of a frame pattern; empty when it is no pattern or no file exists."""
    try:
        sequence = Sequence.parse(path)
        return [sequence.path(frame) for frame in sequence.on_disk()]
    except FaceplateError:
        return []
