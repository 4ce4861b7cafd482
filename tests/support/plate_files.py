"""Plates of every format, written field by field, and what is compared after Faceplate has rewritten them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from faceplate.image.window import Window
from faceplate.plate import (
    PlateFile,
    write_element,
    write_over,
)
from faceplate.plate.exr import container as exr_file

DATA = Window(-7, 5, 150, 83)
DISPLAY = Window(0, 0, 160, 90)
MOTION = Window(11, -4, 61, 70)
REGION = Window(-20, 20, 70, 40)  # begins left of the data window


def image_spec(window: Window, channels: str, kinds: list[str], compression: str, tile: int) -> oiio.ImageSpec:
    spec = oiio.ImageSpec(window.width, window.height, len(kinds), kinds[0])
    spec.channelnames = tuple(channels.split())
    if len(set(kinds)) > 1:
        spec.channelformats = tuple(kinds)
    spec.x, spec.y = window.x, window.y
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = DISPLAY.x, DISPLAY.y, DISPLAY.width, DISPLAY.height
    spec.tile_width = spec.tile_height = tile
    spec.attribute("compression", compression)
    spec.attribute("PixelAspectRatio", 2.0)
    spec.attribute("smpte:TimeCode", "timecode", (0x01020304, 7))
    spec.attribute("smpte:KeyCode", "keycode", (1, 2, 3, 4, 5, 4, 64))
    spec.attribute("chromaticities", "float[8]", (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767))
    spec.attribute("framesPerSecond", "rational", (48000, 2002))
    spec.attribute("cameraMake", "ARRI")
    spec.attribute("nuke/node_hash", "1f2e3d")
    spec.attribute("DateTime", "2026:01:02 03:04:05")
    return spec


def save_image(path: Path, spec: oiio.ImageSpec, pixels: np.ndarray | oiio.DeepData) -> Path:
    output = oiio.ImageOutput.create(str(path))
    assert output, oiio.geterror()
    assert output.open(str(path), spec), output.geterror()
    if isinstance(pixels, oiio.DeepData):
        assert output.write_deep_image(pixels), output.geterror()
    else:
        assert output.write_image(np.ascontiguousarray(pixels)), output.geterror()
    assert output.close(), output.geterror()
    return path


def join_parts(path: Path, **parts: tuple[oiio.ImageSpec, np.ndarray | oiio.DeepData]) -> Path:
    """A file of several parts, each written alone: OpenImageIO writes no tiled or deep part beside scanlines."""
    headers, tables, files = [], [], []
    for name, (spec, pixels) in parts.items():
        files.append(save_image(path.with_name(f"{name}.exr"), spec, pixels))
        opened = exr_file.read_exr_header(files[-1])
        assert opened
        tables += exr_file.read_chunks(files[-1])
        kind = b"deepscanline" if spec.deep else b"tiledimage" if spec.tile_width else b"scanlineimage"
        fields = ("type", "string", kind), ("name", "string", name.encode())
        count = ("chunkCount", "int", struct.pack("<i", len(tables[-1])))
        headers.append(
            exr_file.with_attributes(opened[0][0], [exr_file.Attribute(*field) for field in (*fields, count)])
        )
    with path.open("wb") as stream:
        exr_file.write_exr_file(stream, headers, tables, [chunk for table in tables for chunk in table])
    for file in files:
        file.unlink()
    return path


def awkward_values(window: Window, count: int, seed: int = 0) -> np.ndarray:
    """Scene-linear looking values with the awkward ones among them, (h, w, count) float64."""
    values = np.random.default_rng(seed).normal(0.5, 2.0, (window.height, window.width, count))
    values[0, :6] = values[30, 20:26] = np.array([np.nan, np.inf, -np.inf, -0.0, 65504, 6e-8])[:, None]
    return values


def deep_samples(window: Window) -> tuple[oiio.ImageSpec, oiio.DeepData]:
    spec = image_spec(window, "R G B A Z", ["half"] * 4 + ["float"], "zips", 0)
    spec.deep = True
    samples = oiio.DeepData()
    samples.init(spec)
    for pixel in range(0, samples.pixels, 3):
        samples.set_samples(pixel, 1 + pixel % 3)
        for sample in range(1 + pixel % 3):
            for channel in range(5):
                samples.set_deep_value(pixel, channel, sample, pixel * 0.25 + sample + channel)
    return spec, samples


def save_multipart(path: Path, compression: str = "zip", tile: int = 0, line_order: str = "increasingY") -> Path:
    """Beauty (half RGBA, float Z, uint id), motion vectors in another window, and deep samples; odd fields too."""
    beauty = image_spec(DATA, "R G B A Z id", ["half"] * 4 + ["float", "uint"], compression, tile)
    beauty.attribute("openexr:lineOrder", line_order)
    pixels = awkward_values(DATA, 6)
    codes = np.random.default_rng(1).integers(0, 2**32, pixels.shape[:2]).astype(np.float64)
    codes[0, :3] = 0x7F800001, 0xFFC12345, 0xFFFFFFFF  # as floats these would be signalling and quiet NaNs
    pixels[..., 5] = codes / 0xFFFFFFFF
    motion = image_spec(MOTION, "forward.u forward.v", ["float"] * 2, "dwaa", 0)
    vectors = awkward_values(MOTION, 2, 2).astype(np.float32)
    return with_odd_fields(join_parts(path, rgba=(beauty, pixels), motion=(motion, vectors), deep=deep_samples(MOTION)))


def with_odd_fields(path: Path) -> Path:
    """Put fields into the first header that OpenImageIO drops or changes: a type of its own, empty text, odd ratios."""
    data = path.read_bytes()
    odd = b"".join(
        name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
        for name, kind, value in (
            (b"vendorBlob", b"vendorType", bytes(range(40))),
            (b"emptyText", b"string", b""),
            (b"bigRatio", b"rational", struct.pack("<iI", 6, 0x90000000)),
            (b"aNameThatIsLongerThanThirtyOneBytesIndeed", b"string", b"long"),
        )
    )
    flags = struct.unpack("<I", data[4:8])[0]
    count = sum(len(table) for table in chunk_tables(path))
    start = header_ends(data)[-1] + (1 if flags & 0x1000 else 0)
    table = np.frombuffer(data[start : start + 8 * count], "<u8") + np.uint64(len(odd))
    path.write_bytes(
        data[:4] + struct.pack("<I", flags | 0x400) + odd + data[8:start] + table.tobytes() + data[start + 8 * count :]
    )
    return path


def header_ends(data: bytes) -> list[int]:
    """Where each part's header ends, by this file's own reading of the format."""
    ends, at = [], 8
    while data[at]:
        while data[at]:
            kind = data.index(b"\0", at) + 1
            size = data.index(b"\0", kind) + 1
            at = size + 4 + struct.unpack("<i", data[size : size + 4])[0]
        at += 1
        ends.append(at)
        if not struct.unpack("<I", data[4:8])[0] & 0x1000:
            break
    return ends


def raw_headers(path: Path) -> list[dict[str, tuple[bytes, bytes]]]:
    """The raw header of every part: {name: (type, value)}."""
    data = path.read_bytes()
    parts, at = [], 8
    for end in header_ends(data):
        fields: dict[str, tuple[bytes, bytes]] = {}
        while at < end - 1:
            kind = data.index(b"\0", at) + 1
            size = data.index(b"\0", kind) + 1
            length = struct.unpack("<i", data[size : size + 4])[0]
            fields[data[at : kind - 1].decode()] = (data[kind : size - 1], data[size + 4 : size + 4 + length])
            at = size + 4 + length
        at = end
        parts.append(fields)
    return parts


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def chunk_tables(path: Path) -> list[list[bytes]]:
    """Every part's chunks as bytes, in table order (scanlines and flat tiles: what these tests hold; deep ones too)."""
    data = path.read_bytes()
    return [
        [bytes(str(c.place), "ascii") + data[c.offset : c.offset + c.length] for c in table]
        for table in exr_file.read_chunks(path)
    ]


