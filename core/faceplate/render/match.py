"""The generated face matched to the plate on the crop's pixels: detail, highlights, light, and the seam."""

from __future__ import annotations

import numpy as np

from faceplate.comp import (
    SkinTones,
    calm_highlights,
    enhance_detail,
    gradient_blend,
    hull_matte,
    match_light,
    measure_tones,
    multiband_blend,
    seam_weight,
    skin_weight,
)
from faceplate.image.symmetric_log import from_log, to_log
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
    tones: SkinTones | None = None,
    cache: FrameCache = NO_FRAME_CACHE,
) -> np.ndarray:
    """Return the generated face in the plate's light and blended at the seam, scene-linear float32 (h, w, 3) on the crop.

    `tones` are the plate's from the track; None measures them in this frame.
    """
    if np.array_equal(result.generated.pixels, result.shown):
        return result.generated.pixels
    return cache.make("matched", lambda: _matched(prepared, result, mattes, parameters, tones, cache))


def _matched(
    prepared: PreparedPlate,
    result: GeneratorResult,
    mattes: Mattes,
    parameters: Parameters,
    tones: SkinTones | None,
    cache: FrameCache,
) -> np.ndarray:
    """Return the lit face with its seam closed, and the plate's own pixels where the generator kept them."""
    face, window, aspect = prepared.crop.face, prepared.crop.transform.window, prepared.crop.transform.pixel_aspect
    pixels, own, plate = cache.make("light", lambda: _measured(prepared, result, mattes.occlusion, parameters, tones))
    match = match_light(
        own,
        plate,
        face,
        scale=parameters.light_scale,
        luminance=parameters.light_luminance,
        color=parameters.light_color,
        pixel_aspect=aspect,
    )
    if match is not None:
        correction = match.light.on(window, face.size, aspect)
        if parameters.blend == "seam" and parameters.blend_amount > 0:
            weight = seam_weight(face, window, hull_edges(parameters), parameters.blend_reach)
            weight *= np.float32(parameters.blend_amount)
            correction += weight[..., None] * match.seam.on(window, face.size, aspect)
        pixels = from_log(to_log(pixels, face.level) + correction, face.level)
    pixels = _blended(pixels, prepared, result, mattes.occlusion, parameters)
    kept = result.generated.kept
    return pixels if kept is None else pixels + kept[..., None] * (result.shown - pixels)


def _measured(
    prepared: PreparedPlate,
    result: GeneratorResult,
    occlusion: OcclusionMatte,
    parameters: Parameters,
    tones: SkinTones | None,
) -> tuple[np.ndarray, SkinTones, SkinTones]:
    """Return the face, sharpened and with the plate's highlights, its tones, and the plate's."""
    face, window, aspect = prepared.crop.face, prepared.crop.transform.window, prepared.crop.transform.pixel_aspect
    pixels = enhance_detail(result.generated.pixels, face.size, face.level, parameters.enhance)
    visible = _visible(prepared, result, occlusion)
    if parameters.light_highlights > 0:
        skin = skin_weight(face, window) * visible
        pixels = calm_highlights(
            pixels,
            result.shown,
            skin,
            size=face.size,
            level=face.level,
            scale=_HIGHLIGHT_SCALE,
            amount=parameters.light_highlights,
        )
    own = _with_known(
        measure_tones(pixels, window, face, full_where_nearly(result.generated.coverage), aspect),
        result.generated.tones,
    )
    return pixels, own, tones or measure_tones(result.shown, window, face, visible, aspect)


def _with_known(measured: SkinTones, known: SkinTones | None) -> SkinTones:
    """Return `measured` tones, replaced by the `known` ones as far as those are trusted."""
    if known is None:
        return measured
    part = known.trust
    trust = part + (1 - part) * measured.trust
    return SkinTones(part[:, None] * known.log + (1 - part[:, None]) * measured.log, trust)


def _blended(
    pixels: np.ndarray,
    prepared: PreparedPlate,
    result: GeneratorResult,
    occlusion: OcclusionMatte,
    parameters: Parameters,
) -> np.ndarray:
    """Return the face `pixels` with its seam closed by this frame's pixels, where the parameter `blend` asks for that."""
    if parameters.blend not in ("gradient", "multiband") or parameters.blend_amount == 0:
        return pixels
    face, window = prepared.crop.face, prepared.crop.transform.window
    hull = hull_matte(
        face, window, erode=parameters.matte_erode, feather=parameters.matte_feather, edges=hull_edges(parameters)
    )
    ramp = hull * _visible(prepared, result, occlusion)
    if parameters.blend == "multiband":
        return multiband_blend(pixels, result.shown, ramp, face.level, parameters.blend_amount)
    seam = ((ramp > 0) & (ramp < 1)).astype(np.float32)
    reach = parameters.blend_reach * face.size
    return gradient_blend(pixels, result.shown, ramp >= 1, seam, face.level, parameters.blend_amount, reach)


def _visible(prepared: PreparedPlate, result: GeneratorResult, occlusion: OcclusionMatte) -> np.ndarray:
    """How far each of the crop's pixels shows the new face, float32 (h, w): covered, and not occluded."""
    occluded = np.float32(0)
    if occlusion.matte.size:
        occluded = prepared.crop.from_plate(occlusion.matte, occlusion.window)
    return full_where_nearly(result.generated.coverage) * (1 - np.clip(occluded, 0, 1))


# Standard deviation of the low-pass above which a highlight is measured, as a fraction of the face's size.
_HIGHLIGHT_SCALE = 0.25
