"""Over mode on DPX, TIFF, PNG and JPEG plates."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from faceplate.errors import UsageError
from faceplate.image.window import Window
from faceplate.plate import (
    PlateFile,
    write_over,
)
from plate_files import (
    DATA,
    change_of,
    check_raster,
    laid_into,
    png_chunks,
    png_without,
    read_native,
    save_flat,
    save_raster,
)


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
    source = save_raster(tmp_path / name, bits, count, packing, ImageDescription="a plate", Make="ARRI")
    plate = PlateFile.open(source)
    assert (plate.bit_depth, plate.data) == (bits, Window(0, 0, DATA.width, DATA.height))
    rgb, changed = change_of()
    result = write_over(plate, tmp_path / f"o{source.suffix}", Window(5, 6, 70, 40), rgb, changed, {}).path
    check_raster(source, result, rgb, changed, bits)
    assert PlateFile.open(result).attributes.get("Make") == plate.attributes.get("Make")
    old, new = source.read_bytes(), result.read_bytes()
    if source.suffix == ".dpx":
        assert exact_header and old[:2048] == new[:2048]
        assert len(old) == len(new)
    elif source.suffix == ".png":
        assert [c for c in png_chunks(old) if c[0] != b"IDAT"] == [c for c in png_chunks(new) if c[0] != b"IDAT"]


def test_a_dpx_header_with_fields_of_its_own_stays(tmp_path):
    """Little-endian words, user data, a larger offset and a creator that is not ours."""
    source = save_raster(tmp_path / "p.dpx", 10, 3, "Filled, method A")
    data = bytearray(source.read_bytes())
    header = bytearray(data[:2048])
    order = "<" if data[:4] == b"XPDS" else ">"
    header[160:180] = b"Film scanner 7\0\0\0\0\0\0"
    header[4:8] = header[808:812] = struct.pack(f"{order}I", 8192)
    header[16:20] = struct.pack(f"{order}I", len(data) + 8192 - 2048)
    source.write_bytes(header + b"user data".ljust(8192 - 2048, b"\7") + data[2048:])
    rgb, changed = change_of()
    written = write_over(PlateFile.open(source), tmp_path / "o.dpx", Window(5, 6, 70, 40), rgb, changed, {"a:b": 1})
    assert written.path.read_bytes()[:8192] == source.read_bytes()[:8192]
    assert any("a:b" in note for note in written.notes)
    check_raster(source, written.path, rgb, changed, 10)


def test_tiff_gets_no_date_and_png_only_our_text(tmp_path):
    rgb, changed = change_of()
    for name in ("p.tif", "p.png"):
        source = save_raster(tmp_path / name, 16, 3)
        if name == "p.png":
            png_without(source, (b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"oFFs"))
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
            assert {chunk for chunk, _ in png_chunks(result.read_bytes())} == {b"IHDR", b"IDAT", b"iTXt", b"IEND"}
        else:
            assert after["DateTime"] == plate.attributes["DateTime"]
    jpeg = save_flat(tmp_path / "p.jpg", kind="uint8")
    small = Window(0, 0, 40, 30)
    result = write_over(PlateFile.open(jpeg), tmp_path / "j.tif", small, rgb[:30, :40], changed[:30, :40], {}).path
    assert {"DateTime", "Exif:ColorSpace"}.isdisjoint(PlateFile.open(result).attributes)
    assert b"xpacket" not in result.read_bytes()
    result = write_over(PlateFile.open(jpeg), tmp_path / "j.png", small, rgb[:30, :40], changed[:30, :40], {}).path
    assert {chunk for chunk, _ in png_chunks(result.read_bytes())} == {b"IHDR", b"IDAT", b"IEND"}


def test_a_jpeg_over_itself_is_refused(tmp_path):
    source = save_flat(tmp_path / "p.jpg", kind="uint8")
    rgb, changed = (array[:30, :40] for array in change_of())
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
            PlateFile.open(save_flat(tmp_path / "p.exr")), tmp_path / "o.tif", Window(0, 0, 40, 30), rgb, changed, {}
        )
    assert other.value.code == "output-format"


@pytest.mark.parametrize(("bits", "kind"), [(10, "half"), (12, "float"), (16, "float")])
def test_an_integer_plate_as_exr(tmp_path, bits, kind):
    packing = "Filled, method A" if bits == 10 else "Packed"
    source = save_raster(tmp_path / "p.dpx", bits, 3, packing)
    plate = PlateFile.open(source)
    rgb, changed = change_of()
    region = Window(5, 6, 70, 40)
    written = write_over(plate, tmp_path / "o.exr", region, rgb, changed, {"faceplate:engine": "x"})
    result = PlateFile.open(written.path)
    assert (result.format, result.compression, result.data, result.display) == (kind, "zip", plate.data, plate.display)
    assert result.attributes["timeCode"] == (0x01020304, 0)
    assert result.attributes["dpx:InputDevice"] == "scanner"
    assert result.attributes["faceplate:engine"] == "x"
    assert result.interop_id is None
    assert "capDate" not in result.attributes or "DateTime" in plate.attributes
    mask = laid_into(changed, region, plate.data)
    after, top = result.read_rgb(), 2**bits - 1
    for index, name in enumerate("RGB"):
        codes = read_native(source)[0][name] >> (16 - bits)
        np.testing.assert_array_equal(np.rint(after[..., index][~mask].astype(np.float64) * top), codes[~mask])
    np.testing.assert_array_equal(
        after[mask], laid_into(rgb, region, plate.data)[mask].astype(kind.replace("half", "f2"))
    )
