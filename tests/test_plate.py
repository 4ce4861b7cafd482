"""The plate room: sequences, reading a region, writing over a plate, writing an element."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.image.window import Window
from faceplate.plate import (
    PlateFile,
    Sequence,
    missing_frames,
    parse_frames,
    read_picture,
    same_target,
    write_element,
    write_over,
)
from faceplate.plate.exr import container as exr_file
from faceplate.plate.exr import rewrite as over_exr
from faceplate.system import atomic

# --- sequences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "frame", "name", "declared"),
    [
        ("plate.####.exr", 7, "plate.0007.exr", None),
        ("plate.##.exr", 7, "plate.07.exr", None),
        ("plate.@@@@.exr", 7, "plate.0007.exr", None),
        ("plate.%04d.exr", 7, "plate.0007.exr", None),
        ("plate.%d.exr", 7, "plate.7.exr", None),
        ("plate.$F4.exr", 7, "plate.0007.exr", None),
        ("plate.$F.exr", 7, "plate.7.exr", None),
        ("plate.1001-1003.exr", 7, "plate.0007.exr", (1001, 1002, 1003)),
        ("plate.1001-1003####.exr", 1002, "plate.1002.exr", (1001, 1002, 1003)),
        ("plate.1001-1005x2%04d.exr", 1003, "plate.1003.exr", (1001, 1003, 1005)),
        ("plate.1001,1004-1005####.exr", 1004, "plate.1004.exr", (1001, 1004, 1005)),
        ("plate.-2-1####.exr", -2, "plate.-002.exr", (-2, -1, 0, 1)),
        ("plate.1001.exr", 1001, "plate.1001.exr", (1001,)),
        ("A001C002_220101_R1AB.0087361.dpx", 87361, "A001C002_220101_R1AB.0087361.dpx", (87361,)),
        ("plate_####_L.exr", 7, "plate_0007_L.exr", None),
        ("take_2####.exr", 7, "take_20007.exr", None),
        ("plate.####.exr", 123456, "plate.123456.exr", None),
        ("plate.####.exr", -5, "plate.-005.exr", None),
        ("plate.####.exr", -12345, "plate.-12345.exr", None),
        ("sh010.v002.exr", 7, "sh010.v002.exr", None),
        ("plate.exr", 7, "plate.exr", None),
        ("plate_1001.exr", 7, "plate_1001.exr", None),
        ("IMG_1234.JPG", 7, "IMG_1234.JPG", None),
    ],
)
def test_patterns(pattern, frame, name, declared):
    sequence = Sequence.parse(Path("/show/C#/shot.1001") / pattern)
    assert sequence.path(frame) == Path("/show/C#/shot.1001") / name
    assert sequence.declared == declared
    assert str(sequence) == f"/show/C#/shot.1001/{pattern}"
    assert sequence.is_still == (name == pattern and declared is None)


@given(
    prefix=st.from_regex(r"[A-Za-z][A-Za-z_]{0,5}[._]", fullmatch=True),
    width=st.integers(1, 8),
    frame=st.integers(-(10**9), 10**9),
    style=st.sampled_from(("#", "@", "%", "$F")),
)
def test_a_path_parses_back_to_its_frame(prefix, width, frame, style):
    token = {"#": "#" * width, "@": "@" * width, "%": f"%0{width}d", "$F": f"$F{width}"}[style]
    path = Sequence.parse(f"/a/{prefix}{token}.exr").path(frame)
    number = path.name.removeprefix(prefix).removesuffix(".exr")
    assert int(number) == frame
    assert len(number) == max(width, len(str(frame)))
    if prefix.endswith("."):
        again = Sequence.parse(path)
        assert again.declared == (frame,)
        assert again.path(frame) == path


def test_variables_and_home_are_expanded(monkeypatch):
    monkeypatch.setenv("SHOW", "/shows/demo")
    monkeypatch.setenv("F4", "wrong")
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    monkeypatch.delenv("NOT_SET", raising=False)
    assert Sequence.parse("$SHOW/${SHOW}x/plate.$F4.exr").path(7) == Path("/shows/demo//shows/demox/plate.0007.exr")
    assert Sequence.parse("~/plate.####.exr").path(7) == Path("/home/ada/plate.0007.exr")
    assert Sequence.parse("/$NOT_SET/plate.####.exr").path(7) == Path("/$NOT_SET/plate.0007.exr")


@pytest.mark.parametrize("pattern", ["", "/show/", "/show/####/plate.####.exr"])
def test_bad_patterns(pattern):
    with pytest.raises(UsageError) as caught:
        Sequence.parse(pattern)
    assert caught.value.code == "bad-pattern"


def test_frames_on_disk(tmp_path):
    names = "p.1002.exr p.1001.exr p.-003.exr p.12345.exr p.01003.exr p.1004.exr.tmp p.1005.dpx xp.1006.exr p.7.exr"
    for name in names.split():
        (tmp_path / name).touch()
    assert Sequence.parse(tmp_path / "p.####.exr").on_disk() == (-3, 1001, 1002, 12345)
    assert Sequence.parse(tmp_path / "p.%d.exr").on_disk() == (7, 1001, 1002, 12345)
    assert Sequence.parse(tmp_path / "p.1002-1010####.exr").on_disk() == (1002,)
    assert Sequence.parse(tmp_path / "nowhere/p.####.exr").on_disk() == ()
    wanted = (1003, 1001, 1004)
    assert missing_frames(wanted, Sequence.parse(tmp_path / "p.####.exr")) == (1003, 1004)
    (tmp_path / "still.exr").touch()
    assert missing_frames(wanted, Sequence.parse(tmp_path / "still.exr")) == ()
    assert missing_frames(wanted, Sequence.parse(tmp_path / "none.exr")) == wanted
    assert Sequence.parse(tmp_path / "still.exr").on_disk() == ()


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1001-1004", (1001, 1002, 1003, 1004)),
        ("1001-1006x2", (1001, 1003, 1005)),
        ("1005,1001,1003-1005", (1005, 1001, 1003, 1004)),
        ("3-1", (3, 2, 1)),
        ("-2-1", (-2, -1, 0, 1)),
        ("7", (7,)),
        (" 1 - 3 , 9", (1, 2, 3, 9)),
    ],
)
def test_frame_ranges(text, frames):
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    "text", ["", "abc", "1-", "1.5", "1-10x0", "1e9", "1-99999999999", "1001 1005", "1,,2", ",1", "1,", "1-2-3"]
)
def test_rubbish_is_no_frame_range(text):
    with pytest.raises(UsageError) as caught:
        parse_frames(text)
    assert caught.value.code == "bad-frames"
    assert text in str(caught.value)


def test_same_target(tmp_path):
    plate = Sequence.parse(tmp_path / "plate.####.exr")
    for frame in (1001, 1002):
        plate.path(frame).touch()

    def same(pattern, frames=(1001, 1002)):
        return same_target(plate, Sequence.parse(pattern), frames)

    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "comp.1002.exr").symlink_to(tmp_path / "plate.1002.exr")
    (tmp_path / "out" / "hard.1002.exr").hardlink_to(tmp_path / "plate.1002.exr")
    assert same(tmp_path / "out" / "hard.####.exr")
    assert same(tmp_path / "plate.%d.exr")
    assert same(tmp_path / "link" / "plate.####.exr")
    assert same(tmp_path / "out" / ".." / "plate.####.exr")
    assert same(tmp_path / "PLATE.####.exr")
    assert same(tmp_path / "out" / "comp.####.exr")
    assert same(tmp_path / "plate.1002.exr")
    assert not same(tmp_path / "out" / "comp.####.exr", (1001,))
    assert not same(tmp_path / "element.####.exr")


# --- files for the tests --------------------------------------------------------------------------------------------

DATA = Window(-7, 5, 150, 83)
DISPLAY = Window(0, 0, 160, 90)
MOTION = Window(11, -4, 61, 70)
REGION = Window(-20, 20, 70, 40)  # begins left of the data window


def _spec(window: Window, channels: str, kinds: list[str], compression: str, tile: int) -> oiio.ImageSpec:
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


def _save(path: Path, spec: oiio.ImageSpec, pixels: np.ndarray | oiio.DeepData) -> Path:
    output = oiio.ImageOutput.create(str(path))
    assert output, oiio.geterror()
    assert output.open(str(path), spec), output.geterror()
    if isinstance(pixels, oiio.DeepData):
        assert output.write_deep_image(pixels), output.geterror()
    else:
        assert output.write_image(np.ascontiguousarray(pixels)), output.geterror()
    assert output.close(), output.geterror()
    return path


def _join(path: Path, **parts: tuple[oiio.ImageSpec, np.ndarray | oiio.DeepData]) -> Path:
    """A file of several parts, each written alone: OpenImageIO writes no tiled or deep part beside scanlines."""
    headers, tables, files = [], [], []
    for name, (spec, pixels) in parts.items():
        files.append(_save(path.with_name(f"{name}.exr"), spec, pixels))
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


def _values(window: Window, count: int, seed: int = 0) -> np.ndarray:
    """Scene-linear looking values with the awkward ones among them, (h, w, count) float64."""
    values = np.random.default_rng(seed).normal(0.5, 2.0, (window.height, window.width, count))
    values[0, :6] = values[30, 20:26] = np.array([np.nan, np.inf, -np.inf, -0.0, 65504, 6e-8])[:, None]
    return values


def _deep(window: Window) -> tuple[oiio.ImageSpec, oiio.DeepData]:
    spec = _spec(window, "R G B A Z", ["half"] * 4 + ["float"], "zips", 0)
    spec.deep = True
    samples = oiio.DeepData()
    samples.init(spec)
    for pixel in range(0, samples.pixels, 3):
        samples.set_samples(pixel, 1 + pixel % 3)
        for sample in range(1 + pixel % 3):
            for channel in range(5):
                samples.set_deep_value(pixel, channel, sample, pixel * 0.25 + sample + channel)
    return spec, samples


def _multipart(path: Path, compression: str = "zip", tile: int = 0, line_order: str = "increasingY") -> Path:
    """Beauty (half RGBA, float Z, uint id), motion vectors in another window, and deep samples; odd fields too."""
    beauty = _spec(DATA, "R G B A Z id", ["half"] * 4 + ["float", "uint"], compression, tile)
    beauty.attribute("openexr:lineOrder", line_order)
    pixels = _values(DATA, 6)
    codes = np.random.default_rng(1).integers(0, 2**32, pixels.shape[:2]).astype(np.float64)
    codes[0, :3] = 0x7F800001, 0xFFC12345, 0xFFFFFFFF  # as floats these would be signalling and quiet NaNs
    pixels[..., 5] = codes / 0xFFFFFFFF
    motion = _spec(MOTION, "forward.u forward.v", ["float"] * 2, "dwaa", 0)
    vectors = _values(MOTION, 2, 2).astype(np.float32)
    return _with_odd_fields(_join(path, rgba=(beauty, pixels), motion=(motion, vectors), deep=_deep(MOTION)))


def _with_odd_fields(path: Path) -> Path:
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
    count = sum(len(table) for table in _tables(path))
    start = _header_ends(data)[-1] + (1 if flags & 0x1000 else 0)
    table = np.frombuffer(data[start : start + 8 * count], "<u8") + np.uint64(len(odd))
    path.write_bytes(
        data[:4] + struct.pack("<I", flags | 0x400) + odd + data[8:start] + table.tobytes() + data[start + 8 * count :]
    )
    return path


def _header_ends(data: bytes) -> list[int]:
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


def _fields(path: Path) -> list[dict[str, tuple[bytes, bytes]]]:
    """The raw header of every part: {name: (type, value)}."""
    data = path.read_bytes()
    parts, at = [], 8
    for end in _header_ends(data):
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


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _tables(path: Path) -> list[list[bytes]]:
    """Every part's chunks as bytes, in table order (scanlines and flat tiles: what these tests hold; deep ones too)."""
    data = path.read_bytes()
    return [
        [bytes(str(c.place), "ascii") + data[c.offset : c.offset + c.length] for c in table]
        for table in exr_file.read_chunks(path)
    ]


