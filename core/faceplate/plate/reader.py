"""Picture files in: a file's description from its header, and the pixels of a region.

Pixels are float32, in the file's own encoding and primaries: nothing here converts colour. OpenImageIO decodes; for
OpenEXR the header is read beside it, because OpenImageIO gives derived values (`oiio:ColorSpace` from an interop ID,
for one) that cannot be told from what the file says.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)

from faceplate.errors import RenderError
from faceplate.image.window import Window
from faceplate.plate.channels import PlatePart, choose_beauty
from faceplate.plate.exr.container import Attribute, DamagedExrError, ExrPart, read_exr_header
from faceplate.plate.movie import Movie, is_movie, open_movie
from faceplate.system.user_paths import exists

__all__ = ["PlateFile", "damaged", "open_input", "read_picture", "read_pixels", "tile_aligned"]

_BITS = {"half": 16, "float": 32, "double": 64, "uint8": 8, "int8": 8, "uint16": 16, "int16": 16, "uint": 32, "int": 32}
# What OpenImageIO assumes for a JPEG or PNG without a tag; only another value, or a tag, comes from the file.
_ASSUMED = "srgb_rec709_scene"


@dataclass(frozen=True)
class PlateFile:
    """One picture file, described from its header.

    Attributes
    ----------
    path : Path
        The file.
    file_format : str
        OpenImageIO's name of the format, or `movie`.
    parts : tuple of PlatePart
        The parts, in file order.
    part : int
        The index of the beauty part, which holds the picture.
    rgb : tuple of str
        The channels that are read as red, green and blue; three times the same for a grey file.
    display : Window
        The beauty part's display window.
    pixel_aspect : float
        Width of a pixel over its height.
    bit_depth : int
        The bits that a sample really holds (10 in a 10-bit DPX whose samples arrive as uint16).
    orientation : int
        The Exif number; 1 is upright.
    attributes : mapping
        The beauty part's header fields: for OpenEXR under the file's own names (`capDate`, `timeCode`), simple types only;
        otherwise what OpenImageIO gives (`dpx:Transfer`, `Exif:ColorSpace`), without its `oiio:` ones.
    explicit_color_space, interop_id : str, optional
        Only what the file itself says: an `oiio:ColorSpace` or `colorInteropID` field of an OpenEXR file, the Exif or gamma
        tag of a JPEG, TIFF or PNG, the cICP chunk of a PNG. DPX: see `attributes["dpx:Transfer"]`.
    chromaticities : tuple of float, optional
        CIE xy of red, green, blue and white, where the file says them.
    movie_frame : int, optional
        The frame of a movie; None for other files.
    """

    path: Path
    file_format: str
    parts: tuple[PlatePart, ...]
    part: int
    rgb: tuple[str, str, str]
    display: Window
    pixel_aspect: float
    bit_depth: int
    orientation: int
    attributes: Mapping[str, Any] = field(compare=False)
    explicit_color_space: str | None
    interop_id: str | None
    chromaticities: tuple[float, ...] | None
    movie_frame: int | None = None

    @classmethod
    def open(cls, path: str | Path, layer: str | None = None, frame: int = 0) -> PlateFile:
        """Read a file's header.

        Parameters
        ----------
        path : str or Path
            The file.
        layer : str, optional
            A part's name or a channel prefix (`beauty` for `beauty.R`). Without it: the first part or layer with R, G and B,
            else a single channel taken as grey.
        frame : int
            The frame of a movie; other files ignore it.

        Raises
        ------
        RenderError
            `plate-missing`, `plate-unreadable` (empty, no picture, no permission), `plate-damaged`, `plate-deep` (the picture
            is deep samples).
        UsageError
            `no-rgb`; the message names the channels that exist.
        """
        path = Path(path)
        if is_movie(path):
            return _describe_movie(open_movie(path), frame)
        header = _exr_header(path)
        source = open_input(path)
        try:
            specs = _specs(source)
            parts = tuple(map(_describe_part, specs, header or [None] * len(specs)))
            index, rgb = choose_beauty(parts, layer, path)
            return _describe(
                path, source.format_name(), specs[index], parts, index, rgb, header[index] if header else None
            )
        finally:
            source.close()

    @property
    def beauty(self) -> PlatePart:
        """The part that holds the picture."""
        return self.parts[self.part]

    @property
    def data(self) -> Window:
        """The beauty part's data window."""
        return self.beauty.data

    @property
    def channels(self) -> tuple[str, ...]:
        """The beauty part's channels."""
        return self.beauty.channels

    @property
    def formats(self) -> dict[str, str]:
        """The stored format of every channel of the beauty part: `half`, `float`, `uint8`, `uint16`, `uint`."""
        return dict(zip(self.beauty.channels, self.beauty.formats, strict=True))

    @property
    def format(self) -> str:
        """The stored format of the picture: of its red channel."""
        return self.formats[self.rgb[0]]

    @property
    def compression(self) -> str:
        """The beauty part's compression."""
        return self.beauty.compression

    @property
    def tile(self) -> tuple[int, int] | None:
        """Tile width and height of the beauty part; None for scanlines."""
        return self.beauty.tile

    @property
    def tiled(self) -> bool:
        """Whether the beauty part is stored in tiles."""
        return self.beauty.tile is not None

    @property
    def grey(self) -> bool:
        """Whether one channel is read as red, green and blue."""
        return self.rgb[0] == self.rgb[1] == self.rgb[2]

    @property
    def is_movie(self) -> bool:
        """Whether the file is a movie."""
        return self.movie_frame is not None

    @property
    def is_exr(self) -> bool:
        """Whether the file is OpenEXR."""
        return self.file_format == "openexr"

    def read_rgb(self, region: Window | None = None) -> np.ndarray:
        """Return the picture in `region`, or in the data window for None.

        Reads only the scanlines of the region's rows, or only the tiles that it touches; a file that is cut off below the
        region can still be read.

        Returns
        -------
        numpy.ndarray
            float32 (h, w, 3) in the plate's encoding; 0 outside the data window. Half and float samples are exact, NaN,
            infinities and negatives included; integers are scaled to 0..1; a PNG's colour is not multiplied by its alpha.

        Raises
        ------
        RenderError
            `plate-missing`, `plate-unreadable`, `plate-damaged`.
        """
        region = self.data if region is None else region
        if self.movie_frame is None:
            return self.read_channels(self.rgb, region)
        result = np.zeros((max(region.height, 0), max(region.width, 0), 3), np.float32)
        inside = region.intersect(self.data)
        if not inside.empty:
            result[inside.slices(region)] = open_movie(self.path).read(self.movie_frame, inside)
        return result

    def read_channels(self, names: Sequence[str], region: Window) -> np.ndarray:
        """Return channels of the beauty part in `region`, in one pass over the file; a movie has none to name.

        Returns
        -------
        numpy.ndarray
            float32 (h, w, len(names)), as `read_rgb` gives them.

        Raises
        ------
        RenderError
            `plate-missing`, `plate-unreadable`, `plate-damaged`.
        """
        inside = region.intersect(self.data)
        if inside.empty:
            return np.zeros((max(region.height, 0), max(region.width, 0), len(names)), np.float32)
        source = open_input(self.path)
        try:
            indices = [self.channels.index(name) for name in names]
            first, end = min(indices), max(indices) + 1
            # Whole rows are decoded; halves are widened, exactly, only where they are wanted.
            half = set(self.beauty.formats[first:end]) == {"half"}
            pixels = read_pixels(source, self, inside, first, end, "half" if half else "float")
        finally:
            source.close()
        order = [index - first for index in indices]
        wanted = (pixels if order == list(range(end - first)) else pixels[..., order]).astype(np.float32)
        if inside == region:
            return wanted
        result = np.zeros((region.height, region.width, len(names)), np.float32)
        result[inside.slices(region)] = wanted
        return result


