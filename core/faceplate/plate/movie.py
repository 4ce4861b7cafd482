"""Movies as plates: frame-exact pictures of ProRes, DNx, H.26x and whatever else FFmpeg decodes, through PyAV.

Frame n of a movie is the n-th picture that a player shows, from 0: edit lists are honoured, B-frames are in display
order. Pixels are float32 RGB in the movie's own encoding; values below black or above white in a video-range file are
kept. The matrix from Y'CbCr is the stream's own (Recommendations ITU-R BT.601, BT.709, BT.2020). Chroma is interpolated
linearly from its position in MPEG-2 and its successors: on every second column, between two rows. PyAV is an extra:
`pip install faceplate[movies]`.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.errors import RenderError, UsageError
from faceplate.image.window import Window

__all__ = ["MOVIE_SUFFIXES", "Movie", "MovieTags", "is_movie", "open_movie"]

MOVIE_SUFFIXES = frozenset({".mov", ".mp4", ".m4v", ".mkv", ".avi", ".mxf", ".webm"})

_KR_KB = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Luma weights by the matrix code of Recommendation ITU-T H.273, table 4."""

_SPACES = {
    (1, 1): "g24_rec709_display", (1, 6): "g24_rec709_display", (1, 14): "g24_rec709_display",
    (1, 4): "g22_rec709_scene", (1, 8): "lin_rec709_scene", (1, 13): "srgb_rec709_display",
    (9, 16): "pq_rec2020_display", (9, 18): "hlg_rec2020_display", (9, 8): "lin_rec2020_scene",
    (12, 13): "srgb_p3d65_display", (12, 16): "pq_p3d65_display", (11, 17): "g26_p3d65_display",
    (5, 6): "g24_rec709_display", (6, 6): "g24_rec709_display", (5, 1): "g24_rec709_display",
    (6, 1): "g24_rec709_display",
}  # fmt: skip
"""Interop ids by primaries and transfer characteristics (H.273, tables 2 and 3). A tag of BT.709 says a picture made
on a BT.1886 monitor, gamma 2.4: that is what "Rec.709" means in a grading suite. SD primaries differ from BT.709 by
less than a grade does and are read as BT.709."""

_PLANAR = {
    "nv12": "yuv420p", "nv16": "yuv422p", "nv24": "yuv444p", "nv21": "yuv420p", "p010le": "yuv420p10le",
    "p210le": "yuv422p10le", "p410le": "yuv444p10le", "p012le": "yuv420p12le", "p016le": "yuv420p16le",
    "p216le": "yuv422p16le", "p416le": "yuv444p16le", "yuyv422": "yuv422p", "uyvy422": "yuv422p",
    "y210le": "yuv422p10le", "xv30le": "yuv444p10le", "xv36le": "yuv444p12le",
}  # fmt: skip
"""Packed formats and the planar ones that hold the same samples."""

_KNOWN = re.compile(r"(?:yuv[aj]?\d{3}p|gbra?p|gray)(?:\d+le)?")
_KEPT_OPEN = 4


@dataclass(frozen=True)
class MovieTags:
    """A stream's colour tags: codes of ITU-T H.273, 2 where the stream does not say; `full` range or video range."""

    primaries: int
    transfer: int
    matrix: int
    full: bool

    @property
    def interop_id(self) -> str | None:
        """The interop id of the space that the tags name, None where they name none that has one."""
        return _SPACES.get((self.primaries, self.transfer))