def _native(path: Path) -> list[dict[str, np.ndarray]]:
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


def _bits(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels).view(f"u{pixels.dtype.itemsize}")


def _change(region: Window = REGION, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """New colours for a region and where they go: about a third of its pixels."""
    rng = np.random.default_rng(seed)
    rgb = rng.normal(0.4, 3.0, (region.height, region.width, 3)).astype(np.float32)
    changed = rng.random((region.height, region.width)) < 0.3
    changed[20:] = False
    return rgb, changed


def _in_data(array: np.ndarray, region: Window, data: Window) -> np.ndarray:
    """`array` of a region laid into zeros of the data window's size."""
    result = np.zeros((data.height, data.width, *array.shape[2:]), array.dtype)
    inside = region.intersect(data)
    result[inside.slices(data)] = array[inside.slices(region)]
    return result


def _check_over(plate: Path, result: Path, rgb: np.ndarray, changed: np.ndarray, region: Window = REGION) -> None:
    """Every sample of every part is the plate's, but for R, G, B of the first part where it was changed."""
    before, after = _native(plate), _native(result)
    data = PlateFile.open(plate).data
    mask, new = _in_data(changed, region, data), _in_data(rgb, region, data)
    assert len(before) == len(after)
    for index, part in enumerate(before):
        assert list(part) == list(after[index])
        for name, pixels in part.items():
            expected = pixels.copy()
            if index == 0 and name in "RGB":
                expected[mask] = new[..., "RGB".index(name)][mask].astype(pixels.dtype)
                assert not np.array_equal(_bits(pixels), _bits(expected))
            np.testing.assert_array_equal(_bits(after[index][name]), _bits(expected), err_msg=name)


# --- reading --------------------------------------------------------------------------------------------------------


def test_the_header_says_what_the_file_is(tmp_path):
    plate = PlateFile.open(_multipart(tmp_path / "p.exr", "zips", 32))
    assert (plate.display, plate.data, plate.pixel_aspect) == (DISPLAY, DATA, 2.0)
    assert (plate.rgb, plate.part, plate.format, plate.bit_depth) == (("R", "G", "B"), 0, "half", 16)
    assert plate.formats == {"R": "half", "G": "half", "B": "half", "A": "half", "Z": "float", "id": "uint"}
    assert (plate.tiled, plate.tile, plate.compression) == (True, (32, 32), "zips")
    assert [(part.name, part.deep) for part in plate.parts] == [("rgba", False), ("motion", False), ("deep", True)]
    assert plate.parts[1].data == MOTION
    assert plate.attributes["nuke/node_hash"] == "1f2e3d"
    assert plate.attributes["timeCode"] == (0x01020304, 7)
    assert plate.attributes["framesPerSecond"] == (48000, 2002)
    assert plate.chromaticities == pytest.approx((0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767))


def _flat(path: Path, channels: str = "R G B", kind: str = "half", seed: int = 3, **fields: str | int) -> Path:
    count = len(channels.split())
    spec = oiio.ImageSpec(40, 30, count, kind)
    spec.channelnames = tuple(channels.split())
    for name, value in fields.items():
        spec.attribute(name.replace("__", ":"), value)
    pixels = np.random.default_rng(seed).random((30, 40, count)).astype(np.float32)
    return _save(path, spec, pixels)


def test_only_the_files_own_words_about_color(tmp_path):
    plain = PlateFile.open(_flat(tmp_path / "plain.exr"))
    assert (plain.explicit_color_space, plain.interop_id, plain.chromaticities) == (None, None, None)
    tagged = PlateFile.open(_flat(tmp_path / "id.exr", colorInteropID="lin_ap1_scene"))
    assert (tagged.explicit_color_space, tagged.interop_id) == (None, "lin_ap1_scene")
    named = PlateFile.open(_with_color_space(_flat(tmp_path / "space.exr"), b"ACEScg"))
    assert named.explicit_color_space == "ACEScg"
    for name in ("a.png", "a.tif", "a.jpg"):
        assert PlateFile.open(_flat(tmp_path / name, kind="uint8")).explicit_color_space in (None, "srgb_rec709_scene")
    bare = _png_without(_flat(tmp_path / "bare.png", kind="uint8"), (b"sRGB", b"gAMA", b"cHRM", b"eXIf"))
    assert PlateFile.open(bare).explicit_color_space is None


def _with_color_space(path: Path, name: bytes) -> Path:
    data = path.read_bytes()
    field = b"oiio:ColorSpace\0string\0" + struct.pack("<i", len(name)) + name
    start = _header_ends(data)[-1]
    count = sum(len(table) for table in _tables(path))
    table = np.frombuffer(data[start : start + 8 * count], "<u8") + np.uint64(len(field))
    path.write_bytes(data[:8] + field + data[8:start] + table.tobytes() + data[start + 8 * count :])
    return path


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at : at + 12 + size]))
        at += 12 + size
    return chunks