def read_picture(path: str | Path, frame: int = 0) -> tuple[np.ndarray, PlateFile]:
    """Read a still whole and upright, or frame `frame` of a movie.

    A JPEG, TIFF or PNG is turned as its Exif orientation says.

    Returns
    -------
    pixels : numpy.ndarray
        float32 (h, w, 3) in the file's own encoding.
    plate : PlateFile
        The file's description.

    Raises
    ------
    FaceplateError
        What `PlateFile.open` raises.
    """
    plate = PlateFile.open(path, frame=frame)
    pixels = plate.read_rgb()
    if plate.orientation in range(2, 9):
        if plate.orientation >= 5:
            pixels = pixels.transpose(1, 0, 2)
        flip_rows = plate.orientation in (3, 4, 7, 8)
        flip_columns = plate.orientation in (2, 3, 6, 7)
        pixels = pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
    return np.ascontiguousarray(pixels), plate


def open_input(path: Path) -> oiio.ImageInput:
    """Open a file in OpenImageIO, with colour left unmultiplied.

    Raises
    ------
    RenderError
        `plate-missing`, `plate-unreadable`.
    """
    if not exists(path):
        raise RenderError("plate-missing", f"{path} does not exist: check the pattern and the frame range.")
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageInput.open(str(path), config)
    if source is None:
        reason = _sentence(oiio.geterror())
        raise RenderError("plate-unreadable", f"{path} cannot be read as a picture ({reason}).")
    return source


