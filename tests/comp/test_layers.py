"""Layers beside RGBA: ST maps, depth, confidence, Cryptomatte."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from faceplate.comp.layers import (
    CONFIDENCE,
    DEPTH,
    FACE_ID,
    STMAP,
    STMAP_COVERAGE,
    canonical_points,
    confidence,
    cryptomatte,
    cryptomatte_id,
    depth,
    face_layers,
    float_layers,
    inverse_stmap,
    murmur3_32,
    stmap,
)
from faceplate.face import Face, topology
from faceplate.face.shape import head_model
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.plate import PlateFile, write_element
from measures import relative_rms
from plates import write_plate

RIGHT_EAR, LEFT_EAR, CHIN, FOREHEAD, NOSE_TIP = 234, 454, 152, 10, 4


def flat_face(square: Window, tilt: float = 0.0, squeeze: float = 1.0, presence: float = 1.0) -> Face:
    """A face that lies on `square` just as the canonical one does, as a plane whose depth is `tilt` times x."""
    s, t = canonical_points().T
    x, y = square.x + s * square.width, square.y + (1 - t) * square.height
    return Face(np.column_stack([x / squeeze, y, tilt * x / np.sqrt(squeeze)]), 1.0, presence, 0.18)


def turned_face(yaw: float, size: float = 300.0) -> Face:
    """The mean head, turned to the picture's right by `yaw` degrees."""
    angle = np.radians(-yaw)
    across = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    points = head_model().reference @ across.T * size / 2.92
    return Face(points + np.array([250, 200, 0]), 1.0, 1.0, 0.18)


def look_up(picture: np.ndarray, window: Window, st: np.ndarray, frame: Window) -> np.ndarray:
    """What an STMap node does: `picture` (h, w, c), which lies on `window`, read at the parts `st` of `frame`."""
    x = frame.x + st[..., 0] * frame.width - window.x - 0.5
    y = frame.y + (1 - st[..., 1]) * frame.height - window.y - 0.5
    return cv2.remap(
        picture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def centres(window: Window) -> np.ndarray:
    """The places of the window's pixels, float32 (h, w, 2)."""
    rows, columns = np.indices((window.height, window.width))
    return np.dstack([columns + window.x + 0.5, rows + window.y + 0.5]).astype(np.float32)


def inner(coverage: np.ndarray, margin: int = 3) -> np.ndarray:
    return cv2.erode(coverage, np.ones((2 * margin + 1, 2 * margin + 1))) > 0


def test_canonical_face_is_one_to_one() -> None:
    """Triangles that all turn the same way and add up to the outline's own area cover each place once."""
    points = canonical_points()
    corners = points[topology().closed]
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2
    assert (areas > 1e-6).all() or (areas < -1e-6).all()
    outline = points[topology().oval].astype(np.float32)
    assert cv2.isContourConvex(outline)
    assert abs(areas.sum()) == pytest.approx(cv2.contourArea(outline), rel=1e-4)


def test_canonical_face_lies_as_the_page_says() -> None:
    points = canonical_points()
    used = np.unique(topology().closed)
    assert points[used].min(axis=0) == pytest.approx([0.02, 0.147], abs=0.002)
    assert points[used].max(axis=0) == pytest.approx([0.98, 0.853], abs=0.002)
    assert points[RIGHT_EAR, 0] < 0.05 and points[LEFT_EAR, 0] > 0.95
    assert points[CHIN, 1] < 0.15 and points[FOREHEAD, 1] > 0.85
    assert np.allclose(points[head_model().mirror] * (-1, 1) + (1, 0), points, atol=1e-3)


@pytest.mark.parametrize("square", [Window(0, 0, 256, 256), Window(-40, 25, 700, 700)])
def test_a_face_that_is_the_canonical_one_maps_to_itself(square: Window) -> None:
    """Holds Nuke's convention exactly: t up, the centre of column x at (x + 0.5) / width, at any size."""
    expected = (centres(square) - (square.x, square.y)) / square.width
    expected[..., 1] = 1 - expected[..., 1]
    there = stmap(flat_face(square), square)
    back = inverse_stmap(flat_face(square), square.width, square)
    for found in (there, back):
        inside = inner(found.coverage, 1)
        assert found.st.dtype == np.float32 and inside.mean() > 0.4
        assert np.abs(found.st - expected)[inside].max() < 1e-5
        assert (found.st[found.coverage == 0] == 0).all() or found is back


def test_stmap_is_zero_where_there_is_no_face() -> None:
    window = Window(-300, -300, 1000, 900)
    found = stmap(turned_face(20), window)
    assert set(np.unique(found.coverage)) == {0.0, 1.0}
    assert (found.st[found.coverage == 0] == 0).all()
    assert (found.st[found.coverage > 0] > 0).all()
    assert stmap(turned_face(20), Window(2000, 2000, 5, 4)).st.shape == (4, 5, 2)
    assert not stmap(turned_face(20), Window(2000, 2000, 5, 4)).coverage.any()
    assert stmap(turned_face(20), Window(0, 0, 0, 0)).st.shape == (0, 0, 2)


def test_a_part_of_the_window_holds_the_same_map() -> None:
    face = turned_face(25)
    whole, part = face.window(0.1), Window(200, 150, 90, 120)
    for layer in (lambda w: stmap(face, w).st, lambda w: depth(face, w), lambda w: confidence(face, w)):
        inside = (slice(2, -2), slice(2, -2))
        assert np.abs(layer(whole)[part.slices(whole)] - layer(part))[inside].max() < 2e-3


@pytest.mark.parametrize("name", ["ada/front.jpg", "cal/left.jpg"])
def test_unwrap_then_wrap_gives_the_plate_back(
    name: str, read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]
) -> None:
    """The places come back within 0.1 pixel for 99 of 100 pixels, the picture within 2 %."""
    frame, face, square = read_picture(name), face_in(name), Window(0, 0, 1024, 1024)
    window = face.window(0.05).intersect(frame.window)
    there, back = stmap(face, window), inverse_stmap(face, 1024, frame.window)
    inside = inner(there.coverage)

    def round_trip(picture: np.ndarray) -> np.ndarray:
        unwrapped = look_up(picture, frame.window, back.st, frame.window)
        return look_up(unwrapped, square, there.st, square)[inside]

    off = np.linalg.norm(round_trip(centres(frame.window)) - centres(window)[inside], axis=1)
    assert np.mean(off) < 0.05 and np.percentile(off, 99) < 0.1
    plate = frame.pixels[window.slices(frame.window)]
    assert relative_rms(round_trip(frame.pixels), plate[inside]) < 0.02