@dataclass
class Movie:
    """An opened movie, made by `open_movie`. Safe to use from many threads; one at a time decodes.

    Attributes
    ----------
    path : Path
        The file.
    codec : str
        FFmpeg's name of the codec.
    width, height : int
        The size as shown, after the rotation that the file asks for, in pixels.
    bit_depth : int
        Bits of a sample.
    pixel_aspect : float
        Width of a pixel over its height.
    rate : Fraction
        Frames a second.
    timecode : str
        The time code of the first frame, "" where there is none.
    turns : int
        Quarter turns, counter-clockwise, from the stored picture to the shown one.
    tags : MovieTags
        The colour tags.
    times : tuple of int
        Presentation times of the frames, in units of the stream's time base.
    keys : tuple of (int, int)
        Presentation time of each frame that decoding can begin at, and the decoding time to seek to.
    """

    path: Path
    codec: str
    width: int
    height: int
    bit_depth: int
    pixel_aspect: float
    rate: Fraction
    timecode: str
    turns: int
    tags: MovieTags
    times: tuple[int, ...]
    keys: tuple[tuple[int, int], ...]
    _container: Any = field(repr=False)
    _decoder: Any = field(default=None, repr=False)
    _at: int | None = field(default=None, repr=False)
    _held: tuple[int, Any] | None = field(default=None, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def data(self) -> Window:
        """The whole picture's window."""
        return Window(0, 0, self.width, self.height)

    @property
    def steady(self) -> bool:
        """Whether the frames come at one rate, to a unit of the time base.

        Otherwise a host that plays the movie by the clock shows another frame than the n-th.
        """
        steps = [after - before for before, after in pairwise(self.times)]
        return not steps or max(steps) - min(steps) <= 1

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.times)

    def check(self, frame: int) -> None:
        """Check that the movie has frame `frame`.

        Raises
        ------
        RenderError
            `plate-missing`.
        """
        if not 0 <= frame < len(self.times):
            raise RenderError(
                "plate-missing",
                f"{self.path.name} has frames 0 to {len(self.times) - 1}, and not {frame}: check the frame range.",
            )

    def read(self, frame: int, region: Window) -> np.ndarray:
        """Return frame `frame` in `region`, which lies inside the picture.

        Returns
        -------
        numpy.ndarray
            float32 (h, w, 3), the movie's own encoding, nominal black 0 and white 1.

        Raises
        ------
        RenderError
            `plate-missing`, `plate-damaged`.
        """
        self.check(frame)
        with self._lock:
            picture = self._picture(frame)
        if self.turns == 0:
            return _rgb(picture, region, self.tags)
        whole = _rgb(picture, Window(0, 0, picture.width, picture.height), self.tags)
        return np.ascontiguousarray(np.rot90(whole, self.turns)[region.slices(self.data)])

    def _picture(self, frame: int) -> Any:
        if self._held is not None and self._held[0] == frame:
            return self._held[1]
        wanted = self.times[frame]
        near = self._at is not None and 0 < frame - self._at <= 16
        picture = self._decode_to(wanted) if near else None
        start = bisect_right(self.keys, (wanted, 1 << 62)) - 1
        while picture is None and start >= -1:
            self._seek(start)
            picture = self._decode_to(wanted)
            start -= 1
        if picture is None:
            raise RenderError("plate-damaged", f"Frame {frame} of {self.path} cannot be decoded: copy the file again.")
        self._held, self._at = (frame, picture), frame
        return picture

    def _seek(self, key: int) -> None:
        """Begin decoding at key frame number `key`, or at the file's start for -1."""
        stream = self._container.streams.video[0]
        target = self.keys[key][1] if key >= 0 else min(self.times[0], *(time for _, time in self.keys[:1]))
        self._container.seek(target, stream=stream, backward=True)
        self._decoder = self._container.decode(stream)

    def _decode_to(self, wanted: int) -> Any | None:
        """Return the picture of time `wanted`; None where decoding passed it, or reached the end, without it."""
        from av.error import FFmpegError

        self._at = None
        try:
            for picture in self._decoder:
                time = picture.pts if picture.pts is not None else picture.dts
                if time == wanted and not picture.is_corrupt:
                    return picture
                if time is None or time > wanted:
                    return None
        except FFmpegError as error:
            raise RenderError("plate-damaged", f"{self.path} cannot be decoded ({error.strerror}).") from error
        return None


_open: OrderedDict[tuple[str, int, int], Movie] = OrderedDict()
_open_lock = threading.Lock()


def is_movie(path: str | Path) -> bool:
    """Return whether a file name is a movie's."""
    return Path(path).suffix.lower() in MOVIE_SUFFIXES


