"""Movies as plates: frames, numbers, tags, and elements of them."""

from __future__ import annotations

import builtins
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.color.reading import space_of
from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Sequence, write_element, write_over
from faceplate.plate import movie as movie_module
from movies import code_of, coded_picture, retimed, write_movie

FRAMES = 40
CODECS = {
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
    "prores4444.mov": ("prores_ks", "yuva444p10le", {"profile": "4444"}),
    "dnxhr.mxf": ("dnxhd", "yuv422p10le", {"profile": "dnxhr_hqx"}),
    "dnxhr.mov": ("dnxhd", "yuv422p", {"profile": "dnxhr_sq"}),
    "h264.mp4": ("libx264", "yuv420p", {"g": "12", "bf": "3", "x264-params": "open-gop=1"}),
    "h264.mkv": ("libx264", "yuv420p", {"g": "250"}),
    "h265.mp4": ("libx265", "yuv420p10le", {"x265-params": "keyint=10:bframes=4:log-level=none"}),
}


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A movie of numbered frames in each codec."""
    folder = tmp_path_factory.mktemp("coded")

    def make(name: str) -> Path:
        path = folder / name
        if not path.exists():
            codec, pixels, options = CODECS[name]
            size = (256, 128) if codec == "dnxhd" else (128, 64)
            write_movie(path, (coded_picture(n, *size) for n in range(FRAMES)), codec, pixels, **options)
        return path

    return make


@pytest.mark.parametrize("name", CODECS)
def test_every_frame_is_the_one_asked_for_in_any_order(coded: Any, name: str) -> None:
    plate = Sequence.parse(coded(name))
    assert plate.is_movie and not plate.is_still and plate.on_disk() == tuple(range(FRAMES))
    order = [*range(FRAMES), *np.random.default_rng(3).permutation(FRAMES), FRAMES - 1, 0]
    read = [code_of(PlateFile.open(plate.path(n), frame=int(n)).read_rgb()) for n in order]
    assert read == [int(n) for n in order]


@pytest.mark.parametrize("name", CODECS)
def test_the_quick_index_is_the_index(coded: Any, name: str) -> None:
    """Of movies whose frames are whole pictures the header tells what reading every packet tells."""
    with av.open(str(coded(name))) as movie:
        quick = movie_module._quick_index(movie, movie.streams.video[0])
        read = movie_module._read_index(movie, movie.streams.video[0])
    assert quick == read if name.startswith(("prores", "dnx")) else quick is None


def test_an_edit_list_s_hidden_frames_are_not_counted(coded: Any, tmp_path: Path) -> None:
    """A movie cut without encoding again begins at a key frame before its first shown picture."""
    with av.open(str(coded("h264.mp4"))) as movie:
        first = sorted(packet.pts or 0 for packet in movie.demux(video=0) if packet.size)[5]
    cut = retimed(coded("h264.mp4"), tmp_path / "cut.mp4", lambda n, time: time - first)
    plate = Sequence.parse(cut)
    numbers = [code_of(PlateFile.open(cut, frame=n).read_rgb()) for n in plate.on_disk()]
    with av.open(str(cut)) as shown:
        truth = [code_of(f.to_ndarray(format="rgb24") / 255) for f in shown.decode(video=0)]
    assert numbers == truth and len(truth) < FRAMES


def test_a_rate_that_varies_is_told_and_frames_are_counted_all_the_same(coded: Any, tmp_path: Path) -> None:
    assert all(movie_module.open_movie(coded(name)).steady for name in CODECS)
    varied = retimed(coded("prores.mov"), tmp_path / "varied.mov", lambda n, time: time + (n // 10) * 300)
    assert not movie_module.open_movie(varied).steady
    assert [code_of(PlateFile.open(varied, frame=n).read_rgb()) for n in (0, 15, 39)] == [0, 15, 39]


def test_a_frame_that_is_not_there(coded: Any) -> None:
    path = coded("prores.mov")
    for number in (-1, FRAMES):
        with pytest.raises(RenderError) as caught:
            PlateFile.open(path, frame=number)
        assert caught.value.code == "plate-missing" and f"0 to {FRAMES - 1}" in str(caught.value)
    assert Sequence.parse(path).has(FRAMES - 1) and not Sequence.parse(path).has(FRAMES)
    with pytest.raises(RenderError, match="does not exist"):
        PlateFile.open(path.with_name("gone.mov"))


def _planes(rgb: np.ndarray, kr: float, kb: float, bits: int, full: bool, divide: tuple[int, int]) -> list[np.ndarray]:
    """Y'CbCr samples of float R'G'B' (H.273), chroma kept where it is constant in blocks of `divide`."""
    kg = 1 - kr - kb
    y = rgb @ np.array([kr, kg, kb])
    cb, cr = (rgb[..., 2] - y) / (2 - 2 * kb), (rgb[..., 0] - y) / (2 - 2 * kr)
    unit = 2 ** (bits - 8)
    scale = (2**bits - 1, 2**bits - 1, 0) if full else (219 * unit, 224 * unit, 16 * unit)
    kind = np.uint8 if bits == 8 else np.uint16
    luma = np.rint(y * scale[0] + scale[2]).astype(kind)
    chroma = [np.rint(c * scale[1] + 2 ** (bits - 1)).astype(kind)[:: divide[0], :: divide[1]] for c in (cb, cr)]
    return [luma, *chroma]


MATRICES = [
    ("yuv444p10le", 1, (0.2126, 0.0722), False, (1, 1)),
    ("yuv444p10le", 9, (0.2627, 0.0593), False, (1, 1)),
    ("yuv422p10le", 1, (0.2126, 0.0722), True, (1, 2)),
    ("yuv420p", 6, (0.299, 0.114), False, (2, 2)),
    ("yuv420p", 1, (0.2126, 0.0722), True, (2, 2)),
]


@pytest.mark.parametrize(("pixels", "matrix", "weights", "full", "divide"), MATRICES)
def test_numbers_follow_the_matrix_and_range_of_the_tags(
    tmp_path: Path, pixels: str, matrix: int, weights: tuple[float, float], full: bool, divide: tuple[int, int]
) -> None:
    """Losslessly stored samples come back as the colours they were computed from, above white and below black too."""
    bits = 10 if "10" in pixels else 8
    patches = np.array([[0, 0, 0], [1, 1, 1], [0.9, 0.2, 0.1], [0.1, 0.8, 0.3], [0.2, 0.3, 0.95], [1.04, 1.04, 1.04]])
    patches = patches if full else np.vstack([patches, [[-0.04, -0.04, -0.04]]])
    if full:
        patches = np.minimum(patches, 1)
    rgb = np.broadcast_to(np.repeat(patches, 16, axis=0)[None], (16, 16 * len(patches), 3))
    path = write_movie(
        tmp_path / "patches.mkv",
        [_planes(rgb, *weights, bits, full, divide)],
        "ffv1",
        pixels,
        tags=(1, 1, matrix, 2 if full else 1),
    )
    read = PlateFile.open(path).read_rgb()
    inner = read[:, 6::16]  # away from where chroma mixes two patches
    assert np.abs(inner - patches[None]).max() < 3.5 / 2**bits
    assert read.min() >= (-1e-3 if full else -0.3)


def test_chroma_lies_where_the_standard_puts_it(tmp_path: Path) -> None:
    """A ramp of chroma across and down comes back as the ramp: no half-pixel shift (4:2:0, left, between rows)."""
    height, width = 32, 64
    down, across = np.mgrid[0:height, 0:width].astype(float)
    at_samples = [values for values in (across[::2, ::2], (down[::2, ::2] + 0.5))]
    planes = [np.full((height, width), 512, np.uint16), *((512 + 4 * v).astype(np.uint16) for v in at_samples)]
    path = write_movie(tmp_path / "ramp.mkv", [planes], "ffv1", "yuv420p10le")
    rgb = PlateFile.open(path).read_rgb()
    y = (512 - 64) / 876
    cb, cr = (rgb[..., 2] - y) / 1.8556 * 896 / 4, (rgb[..., 0] - y) / 1.5748 * 896 / 4
    assert np.abs(cb - across)[:, :-2].max() < 0.02
    assert np.abs(cr - down)[2:-2].max() < 0.02


def test_a_region_equals_its_part_of_the_whole(coded: Any) -> None:
    for name in ("h264.mp4", "prores.mov"):
        plate = PlateFile.open(coded(name), frame=17)
        whole = plate.read_rgb()
        for region in (Window(3, 5, 31, 22), Window(0, 0, 1, 1), Window(120, 60, 20, 20)):
            inside = region.intersect(plate.data)
            assert np.array_equal(plate.read_rgb(region)[inside.slices(region)], whole[inside.slices(plate.data)])


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ((1, 1, 1, 1), "Rec.1886 Rec.709 - Display"),
        ((6, 6, 6, 1), "Rec.1886 Rec.709 - Display"),
        ((9, 16, 9, 1), "Rec.2100-PQ - Display"),
        ((9, 18, 9, 1), "Rec.2100-HLG - Display"),
        ((12, 13, 1, 1), "Display P3 - Display"),
        ((1, 13, 1, 1), "sRGB - Display"),
    ],
)
def test_colour_tags_name_the_ocio_space(
    tmp_path: Path, color: ColorConfig, tags: tuple[int, int, int, int], name: str
) -> None:
    plate = PlateFile.open(write_movie(tmp_path / "tags.mov", [coded_picture(0)], tags=tags))
    assert space_of(plate, color) == name
    assert space_of(plate, color, "ACEScct") == "ACEScct"


def test_a_movie_without_tags_is_read_as_bt1886_and_said_to_be_assumed(tmp_path: Path, color: ColorConfig) -> None:
    plate = PlateFile.open(write_movie(tmp_path / "untagged.mkv", [coded_picture(0)], "ffv1", tags=(2, 2, 2, 0)))
    assert plate.interop_id is None
    choice = color.space_of_file(plate.path, interop_id=plate.interop_id, is_integer=True)
    assert choice.assumed and choice.name == "Rec.1886 Rec.709 - Display" and "MKV" in choice.reason


def test_a_phone_s_turned_movie_is_read_upright(tmp_path: Path) -> None:
    flat = write_movie(tmp_path / "flat.mp4", [coded_picture(5)], "libx264", "yuv420p")
    turned = tmp_path / "turned.mov"
    data = bytearray(flat.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version 0: the matrix lies 40 bytes behind flags
    one, minus = (1 << 16).to_bytes(4, "big"), (-(1 << 16) & 0xFFFFFFFF).to_bytes(4, "big")
    data[at : at + 16] = bytes(4) + one + bytes(4) + minus
    turned.write_bytes(data)
    with av.open(str(turned)) as shown:
        assert abs(next(shown.decode(video=0)).rotation) == 90
    plate, original = PlateFile.open(turned), PlateFile.open(flat)
    assert (plate.data.width, plate.data.height) == (64, 128)
    assert np.array_equal(plate.read_rgb(), np.rot90(original.read_rgb(), -1))  # the matrix turns clockwise
    region = Window(10, 20, 30, 40)
    assert np.array_equal(plate.read_rgb(region), plate.read_rgb()[20:60, 10:40])


def test_over_mode_keeps_every_untouched_code_value(coded: Any, tmp_path: Path) -> None:
    """A half holds a 10-bit movie's value to a quarter of a code; only changed pixels change."""
    plate = PlateFile.open(coded("prores.mov"), frame=9)
    region = Window(10, 10, 20, 12)
    changed = np.zeros((12, 20), bool)
    changed[4:8, 5:15] = True
    result = write_over(
        plate, tmp_path / "over.0009.exr", region, np.full((12, 20, 3), 0.5, np.float32), changed, {"made": "here"}
    )
    again = PlateFile.open(result.path)
    pixels, expected = again.read_rgb(), plate.read_rgb().astype(np.float16).astype(np.float32)
    expected[14:18, 15:25] = 0.5
    assert np.array_equal(pixels, expected) and again.format == "half"
    assert np.abs(expected - plate.read_rgb())[:10].max() < 0.25 / 876
    assert again.attributes["made"] == "here" and again.attributes["movie:codec"] == "prores"
    with pytest.raises(UsageError, match=r"written as \.exr"):
        write_over(plate, tmp_path / "over.png", region, np.zeros((12, 20, 3), np.float32), changed, {})


