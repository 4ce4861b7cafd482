"""Picture files out: the plate with the new face in it (over), or the new face by itself (element).

Both are written whole or not at all: under a hidden name in the output's folder, flushed to disk, then renamed; on any
exception, Ctrl-C included, nothing is left behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplate.errors import UsageError
from faceplate.image.window import Window
from faceplate.plate.element import element_exr
from faceplate.plate.exr.rewrite import check_compression, over_exr
from faceplate.plate.over_raster import over_raster, raster_to_exr
from faceplate.plate.patch import Patch
from faceplate.plate.reader import PlateFile

__all__ = ["Written", "write_element", "write_over"]

_RASTERS = {".dpx": ("dpx",), ".tif": ("tiff",), ".tiff": ("tiff",), ".png": ("png",)}
_ANY_INTEGER = (".tif", ".tiff", ".png")
_LOSSY_FORMATS = ("jpeg", "webp", "jpeg2000", "jpegxl", "heif", "gif")


@dataclass(frozen=True)
class Written:
    """A finished file, and notes for the artist, one sentence each."""

    path: Path
    notes: tuple[str, ...] = ()


def write_over(
    plate: PlateFile,
    path: str | Path,
    region: Window,
    rgb: np.ndarray,
    changed: np.ndarray,
    attributes: Mapping[str, str | int | float],
    compression: str | None = None,
) -> Written:
    """Write the whole plate file again with new red, green and blue where `changed` is true.

    OpenEXR: every header field, part, channel and sample that was not changed stays bit for bit, tiles, windows, line
    order and compression too, deep parts included. A plate with a lossy compression (pxr24, b44, b44a, dwaa, dwab) is
    written as zip, with a note, because encoding it again would alter untouched pixels.

    DPX, TIFF and PNG plates keep their format (by the extension of `path`); samples that were not changed stay exactly,
    and so does the header of a DPX whose samples lie as OpenImageIO packs them, and of a PNG. A TIFF's fields are
    OpenImageIO's translation: it may add a predictor and an XMP copy of a date that is there. Any plate but OpenEXR may
    also be written as .exr (half where half holds every code value, else float), any integer plate as .tif or .png. A
    movie's frames are written as .exr.

    Parameters
    ----------
    plate : PlateFile
        The plate.
    path : str or Path
        The file to write.
    region : Window
        The pixels that `rgb` and `changed` cover; those outside the plate's data window are left out, with a note.
    rgb : numpy.ndarray
        float32 (h, w, 3) in the plate's encoding. Values keep their range: a half holds at most 65504 either way, integers
        0..1. A grey plate takes the luminance.
    changed : numpy.ndarray
        bool (h, w).
    attributes : mapping
        Header fields to add: to the header of the changed part, and to that of the first part.
    compression : str, optional
        The compression of the changed part, in the place of the plate's.

    Raises
    ------
    UsageError
        `lossy-plate` (a JPEG over a JPEG), `output-format`, `bad-compression`, `plate-mipmap`.
    RenderError
        `plate-missing`, `plate-unreadable`, `plate-damaged`, `disk-full`, `output-unwritable`.
    ValueError
        An array does not have the region's size.
    """
    path = Path(path)
    check_compression(compression)
    patch = Patch.clipped(plate, region, rgb, changed)
    suffix = path.suffix.lower()
    if plate.is_exr and suffix == ".exr":
        return Written(path, over_exr(plate, path, patch, attributes, compression))
    _check_format(plate, path)
    if suffix == ".exr":
        notes = raster_to_exr(plate, path, patch, attributes, compression)
    else:
        notes = over_raster(plate, path, patch, attributes)
    if patch.outside:
        notes += (f"{patch.outside} changed pixels lie outside the plate's data window and were left out.",)
    return Written(path, notes)


def write_element(
    plate: PlateFile,
    path: str | Path,
    region: Window,
    rgba: np.ndarray,
    layers: Mapping[str, np.ndarray],
    attributes: Mapping[str, str | int | float],
    compression: str | None = None,
    multipart: bool = False,
    float_layers: frozenset[str] = frozenset(),
) -> Written:
    """Write the new face as an OpenEXR file: R, G, B, A and one channel or more for each layer, in scanlines.

    A layer of one channel is named as its key; 2, 3 or 4 channels add .u .v, .R .G .B or .R .G .B .A. Display window, pixel
    aspect, time code, chromaticities, camera and other fields are the plate's own bytes, except those about storage and
    `acesImageContainerFlag`, since an element is no ACES container. Samples are half for half plates and for integers up to
    10 bits, else float.

    Parameters
    ----------
    plate : PlateFile
        The plate.
    path : str or Path
        The file to write; it must end in .exr.
    region : Window
        The data window; one empty pixel where it is empty.
    rgba : numpy.ndarray
        float32 (h, w, 4), premultiplied, in the plate's encoding.
    layers : mapping of str to numpy.ndarray
        float32 (h, w) or (h, w, c) by name.
    attributes : mapping
        Header fields to add to every part.
    compression : str, optional
        The compression; else the plate's where it loses nothing, else zip.
    multipart : bool
        Give every layer a part of its own.
    float_layers : frozenset of str
        Layers that are always stored as float.

    Raises
    ------
    UsageError
        `output-format`, `bad-compression`.
    RenderError
        `plate-missing`, `plate-unreadable`, `plate-damaged`, `disk-full`, `output-unwritable`.
    ValueError
        An array does not have the region's size.
    """
    path = Path(path)
    check_compression(compression)
    if path.suffix.lower() != ".exr":
        raise UsageError("output-format", f"{path} must end in .exr: an element is an OpenEXR file.")
    if not region.empty and rgba.shape != (region.height, region.width, 4):
        raise ValueError(f"region {region} needs (h, w, 4), not {rgba.shape}")
    notes = element_exr(plate, path, region, rgba, layers, attributes, compression, multipart, float_layers)
    return Written(path, notes)


def _check_format(plate: PlateFile, path: Path) -> None:
    """Raise UsageError where the plate cannot be written in the format that `path` asks for."""
    suffix = path.suffix.lower()
    integers = all(kind.startswith("uint") for kind in plate.beauty.formats)
    if plate.is_movie and suffix != ".exr":
        raise UsageError("output-format", f"{path.name}: a movie's frames are written as .exr.")
    same = plate.file_format in _RASTERS.get(suffix, ())
    if suffix == ".exr" or same or (suffix in _ANY_INTEGER and integers):
        return
    if plate.file_format in _LOSSY_FORMATS:
        message = (
            f"{plate.path.name} is a lossy format, which cannot be written again unharmed: write .exr, .tif or .png."
        )
        raise UsageError("lossy-plate", message)
    what = f"a plate in {plate.file_format} format cannot be written as '{suffix or 'a file without extension'}'"
    raise UsageError("output-format", f"{path.name}: {what}: use the plate's own extension or .exr.")
