"""The element: its windows, channels, compression and metadata."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from faceplate.errors import UsageError
from faceplate.image.window import Window
from faceplate.plate import (
    PlateFile,
    write_element,
    write_over,
)
from plate_files import (
    DATA,
    DISPLAY,
    REGION,
    awkward_values,
    element_of,
    image_spec,
    raw_headers,
    read_native,
    save_image,
    save_multipart,
    save_raster,
)


@pytest.mark.parametrize("multipart", [False, True])
def test_element(tmp_path, multipart):
    source = save_multipart(tmp_path / "p.exr", "piz", 32)
    rgba, layers = element_of(REGION)
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
    for part in read_native(written.path):
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
    before = raw_headers(source)[0]
    for fields in raw_headers(written.path):
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
    pixels = awkward_values(DATA, 3).astype(np.float32)
    source = save_image(tmp_path / "p.exr", image_spec(DATA, "R G B", [kind] * 3, compression, 0), pixels)
    rgba, layers = element_of(REGION)
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
    plate = PlateFile.open(save_raster(tmp_path / "p.dpx", bits, 3, "Filled, method A" if bits == 10 else "Packed"))
    rgba, layers = element_of(REGION)
    result = PlateFile.open(write_element(plate, tmp_path / "e.exr", REGION, rgba, layers, {}).path)
    assert (result.format, result.data, result.display) == (stored, REGION, plate.display)
    assert result.attributes["timeCode"] == (0x01020304, 0)
    assert (result.interop_id, result.explicit_color_space) == (None, None)


@pytest.mark.parametrize("multipart", [False, True])
def test_an_empty_region_is_a_valid_element(tmp_path, multipart):
    plate = PlateFile.open(save_multipart(tmp_path / "p.exr"))
    empty = Window(0, 0, 0, 0)
    rgba, layers = np.zeros((0, 0, 4), np.float32), {"matte": np.zeros((0, 0)), "uv": np.zeros((0, 0, 2))}
    result = write_element(plate, tmp_path / "e.exr", empty, rgba, layers, {}, multipart=multipart).path
    assert PlateFile.open(result).data == Window(DISPLAY.x, DISPLAY.y, 1, 1)
    stored = {name: pixels for part in read_native(result) for name, pixels in part.items()}
    assert set(stored) == {"R", "G", "B", "A", "matte", "uv.u", "uv.v"}
    assert all(pixels.tolist() == [[0.0]] for pixels in stored.values())
    over = write_over(plate, tmp_path / "o.exr", empty, rgba[..., :3], np.zeros((0, 0), bool), {}).path
    assert over.read_bytes() == plate.path.read_bytes()
