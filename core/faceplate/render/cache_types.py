"""The types that the stage cache's entries on disk are made of."""

from __future__ import annotations

from faceplate.comp.feature_tones import FeatureTones
from faceplate.comp.grain import Grain
from faceplate.comp.matte_networks import Parsed
from faceplate.comp.skin_tones import SkinTones
from faceplate.face import Face, RestingShape
from faceplate.generators import Generated, SourceCoverage
from faceplate.image.window import Window
from faceplate.render.generate import GeneratorResult
from faceplate.render.matte import OcclusionMatte

__all__ = ["KINDS"]

KINDS: tuple[type, ...] = (
    GeneratorResult,
    Generated,
    SourceCoverage,
    OcclusionMatte,
    Window,
    Face,
    RestingShape,
    Grain,
    Parsed,
    FeatureTones,
    SkinTones,
)
"""Dataclasses that a render's `StageCache` may load from disk."""