def test_inverse_counts_the_display_window_as_the_format() -> None:
    """The same face in a plate with overscan and another origin: same place, other parts."""
    face, small, large = turned_face(0), Window(0, 0, 500, 400), Window(-100, -50, 1000, 800)
    first, second = inverse_stmap(face, 256, small), inverse_stmap(face, 256, large)
    inside = first.coverage > 0
    x = first.st[inside][:, 0] * 500
    y = (1 - first.st[inside][:, 1]) * 400
    assert np.allclose(second.st[inside][:, 0], (x + 100) / 1000, atol=1e-5)
    assert np.allclose(second.st[inside][:, 1], 1 - (y + 50) / 800, atol=1e-5)


def test_inverse_covers_only_what_the_plate_shows() -> None:
    """Turned to the picture's right, the person's left cheek is hidden, and the other way round."""
    display = Window(0, 0, 500, 400)
    front, right, left = (inverse_stmap(turned_face(yaw), 256, display).coverage for yaw in (0, 45, -45))
    there = inner(front)
    near, far = slice(20, 90), slice(-90, -20)
    assert right[:, far][there[:, far]].mean() < 0.5 < 0.97 < right[:, near][there[:, near]].mean()
    assert left[:, near][there[:, near]].mean() < 0.5 < 0.97 < left[:, far][there[:, far]].mean()
    assert set(np.unique(right)) == {0.0, 1.0}


def test_depth_grows_away_from_the_tip_of_the_nose() -> None:
    face = turned_face(0)
    window = face.window(0.1)
    found = depth(face, window, fill=-7.0)
    covered = stmap(face, window).coverage > 0
    assert found.dtype == np.float32 and (found[~covered] == -7).all() and found[covered].min() > -1
    for point in (NOSE_TIP, 50, 151, 205):
        x, y, z = face.points[point]
        assert found[int(y) - window.y, int(x) - window.x] == pytest.approx(z - face.points[NOSE_TIP, 2], abs=4)
    assert (depth(face, window)[~covered] == 0).all()


def test_confidence_is_the_cosine_times_presence() -> None:
    square = Window(0, 0, 200, 200)
    for tilt in (0.0, np.tan(np.radians(60))):
        sure = confidence(flat_face(square, tilt, presence=0.9), square)
        inside = inner(stmap(flat_face(square), square).coverage)
        assert np.allclose(sure[inside], 0.9 / np.sqrt(1 + tilt**2), atol=1e-3)
        assert sure[0, 0] == 0
    squeezed = flat_face(square, np.tan(np.radians(60)), squeeze=2.0)
    half = Window(0, 0, 100, 200)
    inside = inner(stmap(squeezed, half).coverage)
    assert np.allclose(confidence(squeezed, half, pixel_aspect=2.0)[inside], 0.5, atol=1e-3)


