"""The generated face matched to the plate on the crop's pixels: detail, highlights, light, and the seam."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from faceplate.comp import (
    ColorTransform,
    FeatureTones,
    LightMatch,
    SkinTones,
    calm_highlights,
    enhance_detail,
    feature_matte,
    gradient_blend,
    hull_matte,
    match_color,
    match_light,
    measure_features,
    measure_tones,
    multiband_blend,
    seam_weight,
    skin_field,
    skin_weight,
    unsaturated_tones,
    without_plate_beard,
)
from faceplate.face import Face, topology
from faceplate.image.saturation import saturated
from faceplate.image.weighting import is_same, times
from faceplate.render.blur import FrameBlur, blurred_face, blurred_on_crop
from faceplate.render.face_tones import new_tones
from faceplate.render.frame_cache import NO_FRAME_CACHE, FrameCache
from faceplate.render.generate import GeneratorResult
from faceplate.render.matte import Mattes, OcclusionMatte, full_where_nearly
from faceplate.render.prepare import PreparedPlate, hull_edges, placed
from faceplate.shot.parameters import Parameters

__all__ = ["match_face"]


@dataclass(frozen=True)
class _Measured:
    """The new face before its light is changed, and what was measured on both faces.

    `pixels` float32 (h, w, 3), scene-linear working space: sharpened, its highlights held to the plate's. `features` are the
    plate's sclera and teeth, `own_features` the new face's.
    """

    pixels: np.ndarray
    generated: SkinTones
    plate: SkinTones
    features: FeatureTones
    own_features: FeatureTones | None


@dataclass(frozen=True)
class _Matched:
    """Light and colour that make the new face's the plate's.

    `weights` (3,) are the working space's luminance; `skin` (2, 3) is the log of the new face's skin beside its eyes and its mouth.
    """

    light: LightMatch
    color: ColorTransform
    weights: np.ndarray
    skin: np.ndarray


def match_face(
    prepared: PreparedPlate,
    result: GeneratorResult,
    mattes: Mattes,
    parameters: Parameters,
    tones: SkinTones | None = None,
    cache: FrameCache = NO_FRAME_CACHE,
    blur: FrameBlur | None = None,
) -> np.ndarray:
    """Return the generated face in the plate's light, blurred and blended at the seam, scene-linear float32 (h, w, 3) on the crop.

    `tones` are the plate's from the track; None measures them in this frame. `blur` is what the face lacks of the plate's blur.
    """
    if is_same(result.generated.pixels, result.shown):
        return result.generated.pixels
    return cache.make("matched", lambda: _matched(prepared, result, mattes, parameters, tones, cache, blur))


def _matched(
    prepared: PreparedPlate,
    result: GeneratorResult,
    mattes: Mattes,
    parameters: Parameters,
    tones: SkinTones | None,
    cache: FrameCache,
    blur: FrameBlur | None,
) -> np.ndarray:
    """Return the lit and blurred face with its seam closed, and the plate's own pixels where the generator kept them."""
    measured = cache.make("light", lambda: _measured(prepared, result, mattes.occlusion, parameters, tones))
    match = _match(prepared, measured, parameters)
    pixels = measured.pixels if match is None else _matched_pixels(prepared, measured.pixels, match, parameters)
    kept = result.generated.kept
    if blur is not None:  # the plate's own pixels are blurred already, and only the border to them moves
        pixels = blurred_face(pixels, prepared.crop, blur, _face_matte(prepared, result, mattes, parameters))
        kept = None if kept is None else blurred_on_crop(kept, prepared.crop, blur)
    pixels = _blended(pixels, prepared, result, mattes.occlusion, parameters)
    return pixels if kept is None else pixels + kept[..., None] * (result.shown - pixels)


def _face_matte(prepared: PreparedPlate, result: GeneratorResult, mattes: Mattes, parameters: Parameters) -> np.ndarray:
    """Draw where the crop's pixels are the new face, float32 (h, w)."""
    if mattes.sharp is not None and prepared.crop.on_plate_grid:
        return placed(mattes.sharp, mattes.region, prepared.crop.transform.window)
    hull = hull_matte(
        prepared.crop.face,
        prepared.crop.transform.window,
        erode=parameters.matte_erode,
        feather=parameters.matte_feather,
        edges=hull_edges(parameters),
    )
    return hull * full_where_nearly(result.generated.coverage)


