"""The media of a clip by its file path: a sequence, a movie, a still, or camera raw."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

__all__ = ["RAW_SUFFIXES", "Files", "files_of"]

RAW_SUFFIXES = frozenset(
    [".r3d", ".braw", ".ari", ".arx", ".mxf.arx", ".dng", ".crm", ".rmf", ".nev", ".cine", ".vrw", ".rw2", ".cdng"]
)
_MOVIES = frozenset([".mov", ".mp4", ".m4v", ".mkv", ".avi", ".mxf", ".webm"])
_PICTURES = frozenset([".exr", ".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg"])
_NUMBER = re.compile(r"(?:.*\.)?(\d+)\.[^.\d][^.]*")
_RANGE = re.compile(r"(.*?)\[(\d+)-(\d+)\](\.[^.]+)")


@dataclass(frozen=True)
class Files:
    """A clip's files. `kind`: sequence, movie, still, raw, other, or none for a clip without files.

    `pattern` is what the engine reads. Source frame n, from 0, is frame `first` + n of it, and a still is frame `first`;
    `count` is how many files a sequence has, 0 where the path does not say.
    """

    kind: str
    pattern: str
    first: int = 0
    count: int = 0

    def missing(self) -> str:
        """Return the path that is missing; empty when it exists."""
        if self.kind == "none":
            return ""
        path = self.path(self.first)
        return "" if os.path.exists(path) else path

    def path(self, frame: int) -> str:
        """Return the file of a frame of `pattern`."""
        if self.kind not in ("sequence", "raw") or "#" not in self.pattern:
            return self.pattern
        return re.sub("#+", lambda match: f"{frame:0{len(match.group(0))}d}", self.pattern, count=1)


def files_of(path: str) -> Files:
    """Return the files of a path: Resolve writes a sequence as `/plates/sh010.[1001-1048].exr`."""
    if not path:
        return Files("none", "")
    folder, name = os.path.split(path)
    suffix = os.path.splitext(name)[1].lower()
    match = _RANGE.fullmatch(name)
    if match is not None:
        prefix, first, last, ending = match.groups()
        pattern = os.path.join(folder, f"{prefix}{'#' * len(first)}{ending}")
        kind = "raw" if suffix in RAW_SUFFIXES else "sequence" if suffix in _PICTURES else "other"
        return Files(kind, pattern, int(first), int(last) - int(first) + 1)
    if suffix in RAW_SUFFIXES:
        return Files("raw", path)
    if suffix in _MOVIES:
        return Files("movie", path)
    number = _NUMBER.fullmatch(name)  # which the engine takes for a sequence of that frame
    return Files("still" if suffix in _PICTURES else "other", path, int(number.group(1)) if number else 1)


def short_name(name: str) -> str:
    """Return a clip's name without frame numbers and suffix: `sh010.[1001-1048].exr` and `sh010.1001.exr` give sh010."""
    stem, suffix = os.path.splitext(name)
    if suffix.lower() in _PICTURES or suffix.lower() in RAW_SUFFIXES:
        return re.sub(r"[._ -]*(?:\[\d+-\d+\]|(?<=[._-])\d+)$", "", stem) or stem
    return stem if suffix.lower() in _MOVIES else name
