"""Fingerprints of a frame: hashes of its pixels, whatever their compression, and of each header field."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)

from faceplate.errors import RenderError
from faceplate.plate.exr.container import DamagedExrError, read_chunks, read_exr_header
from faceplate.plate.reader import open_input

__all__ = ["Fingerprint", "fingerprint"]

# How pixels are packed, which a file may change without changing what it shows.
_PACKING = {"compression", "lineOrder", "chunkCount", "tiles", "dwaCompressionLevel", "version", "type"}


@dataclass(frozen=True)
class Fingerprint:
    """The hashes of one frame.

    Attributes
    ----------
    pixels : str
        SHA-256 over windows, channel names, formats and samples.
    fields : mapping of str to str
        16 hexadecimal digits for each header field, by name.
    """

    pixels: str
    fields: Mapping[str, str]


def fingerprint(path: Path) -> Fingerprint:
    """Read a picture whole and return its hashes.

    Raises
    ------
    RenderError
        `frame-damaged`: the file is not whole.
    """
    try:
        return Fingerprint(_pixels(path), _fields(path))
    except (RenderError, DamagedExrError, OSError) as error:
        raise RenderError("frame-damaged", f"{path} is not whole: {str(error).rstrip('.')}.") from error


def _pixels(path: Path) -> str:
    """Hash every part's windows, channels and samples, little-endian, channel by channel in the order of their names."""
    made = hashlib.sha256()
    source = open_input(path)
    try:
        part = 0
        while source.seek_subimage(part, 0):
            spec = source.spec()
            made.update(repr((part, spec.x, spec.y, spec.width, spec.height)).encode())
            made.update(repr((spec.full_x, spec.full_y, spec.full_width, spec.full_height)).encode())
            for chunk in _packed(path, part) if spec.deep else _samples(source, part, spec):
                made.update(chunk)
            part += 1
    finally:
        source.close()
    return made.hexdigest()


def _samples(source: oiio.ImageInput, part: int, spec: oiio.ImageSpec) -> Iterator[bytes]:
    formats = [str(spec.channelformat(index)) for index in range(spec.nchannels)]
    # One decoding serves all channels where they have one format, which is nearly always.
    together = _read(source, part, 0, spec.nchannels, formats[0]) if len(set(formats)) == 1 else None
    for index in sorted(range(spec.nchannels), key=lambda channel: spec.channelnames[channel]):
        yield f"{spec.channelnames[index]} {formats[index]}".encode()
        pixels = together[..., index] if together is not None else _read(source, part, index, index + 1, formats[index])
        yield np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).tobytes()


def _read(source: oiio.ImageInput, part: int, first: int, end: int, kind: str) -> np.ndarray:
    pixels = source.read_image(part, 0, first, end, oiio.TypeDesc(kind))
    if pixels is None:
        raise RenderError("frame-damaged", source.geterror() or "its pixels cannot be read")
    return pixels


def _packed(path: Path, part: int) -> Iterator[bytes]:
    """Yield a deep part's chunks as they are packed, because deep samples are not edited one by one."""
    with path.open("rb") as stream:
        for chunk in read_chunks(path)[part]:
            stream.seek(chunk.offset)
            yield repr(chunk.place).encode() + stream.read(chunk.length)


def _fields(path: Path) -> dict[str, str]:
    opened = read_exr_header(path)
    if opened is None:
        return _other_fields(path)
    fields = {}
    for number, part in enumerate(opened[0]):
        for field in part.header:
            if field.name not in _PACKING:
                name = field.name if number == 0 else f"part {number} {field.name}"
                fields[name] = _short(field.kind.encode() + b"\0" + field.data)
    return fields


def _other_fields(path: Path) -> dict[str, str]:
    source = open_input(path)
    try:
        return {item.name: _short(repr(item.value).encode()) for item in source.spec().extra_attribs}
    finally:
        source.close()


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
