"""The display shader: the same chain as on the CPU, its uniforms and its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PyOpenColorIO
import pytest

from faceplate.color import ColorConfig
from faceplate.color.shader import FUNCTION, apply_display, display_processor, display_shader, displays
from faceplate.errors import UsageError

ocio: Any = PyOpenColorIO  # a compiled module without stubs
DISPLAY = "sRGB - Display"
VIEWS = ("ACES 1.0 - SDR Video", "Un-tone-mapped")


def chart() -> np.ndarray:
    """A chart from -0.05 to 64, grey and coloured."""
    values = np.concatenate([[-0.05, -0.01, 0.0], np.geomspace(1e-3, 64, 61)]).astype(np.float32)
    colours = np.array([[1, 1, 1], [1, 0.2, 0.05], [0.1, 1, 0.3], [0.05, 0.2, 1]], np.float32)
    return np.ascontiguousarray(values[None, :, None] * colours[:, None, :])


class TestChain:
    @pytest.mark.parametrize("view", VIEWS)
    def test_without_changes_it_is_the_view(self, color: ColorConfig, view: str) -> None:
        assert np.allclose(
            apply_display(color, chart(), "ACEScg", DISPLAY, view), color.to_view(chart(), DISPLAY, view), atol=2e-5
        )

    @pytest.mark.parametrize("stops", [-2.0, 3.0, 6.0])
    def test_exposure_is_in_stops_of_scene_light(self, color: ColorConfig, stops: float) -> None:
        one = apply_display(color, chart(), "ACEScg", DISPLAY, VIEWS[0], stops)
        assert np.allclose(one, color.to_view(chart() * np.float32(2**stops), DISPLAY, VIEWS[0]), atol=2e-5)

    def test_exposure_of_a_log_plate_too(self, color: ColorConfig) -> None:
        log = color.from_working(chart(), "ACEScct")
        one = apply_display(color, log, "ACEScct", DISPLAY, VIEWS[0], 2.0)
        assert np.allclose(one, color.to_view(chart() * np.float32(4), DISPLAY, VIEWS[0]), atol=1e-3)

    def test_gamma_comes_last(self, color: ColorConfig) -> None:
        plain = apply_display(color, chart(), "ACEScg", DISPLAY, VIEWS[1])
        bent = apply_display(color, chart(), "ACEScg", DISPLAY, VIEWS[1], 0.0, 0.5)
        shown = (plain > 1e-4) & (plain < 1)
        assert np.allclose(bent[shown], np.sqrt(plain[shown]), atol=1e-4)


class TestShader:
    @pytest.mark.parametrize("view", VIEWS)
    def test_is_glsl_for_webgl2(self, color: ColorConfig, view: str) -> None:
        made = display_shader(color, "ACEScg", DISPLAY, view)
        assert f"vec4 {FUNCTION}(" in made.text and "sampler1D" not in made.text and made.cache_id
        assert [(uniform.role, uniform.default) for uniform in made.uniforms] == [("exposure", 0.0), ("gamma", 1.0)]
        assert all(f"uniform float {uniform.name};" in made.text for uniform in made.uniforms)

    def test_uniforms_do_what_the_fixed_chain_does(self, color: ColorConfig) -> None:
        """The processor whose shader is given, its dynamic properties set on the CPU."""
        processor = display_processor(color, "ACEScg", DISPLAY, VIEWS[0], None)
        cpu = processor.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)
        cpu.getDynamicProperty(ocio.DYNAMIC_PROPERTY_EXPOSURE).setDouble(1.5)
        cpu.getDynamicProperty(ocio.DYNAMIC_PROPERTY_GAMMA).setDouble(0.8)
        pixels = chart()
        cpu.applyRGB(pixels)
        assert np.allclose(pixels, apply_display(color, chart(), "ACEScg", DISPLAY, VIEWS[0], 1.5, 0.8), atol=1e-5)

    def test_tables(self, tmp_path: Path) -> None:
        """A config with a 3D and a 1D table: their numbers arrive in OCIO's own order and size."""
        size = 5
        axis = np.linspace(0, 1, size)
        cube = "\n".join(f"{r**2:.6f} {g**2:.6f} {b**2:.6f}" for b in axis for g in axis for r in axis)
        (tmp_path / "look.cube").write_text(f"LUT_3D_SIZE {size}\n{cube}\n")
        (tmp_path / "curve.cube").write_text(
            "LUT_1D_SIZE 5000\n" + "\n".join(f"{v:.6f} " * 3 for v in np.linspace(0, 1, 5000) ** 0.5)
        )
        config = ocio.Config.CreateFromBuiltinConfig("cg-config-v2.1.0_aces-v1.3_ocio-v2.3")
        for name, file in (("look", "look.cube"), ("curve", "curve.cube")):
            space = ocio.ColorSpace(name=name, referenceSpace=ocio.REFERENCE_SPACE_SCENE)
            space.setTransform(
                ocio.FileTransform(str(tmp_path / file), interpolation=ocio.INTERP_LINEAR),
                ocio.COLORSPACE_DIR_FROM_REFERENCE,
            )
            config.addColorSpace(space)
            config.addDisplayView("test", name, name)
        (tmp_path / "config.ocio").write_text(config.serialize())
        color = ColorConfig.load(str(tmp_path / "config.ocio"))
        made = display_shader(color, "ACEScg", "test", "look")
        (look,) = made.textures
        assert (look.width, look.height, look.depth, look.channels) == (size, size, size, 3)
        assert look.interpolation == "linear" and look.values.shape == (size**3 * 3,)
        assert np.allclose(look.values.reshape(-1, 3)[1], [0, 0, axis[1] ** 2], atol=1e-5)
        assert ".zyx" in made.text, "blue runs fastest, so the shader asks for it first"
        (curve,) = display_shader(color, "ACEScg", "test", "curve").textures
        assert curve.depth == 1 and curve.width <= 2048 and curve.width * curve.height >= 5000
        assert curve.values.shape == (curve.width * curve.height * curve.channels,)


class TestRefusals:
    @pytest.mark.parametrize(("display", "view"), [("none", "Raw"), (DISPLAY, "none"), ("", "")])
    def test_unknown_views(self, color: ColorConfig, display: str, view: str) -> None:
        with pytest.raises(UsageError) as refused:
            display_shader(color, "ACEScg", display, view)
        assert refused.value.code == "unknown-view"

    def test_raw_shows_the_numbers(self, color: ColorConfig) -> None:
        assert np.allclose(apply_display(color, chart(), "ACEScg", DISPLAY, "Raw"), chart(), atol=1e-6)
        assert FUNCTION in display_shader(color, "ACEScg", DISPLAY, "Raw").text


def test_displays(color: ColorConfig) -> None:
    found, (display, view) = displays(color)
    names = {item.name: item.views for item in found}
    assert view in names[display] and set(VIEWS) <= set(names[DISPLAY])
