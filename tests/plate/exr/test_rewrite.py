"""Over mode on OpenEXR plates: every part, field and sample outside the change is kept."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.errors import RenderError, UsageError
from faceplate.image.window import Window
from faceplate.plate import (
    PlateFile,
    write_over,
)
from faceplate.plate.exr import container as exr_file
from faceplate.plate.exr import rewrite as over_exr
from plate_files import (
    DATA,
    MOTION,
    REGION,
    awkward_values,
    bits_of,
    change_of,
    check_over,
    chunk_tables,
    image_spec,
    join_parts,
    laid_into,
    names_in,
    raw_headers,
    read_native,
    save_flat,
    save_image,
    save_multipart,
)


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
    source = save_multipart(tmp_path / "p.exr", compression, tile, line_order=line_order)
    rgb, changed = change_of()
    written = write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {"faceplate:engine": "0.1"})
    outside = int(changed[:, :13].sum())
    assert written.path == tmp_path / "o.exr"
    assert [note.split()[0] for note in written.notes] == [str(outside)]
    check_over(source, written.path, rgb, changed)
    before, after = raw_headers(source), raw_headers(written.path)
    assert after[0].pop("faceplate:engine") == (b"string", b"0.1")
    assert after == before
    assert list(after[0]) == list(before[0])
    old, new = chunk_tables(source), chunk_tables(written.path)
    assert old[1:] == new[1:]  # motion and deep parts: not a byte of them differs
    same = sum(a == b for a, b in zip(old[0], new[0], strict=True))
    assert 0 < len(old[0]) - same < len(old[0])
    assert names_in(tmp_path) == ["o.exr", "p.exr"]


def test_over_on_every_half_there_is(tmp_path):
    """All 65,536 bit patterns, every NaN with its payload, in one scanline group with changed pixels."""
    window = Window(0, 0, 256, 256)
    pixels = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1).repeat(4, 2).view(np.float16)
    for compression in ("zip", "piz"):
        source = save_image(tmp_path / "p.exr", image_spec(window, "R G B A", ["half"] * 4, compression, 0), pixels)
        rgb, changed = np.full((256, 256, 3), 0.25, np.float32), np.zeros((256, 256), bool)
        changed[::3, 7] = True
        result = write_over(PlateFile.open(source), tmp_path / "o.exr", window, rgb, changed, {}).path
        expected = pixels.copy()
        expected[::3, 7, :3] = 0.25
        after = read_native(result)[0]
        np.testing.assert_array_equal(bits_of(np.stack([after[name] for name in "RGBA"], 2)), bits_of(expected))


@pytest.mark.parametrize(
    ("kind", "channels"), [("float", "R G B A"), ("half", "R G B"), ("half", "Y"), ("float", "Y A")]
)
def test_over_on_other_plates(tmp_path, kind, channels):
    names = channels.split()
    pixels = awkward_values(DATA, len(names)).astype(np.float32)
    source = save_image(tmp_path / "p.exr", image_spec(DATA, channels, [kind] * len(names), "zip", 0), pixels)
    rgb, changed = change_of()
    result = write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {}).path
    assert raw_headers(result) == raw_headers(source)
    if "R" in names:
        check_over(source, result, rgb, changed)
        return
    before, after = read_native(source)[0], read_native(result)[0]
    mask = laid_into(changed, REGION, DATA)
    grey = laid_into(rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32), REGION, DATA)
    np.testing.assert_allclose(after["Y"][mask], grey[mask], rtol=2e-3, atol=1e-3)
    np.testing.assert_array_equal(bits_of(after["Y"][~mask]), bits_of(before["Y"][~mask]))
    if "A" in names:
        np.testing.assert_array_equal(bits_of(after["A"]), bits_of(before["A"]))


def test_half_never_overflows_to_infinity(tmp_path):
    source = save_flat(tmp_path / "p.exr")
    region = Window(0, 0, 4, 1)
    rgb = np.array([[[1e6] * 3, [-1e6] * 3, [np.inf] * 3, [np.nan] * 3]], np.float32)
    result = write_over(PlateFile.open(source), tmp_path / "o.exr", region, rgb, np.ones((1, 4), bool), {}).path
    red = PlateFile.open(result).read_rgb(region)[0, :, 0]
    np.testing.assert_array_equal(red, [65504, -65504, np.inf, np.nan])


@pytest.mark.parametrize("compression", ["dwaa", "dwab", "b44", "b44a", "pxr24"])
@pytest.mark.parametrize("line_order", ["increasingY", "decreasingY"])
def test_lossy_plates_become_zip(tmp_path, compression, line_order):
    spec = image_spec(DATA, "R G B A", ["float" if compression == "pxr24" else "half"] * 4, compression, 0)
    spec.attribute("openexr:lineOrder", line_order)
    other = image_spec(MOTION, "forward.u forward.v", ["half"] * 2, "dwaa", 0)
    pixels = np.random.default_rng(0).random((DATA.height, DATA.width, 4)).astype(np.float32)
    source = join_parts(tmp_path / "p.exr", rgba=(spec, pixels), motion=(other, pixels[:70, :61, :2]))
    rgb, changed = change_of()
    plate = PlateFile.open(source)
    assert plate.compression == compression
    written = write_over(plate, tmp_path / "o.exr", REGION, rgb, changed, {})
    assert any("zip" in note and compression in note for note in written.notes)
    check_over(source, written.path, rgb, changed)
    before, after = raw_headers(source), raw_headers(written.path)
    assert after[0].pop("compression") == (b"compression", b"\3")
    del before[0]["compression"], before[0]["chunkCount"], after[0]["chunkCount"]
    assert after == before
    assert chunk_tables(source)[1] == chunk_tables(written.path)[1]
    offsets = [chunk.offset for chunk in exr_file.read_chunks(written.path)[0]]
    assert offsets == sorted(offsets, reverse=line_order == "decreasingY")
    nothing = write_over(plate, tmp_path / "n.exr", REGION, rgb, np.zeros_like(changed), {})
    assert nothing.notes == ()
    assert nothing.path.read_bytes() == source.read_bytes()
    asked = write_over(plate, tmp_path / "a.exr", REGION, rgb, changed, {}, compression)
    assert PlateFile.open(asked.path).compression == compression
    assert any("not exactly" in note for note in asked.notes)


def test_a_compression_can_be_asked_for(tmp_path):
    source = save_multipart(tmp_path / "p.exr")
    rgb, changed = change_of()
    for compression in ("piz", "none", "zips"):
        result = write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {}, compression).path
        assert PlateFile.open(result).compression == compression
        check_over(source, result, rgb, changed)
    with pytest.raises(UsageError) as caught:
        write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {}, "lzw")
    assert caught.value.code == "bad-compression"


def test_a_compression_that_alters_samples_is_found_out(tmp_path, monkeypatch):
    """With the table of lossy compressions empty, reading back must still see it."""
    monkeypatch.setattr(over_exr, "LOSSY", frozenset())
    pixels = np.random.default_rng(0).random((DATA.height, DATA.width, 3)).astype(np.float32)
    source = save_image(tmp_path / "p.exr", image_spec(DATA, "R G B", ["half"] * 3, "b44", 0), pixels)
    rgb, changed = change_of()
    written = write_over(PlateFile.open(source), tmp_path / "o.exr", REGION, rgb, changed, {})
    assert any("b44 could not be kept" in note for note in written.notes)
    check_over(source, written.path, rgb, changed)


def test_over_again_replaces_its_own_fields(tmp_path):
    rgb, changed = change_of()
    source = save_flat(tmp_path / "p.exr")
    region = Window(0, 0, 40, 30)
    rgb, changed = rgb[:30, :40], changed[:30, :40]
    long = "faceplate:a_field_with_a_name_longer_than_31"
    first = write_over(
        PlateFile.open(source), tmp_path / "1.exr", region, rgb, changed, {"faceplate:take": 1, long: 0.5}
    )
    second = write_over(PlateFile.open(first.path), tmp_path / "2.exr", region, rgb, changed, {"faceplate:take": 2})
    assert PlateFile.open(second.path).attributes["faceplate:take"] == 2
    assert PlateFile.open(second.path).attributes[long] == 0.5
    assert len(raw_headers(second.path)[0]) == len(raw_headers(first.path)[0])
    same = write_over(PlateFile.open(second.path), second.path, region, rgb, changed, {})  # the plate itself as output
    assert PlateFile.open(same.path).attributes["faceplate:take"] == 2


def test_a_damaged_plate_is_not_written(tmp_path):
    source = save_multipart(tmp_path / "p.exr")
    plate = PlateFile.open(source)
    source.write_bytes(source.read_bytes()[:-1000])
    with pytest.raises(RenderError) as caught:
        write_over(plate, tmp_path / "o.exr", REGION, *change_of(), {})
    assert caught.value.code == "plate-damaged"
    assert names_in(tmp_path) == ["p.exr"]