def _matched_pixels(prepared: PreparedPlate, pixels: np.ndarray, match: _Matched, parameters: Parameters) -> np.ndarray:
    """Return the face `pixels` in the plate's light and colour, its seam closed."""
    face, window, aspect = prepared.crop.face, prepared.crop.transform.window, prepared.crop.transform.pixel_aspect
    correction = match.light.light.on(window, face.size, aspect)
    match.color.add_to(correction, pixels, match.skin, face, window)
    if parameters.blend == "seam" and parameters.blend_amount > 0:
        weight = seam_weight(face, window, hull_edges(parameters), parameters.blend_reach)
        weight *= np.float32(parameters.blend_amount)
        seam = match.light.seam.on(window, face.size, aspect)
        cv2.add(correction, times(seam, weight, out=seam), dst=correction)
    # Light is a factor: in the symmetric logarithm a deep shadow would fall below zero.
    return saturated(cv2.multiply(pixels, np.exp(correction, out=correction)), match.color.saturation, match.weights)


def _measured(
    prepared: PreparedPlate,
    result: GeneratorResult,
    occlusion: OcclusionMatte,
    parameters: Parameters,
    tones: SkinTones | None,
) -> _Measured:
    """Sharpen the face, hold its highlights to the plate's, and measure the tones of both faces."""
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
            spared=feature_matte(face, window),
        )
    covered = full_where_nearly(result.generated.coverage)
    generated = new_tones(pixels, covered, result.generated.tones, prepared.crop)
    tones = tones or measure_tones(result.shown, window, face, visible, aspect)
    plate = without_plate_beard(tones)
    if result.generated.features is None:
        return _Measured(pixels, generated, plate, FeatureTones.none(), None)
    features = prepared.features or _photographed_features(prepared)
    features = features or measure_features(result.shown, window, face, tones, visible, aspect)
    if plate is not tones:  # sclera and teeth were measured over skin with the beard
        apart = _beside_features(tones, face, aspect) - _beside_features(plate, face, aspect)
        features = replace(features, log=features.log + apart)
    return _Measured(pixels, generated, plate, features, result.generated.features)


def _photographed_features(prepared: PreparedPlate) -> FeatureTones | None:
    """Return sclera and teeth of the photographed face where dials are turned; None where they are not.

    Dials move irises, lids and lips over the plate: where sclera is then expected, the moved plate may show a lid.
    """
    if prepared.performed is None:
        return None
    face, window, aspect = prepared.shot_face, prepared.plate.window, prepared.plate.pixel_aspect
    tones = measure_tones(prepared.shot, window, face, None, aspect)
    return measure_features(prepared.shot, window, face, tones, None, aspect)


def _match(prepared: PreparedPlate, measured: _Measured, parameters: Parameters) -> _Matched | None:
    """Find light and colour; None where no tone can be compared."""
    face, aspect = prepared.crop.face, prepared.crop.transform.pixel_aspect
    weights = prepared.plate.color.luminance(np.eye(3, dtype=np.float32)[None])[0].astype(np.float64)
    color = match_color(
        measured.own_features,
        measured.features,
        measured.generated,
        measured.plate,
        weights,
        parameters.grade_features * parameters.light_color,
        _beside_features(measured.plate, face, aspect),
    )
    plate = unsaturated_tones(measured.plate, color.saturation, weights)
    light = match_light(
        measured.generated,
        plate,
        face,
        scale=parameters.light_scale,
        luminance=parameters.light_luminance,
        color=parameters.light_color,
        pixel_aspect=aspect,
    )
    if light is None:
        return None
    skin = _beside_features(measured.generated, face, aspect)
    apart = _beside_features(plate, face, aspect) - skin
    luminance = apart.mean(axis=1, keepdims=True)
    followed = parameters.light_luminance * luminance + parameters.light_color * (apart - luminance)
    left = followed - light.light.at(_feature_places(face, aspect))
    return _Matched(light, color.beside_light(left), weights, skin)


def _beside_features(tones: SkinTones, face: Face, pixel_aspect: float) -> np.ndarray:
    """Return the log of the skin beside the eyes and beside the mouth, float64 (2, 3)."""
    field = skin_field(tones.log, tones.trust, face, pixel_aspect)
    return field.at(_feature_places(face, pixel_aspect))


def _feature_places(face: Face, pixel_aspect: float) -> np.ndarray:
    """Return the places of the eyes and of the mouth, float64 (2, 2), in units of the face's size."""
    mesh = topology()
    eyes = face.points[np.concatenate([mesh.right_eye_loop, mesh.left_eye_loop]), :2].mean(axis=0)
    places = np.stack([eyes, face.points[mesh.mouth_loop, :2].mean(axis=0)])
    return places * (pixel_aspect / face.size, 1.0 / face.size)


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
