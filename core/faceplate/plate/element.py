"""The element: the new face as an OpenEXR file of its own, with the plate's windows and metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)

from faceplate.image.window import Window
from faceplate.plate.exr.container import (
    Attribute,
    DamagedExrError,
    ExrPart,
    pack_attribute,
    read_chunks,
    read_exr_header,
    with_attributes,
    write_exr_file,
)
from faceplate.plate.patch import within_half
from faceplate.plate.reader import PlateFile, damaged, open_input
from faceplate.system.atomic import publish, temporary_beside, write_failed

__all__ = ["carry_fields", "element_exr", "finish_exr", "write_scanline_exr"]

_LOSSLESS = ("none", "rle", "zips", "zip", "piz")
# Fields about storage, or about channels and parts that the new file does not have.
_STRUCTURE = {
    "channels", "compression", "dataWindow", "lineOrder", "tiles", "type", "name", "chunkCount", "version",
    "maxSamplesPerPixel", "dwaCompressionLevel", "preview", "idManifest", "multiView", "view", "envmap",
    "acesImageContainerFlag", "deepImageState", "displayWindow",
}  # fmt: skip
_MADE_BY_THE_WRITER = {
    "channels", "compression", "dataWindow", "displayWindow", "lineOrder", "pixelAspectRatio", "screenWindowCenter",
    "screenWindowWidth", "tiles", "type", "name", "chunkCount", "version",
}  # fmt: skip
_NOT_CARRIED = ("oiio:", "tiff:", "jpeg:", "png:", "thumbnail", "openexr:")
_ROUNDS_FLOATS = {"dwaa", "dwab", "pxr24"}
_NOT_CARRIED_NAMES = {"ICCProfile", "Orientation", "compression", "planarconfig", "CICP", "textureformat"}
_DPX_STORAGE = {
    "dpx:Packing", "dpx:EndOfLinePadding", "dpx:EndOfImagePadding", "dpx:DittoKey", "dpx:ImageDescriptor",
    "dpx:Version", "dpx:Signal", "dpx:TimeCode",
}  # fmt: skip
_SUFFIXES = {2: ("u", "v"), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}

Layer = tuple[list[str], np.ndarray, list[str]]  # channel names, (h, w, channels) float32, stored formats


def element_exr(
    plate: PlateFile,
    path: Path,
    region: Window,
    rgba: np.ndarray,
    layers: Mapping[str, np.ndarray],
    attributes: Mapping[str, str | int | float],
    compression: str | None,
    multipart: bool,
    float_layers: frozenset[str],
) -> tuple[str, ...]:
    """Write an element; see `writer.write_element`, which checks the request.

    Parameters
    ----------
    plate : PlateFile
        The plate, whose windows, header fields and sample format the element takes.
    path : Path
        The file to write.
    region : Window
        The element's data window.
    rgba : numpy.ndarray
        float32 (h, w, 4), premultiplied, in the plate's encoding.
    layers : mapping of str to numpy.ndarray
        Further layers by name, float32 (h, w) or (h, w, c).
    attributes : mapping
        Header fields to add to every part.
    compression : str or None
        The compression; None for the plate's where that loses nothing, else zip.
    multipart : bool
        Give every layer a part of its own.
    float_layers : frozenset of str
        Layers that are stored as float whatever the plate's format.

    Returns
    -------
    tuple of str
        Notes for the artist, one sentence each.
    """
    kind = _depth(plate)
    notes = []
    if region.empty:
        region = Window(plate.display.x, plate.display.y, 1, 1)
        rgba = np.zeros((1, 1, 4), np.float32)
        layers = {name: np.zeros((1, 1, *layer.shape[2:]), np.float32) for name, layer in layers.items()}
        notes.append("The region is empty: the element is one empty pixel.")
    parts = [("rgba", _layer("", rgba, region, kind))]
    parts += [
        (name, _layer(name, layer, region, "float" if name in float_layers else kind)) for name, layer in layers.items()
    ]
    if not multipart:
        parts = [("", _merged([layer for _, layer in parts]))]
    chosen = compression or (plate.compression if plate.is_exr and plate.compression in _LOSSLESS else "zip")
    if float_layers and chosen in _ROUNDS_FLOATS:
        notes.append(
            f"Compressed with zip: {chosen} would alter the places and ids in {', '.join(sorted(float_layers))}."
        )
        chosen = "zip"
    specs = _specs(plate, region, parts)
    with temporary_beside(path) as encoded, temporary_beside(path) as result:
        pictures = [(spec, layer[1]) for spec, (_, layer) in zip(specs, parts, strict=True)]
        write_scanline_exr(encoded, path, pictures, chosen)
        finish_exr(encoded, result, path, plate, attributes)
        publish(result, path)
    return tuple(notes)


def write_scanline_exr(
    target: Path, path: Path, pictures: list[tuple[oiio.ImageSpec, np.ndarray]], compression: str
) -> None:
    """Write pictures as the parts of a scanline OpenEXR file, encoded by OpenImageIO.

    Parameters
    ----------
    target : Path
        The file to write, a temporary one.
    path : Path
        The final name, for messages.
    pictures : list of (oiio.ImageSpec, numpy.ndarray)
        Specification and samples (h, w, channels) of each part.
    compression : str
        The compression of every part.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`.
    """
    for spec, _ in pictures:
        spec.attribute("compression", compression)
    output = oiio.ImageOutput.create(str(target))
    if output is None:
        raise write_failed(path, oiio.geterror())
    specs = [spec for spec, _ in pictures]
    try:
        done = output.open(str(target), specs if len(specs) > 1 else specs[0])
        for index, (spec, pixels) in enumerate(pictures):
            if index and done:
                done = output.open(str(target), spec, "AppendSubimage")
            if not done or not output.write_image(np.ascontiguousarray(pixels)):
                raise write_failed(path, output.geterror())
    finally:
        closed = output.close()
    if not closed:
        raise write_failed(path, output.geterror())


def finish_exr(
    encoded: Path, result: Path, path: Path, plate: PlateFile, attributes: Mapping[str, str | int | float]
) -> None:
    """Copy the file that OpenImageIO wrote, with the plate's own header fields in the place of translated ones.

    Parameters
    ----------
    encoded, result : Path
        The file that OpenImageIO wrote, and the file to write.
    path : Path
        The final name, for messages.
    plate : PlateFile
        The plate whose header fields are taken byte for byte.
    attributes : mapping
        Header fields to add to every part.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`, `plate-damaged`.
    """
    plate_part = _plate_header(plate)
    added = [pack_attribute(name, value) for name, value in attributes.items()]
    try:
        opened = read_exr_header(encoded)
        tables = read_chunks(encoded)
        if opened is None:
            raise DamagedExrError("it has no header")
        parts = [with_attributes(_with_plate_fields(part, plate, plate_part), added) for part in opened[0]]
        with result.open("wb") as stream:
            order = sorted((chunk for table in tables for chunk in table), key=lambda chunk: chunk.offset)
            write_exr_file(stream, parts, tables, order)
    except OSError as error:
        raise write_failed(path, error) from error
    except DamagedExrError as error:
        raise write_failed(path, f"the file on the disk is not whole: {error}") from error


def carry_fields(source: oiio.ImageSpec, target: oiio.ImageSpec) -> None:
    """Copy the fields of a plate that is no OpenEXR file into a specification: time code, camera, reel, `dpx:` fields."""
    for item in source.extra_attribs:
        if not item.name.startswith(_NOT_CARRIED) and item.name not in _NOT_CARRIED_NAMES:
            target.attribute(item.name, item.type, item.value)


def _plate_header(plate: PlateFile) -> ExrPart | None:
    if not plate.is_exr:
        return None
    try:
        opened = read_exr_header(plate.path)
    except (DamagedExrError, OSError) as error:
        raise damaged(plate.path, error) from error
    return opened[0][plate.part] if opened else None


def _with_plate_fields(part: ExrPart, plate: PlateFile, plate_part: ExrPart | None) -> ExrPart:
    if plate_part is None:
        invented = set() if "DateTime" in plate.attributes else {"capDate"}
        cleaned = replace(part, header=tuple(field for field in part.header if field.name not in invented))
        return with_attributes(cleaned, _foreign_fields(plate))
    own = tuple(field for field in part.header if field.name in _MADE_BY_THE_WRITER)
    return with_attributes(replace(part, header=own), (f for f in plate_part.header if f.name not in _STRUCTURE))


def _foreign_fields(plate: PlateFile) -> list[Attribute]:
    """Return the `dpx:` and `movie:` fields of a plate, which OpenImageIO does not write into another format."""
    return [
        pack_attribute(name, value)
        for name, value in plate.attributes.items()
        if name.startswith(("dpx:", "movie:")) and name not in _DPX_STORAGE and isinstance(value, (str, int, float))
    ]


def _depth(plate: PlateFile) -> str:
    """Return the element's sample format: half for half plates and for integers of 10 bits or less, else float."""
    return "half" if plate.format == "half" or plate.bit_depth <= 10 else "float"


