"""Scanlines decoded without OpenImageIO are OpenImageIO's to the last bit, and every other file is left to it."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceplate.errors import RenderError
from faceplate.image.window import Window
from faceplate.plate import PlateFile
from faceplate.plate.exr.scanlines import read_scanlines
from plate_files import DATA, image_spec, save_image, save_multipart

ROWS = (DATA, Window(-7, 20, 150, 1), Window(3, 36, 40, 33), Window(100, 80, 43, 8))


def _halves(window: Window, channels: int, noisy: bool = True) -> np.ndarray:
    """Halves with -0, denormals, infinity and NaN in them; not `noisy` ones are smaller when packed."""
    rng = np.random.default_rng(4)
    pixels = rng.standard_normal((window.height, window.width, channels)) if noisy else np.zeros((1, 1, 1))
    halves = np.broadcast_to(pixels, (window.height, window.width, channels)).astype(np.float16)
    halves[3, 5:11, 0] = -0.0, 6e-8, np.inf, -np.inf, np.nan, 65504
    return halves


def _saved(path: Path, channels: str = "R G B", compression: str = "zip", noisy: bool = True) -> Path:
    names = channels.split()
    spec = image_spec(DATA, channels, ["half"] * len(names), compression, 0)
    return save_image(path, spec, _halves(DATA, len(names), noisy))


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    """Say whether two pictures have the same bits, but for those of NaN."""
    known = ~np.isnan(second)
    return np.array_equal(np.isnan(first), ~known) and np.array_equal(
        first.view(np.uint32)[known], second.view(np.uint32)[known]
    )


@pytest.mark.parametrize("region", ROWS, ids=["whole", "a row", "within", "to the end"])
@pytest.mark.parametrize("noisy", [True, False], ids=["noise", "even"])
@pytest.mark.parametrize("channels", ["R G B", "R G B A depth.Z"])
@pytest.mark.parametrize("compression", ["zip", "zips"])
def test_same_bits_as_openimageio(tmp_path: Path, compression: str, channels: str, noisy: bool, region: Window) -> None:
    plate = PlateFile.open(_saved(tmp_path / "p.exr", channels, compression, noisy))
    layout = plate.scanlines
    assert layout is not None and layout.data == DATA
    for names in (("R", "G", "B"), ("G", "G", "G"), tuple(channels.split())):
        found = read_scanlines(plate.path, layout, names, region)
        assert found is not None and found.dtype == np.float32
        assert _same(found, replace(plate, scanlines=None).read_channels(names, region))


def test_a_plate_is_read_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _saved(tmp_path / "p.exr")
    plate = PlateFile.open(path)
    beyond = Window(-20, 20, 70, 40)  # begins left of the data window
    usual = replace(plate, scanlines=None).read_rgb(beyond)
    monkeypatch.setattr("faceplate.plate.reader.open_input", lambda _: pytest.fail("OpenImageIO was asked"))
    assert _same(plate.read_rgb(beyond), usual)


@pytest.mark.parametrize("compression", ["none", "rle", "piz", "pxr24", "b44", "dwaa"])
def test_other_compressions_are_left_to_openimageio(tmp_path: Path, compression: str) -> None:
    plate = PlateFile.open(_saved(tmp_path / "p.exr", compression=compression))
    assert plate.scanlines is None and plate.read_rgb().shape == (DATA.height, DATA.width, 3)


def test_floats_tiles_and_parts_are_left_to_openimageio(tmp_path: Path) -> None:
    pixels = _halves(DATA, 3).astype(np.float32)
    mixed = save_image(tmp_path / "f.exr", image_spec(DATA, "R G B", ["half", "half", "float"], "zip", 0), pixels)
    tiles = save_image(tmp_path / "t.exr", image_spec(DATA, "R G B", ["half"] * 3, "zip", 32), pixels)
    parts = save_multipart(tmp_path / "m.exr")
    assert [PlateFile.open(path).scanlines for path in (mixed, tiles, parts)] == [None] * 3


def test_rows_above_the_cut_of_a_short_file_are_read_and_others_refused(tmp_path: Path) -> None:
    plate = PlateFile.open(_saved(tmp_path / "p.exr"))
    top, bottom = Window(-7, 5, 150, 16), Window(-7, 72, 150, 16)
    usual = plate.read_rgb(top)
    plate.path.write_bytes(plate.path.read_bytes()[:-4000])
    assert _same(plate.read_rgb(top), usual)
    with pytest.raises(RenderError) as raised:
        plate.read_rgb(bottom)
    assert raised.value.code == "plate-damaged"


def test_a_damaged_chunk_is_refused_as_openimageio_does(tmp_path: Path) -> None:
    plate = PlateFile.open(_saved(tmp_path / "p.exr"))
    layout = plate.scanlines
    assert layout is not None
    content = bytearray(plate.path.read_bytes())
    (offset,) = struct.unpack_from("<Q", content, layout.table)
    content[offset + 40 : offset + 200] = bytes(160)
    plate.path.write_bytes(content)
    assert read_scanlines(plate.path, layout, ("R",), DATA) is None
    with pytest.raises(RenderError) as raised:
        plate.read_rgb()
    assert raised.value.code == "plate-damaged"


def test_channels_and_windows_that_are_not_there_are_left_to_openimageio(tmp_path: Path) -> None:
    plate = PlateFile.open(_saved(tmp_path / "p.exr"))
    layout = plate.scanlines
    assert layout is not None
    assert read_scanlines(plate.path, layout, ("A",), DATA) is None
    assert read_scanlines(plate.path, layout, ("R",), DATA.grow(1)) is None
    plate.path.unlink()
    assert read_scanlines(plate.path, layout, ("R",), DATA) is None
