"""OCIO's own GPU shader of a display and view, for a viewer that shows float pixels, and the same on the CPU.

The chain: a file's colour space to scene-linear, exposure in stops, the view, gamma. Exposure and gamma are uniforms of the
shader, so that a slider compiles nothing. The gamma is the exponent itself: 1 changes nothing, a viewer's gamma g is 1 / g.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import PyOpenColorIO

from faceplate.color.config import ColorConfig, check_display
from faceplate.color.spaces import OCIO_ERRORS
from faceplate.errors import UsageError

_ocio: Any = PyOpenColorIO  # a compiled module without stubs

__all__ = [
    "FUNCTION",
    "Display",
    "DisplayShader",
    "ShaderTexture",
    "Uniform",
    "apply_display",
    "display_processor",
    "display_shader",
    "displays",
]

FUNCTION = "faceplate_display"
"""The shader's function: vec4 to vec4."""

_LANGUAGE = _ocio.GPU_LANGUAGE_GLSL_ES_3_0
_INTERPOLATIONS = {_ocio.INTERP_NEAREST: "nearest"}
_ROLES = {"exposureVal": ("exposure", 0.0), "gammaVal": ("gamma", 1.0)}
# WebGL2 promises 2048; a longer 1D table is folded into rows.
_MAX_WIDTH = 2048


@dataclass(frozen=True)
class Display:
    """A display of a config, and its views, the default first where the config says one."""

    name: str
    views: tuple[str, ...]


@dataclass(frozen=True)
class Uniform:
    """A value that a viewer may change: `role` is exposure or gamma."""

    name: str
    role: str
    default: float


@dataclass(frozen=True)
class ShaderTexture:
    """A table of the shader: float32 `values`, `channels` 1 or 3, rows from the first; `depth` is 1 for a plane."""

    sampler: str
    width: int
    height: int
    depth: int
    channels: int
    interpolation: str
    values: np.ndarray


@dataclass(frozen=True)
class DisplayShader:
    """GLSL ES 3.0 text with the function `FUNCTION`, its uniforms and textures; `cache_id` names the processor."""

    text: str
    cache_id: str
    uniforms: tuple[Uniform, ...]
    textures: tuple[ShaderTexture, ...]


def displays(color: ColorConfig) -> tuple[tuple[Display, ...], tuple[str, str]]:
    """Return the config's active displays with their views, and the default display and view."""
    config = color.config
    found = tuple(Display(name, tuple(config.getViews(name))) for name in config.getDisplays())
    default = config.getDefaultDisplay()
    return found, (default, config.getDefaultView(default))


def display_shader(color: ColorConfig, space: str, display: str, view: str) -> DisplayShader:
    """Return the shader from pixels in `space` to what `view` of `display` shows, code values 0..1.

    Raises
    ------
    UsageError
        `unknown-view`, `no-conversion`.
    """
    processor = display_processor(color, space, display, view, None)
    description = _ocio.GpuShaderDesc.CreateShaderDesc(language=_LANGUAGE)
    description.setFunctionName(FUNCTION)
    description.setResourcePrefix("ocio_")
    description.setAllowTexture1D(False)
    description.setTextureMaxWidth(_MAX_WIDTH)
    processor.getDefaultGPUProcessor().extractGpuShaderInfo(description)
    textures = [_plane(texture) for texture in description.getTextures()]
    textures += [_cube(texture) for texture in description.get3DTextures()]
    uniforms = [_uniform(name) for name, _ in description.getUniforms()]
    return DisplayShader(description.getShaderText(), processor.getCacheID(), tuple(uniforms), tuple(textures))


def apply_display(
    color: ColorConfig,
    pixels: np.ndarray,
    space: str,
    display: str,
    view: str,
    exposure: float = 0.0,
    gamma: float = 1.0,
) -> np.ndarray:
    """Apply the same chain to float32 `pixels` (h, w, 3) on the CPU, exactly; not clipped. Raises as `display_shader` does."""
    processor = display_processor(color, space, display, view, (exposure, gamma))
    result = np.array(pixels, np.float32, order="C", copy=True)
    processor.getOptimizedCPUProcessor(_ocio.OPTIMIZATION_LOSSLESS).applyRGB(result)
    return result


def display_processor(
    color: ColorConfig, space: str, display: str, view: str, fixed: tuple[float, float] | None
) -> Any:
    """Return OCIO's processor of the chain: with exposure and gamma fixed, or as dynamic properties where `fixed` is None.

    Raises as `display_shader` does.
    """
    check_display(color.config, display, view)
    linear = color.working_space
    before, after = _ocio.ExposureContrastTransform(), _ocio.ExposureContrastTransform()
    before.setStyle(_ocio.EXPOSURE_CONTRAST_LINEAR)
    after.setStyle(_ocio.EXPOSURE_CONTRAST_VIDEO)
    after.setPivot(1.0)
    if fixed is None:
        before.makeExposureDynamic()
        after.makeGammaDynamic()
    else:
        before.setExposure(fixed[0])
        after.setGamma(fixed[1])
    steps = [_ocio.DisplayViewTransform(linear, display, view), after]
    if color.is_data(space):
        chain = _ocio.GroupTransform([before, *steps])
    else:
        chain = _ocio.GroupTransform([_ocio.ColorSpaceTransform(space, linear), before, *steps])
    try:
        return color.config.getProcessor(chain)
    except OCIO_ERRORS as error:
        raise UsageError(
            "no-conversion", f"The OCIO config {color.source} cannot show '{space}' as {view} of {display}: {error}."
        ) from error


def _uniform(name: str) -> Uniform:
    role, default = next((role for end, role in _ROLES.items() if name.endswith(end)), ("", 0.0))
    return Uniform(name, role, default)


def _plane(texture: Any) -> ShaderTexture:
    channels = 1 if texture.channel == _ocio.GpuShaderDesc.TEXTURE_RED_CHANNEL else 3
    values = np.asarray(texture.getValues(), np.float32).reshape(-1)
    how = _INTERPOLATIONS.get(texture.interpolation, "linear")
    return ShaderTexture(texture.samplerName, texture.width, max(texture.height, 1), 1, channels, how, values)


def _cube(texture: Any) -> ShaderTexture:
    side = texture.edgeLen
    values = np.asarray(texture.getValues(), np.float32).reshape(-1)
    how = _INTERPOLATIONS.get(texture.interpolation, "linear")
    return ShaderTexture(texture.samplerName, side, side, side, 3, how, values)
