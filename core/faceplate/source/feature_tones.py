"""Sclera and teeth of the source, as all its pictures together show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from faceplate.comp.feature_tones import FeatureTones, combine_features, measure_features
from faceplate.comp.skin_tones import measure_tones

if TYPE_CHECKING:
    from faceplate.source.source import SourceView

__all__ = ["source_features", "view_features"]


def source_features(views: Iterable[SourceView]) -> FeatureTones:
    """Measure sclera and teeth over the skin in every view's own pixels, and combine them by a weighted median."""
    return combine_features([view.features for view in views])


def view_features(view: SourceView) -> FeatureTones:
    """Measure sclera and teeth over the skin in one view's own pixels."""
    visible, aspect = 1.0 - view.occlusion, view.analysis.pixel_aspect
    tones = measure_tones(view.pixels, view.frame.window, view.face, visible, aspect)
    return measure_features(view.pixels, view.frame.window, view.face, tones, visible, aspect)
