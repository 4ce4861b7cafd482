"""Tones of the new face, and the light that they and the plate's give it: what matching and measuring its edges have in common."""

from __future__ import annotations

import numpy as np

from faceplate.comp import SkinTones, match_light, measure_tones, without_beard, without_plate_beard
from faceplate.generators import Generated
from faceplate.image.window import Window
from faceplate.render.crop import PlateCrop
from faceplate.render.prepare import PreparedPlate

__all__ = ["expected_light", "new_tones"]

# Finest scale of hard light, as a fraction of the face's size: the default of the parameter `light_scale`.
_SCALE = 0.08


def new_tones(pixels: np.ndarray, covered: np.ndarray, known: SkinTones | None, crop: PlateCrop) -> SkinTones:
    """Return the tones of the new face, whose `pixels` float32 (h, w, 3) are on the crop, scene-linear working space.

    They are those that the generator has `known`, without a beard's; the others are measured where the face is `covered`, float32
    (h, w).
    """
    transform = crop.transform
    measured = measure_tones(pixels, transform.window, crop.face, covered, transform.pixel_aspect)
    if known is None:
        return measured
    part = known.trust
    log = part[:, None] * known.log + (1 - part[:, None]) * measured.log
    return without_beard(SkinTones(log, part + (1 - part) * measured.trust))


def expected_light(prepared: PreparedPlate, generated: Generated, grid: Window, size: float) -> np.ndarray | None:
    """Return the factor by which the plate's light will change the new face's luminance, float32 (h, w) on `grid`.

    The face has `size` pixels on `grid`, which are square. Nothing is taken to hide the face: occlusion is not known yet where this
    is asked for. It is the whole light, whatever part of it an artist asks for. None where no tone can be compared.
    """
    crop, transform = prepared.crop, prepared.crop.transform
    plate = prepared.tones or measure_tones(
        crop.pixels, transform.window, crop.face, generated.coverage, transform.pixel_aspect
    )
    light = match_light(
        new_tones(generated.pixels, generated.coverage, generated.tones, crop),
        without_plate_beard(plate),
        crop.face,
        scale=_SCALE,
        color=0.0,
        pixel_aspect=transform.pixel_aspect,
    )
    if light is None:
        return None
    return np.exp(light.light.on(grid, size).mean(axis=2))