def _png_without(path: Path, names: tuple[bytes, ...]) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"".join(chunk for name, chunk in _png_chunks(data) if name not in names))
    return path


@pytest.mark.parametrize(
    ("channels", "layer", "rgb"),
    [
        ("R G B A", None, ("R", "G", "B")),
        ("r g b", None, ("r", "g", "b")),
        ("AO.R AO.G AO.B R G B", None, ("R", "G", "B")),
        ("AO.R AO.G AO.B beauty.R beauty.G beauty.B", None, ("beauty.R", "beauty.G", "beauty.B")),
        ("AO.R AO.G AO.B beauty.R beauty.G beauty.B", "ao", ("AO.R", "AO.G", "AO.B")),
        ("spec.red spec.green spec.blue Z", None, ("spec.red", "spec.green", "spec.blue")),
        ("Y A", None, ("Y", "Y", "Y")),
        ("luma", None, ("luma", "luma", "luma")),
    ],
)
def test_the_picture_among_the_channels(tmp_path, channels, layer, rgb):
    plate = PlateFile.open(_flat(tmp_path / "p.exr", channels, "float"), layer)
    assert plate.rgb == rgb
    native = _native(plate.path)[0]
    pixels = plate.read_rgb()
    for index, name in enumerate(rgb):
        np.testing.assert_array_equal(pixels[..., index], native[name])