def open_movie(path: str | Path) -> Movie:
    """Return the movie at `path`; the last few stay open, and one whose file has changed is opened again.

    Raises
    ------
    UsageError
        `no-movies`: PyAV is not installed.
    RenderError
        `plate-missing`, `plate-unreadable`, `movie-interlaced`.
    """
    path = Path(path)
    try:
        found = path.stat()
    except OSError as error:
        raise RenderError("plate-missing", f"{path} does not exist: check the path.") from error
    key = (str(path), found.st_size, found.st_mtime_ns)
    with _open_lock:
        if key in _open:
            _open.move_to_end(key)
            return _open[key]
        movie = _load(path)
        _open[key] = movie
        while len(_open) > _KEPT_OPEN:
            _open.popitem(last=False)  # closed with its last user
        return movie


def _load(path: Path) -> Movie:
    try:
        import av
        from av.error import FFmpegError
    except ImportError as error:
        message = f"{path.name} is a movie, and reading movies needs PyAV: pip install 'faceplate[movies]'."
        raise UsageError("no-movies", message) from error
    try:
        container = av.open(str(path))
        if not container.streams.video:
            raise RenderError("plate-unreadable", f"{path} holds no picture.")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        times, keys = _index(container, stream)
        first = next(_rewound(container, stream, keys), None)
        if first is None:
            raise RenderError("plate-unreadable", f"{path} holds no frame that can be decoded.")
    except FFmpegError as error:
        raise RenderError("plate-unreadable", f"{path} cannot be read as a movie ({error.strerror}).") from error
    if first.interlaced_frame:
        message = f"{path.name} is interlaced: make it progressive before a face is replaced in it."
        raise RenderError("movie-interlaced", message)
    turns = round(first.rotation / 90) % 4
    width, height = (first.height, first.width) if turns % 2 else (first.width, first.height)
    aspect = stream.codec_context.sample_aspect_ratio
    return Movie(
        path=path,
        codec=stream.codec_context.name,
        width=width,
        height=height,
        bit_depth=max(component.bits for component in first.format.components),
        pixel_aspect=float(aspect) if aspect else 1.0,
        rate=Fraction(stream.average_rate or stream.guessed_rate or 24),
        timecode=stream.metadata.get("timecode") or container.metadata.get("timecode") or "",
        turns=turns,
        tags=_tags(first),
        times=times,
        keys=keys,
        _container=container,
    )


_Index = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]


def _index(container: Any, stream: Any) -> _Index:
    """Return presentation times of all shown frames, and (presentation, decoding) times of key frames; decode nothing."""
    return _quick_index(container, stream) or _read_index(container, stream)


def _quick_index(container: Any, stream: Any) -> _Index | None:
    """Return the index from the file's header, for a codec of whole pictures; None where the header does not give it.

    Such a movie may hold hundreds of gigabytes. A wrong time would not be found when its frame is decoded, and raise then.
    """
    if not stream.codec_context.codec.intra_only:
        return None
    entries = getattr(stream, "index_entries", None) or ()
    if "mov" in container.format.name and len(entries) == stream.frames > 0:
        times = tuple(entry.timestamp for entry in entries if not entry.is_discard)
    elif container.format.name == "mxf" and stream.duration and stream.time_base * stream.average_rate == 1:
        start = stream.start_time or 0
        times = tuple(range(start, start + stream.duration))
    else:
        return None
    return times, tuple((time, time) for time in times)


def _read_index(container: Any, stream: Any) -> _Index:
    """Return the index by reading every packet."""
    times, keys = set(), []
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None:
            continue
        if packet.is_keyframe:
            keys.append((time, packet.dts if packet.dts is not None else time))
        if not packet.is_discard:
            times.add(time)
    if not times:
        raise RenderError("plate-unreadable", f"{container.name} holds no frame with a time.")
    return tuple(sorted(times)), tuple(sorted(keys))


def _rewound(container: Any, stream: Any, keys: tuple[tuple[int, int], ...]) -> Any:
    container.seek(keys[0][1] if keys else 0, stream=stream, backward=True)
    return container.decode(stream)


def _tags(picture: Any) -> MovieTags:
    matrix = int(picture.colorspace)
    if matrix not in _KR_KB and not picture.format.is_rgb:
        matrix = 1 if picture.height >= 720 else 6  # what players assume
    full = int(picture.color_range) == 2 or picture.format.name.startswith("yuvj")
    return MovieTags(int(picture.color_primaries), int(picture.color_trc), matrix, full)


