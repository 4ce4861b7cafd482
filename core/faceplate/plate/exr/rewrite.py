"""Write an OpenEXR plate again, encoding only those chunks that hold a changed pixel.

Headers, other parts (deep ones too), and every chunk without a changed pixel are copied as bytes. A chunk with a
changed pixel is decoded, changed and encoded again by OpenImageIO with the part's own compression, and read back to
prove that every other sample in it is the same.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)

from faceplate.errors import RenderError, UsageError
from faceplate.image.window import Window
from faceplate.plate.exr.container import (
    COMPRESSIONS,
    Attribute,
    Chunk,
    DamagedExrError,
    ExrPart,
    pack_attribute,
    read_chunks,
    read_exr_header,
    with_attributes,
    write_exr_file,
)
from faceplate.plate.patch import Patch, read_native
from faceplate.plate.reader import PlateFile, damaged, open_input
from faceplate.system.atomic import publish, temporary_beside, write_failed

__all__ = ["LOSSY", "check_compression", "over_exr"]

# Compressions that cannot be decoded and encoded again without loss. (pxr24 rounds only 32-bit floats, but a table that
# depends on the channels would surprise; htj2k and zstd are proved by reading back.)
LOSSY = frozenset({"b44", "b44a", "dwaa", "dwab", "pxr24"})
_BAND_BYTES = 64 << 20


@dataclass(frozen=True)
class _Plan:
    """What is written: the part's compression, and the chunks of the beauty part that are encoded again."""

    compression: str
    everything: bool
    touched: tuple[tuple[Chunk, Window], ...]

    @property
    def window(self) -> Window:
        """The pixels of all chunks that are encoded again."""
        return reduce(Window.union, (window for _, window in self.touched), Window(0, 0, 0, 0))


def check_compression(name: str | None) -> None:
    """Check the name of a compression; None is accepted.

    Raises
    ------
    UsageError
        `bad-compression`: OpenEXR has no such compression.
    """
    if name is not None and name not in COMPRESSIONS:
        raise UsageError(
            "bad-compression", f"'{name}' is no OpenEXR compression: use one of {', '.join(COMPRESSIONS)}."
        )


def over_exr(
    plate: PlateFile, path: Path, patch: Patch, attributes: Mapping[str, str | int | float], compression: str | None
) -> tuple[str, ...]:
    """Write the plate again at `path` with the patch in it; see `writer.write_over`.

    The attributes are added to the header of the changed part and of the first part, where readers of one header look.

    Returns
    -------
    tuple of str
        Notes for the artist, one sentence each.
    """
    parts, tables = _layout(plate)
    if parts[plate.part].levels:
        message = f"{plate.path} holds reduced copies of itself (a mipmap): write the plate without them."
        raise UsageError("plate-mipmap", message)
    plan, notes = _first_plan(plate, parts[plate.part], tables[plate.part], patch, compression)
    with temporary_beside(path) as encoded, temporary_beside(path) as result:
        while True:
            try:
                made = _encode(plate, patch, plan, encoded, path) if plan.touched else {}
                actual = _compression_of(encoded) if made else plan.compression
                if actual == plan.compression:
                    _assemble(result, plate, parts, tables, plan, made, attributes)
                    if plan.compression in LOSSY or _reads_back(plate, patch, plan, result):
                        break
                    actual = "zip"
                    if plan.compression == "zip":
                        raise RenderError("output-unwritable", f"{path} did not read back as it was written.")
            except OSError as error:
                raise write_failed(path, error) from error
            except DamagedExrError as error:
                raise write_failed(path, f"the file on the disk is not whole: {error}") from error
            # OpenImageIO took another compression, or this one did not keep every bit.
            notes.append(f"{plan.compression} could not be kept for this plate: written as {actual}.")
            plan = _plan(parts[plate.part], tables[plate.part], patch, actual)
        publish(result, path)
    return tuple(notes)


def _layout(plate: PlateFile) -> tuple[tuple[ExrPart, ...], list[list[Chunk]]]:
    try:
        opened = read_exr_header(plate.path)
        tables = read_chunks(plate.path)
    except (DamagedExrError, OSError) as error:
        raise damaged(plate.path, error) from error
    if opened is None:
        raise damaged(plate.path, "it is no OpenEXR file any more")
    return opened[0], tables