def test_a_part_by_name_and_no_picture(tmp_path):
    path = _multipart(tmp_path / "p.exr")
    assert PlateFile.open(path, "RGBA").part == 0
    for layer in ("motion", "nothing"):
        with pytest.raises(UsageError) as caught:
            PlateFile.open(path, layer)
        assert caught.value.code == "no-rgb"
        assert "motion: forward.u" in str(caught.value)
    with pytest.raises(UsageError) as caught:
        PlateFile.open(_flat(tmp_path / "v.exr", "N.x N.y N.z"))
    assert caught.value.code == "no-rgb"
    with pytest.raises(RenderError) as deep:
        PlateFile.open(_save(tmp_path / "deep.exr", *_deep(MOTION)))
    assert deep.value.code == "plate-deep"
    assert PlateFile.open(path).part == 0


@pytest.mark.parametrize("tile", [0, 32])
@pytest.mark.parametrize("compression", ["zip", "none"])
def test_a_region_needs_only_its_own_bytes(tmp_path, tile, compression):
    """The lower half of the file is cut off: the top still reads, and the bottom is refused."""
    data = Window(-5, 7, 200, 256)
    pixels = np.random.default_rng(0).random((256, 200, 4)).astype(np.float16)
    path = _save(tmp_path / "p.exr", _spec(data, "R G B A", ["half"] * 4, compression, tile), pixels)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    plate = PlateFile.open(path)
    top = Window(-15, 2, 60, 100)
    expected = np.zeros((100, 60, 3), np.float32)
    expected[5:, 10:] = pixels[:95, :50, :3]
    np.testing.assert_array_equal(plate.read_rgb(top), expected)
    with pytest.raises(RenderError) as caught:
        plate.read_rgb(Window(0, 200, 10, 10))
    assert caught.value.code == "plate-damaged"
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("tile", [0, 32])
@pytest.mark.parametrize(
    "region", [None, Window(-20, -3, 400, 300), Window(30, 40, 1, 1), Window(500, 0, 4, 4), Window(24, 36, 33, 20)]
)
def test_a_region_is_exact_and_zero_outside(tmp_path, tile, region):
    path = _multipart(tmp_path / "p.exr", tile=tile)
    found = PlateFile.open(path).read_rgb(region)
    region = region or DATA
    native = _native(path)[0]
    whole = np.stack([native[name] for name in "RGB"], axis=2).astype(np.float32)
    expected = np.zeros((region.height, region.width, 3), np.float32)
    inside = region.intersect(DATA)
    if not inside.empty:
        expected[inside.slices(region)] = whole[inside.slices(DATA)]
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(_bits(found), _bits(expected))


def test_unreadable_plates(tmp_path):
    def code(path: Path) -> str:
        with pytest.raises(FaceplateError) as caught:
            PlateFile.open(path).read_rgb()
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)
        return caught.value.code

    (tmp_path / "empty.exr").touch()
    (tmp_path / "text.exr").write_text("not a picture at all")
    (tmp_path / "folder.exr").mkdir()
    assert code(tmp_path / "none.exr") == "plate-missing"
    assert code(tmp_path / "empty.exr") == "plate-unreadable"
    assert code(tmp_path / "text.exr") == "plate-unreadable"
    assert code(tmp_path / "folder.exr") == "plate-unreadable"
    for name, kind in (
        ("p.exr", "half"),
        ("p.png", "uint16"),
        ("p.tif", "uint16"),
        ("p.dpx", "uint16"),
        ("p.jpg", "uint8"),
    ):
        path = _flat(tmp_path / name, kind=kind)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        assert code(path) == "plate-damaged"
    path = _flat(tmp_path / "header.exr")
    path.write_bytes(path.read_bytes()[:100])
    assert code(path) == "plate-damaged"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stills_are_turned_upright(tmp_path, orientation):
    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:24, :32], upright[:24, 32:], upright[24:, :32] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    # How a camera held in each way stores the same scene (Exif 2.3, tag 274).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    spec = oiio.ImageSpec(stored.shape[1], stored.shape[0], 3, "uint8")
    spec.attribute("Orientation", orientation)
    spec.attribute("CompressionQuality", 100)
    pixels, plate = read_picture(_save(tmp_path / "still.jpg", spec, stored))
    assert (plate.orientation, pixels.dtype, pixels.shape) == (orientation, np.float32, (48, 64, 3))
    assert np.abs(pixels - upright / 255.0)[4:20, 4:28].max() < 0.05
    assert np.abs(pixels - upright / 255.0)[4:20, 36:60].max() < 0.05
    assert np.abs(pixels - upright / 255.0)[28:44, 4:28].max() < 0.05


# --- over: OpenEXR --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compression", "tile", "line_order"),
    [
        ("zip", 0, ""),
        ("zip", 32, ""),
        ("zip", 32, "randomY"),
        ("zips", 0, "decreasingY"),
        ("piz", 0, ""),
        ("piz", 24, ""),
        ("rle", 0, ""),
        ("none", 0, ""),
        ("htj2k32", 0, ""),
    ],
)
def test_over_keeps_every_part_field_and_sample(tmp_path, compression, tile, line_order):
    source = _multipart(tmp_path / "p.exr", compression, tile, line_order=line_order)
    rgb, changed = _change()
    written = write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {"faceplate:engine": "0.1"})
    outside = int(changed[:, :13].sum())
    assert written.path == tmp_path / "o.exr"
    assert [note.split()[0] for note in written.notes] == [str(outside)]
    _check_over(source, written.path, rgb, changed)
    before, after = _fields(source), _fields(written.path)
    assert after[0].pop("faceplate:engine") == (b"string", b"0.1")
    assert after == before
    assert list(after[0]) == list(before[0])
    old, new = _tables(source), _tables(written.path)
    assert old[1:] == new[1:]  # motion and deep parts: not a byte of them differs
    same = sum(a == b for a, b in zip(old[0], new[0], strict=True))
    assert 0 < len(old[0]) - same < len(old[0])
    assert _names(tmp_path) == ["o.exr", "p.exr"]


def test_over_on_every_half_there_is(tmp_path):
    """All 65,536 bit patterns, every NaN with its payload, in one scanline group with changed pixels."""
    window = Window(0, 0, 256, 256)
    pixels = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1).repeat(4, 2).view(np.float16)
    for compression in ("zip", "piz"):
        source = _save(tmp_path / "p.exr", _spec(window, "R G B A", ["half"] * 4, compression, 0), pixels)
        rgb, changed = np.full((256, 256, 3), 0.25, np.float32), np.zeros((256, 256), bool)
        changed[::3, 7] = True
        result = write_over(PlateFile.open(source), tmp_path / "o.exr", window, rgb, changed, {}).path
        expected = pixels.copy()
        expected[::3, 7, :3] = 0.25
        after = _native(result)[0]
        np.testing.assert_array_equal(_bits(np.stack([after[name] for name in "RGBA"], 2)), _bits(expected))


