"""Network encoding: exposure, the curve, and a display and view in its place."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_configs import linear_space, pixels_of, refusal_text, write_config
from faceplate.color import (
    GAIN_RANGE,
    KEY,
    SHOULDER,
    ColorConfig,
    Exposure,
    Shoulder,
    ViewEncoding,
    decode,
    encode,
    log_average,
)

GAINS = [2.0**stops for stops in (-4, -2, 0, 2, 4)]


# Exposure


def test_log_average_of_known_light():
    light = np.array([[0.1, 0.4], [0.1, 0.4]], np.float32)
    assert log_average(light) == pytest.approx(0.2, rel=1e-6)
    assert log_average(light, np.array([[1, 0], [1, 0]], np.float32)) == pytest.approx(0.1, rel=1e-6)
    assert log_average(light, np.array([[1, 3], [0, 0]], np.float32)) == pytest.approx(0.1 * 4**0.75, rel=1e-6)


@given(st.floats(-10, 10))
def test_log_average_scales_with_the_light(stops):
    light = np.random.default_rng(7).uniform(0.05, 1.0, (16, 16))
    light[:2] = 100.0
    assert log_average(light * 2.0**stops) == pytest.approx(log_average(light) * 2.0**stops, rel=1e-6)


def test_log_average_shrugs_off_bad_pixels():
    light = np.full((20, 20), 0.2, np.float32)
    light[0, :5] = [math.nan, math.inf, -math.inf, math.nan, math.inf]
    assert log_average(light) == pytest.approx(0.2, rel=1e-6)
    light[0, :4] = [0.0, -5.0, 1e4, 1e6]  # two below and two above cancel, each held at four stops
    assert log_average(light) == pytest.approx(0.2, rel=1e-5)
    light[1] = 1e6
    assert 0.2 < log_average(light) < 0.2 * 2 ** (4 * 20 / 399 + 1e-3)
    light[:8] = -1.0  # two rows in five black: held at four stops below the median of the rest
    light[8:] = 0.2
    assert log_average(light) == pytest.approx(0.2 * 2 ** (-4 * 0.4), rel=1e-5)


def test_log_average_with_nothing_to_measure_means_gain_one():
    nothing = np.full((2, 2), math.nan, np.float32)
    for level in (log_average(nothing), log_average(np.ones((2, 2)), np.zeros((2, 2))), log_average(np.empty((0, 4)))):
        assert Exposure.of_level(level).gain == pytest.approx(1.0)
    assert log_average(np.full((2, 2), -1.0)) > 0.0


def test_exposure_brings_a_face_to_the_key():
    assert Exposure.of_level(KEY / 4).gain == pytest.approx(4.0)
    assert Exposure.of_level(1e-9).gain == GAIN_RANGE[1] and Exposure.of_level(1e9).gain == GAIN_RANGE[0]
    assert [Exposure.of_level(bad).gain for bad in (math.nan, 0.0, -1.0)] == [1.0, 1.0, 1.0]
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="gain"):
            Exposure(bad)
        with pytest.raises(ValueError, match="gain"):
            encode(np.zeros(3, np.float32), bad)


# The curve


def srgb(x: np.ndarray) -> np.ndarray:
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)


def reference_curve(x: np.ndarray) -> np.ndarray:
    """The curve as its docstring states it, in double precision, with branches."""
    size, knee, slope, a = np.abs(x), SHOULDER.knee_linear, SHOULDER.slope, SHOULDER.scale
    above = 0.8 + a * np.log1p(slope * np.maximum(size - knee, 0.0) / a)
    return np.sign(x) * np.where(size <= knee, srgb(size), above)


def test_curve_is_srgb_up_to_the_knee_and_reaches_one_at_white():
    dark = np.linspace(0.0, 0.6, 5001)
    np.testing.assert_allclose(encode(dark.astype(np.float32)), srgb(dark), atol=4e-7)
    assert SHOULDER.knee_linear == pytest.approx(0.603827, rel=1e-5)
    assert encode(np.array([64.0], np.float32))[0] == pytest.approx(1.0, abs=3e-7)
    assert encode(np.array([0.0], np.float32))[0] == 0.0 and decode(np.array([0.0], np.float32), 3.0)[0] == 0.0


@pytest.mark.parametrize("gain", GAINS)
def test_curve_matches_its_formula(gain):
    x = np.concatenate([-np.geomspace(1e-6, 1e3, 4000), np.geomspace(1e-6, 1e6, 9000)]).astype(np.float32)
    np.testing.assert_allclose(encode(x, gain), reference_curve(x.astype(np.float64) * gain), rtol=2e-6, atol=4e-7)


def test_value_and_slope_are_continuous_at_the_knee():
    x = SHOULDER.knee_linear + np.array([-1e-3, 0.0, 1e-3])
    y = encode(x.astype(np.float32)).astype(np.float64)
    left, right = np.diff(y) / 1e-3
    assert left == pytest.approx(SHOULDER.slope, rel=2e-2) and right == pytest.approx(SHOULDER.slope, rel=2e-2)
    assert y[1] == pytest.approx(0.8, abs=2e-7)


@pytest.mark.parametrize("gain", GAINS)
def test_there_and_back_on_a_dense_grid(gain):
    """-0.1 to 100, each channel in its own order: within 2e-5 relative (measured 8.2e-6 at the worst gain)."""
    grid = np.unique(np.concatenate([np.linspace(-0.1, 2, 60_001), np.geomspace(1e-6, 100, 40_000)]).astype(np.float32))
    channels = [grid, grid[::-1], np.roll(grid, 777)]
    pixels = np.stack(channels, axis=-1)[None]
    encoded = encode(pixels, gain)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(decode(encoded, gain), pixels, rtol=2e-5, atol=1e-9)
    np.testing.assert_array_equal(encoded[0, :, 1], encoded[0, ::-1, 0])
    steps = np.concatenate([np.linspace(-0.1, 2, 20_001), np.geomspace(2.01, 100, 5_000)]).astype(np.float32)
    assert (np.diff(encode(steps, gain)) > 0).all() and (np.diff(encode(grid, gain)) >= 0).all()


@given(st.floats(-0.125, 100, width=32), st.floats(-4, 4))
def test_there_and_back_of_any_value_at_any_gain(value, stops):
    gain = 2.0**stops
    back = decode(encode(np.array([value], np.float32), gain), gain)[0]
    assert back == pytest.approx(value, rel=5e-5, abs=1e-9)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from(GAINS))
def test_curve_is_odd_and_finite_everywhere(value, gain):
    x = np.array([value, -value], np.float32)
    for curve in (encode, decode):
        y = curve(x, gain)
        assert np.isfinite(y).all() and y[0] == -y[1] and np.sign(y[0]) * np.sign(value) >= 0


@given(st.floats(-1, 1000, width=32), st.floats(-1, 1000, width=32), st.sampled_from(GAINS))
def test_curve_never_falls(first, second, gain):
    low, high = sorted((first, second))
    for curve in (encode, decode):
        y = curve(np.array([low, high], np.float32), gain)
        assert y[0] <= y[1]


def test_joins_have_no_step_down():
    """Neighbouring floats on both sides of the toe and of the knee."""
    for gain in (0.37, 1.0, 5.3):
        for join in (0.0031306684 / gain, SHOULDER.knee_linear / gain):
            x = (np.float32(join).view(np.int32) + np.arange(-3000, 3000, dtype=np.int32)).view(np.float32)
            assert (np.diff(encode(x, gain)) >= 0).all()
        for join in (0.04044824, 0.8):
            y = (np.float32(join).view(np.int32) + np.arange(-3000, 3000, dtype=np.int32)).view(np.float32)
            assert (np.diff(decode(y, gain)) >= 0).all()


def test_nan_passes_and_infinity_stays_finite():
    x = np.array([math.nan, 0.5, math.inf, -math.inf], np.float32)
    for curve in (encode, decode):
        y = curve(x, 2.0)
        assert math.isnan(y[0]) and np.isfinite(y[1:]).all() and y[2] > 3 and y[3] < -3
        assert y[1] == curve(x[1:2], 2.0)[0]


def test_curve_takes_any_shape_and_leaves_its_input():
    pixels = np.random.default_rng(8).random((301, 217, 3), dtype=np.float32)[::2, ::-1]
    kept = pixels.copy()
    result = encode(pixels)
    assert result.shape == pixels.shape and not np.shares_memory(result, pixels)
    np.testing.assert_array_equal(pixels, kept)
    np.testing.assert_array_equal(result[-1, -1], encode(np.ascontiguousarray(pixels[-1, -1])))


@pytest.mark.parametrize(("knee", "white"), [(0.5, 16.0), (0.9, 1000.0)])
def test_another_shoulder(knee, white):
    shoulder = Shoulder(knee, white)
    x = np.geomspace(0.01, white, 500).astype(np.float32)
    y = shoulder.encode(x, 1.0)
    assert y[-1] == pytest.approx(1.0, abs=3e-7)
    np.testing.assert_allclose(y[x < shoulder.knee_linear], srgb(x[x < shoulder.knee_linear]), atol=1e-6)
    np.testing.assert_allclose(shoulder.decode(y, 1.0), x, rtol=5e-5)


@pytest.mark.parametrize(("knee", "white"), [(1.0, 64.0), (0.0, 64.0), (0.8, 0.9)])
def test_an_impossible_shoulder(knee, white):
    with pytest.raises(ValueError, match="shoulder"):
        Shoulder(knee, white)


# A display and view as network space


@pytest.mark.parametrize("view", ["ACES 1.0 - SDR Video", "Un-tone-mapped"])
def test_view_there_and_back(studio_config, view):
    """Greys of 0.01 to 0.9 within 1e-4 relative; moderate colours within 2e-2 (ACES's own inverse is that exact)."""
    network = ViewEncoding(studio_config, "sRGB - Display", view)
    greys = np.geomspace(0.01, 0.9, 200, dtype=np.float32)[None, :, None].repeat(3, axis=2)
    encoded = network.encode(greys, 1.0)
    assert encoded.min() > 0.0 and encoded.max() < 1.0 and (np.diff(encoded[0, :, 1]) > 0).all()
    np.testing.assert_allclose(network.decode(encoded, 1.0), greys, rtol=1e-4)
    colours = np.random.default_rng(9).uniform(0.05, 0.5, (20, 20, 3)).astype(np.float32)
    np.testing.assert_allclose(network.decode(network.encode(colours, 0.5), 0.5), colours, rtol=2e-2)


def test_view_exposes_by_the_gain(studio_config):
    network = ViewEncoding(studio_config, "sRGB - Display", "Un-tone-mapped")
    np.testing.assert_allclose(network.encode(pixels_of((0.09, 0.09, 0.09)), 2.0), 0.4613561, atol=1e-4)


def test_view_names_are_checked(studio_config):
    assert "sRGB - Display" in refusal_text("unknown-view", ViewEncoding, studio_config, "Screen", "Raw")
    assert "Un-tone-mapped" in refusal_text("unknown-view", ViewEncoding, studio_config, "sRGB - Display", "Film")
    refusal_text("view-is-data", ViewEncoding, studio_config, "sRGB - Display", "Raw")


@pytest.mark.parametrize(
    "transform",
    [
        "!<MatrixTransform> {matrix: [0.3, 0.6, 0.1, 0, 0.3, 0.6, 0.1, 0, 0.3, 0.6, 0.1, 0, 0, 0, 0, 1]}",
        "!<RangeTransform> {min_in_value: 0, max_in_value: 0.2, min_out_value: 0, max_out_value: 0.2}",
    ],
    ids=["singular", "clips"],
)
def test_a_view_without_inverse_is_refused(tmp_path, transform):
    spaces = linear_space("ACEScg") + f"  - !<ColorSpace> {{name: look, from_scene_reference: {transform}}}\n"
    views = "    - !<View> {name: film, colorspace: look}\n"
    config = ColorConfig.load(write_config(tmp_path, "scene_linear: ACEScg", spaces, views=views), environ={})
    assert "film" in refusal_text("view-without-inverse", ViewEncoding, config, "screen", "film")
