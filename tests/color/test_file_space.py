"""The colour space of a file: what is asked for, what it declares, and the rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from color_configs import linear_space, refusal_text, write_config
from faceplate.color import (
    ColorConfig,
)
from faceplate.color.spaces import CHROMATICITIES


def test_the_request_beats_all_and_the_file_beats_the_rules(studio_config):
    ask = {"explicit": "ACEScct", "interop_id": "lin_rec709_scene", "chromaticities": CHROMATICITIES["lin_ap1_scene"]}
    assert studio_config.space_of_file("a.exr", requested="lin_p3d65_scene", **ask).name == "Linear P3-D65"
    assert studio_config.space_of_file("a.exr", **ask).name == "ACEScct"
    assert studio_config.space_of_file("a.exr", **(ask | {"explicit": None})).name == "Linear Rec.709 (sRGB)"
    by_primaries = studio_config.space_of_file("a.exr", chromaticities=ask["chromaticities"])
    assert by_primaries.name == "ACEScg" and "chromaticities" in by_primaries.reason and not by_primaries.assumed
    refusal_text("unknown-space", studio_config.space_of_file, "a.exr", requested="nonsense", **ask)


def test_an_unknown_declaration_goes_on_and_is_mentioned(studio_config):
    choice = studio_config.space_of_file("a.exr", explicit="show_grade_v2", interop_id="lin_ap1_scene")
    assert choice.name == "ACEScg" and "show_grade_v2" in choice.reason
    choice = studio_config.space_of_file("a.exr", interop_id="unknown")
    assert choice.name == "ACES2065-1" and "unknown" in choice.reason and choice.assumed


def test_chromaticities_only_count_for_float_and_within_a_thousandth(studio_config):
    ap1 = CHROMATICITIES["lin_ap1_scene"]
    for interop_id, values in CHROMATICITIES.items():
        if interop_id != "lin_adobergb_scene":
            assert studio_config.space_of_file("a.exr", chromaticities=values).name == studio_config.resolve(interop_id)
    near = (*ap1[:-1], ap1[-1] + 0.0009)
    far = (*ap1[:-1], ap1[-1] + 0.0012)
    assert studio_config.space_of_file("a.exr", chromaticities=near).name == "ACEScg"
    for values in (far, CHROMATICITIES["lin_adobergb_scene"], ap1[:6]):
        choice = studio_config.space_of_file("a.exr", chromaticities=values)
        assert choice.name == "ACES2065-1" and "chromaticities" in choice.reason and choice.assumed
    assert studio_config.space_of_file("a.png", chromaticities=ap1, is_integer=True).name == "sRGB - Texture"


def test_published_chromaticities_agree_with_the_config(studio_config):
    """The table's matrices, with Bradford adaptation to D65, are those that OCIO uses."""
    for interop_id, values in CHROMATICITIES.items():
        if interop_id == "lin_adobergb_scene":
            continue
        matrix = np.linalg.inv(xyz_d65(CHROMATICITIES["lin_rec709_scene"])) @ xyz_d65(values)
        columns = studio_config.convert(np.eye(3, dtype=np.float32)[None], interop_id, "lin_rec709_scene")[0].T
        np.testing.assert_allclose(columns, matrix, atol=2e-4, err_msg=interop_id)


def xyz_d65(values: tuple[float, ...]) -> np.ndarray:
    """RGB to CIE XYZ (D65) from chromaticities: SMPTE RP 177, white adapted by Bradford."""
    points = [np.array([x / y, 1.0, (1.0 - x - y) / y]) for x, y in zip(values[:6:2], values[1:6:2], strict=True)]
    white, d65 = (np.array([x / y, 1.0, (1.0 - x - y) / y]) for x, y in (values[6:], (0.3127, 0.3290)))
    primaries = np.stack(points, axis=1)
    cone = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    adapted = np.linalg.inv(cone) @ np.diag((cone @ d65) / (cone @ white)) @ cone
    return adapted @ primaries @ np.diag(np.linalg.solve(primaries, white))


def test_file_rules(tmp_path):
    rules = "  - !<Rule> {name: Plates, colorspace: mine, pattern: '*plate*', extension: '*'}\n"
    rules += "  - !<Rule> {name: ColorSpaceNamePathSearch}\n"
    spaces = linear_space("mine") + linear_space("other_lin")
    config = ColorConfig.load(write_config(tmp_path, "scene_linear: mine", spaces, rules), environ={})
    choice = config.space_of_file(Path("shots/plate.0001.dpx"), is_integer=True)
    assert choice.name == "mine" and "Plates" in choice.reason and not choice.assumed
    assert config.space_of_file("shots/beauty_other_lin.0001.exr").name == "other_lin"
    refusal_text("space-needed", config.space_of_file, "beauty.exr")  # this default rule says raw, which is no colour


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "b.0001.png", "c.webp"])
def test_integer_pictures_are_srgb_by_custom(studio_config, name):
    choice = studio_config.space_of_file(name, is_integer=True)
    assert choice.name == "sRGB - Texture" and choice.assumed


def test_float_exr_takes_the_default_rule(studio_config):
    choice = studio_config.space_of_file(Path("a.%04d.EXR"))
    assert choice.name == "ACES2065-1" and choice.assumed


@pytest.mark.parametrize(
    ("name", "is_integer"),
    [
        ("a.dpx", True),
        ("a.tif", True),
        ("a.cin", True),
        ("a.exr", True),
        ("a.tif", False),
        ("a.hdr", False),
        ("a", True),
    ],
)
def test_a_file_that_says_nothing_needs_the_option(studio_config, name, is_integer):
    assert "--space" in refusal_text("space-needed", studio_config.space_of_file, name, is_integer=is_integer)
    assert studio_config.space_of_file(name, is_integer=is_integer, requested="ARRI LogC4").name == "ARRI LogC4"


def test_the_refusal_repeats_what_the_file_said_in_vain(studio_config):
    assert "house_log" in refusal_text(
        "space-needed", studio_config.space_of_file, "a.dpx", explicit="house_log", is_integer=True
    )