def read_native(path: Path) -> list[dict[str, np.ndarray]]:
    """Every flat part's channels with their own types, read one at a time."""
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageInput.open(str(path), config)
    assert source, oiio.geterror()
    parts = []
    for index in range(source.spec(0, 0).get_int_attribute("oiio:subimages", 1)):
        spec = source.spec(index, 0)
        if spec.deep:
            continue
        part = {}
        for channel in range(spec.nchannels):
            pixels = source.read_image(index, 0, channel, channel + 1, str(spec.channelformat(channel)))
            assert pixels is not None, source.geterror()
            part[spec.channelnames[channel]] = pixels.reshape(spec.height, spec.width)
        parts.append(part)
    source.close()
    return parts


def bits_of(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels).view(f"u{pixels.dtype.itemsize}")


def change_of(region: Window = REGION, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """New colours for a region and where they go: about a third of its pixels."""
    rng = np.random.default_rng(seed)
    rgb = rng.normal(0.4, 3.0, (region.height, region.width, 3)).astype(np.float32)
    changed = rng.random((region.height, region.width)) < 0.3
    changed[20:] = False
    return rgb, changed


def laid_into(array: np.ndarray, region: Window, data: Window) -> np.ndarray:
    """`array` of a region laid into zeros of the data window's size."""
    result = np.zeros((data.height, data.width, *array.shape[2:]), array.dtype)
    inside = region.intersect(data)
    result[inside.slices(data)] = array[inside.slices(region)]
    return result


def check_over(plate: Path, result: Path, rgb: np.ndarray, changed: np.ndarray, region: Window = REGION) -> None:
    """Every sample of every part is the plate's, but for R, G, B of the first part where it was changed."""
    before, after = read_native(plate), read_native(result)
    data = PlateFile.open(plate).data
    mask, new = laid_into(changed, region, data), laid_into(rgb, region, data)
    assert len(before) == len(after)
    for index, part in enumerate(before):
        assert list(part) == list(after[index])
        for name, pixels in part.items():
            expected = pixels.copy()
            if index == 0 and name in "RGB":
                expected[mask] = new[..., "RGB".index(name)][mask].astype(pixels.dtype)
                assert not np.array_equal(bits_of(pixels), bits_of(expected))
            np.testing.assert_array_equal(bits_of(after[index][name]), bits_of(expected), err_msg=name)


def save_flat(path: Path, channels: str = "R G B", kind: str = "half", seed: int = 3, **fields: str | int) -> Path:
    count = len(channels.split())
    spec = oiio.ImageSpec(40, 30, count, kind)
    spec.channelnames = tuple(channels.split())
    for name, value in fields.items():
        spec.attribute(name.replace("__", ":"), value)
    pixels = np.random.default_rng(seed).random((30, 40, count)).astype(np.float32)
    return save_image(path, spec, pixels)


def with_color_space(path: Path, name: bytes) -> Path:
    data = path.read_bytes()
    field = b"oiio:ColorSpace\0string\0" + struct.pack("<i", len(name)) + name
    start = header_ends(data)[-1]
    count = sum(len(table) for table in chunk_tables(path))
    table = np.frombuffer(data[start : start + 8 * count], "<u8") + np.uint64(len(field))
    path.write_bytes(data[:8] + field + data[8:start] + table.tobytes() + data[start + 8 * count :])
    return path


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at : at + 12 + size]))
        at += 12 + size
    return chunks