def test_confidence_takes_coverage_and_visibility_in() -> None:
    square = Window(0, 0, 64, 64)
    face = flat_face(square)
    bare = confidence(face, square)
    coverage, visibility = np.full((64, 64), 0.5, np.float32), np.full((64, 64), 3.0, np.float32)
    visibility[:32] = 0
    sure = confidence(face, square, coverage, visibility)
    assert (sure[:32] == 0).all() and np.allclose(sure[32:], bare[32:] / 2) and bare.max() == pytest.approx(1)


def test_face_layers_are_the_same_as_one_by_one() -> None:
    face = turned_face(10)
    window = face.window(0.03)
    half = np.full((window.height, window.width), 0.5, np.float32)
    found = face_layers(face, window, coverage=half, visibility=half, pixel_aspect=1.5)
    assert list(found) == [STMAP, STMAP_COVERAGE, DEPTH, CONFIDENCE]
    assert np.array_equal(found[STMAP], stmap(face, window).st)
    assert np.array_equal(found[STMAP_COVERAGE], stmap(face, window).coverage)
    assert np.array_equal(found[DEPTH], depth(face, window))
    assert np.array_equal(found[CONFIDENCE], confidence(face, window, half, half, 1.5))


def test_murmur3_gives_the_published_values() -> None:
    known = {
        b"": 0x00000000, b"a": 0x3C2569B2, b"abc": 0xB3DD93FA, b"test": 0xBA6BD213, b"hello": 0x248BFA47,
        b"Hello, world!": 0xC0363E43, b"The quick brown fox jumps over the lazy dog": 0x2E4FF723, b"\0" * 4: 0x2362F9DE,
    }  # fmt: skip
    assert {data: murmur3_32(data) for data in known} == known
    assert murmur3_32(b"test", 0x9747B28C) == 0x704B81DC
    assert murmur3_32(b"", 1) == 0x514E28B7 and murmur3_32(b"", 0xFFFFFFFF) == 0x81F16F39


def test_ids_are_those_of_the_specification() -> None:
    """The names and ids that the Cryptomatte specification shows in its manifests."""
    for name, bits in {"bunny": "13851a76", "default": "42c9679f", "bunny_porcelain_mat": "b24b26d4"}.items():
        assert np.float32(cryptomatte_id(name)).view(np.uint32) == int(bits, 16)


def test_ids_are_normal_floats_even_where_the_hash_is_not() -> None:
    names = [f"person {number}" for number in range(1500)]
    exponents = np.array([murmur3_32(name.encode()) >> 23 & 255 for name in names])
    assert {0, 255} <= set(exponents)
    for name, exponent in zip(names, exponents, strict=True):
        value = np.float32(cryptomatte_id(name))
        assert np.isfinite(value) and abs(value) >= np.finfo(np.float32).tiny
        expected = {0: 1 << 23, 255: 1 << 23}.get(int(exponent), 0)
        assert int(value.view(np.uint32)) ^ murmur3_32(name.encode()) == expected


def pick(layers: dict[str, np.ndarray], name: str) -> np.ndarray:
    """The matte of `name`, as a Cryptomatte node takes it out."""
    wanted = np.float32(cryptomatte_id(name))
    pairs = [layer[..., k : k + 2] for layer in layers.values() for k in (0, 2)]
    return np.sum([np.where(pair[..., 0] == wanted, pair[..., 1], 0) for pair in pairs], axis=0)


