"""Reading a plate: its header, its channels, a region of its pixels, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.image.window import Window
from faceplate.plate import (
    PlateFile,
    read_picture,
)
from plate_files import (
    DATA,
    DISPLAY,
    MOTION,
    bits_of,
    deep_samples,
    image_spec,
    png_without,
    read_native,
    save_flat,
    save_image,
    save_multipart,
    with_color_space,
)


def test_the_header_says_what_the_file_is(tmp_path):
    plate = PlateFile.open(save_multipart(tmp_path / "p.exr", "zips", 32))
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


def test_only_the_files_own_words_about_color(tmp_path):
    plain = PlateFile.open(save_flat(tmp_path / "plain.exr"))
    assert (plain.explicit_color_space, plain.interop_id, plain.chromaticities) == (None, None, None)
    tagged = PlateFile.open(save_flat(tmp_path / "id.exr", colorInteropID="lin_ap1_scene"))
    assert (tagged.explicit_color_space, tagged.interop_id) == (None, "lin_ap1_scene")
    named = PlateFile.open(with_color_space(save_flat(tmp_path / "space.exr"), b"ACEScg"))
    assert named.explicit_color_space == "ACEScg"
    for name in ("a.png", "a.tif", "a.jpg"):
        assert PlateFile.open(save_flat(tmp_path / name, kind="uint8")).explicit_color_space in (
            None,
            "srgb_rec709_scene",
        )
    bare = png_without(save_flat(tmp_path / "bare.png", kind="uint8"), (b"sRGB", b"gAMA", b"cHRM", b"eXIf"))
    assert PlateFile.open(bare).explicit_color_space is None


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
    plate = PlateFile.open(save_flat(tmp_path / "p.exr", channels, "float"), layer)
    assert plate.rgb == rgb
    native = read_native(plate.path)[0]
    pixels = plate.read_rgb()
    for index, name in enumerate(rgb):
        np.testing.assert_array_equal(pixels[..., index], native[name])


def test_a_part_by_name_and_no_picture(tmp_path):
    path = save_multipart(tmp_path / "p.exr")
    assert PlateFile.open(path, "RGBA").part == 0
    for layer in ("motion", "nothing"):
        with pytest.raises(UsageError) as caught:
            PlateFile.open(path, layer)
        assert caught.value.code == "no-rgb"
        assert "motion: forward.u" in str(caught.value)
    with pytest.raises(UsageError) as caught:
        PlateFile.open(save_flat(tmp_path / "v.exr", "N.x N.y N.z"))
    assert caught.value.code == "no-rgb"
    with pytest.raises(RenderError) as deep:
        PlateFile.open(save_image(tmp_path / "deep.exr", *deep_samples(MOTION)))
    assert deep.value.code == "plate-deep"
    assert PlateFile.open(path).part == 0


@pytest.mark.parametrize("tile", [0, 32])
@pytest.mark.parametrize("compression", ["zip", "none"])
def test_a_region_needs_only_its_own_bytes(tmp_path, tile, compression):
    """The lower half of the file is cut off: the top still reads, and the bottom is refused."""
    data = Window(-5, 7, 200, 256)
    pixels = np.random.default_rng(0).random((256, 200, 4)).astype(np.float16)
    path = save_image(tmp_path / "p.exr", image_spec(data, "R G B A", ["half"] * 4, compression, tile), pixels)
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
    path = save_multipart(tmp_path / "p.exr", tile=tile)
    found = PlateFile.open(path).read_rgb(region)
    region = region or DATA
    native = read_native(path)[0]
    whole = np.stack([native[name] for name in "RGB"], axis=2).astype(np.float32)
    expected = np.zeros((region.height, region.width, 3), np.float32)
    inside = region.intersect(DATA)
    if not inside.empty:
        expected[inside.slices(region)] = whole[inside.slices(DATA)]
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(bits_of(found), bits_of(expected))


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
        path = save_flat(tmp_path / name, kind=kind)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        assert code(path) == "plate-damaged"
    path = save_flat(tmp_path / "header.exr")
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
    pixels, plate = read_picture(save_image(tmp_path / "still.jpg", spec, stored))
    assert (plate.orientation, pixels.dtype, pixels.shape) == (orientation, np.float32, (48, 64, 3))
    assert np.abs(pixels - upright / 255.0)[4:20, 4:28].max() < 0.05
    assert np.abs(pixels - upright / 255.0)[4:20, 36:60].max() < 0.05
    assert np.abs(pixels - upright / 255.0)[28:44, 4:28].max() < 0.05
