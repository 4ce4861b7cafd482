"""The OpenEXR container: headers, chunk tables and packed chunks, copied as bytes without decoding.

OpenImageIO encodes and decodes pixels but translates headers: it renames, reorders, adds and drops attributes. This
module reads and writes the container alone, so that a plate's header fields and its untouched chunks (tiles or groups
of scanlines, flat or deep, in any compression) can be carried into a new file byte for byte.

Layout after "OpenEXR File Layout" (openexr.com, Academy Software Foundation); all numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from faceplate.image.window import Window

__all__ = [
    "COMPRESSIONS",
    "Attribute",
    "Chunk",
    "DamagedExrError",
    "ExrPart",
    "pack_attribute",
    "read_chunks",
    "read_exr_header",
    "with_attributes",
    "write_exr_file",
]

MAGIC = b"\x76\x2f\x31\x01"
_LONGEST_NAME = 255
_TILED, _LONG_NAMES, _DEEP, _MULTIPART = 0x200, 0x400, 0x800, 0x1000
# Name and scanlines in a chunk, by the number that the file stores.
_COMPRESSION_TABLE = (
    ("none", 1),
    ("rle", 1),
    ("zips", 1),
    ("zip", 16),
    ("piz", 32),
    ("pxr24", 16),
    ("b44", 32),
    ("b44a", 32),
    ("dwaa", 32),
    ("dwab", 256),
    ("htj2k256", 256),
    ("htj2k32", 32),
)
COMPRESSIONS = tuple(name for name, _ in _COMPRESSION_TABLE)


class DamagedExrError(Exception):
    """The bytes are no whole OpenEXR file; the message says what is missing."""


@dataclass(frozen=True)
class Attribute:
    """One header field: its type's name and its value exactly as stored."""

    name: str
    kind: str
    data: bytes


@dataclass(frozen=True)
class Chunk:
    """One packed chunk: its place in the part, and where its bytes lie.

    Attributes
    ----------
    place : tuple of int
        `(y,)` for scanlines, `(tile x, tile y, level x, level y)` for tiles.
    source : Path
        The file that holds the bytes.
    offset, length : int
        The span of the size fields and the packed pixels, without the part number and the place.
    """

    place: tuple[int, ...]
    source: Path
    offset: int
    length: int