def test_an_element_of_a_movie_carries_where_it_comes_from(tmp_path: Path) -> None:
    path = write_movie(
        tmp_path / "tc.mov", [coded_picture(n) for n in range(3)], rate=Fraction(24000, 1001), timecode="01:00:00:00"
    )
    plate = PlateFile.open(path, frame=2)
    written = write_element(plate, tmp_path / "e.0002.exr", Window(4, 4, 8, 8), np.ones((8, 8, 4), np.float32), {}, {})
    again = PlateFile.open(written.path)
    assert again.display == plate.display and again.data == Window(4, 4, 8, 8)
    assert again.attributes["movie:timecode"] == "01:00:00:00" and again.attributes["movie:rate"] == "24000/1001"
    assert again.attributes["movie:frame"] == 2


def test_bad_movies_get_one_sentence(tmp_path: Path, coded: Any) -> None:
    empty, noise, cut = tmp_path / "empty.mov", tmp_path / "noise.mp4", tmp_path / "cut.mkv"
    empty.write_bytes(b"")
    noise.write_bytes(np.random.default_rng(1).bytes(4000))
    cut.write_bytes(coded("h264.mkv").read_bytes()[:900])
    for path in (empty, noise, cut):
        with pytest.raises(FaceplateError) as caught:
            PlateFile.open(path).read_rgb()
        assert caught.value.code in ("plate-unreadable", "plate-damaged") and "\n" not in str(caught.value)


def test_an_interlaced_movie_is_refused(tmp_path: Path) -> None:
    path = write_movie(
        tmp_path / "fields.mkv", [coded_picture(n) for n in range(3)], "libx264", "yuv420p", x264opts="tff=1"
    )
    with pytest.raises(RenderError) as caught:
        PlateFile.open(path)
    assert caught.value.code == "movie-interlaced"


def test_without_pyav_one_sentence_says_what_to_install(
    coded: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "other.mov"
    path.write_bytes(coded("prores.mov").read_bytes())
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError) as caught:
        PlateFile.open(path)
    assert caught.value.code == "no-movies" and "faceplate[movies]" in str(caught.value)


def test_a_movie_that_changed_on_disk_is_opened_anew(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "m.mov", [coded_picture(1)])
    assert code_of(PlateFile.open(path).read_rgb()) == 1
    write_movie(path, [coded_picture(2), coded_picture(3)])
    assert code_of(PlateFile.open(path, frame=1).read_rgb()) == 3
    assert len(movie_module._open) <= movie_module._KEPT_OPEN