def _first_plan(
    plate: PlateFile, part: ExrPart, table: list[Chunk], patch: Patch, compression: str | None
) -> tuple[_Plan, list[str]]:
    """Return the plan for what was asked, and notes for the artist."""
    notes = []
    if patch.outside:
        notes.append(f"{patch.outside} changed pixels lie outside the plate's data window and were left out.")
    stored = part.compression
    asked = compression or stored
    if stored in LOSSY and compression is None and patch.mask.any():
        asked = "zip"
        notes.append(f"The plate's {stored} compression would alter pixels that were not touched: written as zip.")
    if asked in LOSSY and (asked != stored or patch.mask.any()):
        notes.append(f"{asked} was asked for: pixels that were not touched are not exactly those of {plate.path.name}.")
    return _plan(part, table, patch, asked), notes


def _plan(part: ExrPart, table: list[Chunk], patch: Patch, compression: str) -> _Plan:
    everything = compression != part.compression
    windows = _chunk_windows(part, table)
    touched = [pair for pair in zip(table, windows, strict=True) if everything or patch.touches(pair[1])]
    return _Plan(compression, everything, tuple(touched))


def _chunk_windows(part: ExrPart, table: list[Chunk]) -> list[Window]:
    """Return the pixels that each chunk holds."""
    data = part.data_window
    if part.tile:
        width, height = part.tile
        corners = [(data.x + chunk.place[0] * width, data.y + chunk.place[1] * height) for chunk in table]
        return [Window(x, y, width, height).intersect(data) for x, y in corners]
    tops = sorted(chunk.place[0] for chunk in table)
    below = dict(zip(tops, [*tops[1:], data.bottom], strict=True))
    return [Window(data.x, chunk.place[0], data.width, below[chunk.place[0]] - chunk.place[0]) for chunk in table]


