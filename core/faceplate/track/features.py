"""Sclera and teeth of a face along a track: their text in the track file, and their smoothing over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.comp.feature_tones import FeatureTones
from faceplate.track import mesh_codec

__all__ = ["between_features", "pack_features", "smooth_features", "unpack_features"]

# Steps per unit of the logarithm and of the certainty in the track file: values change slowly, and rounding must not show.
_LOG_STEPS, _CERTAINTY_STEPS = 1024.0, 60.0
# Standard deviation in frames of the Gaussian over time, and of the one that carries values over long gaps.
_WIDTH, _CARRY = 12.0, 120.0
# Weight with which values from far away count, against those within the width.
_FAR = 1e-3


def pack_features(features: FeatureTones | None) -> str | None:
    """Encode features as the track file's text."""
    if features is None:
        return None
    steps = np.column_stack([features.log * _LOG_STEPS, features.certainty * _CERTAINTY_STEPS])
    return mesh_codec.pack_numbers(steps.ravel(), 1.0)


def unpack_features(text: str | None) -> FeatureTones | None:
    """Decode the text of `pack_features`. Raises `ValueError` for invalid text."""
    if text is None:
        return None
    told = mesh_codec.unpack_numbers(text, 8, 1.0).reshape(2, 4)
    return FeatureTones(told[:, :3] / _LOG_STEPS, np.clip(told[:, 3] / _CERTAINTY_STEPS, 0.0, 1.0))


def between_features(first: FeatureTones | None, second: FeatureTones | None, part: float) -> FeatureTones | None:
    """Interpolate between two frames' features, `part` 0 at the first; where one is None, return the other."""
    if first is None or second is None:
        return first or second
    return FeatureTones(
        first.log + part * (second.log - first.log), first.certainty + part * (second.certainty - first.certainty)
    )


def smooth_features(
    frames: Sequence[int], features: Sequence[FeatureTones | None], wanted: Sequence[int]
) -> list[FeatureTones | None]:
    """Smooth the features of one span over time, by weight of their certainty, and return them for each of the `wanted` frames.

    A grade is one for a whole shot, so that the features change slowly: a Gaussian of 12 frames, and a wider one that carries them
    over the time in which eyes or mouth are closed. What was certain at some time of the span stays certain.
    """
    known = [(frame, found) for frame, found in zip(frames, features, strict=True) if found is not None]
    if not known:
        return [None] * len(wanted)
    apart = np.asarray(wanted, np.float64)[:, None] - np.array([frame for frame, _ in known])
    near = np.exp(-0.5 * (apart / _WIDTH) ** 2) + _FAR * np.exp(-0.5 * (apart / _CARRY) ** 2) + 1e-9
    log, certainty = np.stack([found.log for _, found in known]), np.stack([found.certainty for _, found in known])
    weight = near[..., None] * certainty
    total = weight.sum(axis=1)
    mean = np.einsum("wkf,kfc->wfc", weight, log) / np.maximum(total, 1e-30)[..., None]
    sure = (weight * certainty).sum(axis=1) / np.maximum(total, 1e-30)
    return [FeatureTones(values, held) for values, held in zip(mean, sure, strict=True)]
