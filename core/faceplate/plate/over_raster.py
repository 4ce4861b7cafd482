"""Over mode for DPX, TIFF and PNG, and for plates of any kind written as OpenEXR.

OpenImageIO reads and writes these whole. What it would add is taken out again: a DPX gets the plate's own header where
the sample layout is the same, a PNG gets the plate's own chunks around the new pixels, a TIFF without a date gets none.
After writing, the file is read back to prove that every sample is right.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)

from faceplate.errors import RenderError
from faceplate.plate.element import carry_fields, finish_exr, write_scanline_exr
from faceplate.plate.patch import Patch, luminance
from faceplate.plate.reader import PlateFile, damaged, open_input
from faceplate.system.atomic import publish, temporary_beside, write_failed

__all__ = ["over_raster", "raster_to_exr"]

Attributes = Mapping[str, str | int | float]


def over_raster(plate: PlateFile, path: Path, patch: Patch, attributes: Attributes) -> tuple[str, ...]:
    """Write the plate again as DPX, TIFF or PNG, by the extension of `path`; see `writer.write_over`.

    Returns
    -------
    tuple of str
        Notes for the artist, one sentence each.
    """
    specs, images = _read_all(plate)
    patch.apply(images[plate.part], plate.data, plate)
    notes = []
    with temporary_beside(path) as written:
        _write_all(
            written,
            path,
            [_spec_without_defaults(spec, plate.explicit_color_space is not None) for spec in specs],
            images,
        )
        notes += _restore_header(plate, path, written, attributes)
        _verify_samples(written, path, images)
        publish(written, path)
    return tuple(notes)


def raster_to_exr(
    plate: PlateFile, path: Path, patch: Patch, attributes: Attributes, compression: str | None
) -> tuple[str, ...]:
    """Write a plate that is no OpenEXR file as one: half where half holds every code (10 bits or less), else float.

    Returns
    -------
    tuple of str
        Notes for the artist, one sentence each.
    """
    if plate.is_movie:
        return _movie_to_exr(plate, path, patch, attributes, compression)
    specs, images = _read_all(plate)
    spec, pixels = specs[plate.part], images[plate.part]
    whole = np.issubdtype(pixels.dtype, np.integer)
    values = pixels / np.float32(np.iinfo(pixels.dtype).max) if whole else pixels
    values = np.asarray(values, np.float32)
    small = plate.format == "half" or (whole and plate.bit_depth <= 10)
    _apply_as_float(patch, values, plate)
    new = oiio.ImageSpec(spec.width, spec.height, spec.nchannels, "half" if small else "float")
    new.copy_dimensions(spec)
    new.set_format("half" if small else "float")
    new.tile_width = new.tile_height = 0
    new.channelnames = plate.channels
    carry_fields(spec, new)
    with temporary_beside(path) as encoded, temporary_beside(path) as result:
        write_scanline_exr(encoded, path, [(new, values)], compression or "zip")
        finish_exr(encoded, result, path, plate, attributes)
        publish(result, path)
    notes = [f"{path.name} is OpenEXR with {'half' if small else 'float'} samples of the plate's own encoding."]
    if len(specs) > 1:
        notes.append(f"Only the first of the {len(specs)} pictures in {plate.path.name} was written.")
    return tuple(notes)


def _movie_to_exr(
    plate: PlateFile, path: Path, patch: Patch, attributes: Attributes, compression: str | None
) -> tuple[str, ...]:
    """Write a movie's frame with the patch in it: half where the movie has 10 bits or less, else float."""
    values = plate.read_rgb()
    _apply_as_float(patch, values, plate)
    kind = "half" if plate.bit_depth <= 10 else "float"
    spec = oiio.ImageSpec(plate.data.width, plate.data.height, 3, kind)
    spec.channelnames = ("R", "G", "B")
    spec.attribute("PixelAspectRatio", float(plate.pixel_aspect))
    with temporary_beside(path) as encoded, temporary_beside(path) as result:
        write_scanline_exr(encoded, path, [(spec, values)], compression or "zip")
        finish_exr(encoded, result, path, plate, attributes)
        publish(result, path)
    return (f"{path.name} is OpenEXR with {kind} samples of the movie's own encoding.",)


def _apply_as_float(patch: Patch, values: np.ndarray, plate: PlateFile) -> None:
    rows = patch.window.slices(plate.data) if not patch.window.empty else (slice(0), slice(0))
    target, mask = values[rows], patch.mask
    for column, name in enumerate(plate.rgb if not plate.grey else plate.rgb[:1]):
        new = luminance(patch.values) if plate.grey else patch.values[..., column]
        target[..., plate.channels.index(name)][mask] = new[mask]


def _read_all(plate: PlateFile) -> tuple[list[oiio.ImageSpec], list[np.ndarray]]:
    """Return the specification and all samples, as stored, of every picture in the file."""
    source = open_input(plate.path)
    try:
        specs = [source.spec(index, 0) for index in range(len(plate.parts))]
        images = []
        for index, spec in enumerate(specs):
            pixels = source.read_image(index, 0, 0, spec.nchannels, spec.format)
            if pixels is None:
                raise damaged(plate.path, " ".join(source.geterror().split()) or "no reason given")
            images.append(pixels.reshape(spec.height, spec.width, spec.nchannels))
        return specs, images
    finally:
        source.close()