@pytest.mark.parametrize(
    ("kind", "channels"), [("float", "R G B A"), ("half", "R G B"), ("half", "Y"), ("float", "Y A")]
)
def test_over_on_other_plates(tmp_path, kind, channels):
    names = channels.split()
    pixels = _values(DATA, len(names)).astype(np.float32)
    source = _save(tmp_path / "p.exr", _spec(DATA, channels, [kind] * len(names), "zip", 0), pixels)
    rgb, changed = _change()
    result = write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {}).path
    assert _fields(result) == _fields(source)
    if "R" in names:
        _check_over(source, result, rgb, changed)
        return
    before, after = _native(source)[0], _native(result)[0]
    mask = _in_data(changed, REGION, DATA)
    grey = _in_data(rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32), REGION, DATA)
    np.testing.assert_allclose(after["Y"][mask], grey[mask], rtol=2e-3, atol=1e-3)
    np.testing.assert_array_equal(_bits(after["Y"][~mask]), _bits(before["Y"][~mask]))
    if "A" in names:
        np.testing.assert_array_equal(_bits(after["A"]), _bits(before["A"]))


def test_half_never_overflows_to_infinity(tmp_path):
    source = _flat(tmp_path / "p.exr")
    region = Window(0, 0, 4, 1)
    rgb = np.array([[[1e6] * 3, [-1e6] * 3, [np.inf] * 3, [np.nan] * 3]], np.float32)
    result = write_over(PlateFile.open(source), tmp_path / "o.exr", region, rgb, np.ones((1, 4), bool), {}).path
    red = PlateFile.open(result).read_rgb(region)[0, :, 0]
    np.testing.assert_array_equal(red, [65504, -65504, np.inf, np.nan])


@pytest.mark.parametrize("compression", ["dwaa", "dwab", "b44", "b44a", "pxr24"])
@pytest.mark.parametrize("line_order", ["increasingY", "decreasingY"])
def test_lossy_plates_become_zip(tmp_path, compression, line_order):
    spec = _spec(DATA, "R G B A", ["float" if compression == "pxr24" else "half"] * 4, compression, 0)
    spec.attribute("openexr:lineOrder", line_order)
    other = _spec(MOTION, "forward.u forward.v", ["half"] * 2, "dwaa", 0)
    pixels = np.random.default_rng(0).random((DATA.height, DATA.width, 4)).astype(np.float32)
    source = _join(tmp_path / "p.exr", rgba=(spec, pixels), motion=(other, pixels[:70, :61, :2]))
    rgb, changed = _change()
    plate = PlateFile.open(source)
    assert plate.compression == compression
    written = write_over(plate, tmp_path / "o.exr", REGION, rgb, changed, {})
    assert any("zip" in note and compression in note for note in written.notes)
    _check_over(source, written.path, rgb, changed)
    before, after = _fields(source), _fields(written.path)
    assert after[0].pop("compression") == (b"compression", b"\3")
    del before[0]["compression"], before[0]["chunkCount"], after[0]["chunkCount"]
    assert after == before
    assert _tables(source)[1] == _tables(written.path)[1]
    offsets = [chunk.offset for chunk in exr_file.read_chunks(written.path)[0]]
    assert offsets == sorted(offsets, reverse=line_order == "decreasingY")
    nothing = write_over(plate, tmp_path / "n.exr", REGION, rgb, np.zeros_like(changed), {})
    assert nothing.notes == ()
    assert nothing.path.read_bytes() == source.read_bytes()
    asked = write_over(plate, tmp_path / "a.exr", REGION, rgb, changed, {}, compression)
    assert PlateFile.open(asked.path).compression == compression
    assert any("not exactly" in note for note in asked.notes)


def test_a_compression_can_be_asked_for(tmp_path):
    source = _multipart(tmp_path / "p.exr")
    rgb, changed = _change()
    for compression in ("piz", "none", "zips"):
        result = write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {}, compression).path
        assert PlateFile.open(result).compression == compression
        _check_over(source, result, rgb, changed)
    with pytest.raises(UsageError) as caught:
        write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {}, "lzw")
    assert caught.value.code == "bad-compression"


def test_a_compression_that_alters_samples_is_found_out(tmp_path, monkeypatch):
    """With the table of lossy compressions empty, reading back must still see it."""
    monkeypatch.setattr(over_exr, "LOSSY", frozenset())
    pixels = np.random.default_rng(0).random((DATA.height, DATA.width, 3)).astype(np.float32)
    source = _save(tmp_path / "p.exr", _spec(DATA, "R G B", ["half"] * 3, "b44", 0), pixels)
    rgb, changed = _change()
    written = write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {})
    assert any("b44 could not be kept" in note for note in written.notes)
    _check_over(source, written.path, rgb, changed)


def test_over_again_replaces_its_own_fields(tmp_path):
    rgb, changed = _change()
    source = _flat(tmp_path / "p.exr")
    region = Window(0, 0, 40, 30)
    rgb, changed = rgb[:30, :40], changed[:30, :40]
    long = "faceplate:a_field_with_a_name_longer_than_31"
    first = write_over(
        PlateFile.open(source), tmp_path / "1.exr", region, rgb, changed, {"faceplate:take": 1, long: 0.5}
    )
    second = write_over(PlateFile.open(first.path), tmp_path / "2.exr", region, rgb, changed, {"faceplate:take": 2})
    assert PlateFile.open(second.path).attributes["faceplate:take"] == 2
    assert PlateFile.open(second.path).attributes[long] == 0.5
    assert len(_fields(second.path)[0]) == len(_fields(first.path)[0])
    same = write_over(PlateFile.open(second.path), second.path, region, rgb, changed, {})  # the plate itself as output
    assert PlateFile.open(same.path).attributes["faceplate:take"] == 2