def png_without(path: Path, names: tuple[bytes, ...]) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"".join(chunk for name, chunk in png_chunks(data) if name not in names))
    return path


def code_values(bits: int, count: int) -> np.ndarray:
    """Noise with nearly every code value of `bits` bits, as OpenImageIO holds them: top bits repeated below."""
    values = np.arange(DATA.area * count, dtype=np.uint32) * 7 % 2**bits
    values = np.random.default_rng(4).permutation(values).reshape(DATA.height, DATA.width, count)
    if bits == 8:
        return values.astype(np.uint8)
    return ((values << (16 - bits)) | (values >> (2 * bits - 16))).astype(np.uint16)


def save_raster(path: Path, bits: int, count: int, packing: str = "", **fields: str) -> Path:
    spec = oiio.ImageSpec(DATA.width, DATA.height, count, "uint8" if bits == 8 else "uint16")
    spec.attribute("oiio:BitsPerSample", bits)
    spec.attribute("oiio:UnassociatedAlpha", 1)
    if packing:
        spec.attribute("dpx:Packing", packing)
        spec.attribute("dpx:Transfer", "Logarithmic")
        spec.attribute("dpx:InputDevice", "scanner")
        spec.attribute("smpte:TimeCode", "timecode", (0x01020304, 0))
    for name, value in fields.items():
        spec.attribute(name, value)
    return save_image(path, spec, code_values(bits, count))


def check_raster(source: Path, result: Path, rgb: np.ndarray, changed: np.ndarray, bits: int) -> None:
    region = Window(5, 6, changed.shape[1], changed.shape[0])
    data = PlateFile.open(source).data
    mask, new = laid_into(changed, region, data), laid_into(rgb, region, data)
    for name, pixels in read_native(source)[0].items():
        expected = pixels.copy()
        if name in "RGB":
            code = np.rint(np.clip(new[..., "RGB".index(name)], 0, 1).astype(np.float64) * (2**bits - 1)).astype(
                np.uint32
            )
            if bits in (10, 12):
                code = (code << (16 - bits)) | (code >> (2 * bits - 16))
            expected[mask] = code[mask]
        np.testing.assert_array_equal(read_native(result)[0][name], expected, err_msg=name)


def element_of(region: Window) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(9)
    shape = (region.height, region.width)
    rgba = rng.normal(0.5, 3, (*shape, 4)).astype(np.float32)
    layers = {
        "matte": rng.random(shape).astype(np.float32),
        "stmap": rng.random((*shape, 2)).astype(np.float32),
        "generated": rng.random((*shape, 3)).astype(np.float32),
        "depth": (1000 + rng.random((*shape, 1))).astype(np.float32),
    }
    return rgba, layers


def write_result(kind: str, folder: Path, plate: Path) -> None:
    rgb, changed = change_of()
    rgba, layers = element_of(REGION)
    opened = PlateFile.open(plate)
    if kind == "over":
        write_over(opened, folder / "out.exr", REGION, rgb, changed, {}, "none")
    elif kind == "element":
        write_element(opened, folder / "out.exr", REGION, rgba, layers, {}, "none")
    else:
        write_over(opened, folder / f"out{plate.suffix}", Window(5, 6, 70, 40), rgb, changed, {})