def _spec_without_defaults(spec: oiio.ImageSpec, tagged: bool) -> oiio.ImageSpec:
    """Return the specification without what would make OpenImageIO write fields that the plate does not have."""
    spec = oiio.ImageSpec(spec)
    if not spec.get_string_attribute("DateTime"):
        spec.attribute("DateTime", "float[2]", (0.0, 0.0))  # an empty date keeps OpenImageIO from adding one
    if not tagged:
        spec.erase_attribute("oiio:ColorSpace")  # OpenImageIO's assumption, which it would write as a tag
    return spec


def _write_all(target: Path, path: Path, specs: list[oiio.ImageSpec], images: list[np.ndarray]) -> None:
    output = oiio.ImageOutput.create(str(target))
    if output is None:
        raise write_failed(path, oiio.geterror())
    try:
        if len(specs) > 1 and output.supports("multiimage"):
            done = output.open(str(target), tuple(specs))
        else:
            done = output.open(str(target), specs[0])
        for index, pixels in enumerate(images):
            if index and done:
                done = output.open(str(target), specs[index], "AppendSubimage")
            if not done or not output.write_image(np.ascontiguousarray(pixels)):
                raise write_failed(path, output.geterror())
    finally:
        closed = output.close()
    if not closed:
        raise write_failed(path, output.geterror())


def _verify_samples(written: Path, path: Path, images: list[np.ndarray]) -> None:
    """Read the file back and compare every sample.

    Raises
    ------
    RenderError
        `output-unwritable`: a sample does not read back as it was meant.
    """
    try:
        result = PlateFile.open(written)
        _, found = _read_all(result)
    except RenderError as error:
        raise write_failed(path, error.message) from error
    same = len(found) == len(images) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(found, images, strict=True)
    )
    if not same:
        message = f"{path} cannot hold the samples of its plate exactly: write an .exr instead."
        raise RenderError("output-unwritable", message)


def _restore_header(plate: PlateFile, path: Path, written: Path, attributes: Attributes) -> list[str]:
    """Give the new file the plate's own header bytes where the format allows it; return notes on what could not be kept."""
    try:
        original, made = plate.path.read_bytes(), written.read_bytes()
        suffix = path.suffix.lower()
        restored = None
        if suffix == ".dpx" and plate.file_format == "dpx":
            restored = _dpx_with_header(original, made)
        elif suffix == ".png":
            own = _png_chunks(original) if plate.file_format == "png" else None
            restored = _png_with_chunks(own, made, attributes, plate.explicit_color_space is not None)
        if restored is not None:
            written.write_bytes(restored)
    except OSError as error:
        raise write_failed(path, error) from error
    notes = []
    if suffix == ".dpx" and restored is None:
        notes.append("The samples are packed in another way than the plate's: its header was translated, not copied.")
    if suffix != ".png" and attributes:
        notes.append(f"{suffix} files cannot hold {', '.join(attributes)}: left out.")
    return notes


# Where a DPX header (SMPTE ST 268-1) says how samples lie: pictures, size, and the first picture's descriptor, bits,
# packing, encoding and padding.
_DPX_LAYOUT = ((770, 2), (772, 4), (776, 4), (800, 1), (803, 1), (804, 2), (806, 2))
_DPX_PADDING = ((812, 4), (816, 4))
_DPX_UNDEFINED = b"\xff\xff\xff\xff"


def _dpx_with_header(original: bytes, made: bytes) -> bytes | None:
    """Return the new samples behind the plate's own header; None where the two lie in different ways."""
    order = {b"SDPX": ">", b"XPDS": "<"}.get(original[:4])
    if order is None or original[:4] != made[:4] or min(len(original), len(made)) < 2048:
        return None
    if any(original[at : at + size] != made[at : at + size] for at, size in _DPX_LAYOUT):
        return None
    if any(_padding(original, at) != _padding(made, at) for at, _ in _DPX_PADDING):
        return None
    start, new_start = (struct.unpack(f"{order}I", data[4:8])[0] for data in (original, made))
    elements = {struct.unpack(f"{order}I", original[808:812])[0], start}
    samples = made[new_start:]
    end = start + len(samples)
    if elements - {start, 0, 0xFFFFFFFF} or not 1664 <= start <= len(original):
        return None
    return original[:start] + samples + original[end:]


def _padding(data: bytes, at: int) -> bytes:
    value = data[at : at + 4]
    return bytes(4) if value == _DPX_UNDEFINED else value


def _png_with_chunks(own: list[bytes] | None, made: bytes, attributes: Attributes, tagged: bool) -> bytes:
    """Return the plate's `own` chunks with the new pixels among them, and `attributes` as text.

    Where the plate is no PNG, or one of another kind, the chunks are OpenImageIO's without those that it invents.
    """
    new = _png_chunks(made)
    if own and own[0] == new[0]:
        old = own
    else:
        old = [chunk for chunk in new if tagged or chunk[4:8] not in (b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"oFFs")]
    names = [chunk[4:8] for chunk in old]
    first = names.index(b"IDAT")
    before = old[:first]
    after = [chunk for chunk, name in zip(old[first:], names[first:], strict=True) if name not in (b"IDAT", b"IEND")]
    pixels = [chunk for chunk in new if chunk[4:8] == b"IDAT"]
    text = [_png_text(name, str(value)) for name, value in attributes.items()]
    return b"".join([made[:8], *before, *text, *pixels, *after, new[-1]])


def _png_chunks(data: bytes) -> list[bytes]:
    chunks, at = [], 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        chunks.append(data[at:end])
        at = end
    return chunks


def _png_text(name: str, value: str) -> bytes:
    """Return an iTXt chunk: keyword, not compressed, no language, UTF-8 text (PNG specification, 11.3.3.4)."""
    body = b"iTXt" + name.encode("latin-1", "replace")[:79] + b"\0\0\0\0\0" + value.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