def test_a_damaged_plate_is_not_written(tmp_path):
    source = _multipart(tmp_path / "p.exr")
    plate = PlateFile.open(source)
    source.write_bytes(source.read_bytes()[:-1000])
    with pytest.raises(RenderError) as caught:
        write_over(plate, tmp_path / "o.exr", REGION, *_change(), {})
    assert caught.value.code == "plate-damaged"
    assert _names(tmp_path) == ["p.exr"]


# --- over: other formats --------------------------------------------------------------------------------------------


def _codes(bits: int, count: int) -> np.ndarray:
    """Noise with nearly every code value of `bits` bits, as OpenImageIO holds them: top bits repeated below."""
    values = np.arange(DATA.area * count, dtype=np.uint32) * 7 % 2**bits
    values = np.random.default_rng(4).permutation(values).reshape(DATA.height, DATA.width, count)
    if bits == 8:
        return values.astype(np.uint8)
    return ((values << (16 - bits)) | (values >> (2 * bits - 16))).astype(np.uint16)


def _raster(path: Path, bits: int, count: int, packing: str = "", **fields: str) -> Path:
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
    return _save(path, spec, _codes(bits, count))


def _check_raster(source: Path, result: Path, rgb: np.ndarray, changed: np.ndarray, bits: int) -> None:
    region = Window(5, 6, changed.shape[1], changed.shape[0])
    data = PlateFile.open(source).data
    mask, new = _in_data(changed, region, data), _in_data(rgb, region, data)
    for name, pixels in _native(source)[0].items():
        expected = pixels.copy()
        if name in "RGB":
            code = np.rint(np.clip(new[..., "RGB".index(name)], 0, 1).astype(np.float64) * (2**bits - 1)).astype(
                np.uint32
            )
            if bits in (10, 12):
                code = (code << (16 - bits)) | (code >> (2 * bits - 16))
            expected[mask] = code[mask]
        np.testing.assert_array_equal(_native(result)[0][name], expected, err_msg=name)


@pytest.mark.parametrize(
    ("name", "bits", "count", "packing", "exact_header"),
    [
        ("p.dpx", 10, 3, "Filled, method A", True),
        ("p.dpx", 10, 3, "Filled, method B", True),
        ("p.dpx", 10, 4, "Filled, method A", True),
        ("p.dpx", 12, 3, "Packed", True),
        ("p.dpx", 16, 3, "Packed", True),
        ("p.dpx", 8, 3, "Packed", True),
        ("p.tif", 16, 3, "", False),
        ("p.tif", 8, 4, "", False),
        ("p.png", 16, 4, "", True),
        ("p.png", 8, 3, "", True),
    ],
)
def test_over_keeps_integer_samples(tmp_path, name, bits, count, packing, exact_header):
    source = _raster(tmp_path / name, bits, count, packing, ImageDescription="a plate", Make="ARRI")
    plate = PlateFile.open(source)
    assert (plate.bit_depth, plate.data) == (bits, Window(0, 0, DATA.width, DATA.height))
    rgb, changed = _change()
    result = write_over(plate, tmp_path / f"o{source.suffix}", Window(5, 6, 70, 40), rgb, changed, {}).path
    _check_raster(source, result, rgb, changed, bits)
    assert PlateFile.open(result).attributes.get("Make") == plate.attributes.get("Make")
    old, new = source.read_bytes(), result.read_bytes()
    if source.suffix == ".dpx":
        assert exact_header and old[:2048] == new[:2048]
        assert len(old) == len(new)
    elif source.suffix == ".png":
        assert [c for c in _png_chunks(old) if c[0] != b"IDAT"] == [c for c in _png_chunks(new) if c[0] != b"IDAT"]


def test_a_dpx_header_with_fields_of_its_own_stays(tmp_path):
    """Little-endian words, user data, a larger offset and a creator that is not ours."""
    source = _raster(tmp_path / "p.dpx", 10, 3, "Filled, method A")
    data = bytearray(source.read_bytes())
    header = bytearray(data[:2048])
    order = "<" if data[:4] == b"XPDS" else ">"
    header[160:180] = b"Film scanner 7\0\0\0\0\0\0"
    header[4:8] = header[808:812] = struct.pack(f"{order}I", 8192)
    header[16:20] = struct.pack(f"{order}I", len(data) + 8192 - 2048)
    source.write_bytes(header + b"user data".ljust(8192 - 2048, b"\7") + data[2048:])
    rgb, changed = _change()
    written = write_over(PlateFile.open(source), tmp_path / "o.dpx", Window(5, 6, 70, 40), rgb, changed, {"a:b": 1})
    assert written.path.read_bytes()[:8192] == source.read_bytes()[:8192]
    assert any("a:b" in note for note in written.notes)
    _check_raster(source, written.path, rgb, changed, 10)


def test_tiff_gets_no_date_and_png_only_our_text(tmp_path):
    rgb, changed = _change()
    for name in ("p.tif", "p.png"):
        source = _raster(tmp_path / name, 16, 3)
        if name == "p.png":
            _png_without(source, (b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"oFFs"))
        else:
            source = write_over(  # the test's own file has the date that OpenImageIO put in: the first copy keeps it
                PlateFile.open(source), tmp_path / "dated.tif", Window(5, 6, 70, 40), rgb, changed, {}
            ).path
            assert PlateFile.open(source).attributes["DateTime"]
        plate = PlateFile.open(source)
        out = tmp_path / f"o{source.suffix}"
        result = write_over(plate, out, Window(5, 6, 70, 40), rgb, changed, {"faceplate:engine": "Ünï"}).path
        after = PlateFile.open(result).attributes
        if name == "p.png":
            assert after.get("faceplate:engine") == "Ünï"
            assert {chunk for chunk, _ in _png_chunks(result.read_bytes())} == {b"IHDR", b"IDAT", b"iTXt", b"IEND"}
        else:
            assert after["DateTime"] == plate.attributes["DateTime"]
    jpeg = _flat(tmp_path / "p.jpg", kind="uint8")
    small = Window(0, 0, 40, 30)
    result = write_over(PlateFile.open(jpeg), tmp_path / "j.tif", small, rgb[:30, :40], changed[:30, :40], {}).path
    assert {"DateTime", "Exif:ColorSpace"}.isdisjoint(PlateFile.open(result).attributes)
    assert b"xpacket" not in result.read_bytes()
    result = write_over(PlateFile.open(jpeg), tmp_path / "j.png", small, rgb[:30, :40], changed[:30, :40], {}).path
    assert {chunk for chunk, _ in _png_chunks(result.read_bytes())} == {b"IHDR", b"IDAT", b"IEND"}