def _bands(plate: PlateFile, window: Window) -> Iterator[Window]:
    """Split `window` into rows of whole tiles, or groups of scanlines, of a size that fits in memory."""
    row = max(window.width * len(plate.channels) * 4, 1)
    unit = plate.tile[1] if plate.tile else 256
    rows = max(_BAND_BYTES // row // unit, 1) * unit
    for top in range(window.y, window.bottom, rows):
        yield Window(window.x, top, window.width, min(rows, window.bottom - top))


def _patched(source: oiio.ImageInput, plate: PlateFile, patch: Patch, band: Window) -> np.ndarray:
    pixels = read_native(source, plate, band)
    patch.apply(pixels, band, plate)
    return pixels


def _encode(plate: PlateFile, patch: Patch, plan: _Plan, target: Path, path: Path) -> dict[tuple[int, ...], Chunk]:
    """Let OpenImageIO write the plan's window as a file of its own; return its chunks by their place in the plate."""
    window = plan.window
    output = oiio.ImageOutput.create(str(target))
    if output is None or not output.open(str(target), _encoding_spec(plate, plan)):
        raise write_failed(path, output.geterror() if output else oiio.geterror())
    source = open_input(plate.path)
    try:
        for band in _bands(plate, window):
            pixels = _patched(source, plate, patch, band)
            if plate.tile:
                done = output.write_tiles(band.x, band.right, band.y, band.bottom, 0, 1, pixels)
            else:
                done = output.write_scanlines(band.y, band.bottom, 0, pixels)
            if not done:
                raise write_failed(path, output.geterror())
    finally:
        source.close()
        closed = output.close()
    if not closed:
        raise write_failed(path, output.geterror())
    chunks = read_chunks(target)[0]
    if not plate.tile:
        return {chunk.place: chunk for chunk in chunks}
    left, top = (window.x - plate.data.x) // plate.tile[0], (window.y - plate.data.y) // plate.tile[1]
    moved = [replace(c, place=(c.place[0] + left, c.place[1] + top, *c.place[2:])) for c in chunks]
    return {chunk.place: chunk for chunk in moved}


def _encoding_spec(plate: PlateFile, plan: _Plan) -> oiio.ImageSpec:
    """Return the specification of the beauty part's channels over the plan's window.

    Unsigned integers are declared as floats: the packed bytes of a 32-bit sample do not depend on which of the two it
    is, and OpenImageIO then copies them without scaling.
    """
    window = plan.window
    kinds = ["half" if kind == "half" else "float" for kind in plate.beauty.formats]
    spec = oiio.ImageSpec(window.width, window.height, len(kinds), kinds[0])
    if len(set(kinds)) > 1:
        spec.channelformats = tuple(kinds)
    spec.channelnames = plate.channels
    spec.x, spec.y = window.x, window.y
    if plate.tile:
        spec.tile_width, spec.tile_height = plate.tile
    level = plate.attributes.get("dwaCompressionLevel")
    quality = f":{level:g}" if plan.compression.startswith("dwa") and isinstance(level, float) else ""
    spec.attribute("compression", plan.compression + quality)
    return spec


def _compression_of(path: Path) -> str:
    opened = read_exr_header(path)
    if opened is None:
        raise DamagedExrError("it has no header")
    return opened[0][0].compression


def _assemble(
    target: Path,
    plate: PlateFile,
    parts: tuple[ExrPart, ...],
    tables: list[list[Chunk]],
    plan: _Plan,
    made: Mapping[tuple[int, ...], Chunk],
    attributes: Mapping[str, str | int | float],
) -> None:
    """Write the new file: the plate's headers and chunks, with those of `made` in the place of its own."""
    old = tables[plate.part]
    table = list(made.values()) if plan.everything else _exchanged(old, plan, made)
    part = with_attributes(parts[plate.part], _changed_fields(parts[plate.part], plan, len(table), attributes))
    new_parts = [part if index == plate.part else other for index, other in enumerate(parts)]
    # Readers that open the first header alone, as hosts and the client do, find the attributes there.
    new_parts[0] = with_attributes(new_parts[0], [pack_attribute(name, value) for name, value in attributes.items()])
    new_tables = [table if index == plate.part else other for index, other in enumerate(tables)]
    if plan.everything:
        in_order = sorted(table, key=_downwards if part.line_order != 1 else _upwards)
        order = [(min(chunk.offset for chunk in old), chunk) for chunk in in_order]
    else:
        order = [(before.offset, after) for before, after in zip(old, table, strict=True)]
    order += [(chunk.offset, chunk) for index, other in enumerate(tables) if index != plate.part for chunk in other]
    with target.open("wb") as stream:
        write_exr_file(stream, new_parts, new_tables, [chunk for _, chunk in sorted(order, key=lambda item: item[0])])


def _exchanged(old: list[Chunk], plan: _Plan, made: Mapping[tuple[int, ...], Chunk]) -> list[Chunk]:
    touched = {chunk.place for chunk, _ in plan.touched}
    return [made[chunk.place] if chunk.place in touched else chunk for chunk in old]


def _downwards(chunk: Chunk) -> tuple[int, ...]:
    *left, top = chunk.place[:2]
    return (top, *left)


def _upwards(chunk: Chunk) -> tuple[int, ...]:
    *left, top = chunk.place[:2]
    return (-top, *left)


def _changed_fields(
    part: ExrPart, plan: _Plan, chunks: int, attributes: Mapping[str, str | int | float]
) -> list[Attribute]:
    fields = [pack_attribute(name, value) for name, value in attributes.items()]
    if plan.everything:
        fields.append(Attribute("compression", "compression", bytes([COMPRESSIONS.index(plan.compression)])))
        if part.get("chunkCount"):
            fields.append(Attribute("chunkCount", "int", struct.pack("<i", chunks)))
    return fields


def _reads_back(plate: PlateFile, patch: Patch, plan: _Plan, result: Path) -> bool:
    """Return whether the encoded chunks read back bit for bit: the plate's samples with the patch in them."""
    if not plan.touched:
        return True
    written = replace(plate, path=result)
    before, after = open_input(plate.path), open_input(result)
    try:
        for band in _bands(plate, plan.window):
            wanted = _patched(before, plate, patch, band)
            try:
                found = read_native(after, written, band)
            except RenderError:
                return False
            if wanted.tobytes() != found.tobytes():
                return False
        return True
    finally:
        before.close()
        after.close()