def _layer(name: str, pixels: np.ndarray, region: Window, kind: str) -> Layer:
    """Return one layer's channels. Raises ValueError where it does not have the region's size."""
    if pixels.shape[:2] != (region.height, region.width):
        raise ValueError(f"layer '{name or 'rgba'}' is {pixels.shape}, the region {region.height} x {region.width}")
    values = pixels.reshape(region.height, region.width, -1).astype(np.float32, copy=False)
    count = values.shape[2]
    if not name:
        names = ["R", "G", "B", "A"]
    elif count == 1:
        names = [name]
    else:
        names = [f"{name}.{suffix}" for suffix in _SUFFIXES.get(count, tuple(map(str, range(count))))]
    if kind == "half":
        values = within_half(values)  # OpenImageIO rounds to nearest
    return names, values, [kind] * count


def _merged(layers: Iterable[Layer]) -> Layer:
    names, values, kinds = zip(*layers, strict=True)
    return [*chain(*names)], np.concatenate(values, axis=2), [*chain(*kinds)]


def _specs(plate: PlateFile, region: Window, parts: list[tuple[str, Layer]]) -> list[oiio.ImageSpec]:
    specs = []
    for name, (channels, values, kinds) in parts:
        spec = oiio.ImageSpec(region.width, region.height, values.shape[2], kinds[0])
        if len(set(kinds)) > 1:
            spec.channelformats = tuple(kinds)
        spec.channelnames = tuple(channels)
        spec.x, spec.y = region.x, region.y
        spec.full_x, spec.full_y = plate.display.x, plate.display.y
        spec.full_width, spec.full_height = plate.display.width, plate.display.height
        if not plate.is_exr and not plate.is_movie:
            _carry_from_file(plate, spec)
        spec.attribute("PixelAspectRatio", float(plate.pixel_aspect))
        if name:
            spec.attribute("oiio:subimagename", name)
        specs.append(spec)
    return specs


def _carry_from_file(plate: PlateFile, spec: oiio.ImageSpec) -> None:
    source = open_input(plate.path)
    try:
        carry_fields(source.spec(plate.part, 0), spec)
    finally:
        source.close()