def test_a_jpeg_over_itself_is_refused(tmp_path):
    source = _flat(tmp_path / "p.jpg", kind="uint8")
    rgb, changed = (array[:30, :40] for array in _change())
    with pytest.raises(UsageError) as caught:
        write_over(PlateFile.open(source), tmp_path / "o.jpg", Window(0, 0, 40, 30), rgb, changed, {})
    assert caught.value.code == "lossy-plate"
    assert ".exr" in str(caught.value)
    for name in ("o.png", "o.tif", "o.exr"):
        result = write_over(PlateFile.open(source), tmp_path / name, Window(0, 0, 40, 30), rgb, changed, {}).path
        before, after = PlateFile.open(source).read_rgb(), PlateFile.open(result).read_rgb()
        np.testing.assert_allclose(after[~changed], before[~changed], atol=2.0**-12)
    with pytest.raises(UsageError) as other:
        write_over(
            PlateFile.open(_flat(tmp_path / "p.exr")), tmp_path / "o.tif", Window(0, 0, 40, 30), rgb, changed, {}
        )
    assert other.value.code == "output-format"


@pytest.mark.parametrize(("bits", "kind"), [(10, "half"), (12, "float"), (16, "float")])
def test_an_integer_plate_as_exr(tmp_path, bits, kind):
    packing = "Filled, method A" if bits == 10 else "Packed"
    source = _raster(tmp_path / "p.dpx", bits, 3, packing)
    plate = PlateFile.open(source)
    rgb, changed = _change()
    region = Window(5, 6, 70, 40)
    written = write_over(plate, tmp_path / "o.exr", region, rgb, changed, {"faceplate:engine": "x"})
    result = PlateFile.open(written.path)
    assert (result.format, result.compression, result.data, result.display) == (kind, "zip", plate.data, plate.display)
    assert result.attributes["timeCode"] == (0x01020304, 0)
    assert result.attributes["dpx:InputDevice"] == "scanner"
    assert result.attributes["faceplate:engine"] == "x"
    assert result.interop_id is None
    assert "capDate" not in result.attributes or "DateTime" in plate.attributes
    mask = _in_data(changed, region, plate.data)
    after, top = result.read_rgb(), 2**bits - 1
    for index, name in enumerate("RGB"):
        codes = _native(source)[0][name] >> (16 - bits)
        np.testing.assert_array_equal(np.rint(after[..., index][~mask].astype(np.float64) * top), codes[~mask])
    np.testing.assert_array_equal(
        after[mask], _in_data(rgb, region, plate.data)[mask].astype(kind.replace("half", "f2"))
    )


# --- the element ----------------------------------------------------------------------------------------------------


def _element(region: Window) -> tuple[np.ndarray, dict[str, np.ndarray]]:
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


@pytest.mark.parametrize("multipart", [False, True])
def test_element(tmp_path, multipart):
    source = _multipart(tmp_path / "p.exr", "piz", 32)
    rgba, layers = _element(REGION)
    written = write_element(
        PlateFile.open(source),
        tmp_path / "e.exr",
        REGION,
        rgba,
        layers,
        {"faceplate:engine": "0.1", "faceplate:seed": 7, "faceplate:amount": 0.5},
        multipart=multipart,
        float_layers=frozenset({"stmap", "depth"}),
    )
    assert written.notes == ()
    result = PlateFile.open(written.path)
    assert (result.data, result.display, result.pixel_aspect) == (REGION, DISPLAY, 2.0)
    assert (result.compression, result.tiled) == ("piz", False)
    stored: dict[str, np.ndarray] = {}
    for part in _native(written.path):
        stored.update(part)
    half = {**dict(zip("RGBA", np.moveaxis(rgba, 2, 0), strict=True)), "matte": layers["matte"]}
    half |= {f"generated.{name}": layers["generated"][..., index] for index, name in enumerate("RGB")}
    full = {"stmap.u": layers["stmap"][..., 0], "stmap.v": layers["stmap"][..., 1], "depth": layers["depth"][..., 0]}
    assert set(stored) == set(half) | set(full)
    for name, pixels in half.items():
        np.testing.assert_array_equal(stored[name], pixels.astype(np.float16), err_msg=name)
    for name, pixels in full.items():
        assert stored[name].dtype == np.float32
        np.testing.assert_array_equal(stored[name], pixels, err_msg=name)
    names = [part.name for part in result.parts]
    assert names == (["rgba", "matte", "stmap", "generated", "depth"] if multipart else [""])
    before = _fields(source)[0]
    for fields in _fields(written.path):
        assert fields["faceplate:seed"] == (b"int", struct.pack("<i", 7))
        assert fields["faceplate:amount"] == (b"float", struct.pack("<f", 0.5))
        kept = set(before) - {
            "channels",
            "compression",
            "dataWindow",
            "lineOrder",
            "tiles",
            "type",
            "name",
            "chunkCount",
        }
        assert {name: fields[name] for name in kept} == {name: before[name] for name in kept}
        made_by_us = {"channels", "compression", "dataWindow", "lineOrder", "type", "name", "chunkCount"}
        assert {n for n in fields if not n.startswith("faceplate:")} - kept <= made_by_us


@pytest.mark.parametrize(
    ("kind", "compression", "stored", "packed"),
    [("float", "zips", "float", "zips"), ("half", "dwaa", "half", "zip"), ("half", "none", "half", "none")],
)
def test_element_follows_the_plate(tmp_path, kind, compression, stored, packed):
    pixels = _values(DATA, 3).astype(np.float32)
    source = _save(tmp_path / "p.exr", _spec(DATA, "R G B", [kind] * 3, compression, 0), pixels)
    rgba, layers = _element(REGION)
    rgba[0, 0] = 1e6
    result = PlateFile.open(write_element(PlateFile.open(source), tmp_path / "e.exr", REGION, rgba, layers, {}).path)
    assert (result.format, result.compression) == (stored, packed)
    assert result.read_rgb()[0, 0, 0] == (1e6 if kind == "float" else 65504)
    asked = write_element(PlateFile.open(source), tmp_path / "e.exr", REGION, rgba, layers, {}, compression="rle")
    assert PlateFile.open(asked.path).compression == "rle"
    with pytest.raises(UsageError) as caught:
        write_element(PlateFile.open(source), tmp_path / "e.tif", REGION, rgba, layers, {})
    assert caught.value.code == "output-format"


