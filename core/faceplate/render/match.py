"""The generated face matched to the plate on the crop's pixels: detail, highlights, light, and the seam."""

from __future__ import annotations

import numpy as np

from faceplate.comp import (
    calm_highlights,
    enhance_detail,
    gradient_blend,
    hull_matte,
    light_between,
    lit_by,
    multiband_blend,
    skin_weight,
)
from faceplate.render.frame_cache import NO_FRAME_CACHE, FrameCache
from faceplate.render.generate import GeneratorResult
from faceplate.render.matte import Mattes, OcclusionMatte, full_where_nearly
from faceplate.render.prepare import PreparedPlate, hull_edges
from faceplate.shot.parameters import Parameters

__all__ = ["match_face"]


def match_face(
    prepared: PreparedPlate,
    result: GeneratorResult,
    mattes: Mattes,
    parameters: Parameters,
    cache: FrameCache = NO_FRAME_CACHE,
) -> np.ndarray:
    """Return the generated face in the plate's light and blended at the seam, scene-linear float32 (h, w, 3) on the crop."""
    return cache.make("matched", lambda: _blended(prepared, result, mattes, parameters, cache))


def _blended(
    prepared: PreparedPlate, result: GeneratorResult, mattes: Mattes, parameters: Parameters, cache: FrameCache
) -> np.ndarray:
    """Return the lit face with its seam closed, as the parameter `blend` says."""
    face, window = prepared.crop.face, prepared.crop.transform.window
    pixels, visible = cache.make("lit", lambda: _lit(prepared, result, mattes.occlusion, parameters, cache))
    if parameters.blend == "none" or parameters.blend_amount == 0:
        return pixels
    hull = hull_matte(
        face, window, erode=parameters.matte_erode, feather=parameters.matte_feather, edges=hull_edges(parameters)
    )
    ramp = hull * visible
    if parameters.blend == "multiband":
        return multiband_blend(pixels, result.shown, ramp, face.level, parameters.blend_amount)
    seam = ((ramp > 0) & (ramp < 1)).astype(np.float32)
    reach = parameters.blend_reach * face.size
    return gradient_blend(pixels, result.shown, ramp >= 1, seam, face.level, parameters.blend_amount, reach)


def _lit(
    prepared: PreparedPlate,
    result: GeneratorResult,
    occlusion: OcclusionMatte,
    parameters: Parameters,
    cache: FrameCache,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the generated face, sharpened, in the plate's light; and how far each pixel shows it, float32 (h, w)."""
    face = prepared.crop.face
    pixels = enhance_detail(result.generated.pixels, face.size, face.level, parameters.enhance)
    if parameters.light_luminance == 0 and parameters.light_color == 0 and parameters.light_highlights == 0:
        return pixels, _visible(prepared, result, occlusion)
    pixels, light, visible = cache.make("light", lambda: _light(prepared, result, occlusion, pixels, parameters))
    return lit_by(pixels, light, face.level, parameters.light_luminance, parameters.light_color), visible


def _light(
    prepared: PreparedPlate,
    result: GeneratorResult,
    occlusion: OcclusionMatte,
    pixels: np.ndarray,
    parameters: Parameters,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return the face `pixels` with its highlights held to the plate's; the light between the two; how far each pixel shows it."""
    face, window = prepared.crop.face, prepared.crop.transform.window
    visible = _visible(prepared, result, occlusion)
    skin = skin_weight(face, window) * visible
    measured = {"size": face.size, "level": face.level, "scale": parameters.light_scale}
    calm = calm_highlights(pixels, result.shown, skin, **measured, amount=parameters.light_highlights)
    return calm, light_between(calm, result.shown, skin, **measured), visible


def _visible(prepared: PreparedPlate, result: GeneratorResult, occlusion: OcclusionMatte) -> np.ndarray:
    """How far each of the crop's pixels shows the new face, float32 (h, w): covered, and not occluded."""
    occluded = np.float32(0)
    if occlusion.matte.size:
        occluded = prepared.crop.from_plate(occlusion.matte, occlusion.window)
    return full_where_nearly(result.generated.coverage) * (1 - np.clip(occluded, 0, 1))
