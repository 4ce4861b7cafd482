"""Decode scanlines of the commonest kind of plate: one part, half floats, zip.

OpenImageIO's builds undo the predictor of zip one byte after the other, which takes longer than inflating. Here it is one running
sum of OpenCV's, and only the wanted channels and columns become floats. Every other kind of file is left to OpenImageIO, and so is
a file in which anything is not as expected, so that its errors stay the same.

Layout after "OpenEXR File Layout" (openexr.com, Academy Software Foundation); all numbers are little-endian.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from faceplate.image.window import Window
from faceplate.plate.exr.container import ExrPart

__all__ = ["ScanlineLayout", "read_scanlines"]

# Scanlines in a chunk, by the compression's name.
_LINES = {"zips": 1, "zip": 16}
_HALF = 1
# A scalar to OpenCV.
_NOTHING = np.zeros(4)
# The most threads that decode, and the fewest chunks for which another one is started.
_THREADS, _CHUNKS = 4, 8


@dataclass(frozen=True)
class ScanlineLayout:
    """Where the scanlines of a file lie: data window, channels in the file's order, scanlines in a chunk, the table's offset."""

    data: Window
    channels: tuple[str, ...]
    lines: int
    table: int

    @classmethod
    def of(cls, parts: Sequence[ExrPart], table: int) -> ScanlineLayout | None:
        """Return the layout of a file with these headers; None where `read_scanlines` does not decode it.

        `table` is the offset in bytes at which the chunk table begins.
        """
        part = parts[0]
        if len(parts) != 1 or part.tiled or part.deep or part.compression not in _LINES or sys.byteorder != "little":
            return None
        channels = _half_channels(part)
        return cls(part.data_window, channels, _LINES[part.compression], table) if channels else None


def read_scanlines(path: Path, layout: ScanlineLayout, names: Sequence[str], region: Window) -> np.ndarray | None:
    """Return channels of a file on `region` of its data window; None where anything is not as expected.

    Returns
    -------
    numpy.ndarray or None
        float32 (h, w, len(names)), the stored halves bit for bit.
    """
    if not layout.data.contains(region) or not set(names) <= set(layout.channels):
        return None
    first, end = ((row - layout.data.y) // layout.lines for row in (region.y, region.bottom - 1 + layout.lines))
    result = np.empty((region.height, region.width, len(names)), np.float32)
    places = [layout.channels.index(name) for name in names]
    try:
        packed = _packed_chunks(path, layout, first, end)
        workers = min(_THREADS, os.cpu_count() or 1, max((end - first) // _CHUNKS, 1))
        parts = [range(first + k, end, workers) for k in range(workers)]

        def decode(numbers: range) -> None:
            decoder = _Decoder(layout)
            for number in numbers:
                decoder.unpack(number, packed[number - first], places, region, result)

        if workers == 1:
            decode(parts[0])
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(decode, parts))
    except (OSError, ValueError, struct.error, zlib.error):
        return None
    return result


def _half_channels(part: ExrPart) -> tuple[str, ...]:
    """Return a part's channels in the file's order; none where one is no half or has not a sample for each pixel."""
    channels = part.get("channels")
    rest, names = channels.data if channels else b"", []
    while len(rest) > 1:
        name, _, rest = rest.partition(b"\0")
        if len(rest) < 16 or struct.unpack("<i4x2i", rest[:16]) != (_HALF, 1, 1):
            return ()
        names.append(name.decode("utf-8", "surrogateescape"))
        rest = rest[16:]
    return tuple(names)


def _packed_chunks(path: Path, layout: ScanlineLayout, first: int, end: int) -> list[bytes]:
    """Read the chunks `first` to `end` as they are stored. Raises ValueError where one lies elsewhere than the table says."""
    found = []
    with path.open("rb") as stream:
        stream.seek(layout.table + 8 * first)
        for number, offset in enumerate(struct.unpack(f"<{end - first}Q", stream.read(8 * (end - first))), first):
            stream.seek(offset)
            row, length = struct.unpack("<2i", stream.read(8))
            content = stream.read(max(length, 0))
            if row != layout.data.y + number * layout.lines or len(content) != length:
                raise ValueError("a chunk is missing or cut short")
            found.append(content)
    return found


class _Decoder:
    """Unpacks one chunk after the other; its scratch memory serves all of them."""

    def __init__(self, layout: ScanlineLayout) -> None:
        self.layout = layout
        self._sums = np.empty((2, 2 * layout.lines * len(layout.channels) * layout.data.width + 1), np.int32)

    def unpack(self, number: int, packed: bytes, places: list[int], region: Window, result: np.ndarray) -> None:
        """Write the wanted channels of chunk `number` into `result`, float32 (h, w, c) on `region`.

        `places` are the channels' places in the file.
        """
        layout = self.layout
        top = layout.data.y + number * layout.lines
        lines = min(layout.lines, layout.data.bottom - top)
        halves = self._halves(packed, 2 * lines * len(layout.channels) * layout.data.width)
        rows = Window(layout.data.x, top, layout.data.width, lines)
        both = rows.intersect(region)
        inside, columns = both.slices(rows)
        wanted = np.ascontiguousarray(
            halves.reshape(lines, len(layout.channels), layout.data.width)[inside, :, columns]
        )
        # OpenCV widens halves in a seventh of numpy's time; x - 0 is x for every number, -0 too.
        samples = cv2.subtract(wanted.reshape(-1, both.width), _NOTHING, dtype=cv2.CV_32F).reshape(wanted.shape)
        target = result[both.slices(region)]
        for channel, place in enumerate(places):
            target[..., channel] = samples[:, place]

    def _halves(self, packed: bytes, size: int) -> np.ndarray:
        """Return the `size` bytes of a chunk as halves. Raises ValueError where it has another size, and `zlib.error`."""
        if len(packed) == size:  # what zip does not make smaller is stored as it is
            return np.frombuffer(packed, "<f2")
        content = zlib.decompress(packed, bufsize=size)
        if len(content) != size:
            raise ValueError("a chunk has another size than its header says")
        differences = np.frombuffer(content, np.uint8)[None]
        # Each byte but the first is stored as its difference from the one before, plus 128; even bytes of the halves come first.
        sums = cv2.integral(differences, self._sums[:, : size + 1])[1, 1:]
        stored = sums.astype(np.uint8)
        odd = stored.view("<u2")
        odd ^= np.uint16(128 << 8)  # 128 was subtracted an odd number of times
        return cv2.merge([stored[: size // 2], stored[size // 2 :]]).view("<f2").ravel()