@dataclass(frozen=True)
class ExrPart:
    """One part's header, in file order, and what the container needs to know of it.

    Attributes
    ----------
    header : tuple of Attribute
        All header fields.
    tiled, deep : bool
        Whether the part is stored in tiles, and whether its samples are deep.
    """

    header: tuple[Attribute, ...]
    tiled: bool
    deep: bool

    def get(self, name: str) -> Attribute | None:
        """Return the header field called `name`, or None."""
        return next((attribute for attribute in self.header if attribute.name == name), None)

    def text(self, name: str) -> str | None:
        """Return the value of a string field, or None where there is no such field or it is no string."""
        found = self.get(name)
        return found.data.decode("utf-8", "replace") if found and found.kind == "string" else None

    @property
    def compression(self) -> str:
        """The compression's name; `unknown (n)` for a number that this module does not know."""
        number = self._need("compression", 1)[0]
        return COMPRESSIONS[number] if number < len(COMPRESSIONS) else f"unknown ({number})"

    @property
    def data_window(self) -> Window:
        """The data window."""
        return self._window("dataWindow")

    @property
    def display_window(self) -> Window:
        """The display window."""
        return self._window("displayWindow")

    @property
    def tile(self) -> tuple[int, int] | None:
        """Tile width and height; None for a part of scanlines."""
        return struct.unpack("<II", self._need("tiles", 9)[:8]) if self.tiled else None

    @property
    def levels(self) -> int:
        """How levels are stored: 0 one level, 1 mipmap, 2 ripmap (the low half of the tile mode)."""
        return self._need("tiles", 9)[8] & 15 if self.tiled else 0

    @property
    def line_order(self) -> int:
        """0 increasing, 1 decreasing, 2 random."""
        return self._need("lineOrder", 1)[0]

    def check(self) -> None:
        """Check the fields that every file needs.

        Raises
        ------
        DamagedExrError
            A field is missing or has the wrong size.
        """
        _ = self.compression, self.data_window, self.display_window, self.line_order, self.tile

    def chunk_count(self) -> int:
        """Return the number of chunks in the part's table. Raises DamagedExrError for an unknown compression."""
        if self.get("chunkCount"):
            return struct.unpack("<i", self._need("chunkCount", 4))[0]
        window = self.data_window
        if not self.tile:
            number = self._need("compression", 1)[0]
            if number >= len(_COMPRESSION_TABLE):
                raise DamagedExrError(f"compression {number} is unknown")
            return -(-window.height // _COMPRESSION_TABLE[number][1])
        return sum(-(-w // self.tile[0]) * -(-h // self.tile[1]) for w, h in self._level_sizes())

    def _level_sizes(self) -> list[tuple[int, int]]:
        """Return width and height of every level of a tiled part, in file order."""
        round_up = self._need("tiles", 9)[8] >> 4

        def halved(size: int) -> list[int]:
            sizes = [size]
            while sizes[-1] > 1:
                sizes.append(max((sizes[-1] + round_up) // 2, 1))
            return sizes

        window = self.data_window
        if self.levels == 0:
            return [(window.width, window.height)]
        if self.levels == 2:
            return [(w, h) for h in halved(window.height) for w in halved(window.width)]
        count = len(halved(max(window.width, window.height)))
        widths, heights = (halved(size) + [1] * count for size in (window.width, window.height))
        return list(zip(widths[:count], heights[:count], strict=True))

    def _window(self, name: str) -> Window:
        left, top, right, bottom = struct.unpack("<4i", self._need(name, 16))
        return Window(left, top, right - left + 1, bottom - top + 1)

    def _need(self, name: str, size: int) -> bytes:
        found = self.get(name)
        if found is None or len(found.data) != size:
            raise DamagedExrError(f"the header has no valid '{name}'")
        return found.data


def read_exr_header(path: Path) -> tuple[tuple[ExrPart, ...], int] | None:
    """Read the headers of an OpenEXR file.

    Returns
    -------
    tuple of (tuple of ExrPart, int), or None
        The parts, and the offset at which the chunk tables begin; None if the file is no OpenEXR file.

    Raises
    ------
    DamagedExrError
        The header is cut short or makes no sense.
    OSError
        The file cannot be read.
    """
    with path.open("rb") as stream:
        if stream.read(4) != MAGIC:
            return None
        flags = struct.unpack("<I", _take(stream, 4))[0]
        parts = []
        while header := _read_attributes(stream):
            kind = next((a.data for a in header if a.name == "type"), b"")
            tiled = kind in (b"tiledimage", b"deeptile") if kind else bool(flags & _TILED)
            parts.append(ExrPart(header, tiled, kind.startswith(b"deep")))
            if not flags & _MULTIPART:
                break
        if not parts:
            raise DamagedExrError("the file has no header")
        return tuple(parts), stream.tell()


def read_chunks(path: Path) -> list[list[Chunk]]:
    """Read the chunk tables of an OpenEXR file; no pixel is decoded.

    Returns
    -------
    list of list of Chunk
        Every part's chunks, in the order of its table.

    Raises
    ------
    DamagedExrError
        A chunk is missing or cut short, or the file is no OpenEXR file.
    OSError
        The file cannot be read.
    """
    opened = read_exr_header(path)
    if opened is None:
        raise DamagedExrError("the file is no OpenEXR file")
    parts, table = opened
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(4)
        multipart = bool(struct.unpack("<I", stream.read(4))[0] & _MULTIPART)
        counts = [part.chunk_count() for part in parts]
        if min(counts) < 0 or table + 8 * sum(counts) > size:
            raise DamagedExrError("the chunk table is cut short")
        stream.seek(table)
        tables = [np.frombuffer(_take(stream, 8 * count), "<u8") for count in counts]
        return [
            [_read_chunk(stream, path, size, int(offset), part, index if multipart else None) for offset in offsets]
            for index, (part, offsets) in enumerate(zip(parts, tables, strict=True))
        ]


def pack_attribute(name: str, value: str | int | float) -> Attribute:
    """Return a header field of type string, int or float; a whole number beyond 32 bits becomes a string."""
    if isinstance(value, str):
        return Attribute(name, "string", value.encode())
    if isinstance(value, int):
        if not -(2**31) <= value < 2**31:
            return Attribute(name, "string", str(value).encode())
        return Attribute(name, "int", struct.pack("<i", value))
    return Attribute(name, "float", struct.pack("<f", value))


def with_attributes(part: ExrPart, changed: Iterable[Attribute]) -> ExrPart:
    """Return the part with fields replaced where they stand, or added at the end."""
    new = {attribute.name: attribute for attribute in changed}
    kept = [new.pop(attribute.name, attribute) for attribute in part.header]
    return replace(part, header=(*kept, *new.values()))


def write_exr_file(target: BinaryIO, parts: Iterable[ExrPart], tables: list[list[Chunk]], order: list[Chunk]) -> None:
    """Write a whole OpenEXR file from headers and packed chunks.

    Parameters
    ----------
    target : BinaryIO
        The open file, at its start; it must allow seeking.
    parts : iterable of ExrPart
        The headers, in file order.
    tables : list of list of Chunk
        Every part's chunks in the order of its table.
    order : list of Chunk
        All chunks of `tables` in the order in which they are written.
    """
    parts = list(parts)
    multipart = len(parts) > 1
    target.write(MAGIC + struct.pack("<I", _flags(parts)))
    for part in parts:
        target.write(_pack_header(part.header))
    if multipart:
        target.write(b"\0")
    table_at = target.tell()
    target.write(bytes(8 * sum(map(len, tables))))
    owner = {id(chunk): index for index, table in enumerate(tables) for chunk in table}
    written = _copy_chunks(target, order, owner if multipart else None)
    target.seek(table_at)
    for table in tables:
        target.write(np.array([written[id(chunk)] for chunk in table], "<u8").tobytes())
    target.seek(0, 2)


def _copy_chunks(target: BinaryIO, order: list[Chunk], owner: Mapping[int, int] | None) -> dict[int, int]:
    """Copy chunks in order; return the file offset of each by its id."""
    written: dict[int, int] = {}
    streams: dict[Path, BinaryIO] = {}
    try:
        for chunk in order:
            source = streams.get(chunk.source) or streams.setdefault(chunk.source, chunk.source.open("rb"))
            source.seek(chunk.offset)
            written[id(chunk)] = target.tell()
            number = b"" if owner is None else struct.pack("<i", owner[id(chunk)])
            target.write(number + struct.pack(f"<{len(chunk.place)}i", *chunk.place) + _take(source, chunk.length))
    finally:
        for stream in streams.values():
            stream.close()
    return written


def _flags(parts: list[ExrPart]) -> int:
    """Return the version number (2) and the flags that these parts need."""
    flags = 2
    if any(len(text) > 31 for part in parts for field in part.header for text in (field.name, field.kind)):
        flags |= _LONG_NAMES
    if any(len(name) > 31 for part in parts for name in _channel_names(part)):
        flags |= _LONG_NAMES
    if any(part.deep for part in parts):
        flags |= _DEEP
    if len(parts) > 1:
        flags |= _MULTIPART
    elif parts[0].tiled and not parts[0].deep:
        flags |= _TILED
    return flags


def _channel_names(part: ExrPart) -> list[bytes]:
    channels = part.get("channels")
    names, data = [], channels.data if channels else b""
    while data and data[0]:
        name, _, rest = data.partition(b"\0")
        names.append(name)
        data = rest[16:]
    return names


def _pack_header(header: tuple[Attribute, ...]) -> bytes:
    fields = (
        a.name.encode("utf-8", "surrogateescape")
        + b"\0"
        + a.kind.encode("utf-8", "surrogateescape")
        + b"\0"
        + struct.pack("<i", len(a.data))
        + a.data
        for a in header
    )
    return b"".join(fields) + b"\0"


def _read_attributes(stream: BinaryIO) -> tuple[Attribute, ...]:
    found = []
    while name := _read_name(stream):
        kind = _read_name(stream)
        length = struct.unpack("<i", _take(stream, 4))[0]
        if length < 0:
            raise DamagedExrError(f"the header field '{name}' has no length")
        found.append(Attribute(name, kind, _take(stream, length)))
    return tuple(found)


def _read_name(stream: BinaryIO) -> str:
    start = stream.tell()
    name, end, _ = stream.read(_LONGEST_NAME + 1).partition(b"\0")
    if not end:
        raise DamagedExrError(
            "a name in the header has no end" if len(name) > _LONGEST_NAME else "the file is cut short"
        )
    stream.seek(start + len(name) + 1)
    return name.decode("utf-8", "surrogateescape")


def _take(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise DamagedExrError("the file is cut short")
    return data


def _read_chunk(stream: BinaryIO, path: Path, size: int, offset: int, part: ExrPart, number: int | None) -> Chunk:
    if not 0 < offset < size:
        raise DamagedExrError("a chunk is missing")
    stream.seek(offset)
    if number is not None and struct.unpack("<i", _take(stream, 4))[0] != number:
        raise DamagedExrError("a chunk belongs to another part")
    coordinates = 4 if part.tiled else 1
    place = struct.unpack(f"<{coordinates}i", _take(stream, 4 * coordinates))
    start = stream.tell()
    if part.deep:  # packed sizes of the sample table and of the samples, and the unpacked size
        counts, samples, _ = struct.unpack("<3Q", _take(stream, 24))
        length = 24 + counts + samples
    else:
        length = 4 + struct.unpack("<i", _take(stream, 4))[0]
    if length < 4 or start + length > size:
        raise DamagedExrError("a chunk is cut short")
    return Chunk(place, path, start, length)