def test_two_people_can_be_picked() -> None:
    ramp = np.linspace(0, 1, 32, dtype=np.float32)[None].repeat(4, axis=0)
    ada, bea = ramp * 0.75, (1 - ramp) ** 2 * 0.25
    layers, metadata = cryptomatte([("ada", ada), ("béa", bea)])
    assert list(layers) == ["faceplate_id00"] and layers["faceplate_id00"].shape == (4, 32, 4)
    assert np.array_equal(pick(layers, "ada"), ada) and np.array_equal(pick(layers, "béa"), bea)
    pixels = layers["faceplate_id00"]
    assert (pixels[..., 1] >= pixels[..., 3]).all()
    assert (pixels[:, -1, 2:] == 0).all() and (pixels[:, 0, 0] == np.float32(cryptomatte_id("béa"))).all()
    key = f"{murmur3_32(b'faceplate_id'):08x}"[:7]
    assert metadata.pop(f"cryptomatte/{key}/name") == "faceplate_id"
    assert metadata.pop(f"cryptomatte/{key}/hash") == "MurmurHash3_32"
    assert metadata.pop(f"cryptomatte/{key}/conversion") == "uint32_to_float32"
    manifest = json.loads(metadata.pop(f"cryptomatte/{key}/manifest"))
    assert {name: np.uint32(int(bits, 16)).view(np.float32) for name, bits in manifest.items()} == {
        name: cryptomatte_id(name) for name in ("ada", "béa")
    }
    assert not metadata


def test_cryptomatte_ranks_any_number_of_people_and_never_exceeds_one() -> None:
    rng = np.random.default_rng(5)
    mattes = {name: rng.random((6, 7)).astype(np.float32) for name in ("ada", "bea", "cal", "dot", "eve")}
    layers, _ = cryptomatte(list(mattes.items()), layer="people")
    assert list(layers) == ["people00", "people01", "people02"]
    total = np.maximum(sum(mattes.values()), 1)
    for name, matte in mattes.items():
        assert np.allclose(pick(layers, name), matte / total, atol=1e-6)
    ranks = np.dstack([layer[..., 1::2] for layer in layers.values()])
    assert (np.diff(ranks, axis=2) <= 0).all() and ranks.sum(axis=2).max() <= 1 + 1e-6


def test_cryptomatte_joins_equal_names_and_wants_at_least_one() -> None:
    half = np.full((2, 2), 0.25, np.float32)
    layers, metadata = cryptomatte([("ada", half), ("ada", half)])
    assert (pick(layers, "ada") == 0.5).all() and list(layers) == ["faceplate_id00"]
    assert any(value.count("ada") == 1 for value in metadata.values())
    with pytest.raises(ValueError, match="at least one name"):
        cryptomatte([])


def test_float_layers_are_those_that_half_would_spoil() -> None:
    names = {STMAP, STMAP_COVERAGE, DEPTH, CONFIDENCE, "matte", "raw", f"{FACE_ID}00", f"{FACE_ID}01"}
    assert float_layers(names) == {STMAP, DEPTH, f"{FACE_ID}00", f"{FACE_ID}01"}


@pytest.mark.parametrize("multipart", [False, True])
def test_an_element_of_a_half_plate_carries_them_exactly(tmp_path: Path, multipart: bool) -> None:
    face, display = turned_face(15), Window(0, 0, 480, 400)
    path = write_plate(tmp_path / "plate.exr", np.zeros((400, 480, 3), np.float32), display=display)
    window = face.window().intersect(display)
    mapped = stmap(face, window)
    ids, metadata = cryptomatte(
        [("ada", mapped.coverage * np.float32(0.3)), ("bea", mapped.coverage * np.float32(0.6))]
    )
    layers = {STMAP: mapped.st, STMAP_COVERAGE: mapped.coverage, DEPTH: depth(face, window), **ids}
    rgba, out = np.zeros((window.height, window.width, 4), np.float32), tmp_path / "element.exr"
    write_element(
        PlateFile.open(path),
        out,
        window,
        rgba,
        layers,
        metadata,
        multipart=multipart,
        float_layers=float_layers(layers),
    )
    channels, header = read_channels(out)
    assert {name: header.get(name) for name in metadata} == metadata
    written = {name: np.dstack([channels[f"{name}.{c}"] for c in "RGBA"]) for name in ids}
    assert all(np.array_equal(written[name], ids[name]) for name in ids)
    assert np.array_equal(np.dstack([channels["stmap.u"], channels["stmap.v"]]), mapped.st)
    assert np.array_equal(channels["depth.Z"], layers[DEPTH])
    assert np.array_equal(channels["stmap_coverage"], mapped.coverage)


def read_channels(path: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Every channel of every part as float32, and the first part's header."""
    channels, header, part = {}, {}, 0
    source = oiio.ImageInput.open(str(path))
    assert source is not None, oiio.geterror()
    while source.seek_subimage(part, 0):
        spec = source.spec()
        pixels = np.array(source.read_image(part, 0, 0, spec.nchannels, oiio.FLOAT))
        channels |= {name: pixels[..., k] for k, name in enumerate(spec.channelnames)}
        if part == 0:
            header = {item.name: item.value for item in spec.extra_attribs}
        part += 1
    source.close()
    return channels, header
