"""Nuke's colour management and proxy scale as the engine is told them."""

from __future__ import annotations

import pytest

from adapter_modules import adapter_module
from faceplate_client import HostError
from fake_nuke import nuke
from nuke_stage import Stage


def test_colour_management_is_handed_on() -> None:
    color = adapter_module("color_management")
    made = color.ColorSettings
    legacy = made("Nuke", "nuke-default", working="linear")
    assert color.config_of(legacy) is None and color.working_space(legacy) == "Linear Rec.709 (sRGB)"
    assert color.space_of(legacy, "linear", False) == "Linear Rec.709 (sRGB)"
    custom = made("OCIO", "custom", "/c/config.ocio", "ACES - ACEScg")
    assert color.config_of(custom) == "/c/config.ocio" and color.working_space(custom) == "ACES - ACEScg"
    assert color.space_of(custom, "ACES - ACES2065-1", False) == "ACES - ACES2065-1"
    assert color.space_of(custom, "whatever", True) == "ACES - ACEScg"
    assert color.config_of(made("OCIO", "custom", "/c/config.ocio", environment="/e.ocio")) == "/e.ocio"
    shipped = made("OCIO", "aces_1.2", config_folder="/n/configs")
    assert color.config_of(shipped, lambda path: path == "/n/configs/aces_1.2/config.ocio").endswith(
        "aces_1.2/config.ocio"
    )
    with pytest.raises(HostError, match=r"aces_1\.2"):
        color.config_of(shipped, lambda path: False)
    assert color.plain_name("default (ACES - ACEScg)") == "ACES - ACEScg"


def test_the_names_that_the_adapter_takes_for_linear_are_linear() -> None:
    """Against the config itself: every space that the names call linear decodes without a curve."""
    import numpy as np

    from faceplate.color import ColorConfig

    is_linear = adapter_module("color_management").is_linear
    config = ColorConfig.load(environ={})
    raw = __import__("PyOpenColorIO").Config.CreateFromBuiltinConfig("cg-config-v2.1.0_aces-v1.3_ocio-v2.3")
    names = [space.getName() for space in raw.getColorSpaces()]
    called = [name for name in names if is_linear(name)]
    assert "ACEScg" in called and "Linear Rec.709 (sRGB)" in called and "ARRI LogC3 (EI800)" not in called
    sample = np.full((1, 1, 3), 0.2, np.float32)
    for name in called:
        once = config.convert(sample, config.resolve(name), config.resolve("ACEScg"))
        twice = config.convert(2 * sample, config.resolve(name), config.resolve("ACEScg"))
        assert np.allclose(twice, 2 * once, rtol=1e-5), name


def test_the_proxy_factor_is_no_coarser_than_the_projects(stage: Stage) -> None:
    factor, root = stage.adapter("node_state").proxy_factor, nuke.root()
    assert factor() == 1
    root["proxy"].setValue(True)
    root["proxy_type"].setValue("scale")
    for scale, expected in ((1.0, 1), (0.5, 2), (0.4, 2), (0.25, 4), (0.1, 8), (0.05, 8)):
        root["proxy_scale"].setValue(scale)
        assert factor() == expected, scale