def read_pixels(
    source: oiio.ImageInput, plate: PlateFile, window: Window, first: int, end: int, kind: str
) -> np.ndarray:
    """Return channels `first` to `end` of the beauty part in `window`, as samples of format `kind`.

    Only the window's scanlines, or the tiles that it touches, are read.

    Parameters
    ----------
    source : oiio.ImageInput
        The opened file.
    plate : PlateFile
        Its description.
    window : Window
        The pixels to read, inside the data window.
    first, end : int
        The channels.
    kind : str
        OpenImageIO's name of the sample format.

    Returns
    -------
    numpy.ndarray
        (h, w, end - first).

    Raises
    ------
    RenderError
        `plate-damaged`.
    """
    data, tile = plate.data, plate.tile
    if tile is None:
        block = Window(data.x, window.y, data.width, window.height)
        pixels = source.read_scanlines(plate.part, 0, block.y, block.bottom, 0, first, end, kind)
    else:
        block = tile_aligned(window, data, tile)
        box = (block.x, block.right, block.y, block.bottom, 0, 1)  # x, y and z, each as begin and end
        pixels = source.read_tiles(plate.part, 0, *box, first, end, kind)
    message = source.geterror()
    if pixels is None or "premature end" in message.lower():
        raise damaged(plate.path, _sentence(message))
    return pixels.reshape(block.height, block.width, end - first)[window.slices(block)]


