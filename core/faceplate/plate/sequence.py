"""Frame sequences: the patterns that artists write, the frames on disk, and frame ranges.

fileseq reads the padding; one `#` is one digit (its HASH1 style, as in Nuke and Houdini). Numbers
are padded as C's `%04d` pads them: a longer number is written in full, and a minus sign counts as one of the digits, so
that frame -5 of `plate.####.exr` is `plate.-005.exr`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fileseq.constants import PAD_STYLE_HASH1
from fileseq.filesequence import FileSequence

import faceplate_client
from faceplate.errors import UsageError
from faceplate.plate.movie import is_movie, open_movie

__all__ = ["Sequence", "missing_frames", "parse_frames", "same_target"]

_PADDING = re.compile(r"#+|@+|%0?\d*d|\$F\d*")
_RANGE = r"-?\d+(?:--?\d+(?:[xy:]-?\d+)?)?"
_RANGE_AT_END = re.compile(rf"(?:^|(?<=\.))({_RANGE}(?:,{_RANGE})*)$")
_SPAN_IN_NAME = re.compile(r"(^|.*\.)(-?\d+--?\d+(?:x\d+)?(?:,[\d,x-]+)?)(\.[^.]+)$")
_FRAME_IN_NAME = re.compile(r"(^|.*\.)(-?\d+)(\.[^.\d][^.]*)$")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(?!F\d*(?:\W|$))(\w+))")


@dataclass(frozen=True)
class Sequence:
    """Numbered files `folder/prefix<number>suffix`, a movie, or one still that stands for every frame.

    `str()` gives the pattern as it was written.

    Attributes
    ----------
    pattern : str
        The pattern as it was written.
    folder : Path
        The folder of the files.
    prefix, suffix : str
        The file name before and after the number.
    padding : int or None
        Digits of a number; None for a movie, whose frames count from 0, and for a still.
    declared : tuple of int, optional
        The frames that the pattern itself names: those of a range in the name, or the one frame of a single numbered file;
        None where the pattern leaves them open.
    """

    pattern: str
    folder: Path
    prefix: str
    padding: int | None
    suffix: str
    declared: tuple[int, ...] | None = None

    @classmethod
    def parse(cls, pattern: str | Path) -> Sequence:
        """Read a pattern; environment variables and `~` are expanded, a variable that is not set stays as written.

        `plate.####.exr`, `plate.@@@@.exr`, `plate.%04d.exr` and `plate.$F4.exr` are the same sequence. A range in front
        of the padding (`plate.1001-1048####.exr`) or in its place (`plate.1001-1048.exr`, padded like its first number)
        declares the frames. `plate.1001.exr` is the sequence of that frame; `plate.exr` is a still: the same file for
        every frame. The number of a single file stands alone between dots: `plate_1001.exr` is a still. A movie's name
        (`plate.mov`) is taken as it is.

        Raises
        ------
        UsageError
            `bad-pattern` (no file name, or padding in a folder), `bad-frames` (a range that is none).
        """
        text = str(pattern)
        path = Path(_expand(text))
        if not path.name or text.endswith(("/", os.sep)):
            raise UsageError("bad-pattern", f"'{text}' names no file: write it like /show/plate.####.exr.")
        if any(re.search(r"##|@@|%0\d+d", part) for part in path.parent.parts):
            raise UsageError("bad-pattern", f"'{text}' has frame padding in a folder: only the file name can hold it.")
        prefix, padding, suffix, declared = _split(path.name, text)
        return cls(text, path.parent, prefix, padding, suffix, declared)

    @property
    def is_still(self) -> bool:
        """True when one file without a number stands for every frame."""
        return self.padding is None and not self.is_movie

    @property
    def is_movie(self) -> bool:
        """True when one file holds every frame."""
        return self.padding is None and is_movie(self.prefix)

    def path(self, frame: int) -> Path:
        """Return the file of `frame`; for a movie the movie itself."""
        if self.padding is None:
            return self.folder / self.prefix
        return self.folder / f"{self.prefix}{int(frame):0{max(self.padding, 1)}d}{self.suffix}"

    def on_disk(self) -> tuple[int, ...]:
        """Return the frames whose files exist now, sorted; only declared ones where the pattern declares frames.

        Empty for a still, which has no frame numbers, and where the folder cannot be read. For a movie all its frames; raises
        what `open_movie` raises, and nothing when the movie does not exist.
        """
        if self.padding is None:
            return tuple(range(len(open_movie(self.path(0))))) if self.is_movie and self.path(0).exists() else ()
        try:
            names = os.listdir(self.folder)  # noqa: PTH208  (names only: no stat of each file on a slow share)
        except OSError:
            return ()
        number = re.compile(rf"{re.escape(self.prefix)}(-?\d+){re.escape(self.suffix)}")
        frames = {int(match[1]) for name in names if (match := number.fullmatch(name))}
        present = set(names)
        allowed = frames if self.declared is None else frames & set(self.declared)
        # The name must be the one that path() makes: plate.01001.exr is no frame of plate.####.exr.
        return tuple(sorted(frame for frame in allowed if self.path(frame).name in present))

    def has(self, frame: int) -> bool:
        """Return whether `frame` exists now: its file, or the frame in its movie."""
        return self.path(frame).exists() and (not self.is_movie or 0 <= frame < len(open_movie(self.path(frame))))

    def __str__(self) -> str:
        """Return the pattern as it was written."""
        return self.pattern


def parse_frames(text: str) -> tuple[int, ...]:
    """Return the frames of `1001-1048`, `1001-1048x2` or `1001,1005,1010-1020`, in the order written, each once.

    The grammar is that of `faceplate_client.parse_frames`, which hosts and farms use.
    A range may run backwards (`1010-1001`) and below zero (`-5-5`).

    Raises
    ------
    UsageError
        `bad-frames`.
    """
    try:
        return faceplate_client.parse_frames(text)
    except faceplate_client.EngineError as error:
        raise UsageError(error.code, error.message) from error


def missing_frames(wanted: Iterable[int], sequence: Sequence) -> tuple[int, ...]:
    """Return the frames of `wanted`, in its order, that have no file; a still that exists misses none."""
    if sequence.is_still:
        return () if sequence.path(0).is_file() else tuple(wanted)
    present = set(sequence.on_disk())
    return tuple(frame for frame in wanted if frame not in present)


def same_target(a: Sequence, b: Sequence, frames: Iterable[int]) -> bool:
    """Return whether writing `b`'s `frames` would overwrite a file of `a`.

    All of `a`'s files count: those of `frames`, those declared and those on disk. Links are followed. Names that differ
    only in case count as the same file, because the same share may be mounted where case makes no difference.
    """
    frames = tuple(frames)
    taken = {a.path(frame) for frame in (*frames, *(a.declared or ()), *a.on_disk())}
    identities = {name for path in taken for name in _identities(path)}
    return any(not identities.isdisjoint(_identities(b.path(frame))) for frame in frames)


def _identities(path: Path) -> set[str | tuple[int, int]]:
    """Return names that stand for a file: its real path in small letters and, where it exists, device and file number."""
    names: set[str | tuple[int, int]] = {os.path.realpath(path).casefold()}
    try:
        found = path.stat()
    except OSError:
        return names
    return names | ({(found.st_dev, found.st_ino)} if found.st_ino else set())


def _expand(text: str) -> str:
    """Fill in environment variables and `~`; Houdini's `$F4` is frame padding, not a variable."""

    def value(match: re.Match[str]) -> str:
        return os.environ.get(match[1] or match[2], match[0])

    return str(Path(_VARIABLE.sub(value, text)).expanduser())


def _split(name: str, pattern: str) -> tuple[str, int | None, str, tuple[int, ...] | None]:
    """Return a file name's (prefix, padding, suffix, declared frames)."""
    if is_movie(name):
        return name, None, "", None
    tokens = list(_PADDING.finditer(name))
    if tokens:
        token = tokens[-1]
        prefix, declared = name[: token.start()], None
        if span := _RANGE_AT_END.search(prefix):
            prefix, declared = prefix[: span.start()], parse_frames(span[1])
        return prefix, _width(token[0], pattern), name[token.end() :], declared
    if span := _SPAN_IN_NAME.fullmatch(name):
        first = re.match(r"-?\d+", span[2])
        return span[1], len(first[0]) if first else 1, span[3], parse_frames(span[2])
    if single := _FRAME_IN_NAME.fullmatch(name):
        return single[1], len(single[2]), single[3], (int(single[2]),)
    return name, None, "", None


def _width(token: str, pattern: str) -> int:
    try:
        return int(FileSequence.getPaddingNum(token, pad_style=PAD_STYLE_HASH1))
    except ValueError as error:
        message = f"'{pattern}' has the frame padding '{token}', which is unknown: use ####, @@@@, %04d or $F4."
        raise UsageError("bad-pattern", message) from error