@pytest.mark.parametrize(("bits", "stored"), [(10, "half"), (16, "float")])
def test_element_of_a_dpx(tmp_path, bits, stored):
    plate = PlateFile.open(_raster(tmp_path / "p.dpx", bits, 3, "Filled, method A" if bits == 10 else "Packed"))
    rgba, layers = _element(REGION)
    result = PlateFile.open(write_element(plate, tmp_path / "e.exr", REGION, rgba, layers, {}).path)
    assert (result.format, result.data, result.display) == (stored, REGION, plate.display)
    assert result.attributes["timeCode"] == (0x01020304, 0)
    assert (result.interop_id, result.explicit_color_space) == (None, None)


@pytest.mark.parametrize("multipart", [False, True])
def test_an_empty_region_is_a_valid_element(tmp_path, multipart):
    plate = PlateFile.open(_multipart(tmp_path / "p.exr"))
    empty = Window(0, 0, 0, 0)
    rgba, layers = np.zeros((0, 0, 4), np.float32), {"matte": np.zeros((0, 0)), "uv": np.zeros((0, 0, 2))}
    result = write_element(plate, tmp_path / "e.exr", empty, rgba, layers, {}, multipart=multipart).path
    assert PlateFile.open(result).data == Window(DISPLAY.x, DISPLAY.y, 1, 1)
    stored = {name: pixels for part in _native(result) for name, pixels in part.items()}
    assert set(stored) == {"R", "G", "B", "A", "matte", "uv.u", "uv.v"}
    assert all(pixels.tolist() == [[0.0]] for pixels in stored.values())
    over = write_over(plate, tmp_path / "o.exr", empty, rgba[..., :3], np.zeros((0, 0), bool), {}).path
    assert over.read_bytes() == plate.path.read_bytes()


# --- whole files or none --------------------------------------------------------------------------------------------


def _write(kind: str, folder: Path, plate: Path) -> None:
    rgb, changed = _change()
    rgba, layers = _element(REGION)
    opened = PlateFile.open(plate)
    if kind == "over":
        write_over(opened, folder / "out.exr", REGION, rgb, changed, {}, "none")
    elif kind == "element":
        write_element(opened, folder / "out.exr", REGION, rgba, layers, {}, "none")
    else:
        write_over(opened, folder / f"out{plate.suffix}", Window(5, 6, 70, 40), rgb, changed, {})


def _plate_for(kind: str, folder: Path) -> Path:
    if kind in ("dpx", "tif", "png"):
        return _raster(folder / f"p.{kind}", 16, 3, "Packed" if kind == "dpx" else "")
    return _multipart(folder / "p.exr")


KINDS = ["over", "element", "dpx", "tif", "png"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.EACCES, "Permission denied")])
@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_an_interrupted_write_leaves_what_was_there(tmp_path, monkeypatch, kind, error, step):
    source = _plate_for(kind, tmp_path)
    out = tmp_path / f"out{source.suffix}"
    out.write_text("the last take")

    def stop(*_: object) -> None:
        assert any(name.startswith(".out.") for name in _names(tmp_path)), "the file is made beside its place"
        raise error

    monkeypatch.setattr(atomic.os, step, stop)
    with pytest.raises((KeyboardInterrupt, RenderError)) as caught:
        _write(kind, tmp_path, source)
    monkeypatch.undo()
    if isinstance(caught.value, RenderError):
        assert caught.value.code == "output-unwritable"
        assert str(out) in str(caught.value)
    assert _names(tmp_path) == sorted([out.name, source.name])
    assert out.read_text() == "the last take"


@pytest.mark.parametrize("kind", ["over", "element"])
def test_an_interrupt_in_the_middle_of_the_pixels(tmp_path, monkeypatch, kind):
    source = _plate_for(kind, tmp_path)
    calls = []

    def stop(*arguments: object) -> None:
        calls.append(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(exr_file, "_copy_chunks", stop)
    with pytest.raises(KeyboardInterrupt):
        _write(kind, tmp_path, source)
    assert calls
    assert _names(tmp_path) == [source.name]


def test_a_folder_that_is_not_there(tmp_path):
    source = _plate_for("over", tmp_path)
    for kind in ("over", "element"):
        with pytest.raises(RenderError) as caught:
            _write(kind, tmp_path / "nowhere", source)
        assert caught.value.code == "output-unwritable"
        assert str(tmp_path / "nowhere" / "out.exr") in str(caught.value)
        assert "part" not in str(caught.value).split("(")[0]


@pytest.fixture
def full_disk(tmp_path):
    """A folder on a disk of 48 KiB where mounting one is allowed; else None: the test limits the size of files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=48k", "tmpfs", str(folder)]
    mounted = bool(mount) and subprocess.run([str(mount), *options], capture_output=True, check=False).returncode == 0
    yield folder if mounted else None
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk(tmp_path, full_disk, kind):
    (tmp_path / "in").mkdir()
    source = _plate_for(kind, tmp_path / "in")
    folder = full_disk or tmp_path / "disk"
    if full_disk is None:
        _limited(source, folder, kind)
    else:
        with pytest.raises(RenderError) as caught:
            _write(kind, folder, source)
        assert caught.value.code == "disk-full"
        assert f"out{source.suffix}" in str(caught.value)
    assert _names(folder) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_size_limit(tmp_path, kind):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    _limited(_plate_for(kind, tmp_path / "in"), tmp_path / "out", kind)
    assert _names(tmp_path / "out") == []


def _limited(source: Path, folder: Path, kind: str) -> None:
    """Write in a process whose files may hold 16 KiB: every write beyond fails, as on a full disk."""
    script = f"""
        import resource, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import test_plate
        from faceplate.errors import RenderError
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
        try:
            test_plate._write({kind!r}, Path({str(folder)!r}), Path({str(source)!r}))
        except RenderError as error:
            print(error.code)
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["disk-full"], done.stdout + done.stderr
