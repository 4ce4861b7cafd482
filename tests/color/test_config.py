"""OCIO configs, names of colour spaces, and conversion of pixels."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from color_configs import linear_space, pixels_of, refusal_text, write_config
from faceplate.color import (
    BUILTIN_CONFIG,
    ColorConfig,
    decode,
    encode,
    to_uint8,
)

CG_CONFIG = "ocio://cg-config-v2.1.0_aces-v1.3_ocio-v2.3"


AP1_TO_REC709 = [[1.70505, -0.62179, -0.08326], [-0.13026, 1.14080, -0.01055], [-0.02400, -0.12897, 1.15297]]


# Loading


def test_builtin_is_the_last_resort_and_holds_the_cg_config(studio_config):
    cg = ColorConfig.load(CG_CONFIG, environ={})
    assert studio_config.source == BUILTIN_CONFIG and studio_config.working_space == "ACEScg"
    assert len(cg.names) > 20 and set(cg.names) <= set(studio_config.names)
    ramp = np.random.default_rng(3).uniform(-0.05, 40, (3, 5, 3)).astype(np.float32)
    for space in ("sRGB - Texture", "ACEScct", "Linear P3-D65", "sRGB - Display"):
        np.testing.assert_array_equal(cg.from_working(ramp, space), studio_config.from_working(ramp, space))


def test_environment_names_a_config_and_the_argument_beats_it(tmp_path, studio_config):
    path = write_config(tmp_path, "scene_linear: mine", linear_space("mine"))
    found = ColorConfig.load(environ={"OCIO": str(path)})
    assert found.working_space == "mine" and found.source == str(path)
    assert ColorConfig.load(CG_CONFIG, environ={"OCIO": str(path)}).source == CG_CONFIG
    assert ColorConfig.load(environ={"OCIO": ""}) == studio_config
    assert found != studio_config and found.cache_id != studio_config.cache_id and len({found, studio_config}) == 2


def test_a_bad_config_is_refused_with_its_origin(tmp_path):
    broken = tmp_path / "broken.ocio"
    broken.write_text("colorspaces: [")
    for bad in ("ocio://no-such-config", str(tmp_path / "none.ocio"), str(tmp_path), str(broken)):
        assert "--ocio" in refusal_text("bad-ocio", ColorConfig.load, bad, environ={"OCIO": CG_CONFIG})
        sentence = refusal_text("bad-ocio", ColorConfig.load, environ={"OCIO": bad})
        assert "$OCIO" in sentence and "--ocio" not in sentence and bad in sentence


def test_working_space_comes_from_the_role_or_the_setting(tmp_path, studio_config):
    path = write_config(tmp_path, "data: raw", linear_space("mine", ", aliases: [ours]"))
    assert "scene_linear" in refusal_text("no-working-space", ColorConfig.load, path, environ={})
    assert ColorConfig.load(path, environ={}, working="OURS").working_space == "mine"
    assert ColorConfig.load(environ={}, working="lin_rec709_scene").working_space == "Linear Rec.709 (sRGB)"
    assert ColorConfig.load(environ={}, working="ACES2065-1") != studio_config
    for unfit in ("ACEScct", "Raw", "sRGB - Display"):
        refusal_text("bad-working-space", ColorConfig.load, environ={}, working=unfit)


def test_cache_id_changes_with_the_config_and_with_overridden_flags(tmp_path, studio_config):
    path = write_config(tmp_path, "scene_linear: mine", linear_space("mine"))
    before = ColorConfig.load(path, environ={}).cache_id
    assert ColorConfig.load(path, environ={}).cache_id == before
    write_config(tmp_path, "scene_linear: mine", linear_space("mine") + linear_space("more"))
    assert ColorConfig.load(path, environ={}).cache_id != before
    assert ColorConfig.load(environ={"OCIO_OPTIMIZATION_FLAGS": "0"}).cache_id != studio_config.cache_id


def test_a_config_cannot_be_changed(studio_config):
    with pytest.raises(AttributeError):
        studio_config.working_space = "Raw"


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ACEScg", "ACEScg"),
        (" acescg ", "ACEScg"),
        ("LIN_AP1", "ACEScg"),
        ("scene_linear", "ACEScg"),
        ("Compositing_Log", "ACEScct"),
        ("lin_ap1_scene", "ACEScg"),
        ("LIN_AP0_SCENE", "ACES2065-1"),
        ("lin_rec709_scene", "Linear Rec.709 (sRGB)"),
        ("lin_p3d65_scene", "Linear P3-D65"),
        ("lin_rec2020_scene", "Linear Rec.2020"),
        ("srgb_rec709_scene", "sRGB - Texture"),
        ("g22_rec709_scene", "Gamma 2.2 Rec.709 - Texture"),
        ("g18_rec709_scene", "Gamma 1.8 Rec.709 - Texture"),
        ("srgb_ap1_scene", "sRGB Encoded AP1 - Texture"),
        ("g22_ap1_scene", "Gamma 2.2 AP1 - Texture"),
        ("srgb_p3d65_scene", "sRGB Encoded P3-D65 - Texture"),
        ("srgb_rec709_display", "sRGB - Display"),
        ("hlg_rec2020_display", "Rec.2100-HLG - Display"),
        ("data", "Raw"),
        ("sRGB", "sRGB - Texture"),
        ("sRGB Encoded Rec.709 (sRGB)", "sRGB - Texture"),
    ],
)
def test_resolve(studio_config, name, expected):
    assert studio_config.resolve(name) == expected


def test_every_interop_id_of_the_pinned_config_converts_to_what_its_name_says(studio_config):
    grey = pixels_of((0.18, 0.18, 0.18))
    expected = {
        "g22_rec709_scene": 0.18 ** (1 / 2.2),
        "g18_rec709_scene": 0.18 ** (1 / 1.8),
        "g22_ap1_scene": 0.18**0.4545454,
    }
    expected |= dict.fromkeys(("srgb_rec709_scene", "srgb_ap1_scene", "srgb_p3d65_scene"), 0.4613561)
    for name, value in expected.items():
        np.testing.assert_allclose(studio_config.from_working(grey, name), value, atol=2e-5, err_msg=name)


def test_the_configs_own_interop_ids_come_first(tmp_path):
    spaces = linear_space("house", ", interop_id: lin_ap1_scene") + linear_space("ACEScg")
    config = ColorConfig.load(write_config(tmp_path, "scene_linear: house", spaces, version="2.5"), environ={})
    assert config.resolve("lin_ap1_scene") == "house" and config.resolve("ACEScg") == "ACEScg"


@pytest.mark.parametrize("name", ["lin_adobergb_scene", "unknown", "", "  ", "g22_adobergb_scene"])
def test_what_the_config_lacks_is_refused(studio_config, name):
    refusal_text("unknown-space", studio_config.resolve, name)


def test_an_unknown_name_is_answered_with_near_ones(studio_config):
    sentence = refusal_text("unknown-space", studio_config.resolve, "acesg")
    assert sentence.index("ACEScg") < sentence.index("ACEScct") and "acesg" in sentence
    assert "ARRI LogC3 (EI800)" in refusal_text("unknown-space", studio_config.resolve, "logc3")
    assert "S-Log3 S-Gamut3.Cine" in refusal_text(
        "unknown-space", studio_config.resolve, "slog3_sgamut3_cine"
    )  # by its alias
    listed = refusal_text("unknown-space", studio_config.resolve, "linear").split("nearest: ")[1]
    assert len(listed.split(", ")) == 5
    assert "nearest" not in refusal_text("unknown-space", studio_config.resolve, "zzzzzz")


def test_linear_and_data(studio_config):
    assert studio_config.is_linear("lin_rec709") and studio_config.is_linear("ACES2065-1")
    assert not any(studio_config.is_linear(name) for name in ("ACEScct", "sRGB - Texture", "Raw", "CIE-XYZ-D65"))
    assert studio_config.is_data("Utility - Raw") and not studio_config.is_data("ACEScg")


# Pixels


def test_known_values(studio_config):
    np.testing.assert_allclose(
        studio_config.from_working(pixels_of((0.18, 0.18, 0.18)), "sRGB - Texture"), 0.4613561, atol=1e-6
    )
    np.testing.assert_allclose(
        studio_config.from_working(pixels_of((0.18, 0.18, 0.18)), "ACEScct"), 0.4135884, atol=1e-6
    )
    matrix = studio_config.to_linear709(np.eye(3, dtype=np.float32)[None])[0].T
    np.testing.assert_allclose(matrix, AP1_TO_REC709, atol=5e-5)
    np.testing.assert_allclose(
        studio_config.from_linear709(studio_config.to_linear709(pixels_of((40, -0.05, 2)))), [[[40, -0.05, 2]]], 2e-6
    )


@pytest.mark.parametrize(
    "space", ["sRGB - Texture", "ARRI LogC4", "Linear Rec.709 (sRGB)", "ACEScct", "S-Log3 S-Gamut3.Cine"]
)
def test_there_and_back_keeps_highlights_and_negatives(studio_config, space):
    """40.0 and -0.05 and a range between come back within 3e-6 relative, 3e-7 absolute (measured: 2.5e-6, LogC4).

    With OCIO's fast approximations the curves err 1e-5 to 4e-5, so this also says that they are off.
    """
    ramp = np.concatenate([[-0.05, 40.0], np.linspace(-0.05, 1, 500), np.geomspace(1, 40, 300)]).astype(np.float32)
    pixels = np.stack([ramp, ramp, ramp], axis=-1)[None]
    back = studio_config.to_working(studio_config.from_working(pixels, space), space)
    np.testing.assert_allclose(back, pixels, rtol=3e-6, atol=3e-7)


def test_input_stays_and_the_result_is_new(studio_config):
    pixels = np.random.default_rng(1).random((4, 6, 3), dtype=np.float32)
    kept = pixels.copy()
    for space in ("sRGB - Texture", "ACEScg", "Raw"):
        result = studio_config.to_working(pixels, space)
        assert result.dtype == np.float32 and result.flags.c_contiguous and not np.shares_memory(result, pixels)
        np.testing.assert_array_equal(pixels, kept)


def test_same_space_and_data_are_exact_copies(studio_config):
    pixels = pixels_of((1e-30, -0.0, 65504.0), (math.inf, -math.inf, 40.0))
    for src, dst in (("ACEScg", "lin_ap1"), ("Raw", "ACEScg"), ("sRGB - Texture", "data"), ("Raw", "sRGB - Display")):
        assert studio_config.convert(pixels, src, dst).tobytes() == pixels.tobytes()


def test_nan_and_infinity_stay_in_their_pixel(studio_config):
    clean = np.random.default_rng(2).random((5, 7, 3), dtype=np.float32)
    dirty = clean.copy()
    dirty[1, 3, 0], dirty[4, 6, 2], dirty[0, 0, 1] = math.nan, math.inf, -math.inf
    hit = ~np.isfinite(dirty).all(axis=-1)
    for space in ("sRGB - Texture", "ACEScct", "ACES2065-1", "ARRI LogC3 (EI800)"):
        expected, result = studio_config.from_working(clean, space), studio_config.from_working(dirty, space)
        np.testing.assert_array_equal(result[~hit], expected[~hit])


def test_a_crop_converts_as_in_the_whole(studio_config):
    whole = np.random.default_rng(4).uniform(-0.1, 20, (9, 23, 3)).astype(np.float32)
    crop = whole[2:7, 5:18]
    assert not crop.flags.c_contiguous
    for space in ("sRGB - Texture", "ARRI LogC4", "ACES2065-1"):
        np.testing.assert_array_equal(
            studio_config.to_working(crop, space), studio_config.to_working(whole, space)[2:7, 5:18]
        )
    np.testing.assert_array_equal(studio_config.luminance(crop), studio_config.luminance(whole)[2:7, 5:18])
    np.testing.assert_array_equal(encode(crop, 3.0), encode(whole, 3.0)[2:7, 5:18])


def test_empty_pixels(studio_config):
    for shape in ((0, 5, 3), (5, 0, 3)):
        empty = np.empty(shape, np.float32)
        assert studio_config.to_working(empty, "sRGB - Texture").shape == shape
        assert studio_config.to_display(empty).shape == shape and decode(encode(empty)).shape == shape
        assert studio_config.luminance(empty).shape == shape[:2]


def test_wrong_shape_is_an_error(studio_config):
    with pytest.raises(ValueError, match="shape"):
        studio_config.to_working(np.zeros((2, 3, 4), np.float32), "ACES2065-1")


def test_processors_are_shared_between_threads():
    config = ColorConfig.load(environ={})
    pixels = np.random.default_rng(5).uniform(0, 4, (64, 64, 3)).astype(np.float32)
    spaces = ["sRGB - Texture", "ACEScct", "ACES2065-1", "ARRI LogC4"]
    expected = {space: ColorConfig.load(environ={}).from_working(pixels, space) for space in spaces}
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda space: (space, config.from_working(pixels, space)), spaces * 12))
    for space, result in results:
        np.testing.assert_array_equal(result, expected[space])
    assert len(config._processors) == len(spaces)
    built = dict(config._processors)
    config.from_working(pixels, "srgb_tx")
    assert all(config._processors[key] is built[key] for key in built) and len(config._processors) == len(built)


def test_a_conversion_that_ocio_cannot_make(tmp_path):
    spaces = linear_space("mine") + linear_space("lost", ", to_scene_reference: !<FileTransform> {src: lost.spi1d}")
    config = ColorConfig.load(write_config(tmp_path, "scene_linear: mine", spaces), environ={})
    assert "lost" in refusal_text("no-conversion", config.to_working, np.zeros((1, 1, 3), np.float32), "lost")


# Linear Rec.709 and luminance


def test_linear_rec709_where_the_config_has_none(tmp_path):
    acescg = ", to_scene_reference: !<BuiltinTransform> {style: ACEScg_to_ACES2065-1}"
    by_role = write_config(
        tmp_path, "scene_linear: mix, aces_interchange: ref", linear_space("ref") + linear_space("mix", acescg)
    )
    configs = [ColorConfig.load(by_role, environ={})]
    configs.append(ColorConfig.load(write_config(tmp_path, "scene_linear: ACEScg", linear_space("ACEScg")), environ={}))
    for config in configs:
        matrix = config.to_linear709(np.eye(3, dtype=np.float32)[None])
        np.testing.assert_allclose(matrix[0].T, AP1_TO_REC709, atol=5e-5)
        np.testing.assert_allclose(config.from_linear709(matrix)[0], np.eye(3), atol=1e-6)


def test_linear_rec709_of_an_unknown_working_space_is_refused(tmp_path):
    config = ColorConfig.load(write_config(tmp_path, "scene_linear: mine", linear_space("mine")), environ={})
    assert "aces_interchange" in refusal_text("no-linear-rec709", config.luminance, np.zeros((1, 1, 3), np.float32))


def test_a_rec709_working_space_is_left_alone(tmp_path):
    config = ColorConfig.load(
        write_config(tmp_path, "scene_linear: lin_rec709", linear_space("lin_rec709")), environ={}
    )
    pixels = pixels_of((40, -0.05, 1e-7))
    np.testing.assert_array_equal(config.to_linear709(pixels), pixels)
    np.testing.assert_allclose(
        config.luminance(np.eye(3, dtype=np.float32)[None])[0], [0.2126, 0.7152, 0.0722], atol=1e-4
    )


def test_luminance_is_y_of_the_configs_xyz(studio_config):
    """The pinned config's default view transform is a plain matrix, so its display-referred XYZ may be asked here."""
    pixels = np.random.default_rng(6).uniform(-0.1, 40, (4, 5, 3)).astype(np.float32)
    expected = studio_config.from_working(pixels, "CIE-XYZ-D65")[..., 1]
    result = studio_config.luminance(pixels)
    assert result.dtype == np.float32 and result.shape == (4, 5)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        studio_config.luminance(pixels_of((1, 0, 0), (0, 1, 0), (0, 0, 1)))[0], [0.2722, 0.6741, 0.0537], atol=6e-3
    )


def test_display_picture(studio_config):
    shown = studio_config.to_display(pixels_of((0.18, 0.18, 0.18), (100, 100, 100), (-1, -1, -1), (0.09, 0.09, 0.09)))
    np.testing.assert_allclose(shown[0, 0], 0.4613561, atol=1e-5)
    assert (shown[0, 1] > 1.0).all() and (shown[0, 2] < 0.0).all()
    np.testing.assert_array_equal(to_uint8(shown)[0, :3, 0], [118, 255, 0])
    np.testing.assert_allclose(studio_config.to_display(pixels_of((0.09, 0.09, 0.09)), gain=2.0), 0.4613561, atol=1e-5)


def test_to_uint8_rounds_and_survives_anything():
    values = np.array([math.nan, math.inf, -math.inf, 0.0, 1.0, 0.5, 1.4 / 255, 1.6 / 255, 254.6 / 255], np.float32)
    np.testing.assert_array_equal(to_uint8(values), [0, 255, 0, 0, 255, 128, 1, 2, 255])