def _rgb(picture: Any, region: Window, tags: MovieTags) -> np.ndarray:
    """Return `region` of a decoded picture, float32 (h, w, 3)."""
    picture = _planar(picture)
    bits = max(component.bits for component in picture.format.components)
    planes = [_plane(plane, bits) for plane in picture.planes[:3]]
    if picture.format.is_rgb:  # planes in the order green, blue, red
        scale = np.float32(2**bits - 1)
        return np.stack([planes[index][region.slices(_whole(picture))] / scale for index in (2, 0, 1)], axis=-1)
    luma = planes[0][region.slices(_whole(picture))].astype(np.float32)
    black, span, chroma = _levels(bits, tags.full)
    y = (luma - black) / span
    if len(planes) < 3:  # grey
        return np.repeat(y[..., None], 3, axis=-1)
    cb, cr = ((_chroma(plane, picture, region) - np.float32(2 ** (bits - 1))) / chroma for plane in planes[1:])
    kr, kb = (np.float32(weight) for weight in _KR_KB[tags.matrix])
    red = y + 2 * (1 - kr) * cr
    blue = y + 2 * (1 - kb) * cb
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return np.stack([red, green, blue], axis=-1)


def _levels(bits: int, full: bool) -> tuple[np.float32, np.float32, np.float32]:
    """Return (black, white - black, chroma's span) of a sample (H.273, equations 18 to 37)."""
    if full:
        top = np.float32(2**bits - 1)
        return np.float32(0), top, top
    unit = 2 ** (bits - 8)
    return np.float32(16 * unit), np.float32(219 * unit), np.float32(224 * unit)


def _whole(picture: Any) -> Window:
    return Window(0, 0, picture.width, picture.height)


def _planar(picture: Any) -> Any:
    """Return the picture with its samples in planes that `_rgb` knows."""
    name = picture.format.name
    if _KNOWN.fullmatch(name):
        return picture
    if name in _PLANAR:
        return picture.reformat(format=_PLANAR[name])
    deep = max(component.bits for component in picture.format.components) > 8
    kind = "gbrp" if picture.format.is_rgb else "yuv444p"
    return picture.reformat(format=kind + ("16le" if deep else ""))


def _plane(plane: Any, bits: int) -> np.ndarray:
    """Return a plane's samples, (h, w) as stored, a view of FFmpeg's memory."""
    kind = np.dtype("<u2" if bits > 8 else "u1")
    rows = np.frombuffer(plane, kind).reshape(plane.height, plane.line_size // kind.itemsize)
    return rows[:, : plane.width]


def _chroma(plane: np.ndarray, picture: Any, region: Window) -> np.ndarray:
    """Return a chroma plane at every pixel of `region`, float32: linear between samples, held at the edges."""
    across = _steps(picture.width, plane.shape[1], region.x, region.right, 0.0)
    down = _steps(picture.height, plane.shape[0], region.y, region.bottom, 0.5)
    top, left = down[0].min(), across[0].min()
    part = plane[top : down[1].max() + 1, left : across[1].max() + 1].astype(np.float32)
    part = _mixed(part, (down[0] - top, down[1] - top, down[2]), 0)
    return _mixed(part, (across[0] - left, across[1] - left, across[2]), 1)


_Steps = tuple[np.ndarray, np.ndarray, np.ndarray]


def _steps(pixels: int, samples: int, first: int, end: int, site: float) -> _Steps:
    """For pixels `first` to `end` of a line: the sample before, the one after, and the share of the latter."""
    factor = round(pixels / samples)
    if factor == 1:
        at = np.arange(first, end)
        return at, at, np.zeros(end - first, np.float32)
    place = (np.arange(first, end) - site) / factor
    before = np.floor(place).astype(int)
    share = (place - before).astype(np.float32)
    return np.clip(before, 0, samples - 1), np.clip(before + 1, 0, samples - 1), share


def _mixed(part: np.ndarray, steps: _Steps, axis: int) -> np.ndarray:
    before, after, share = steps
    if not share.any():
        return part.take(before, axis)
    weight = share[:, None] if axis == 0 else share[None, :]
    return part.take(before, axis) * (1 - weight) + part.take(after, axis) * weight