def tile_aligned(window: Window, data: Window, tile: tuple[int, int]) -> Window:
    """Grow `window` to whole tiles, which begin at the data window's corner and end at its edge."""
    left = data.x + (window.x - data.x) // tile[0] * tile[0]
    top = data.y + (window.y - data.y) // tile[1] * tile[1]
    right = min(data.x - (data.x - window.right) // tile[0] * tile[0], data.right)
    bottom = min(data.y - (data.y - window.bottom) // tile[1] * tile[1], data.bottom)
    return Window(left, top, right - left, bottom - top)


def damaged(path: Path, reason: object) -> RenderError:
    """Return the error for a plate that cannot be read to its end: `plate-damaged`."""
    return RenderError("plate-damaged", f"{path} is damaged or cut short ({reason}): copy or render it again.")


def _exr_header(path: Path) -> tuple[ExrPart, ...] | None:
    try:
        opened = read_exr_header(path)
        for part in opened[0] if opened else ():
            part.check()
    except DamagedExrError as error:
        raise damaged(path, error) from error
    except FileNotFoundError as error:
        message = f"{path} does not exist: check the pattern and the frame range."
        raise RenderError("plate-missing", message) from error
    except OSError as error:
        raise RenderError("plate-unreadable", f"{path} cannot be read ({error.strerror}).") from error
    return opened[0] if opened else None


def _specs(source: oiio.ImageInput) -> list[oiio.ImageSpec]:
    specs = []
    while (spec := source.spec(len(specs), 0)).format != oiio.UNKNOWN and spec.width > 0:
        specs.append(spec)
        if len(specs) >= 10_000:
            break
    source.geterror()  # asking past the last part is an error to OpenImageIO
    return specs


def _describe_part(spec: oiio.ImageSpec, header: ExrPart | None) -> PlatePart:
    formats = tuple(str(spec.channelformat(index)) for index in range(spec.nchannels))
    return PlatePart(
        name=spec.get_string_attribute("oiio:subimagename") or spec.get_string_attribute("name"),
        channels=tuple(spec.channelnames),
        formats=formats,
        data=Window(spec.x, spec.y, spec.width, spec.height),
        tile=(spec.tile_width, spec.tile_height) if spec.tile_width else None,
        compression=header.compression if header else spec.get_string_attribute("compression") or "none",
        deep=bool(spec.deep),
    )


def _describe(
    path: Path,
    file_format: str,
    spec: oiio.ImageSpec,
    parts: tuple[PlatePart, ...],
    index: int,
    rgb: tuple[str, str, str],
    header: ExrPart | None,
) -> PlateFile:
    depth = _BITS.get(parts[index].formats[parts[index].channels.index(rgb[0])], 32)
    stored = spec.get_int_attribute("oiio:BitsPerSample")
    attributes = _exr_attributes(header) if header else _attributes(spec)
    color = _exr_color(header) if header else _color(attributes, file_format, spec)
    return PlateFile(
        path=path,
        file_format=file_format,
        parts=parts,
        part=index,
        rgb=rgb,
        display=Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height),
        pixel_aspect=spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0,
        bit_depth=stored if 0 < stored < depth else depth,
        orientation=spec.get_int_attribute("Orientation", 1),
        attributes=attributes,
        explicit_color_space=color[0],
        interop_id=color[1],
        chromaticities=color[2],
    )


def _describe_movie(movie: Movie, frame: int) -> PlateFile:
    """Describe frame `frame` of a movie. Raises RenderError `plate-missing` where there is none."""
    movie.check(frame)
    kind = "uint8" if movie.bit_depth <= 8 else "uint16"
    attributes: dict[str, Any] = {"movie:codec": movie.codec, "movie:frame": frame, "movie:rate": str(movie.rate)}
    if movie.timecode:
        attributes["movie:timecode"] = movie.timecode
    return PlateFile(
        path=movie.path,
        file_format="movie",
        parts=(PlatePart("", ("R", "G", "B"), (kind,) * 3, movie.data, None, movie.codec, False),),
        part=0,
        rgb=("R", "G", "B"),
        display=movie.data,
        pixel_aspect=movie.pixel_aspect,
        bit_depth=movie.bit_depth,
        orientation=1,
        attributes=attributes,
        explicit_color_space=None,
        interop_id=movie.tags.interop_id,
        chromaticities=None,
        movie_frame=frame,
    )


def _attributes(spec: oiio.ImageSpec) -> dict[str, Any]:
    return {
        item.name: item.value
        for item in spec.extra_attribs
        if not item.name.startswith("oiio:") and item.name != "ICCProfile"
    }


_Color = tuple[str | None, str | None, tuple[float, ...] | None]


def _color(attributes: Mapping[str, Any], file_format: str, spec: oiio.ImageSpec) -> _Color:
    said = spec.get_string_attribute("oiio:ColorSpace")
    if "CICP" in attributes:
        return None, said or None, None
    if attributes.get("Exif:ColorSpace") == 1:
        return _ASSUMED, None, None
    tagged = file_format in ("png", "tiff") and said not in ("", _ASSUMED)
    return (said if tagged else None), None, None


def _exr_color(header: ExrPart) -> _Color:
    chromaticities = header.get("chromaticities")
    sound = chromaticities and chromaticities.kind == "chromaticities" and len(chromaticities.data) == 32
    return (
        header.text("oiio:ColorSpace") or None,
        header.text("colorInteropID") or None,
        struct.unpack("<8f", chromaticities.data) if chromaticities and sound else None,
    )


_LAYOUTS = {
    "int": "<i", "float": "<f", "double": "<d", "v2i": "<2i", "v2f": "<2f", "v3i": "<3i", "v3f": "<3f",
    "box2i": "<4i", "box2f": "<4f", "m33f": "<9f", "m44f": "<16f", "rational": "<iI", "timecode": "<2I",
    "keycode": "<7i", "chromaticities": "<8f",
}  # fmt: skip


def _exr_attributes(header: ExrPart) -> dict[str, Any]:
    """Return the header's fields of simple types: str, int, float or a tuple of numbers."""
    values = {attribute.name: _value(attribute) for attribute in header.header}
    return {name: value for name, value in values.items() if value is not None}


def _value(attribute: Attribute) -> str | int | float | tuple[int | float, ...] | None:
    if attribute.kind == "string":
        return attribute.data.decode("utf-8", "replace")
    layout = _LAYOUTS.get(attribute.kind)
    if layout is None or struct.calcsize(layout) != len(attribute.data):
        return None
    values = struct.unpack(layout, attribute.data)
    return values[0] if len(values) == 1 else values


def _sentence(message: str) -> str:
    """Return OpenImageIO's message on one line, without the full stop."""
    return " ".join(message.split()).rstrip(".") or "no reason given"
