"""The textures that a frame is made of: the leading view, and others for what the leader does not show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.comp.feature_tones import SCLERA, FeatureTones
from faceplate.face import Face, topology
from faceplate.face.align import apply, scale_of
from faceplate.face.shape import turn_between
from faceplate.generators.interface import SourceCoverage
from faceplate.generators.mesh.grid import fit_affine
from faceplate.generators.mesh.texture_sizes import TextureSizes
from faceplate.image.soft_steps import smoothstep
from faceplate.image.window import Window
from faceplate.source.source import Source, SourceView
from faceplate.source.views import Geometry, regions

__all__ = ["TextureLayer", "source_coverage", "texture_layers"]

# A layer that reaches this share nowhere is left out, because it would cost time without being visible.
_LEAST_SHARE = 0.03

# Cosines between surface and view from which the leader's texture is used, and from which it is used alone.
_GRAZING, _FACING = 0.12, 0.35

# Turn in radians that divides a view's fitness for an expression by e.
_TURN = np.radians(16.0)
# For the mouth and for an eye: the differences of openness from which they count, of a view that is less open than the target,
# which lacks the inside, and of one that is more open, which the warp closes well; and how many times the leader's fitness
# counts. A small difference hardly counts, because the leader's own mouth and eyes are as good and measured openness wavers. A
# smile is not left to a view that is open far wider: pressed together, its tongue and lower teeth still show.
_MOUTH, _EYE = (0.05, 0.5, 4.0), (0.09, 0.09, 10.0)
# A mouth full of teeth is taken from the picture whose teeth must grow least to fill it, from this growth on.
_GROWTH = 1.2
# Openness from which an eye shows its iris. Who has narrower eyes in most pictures, as from laughing, is taken from the picture in
# which they are wider; this is how much faster a difference then counts, and the leader less.
_SHOWN, _NARROW = 0.24, 8.0
# Power of the fitness: a high one mixes few views, because a mix of two mouths is soft. The skin around the mouth passes slowly
# from one view to another; between the lips two views at once would show doubled teeth, and what fits best in its opening is nearly
# alone. With the turn and the leader it changes as slowly as the rest.
_POWER, _AROUND, _BETWEEN_LIPS = 3, 0.5, 8.0


@dataclass(frozen=True)
class TextureLayer:
    """A picture without its light, and its share in the new face.

    Attributes
    ----------
    log : np.ndarray
        float32 (h, w, 3) on `window`, as `ViewTexture.log`.
    window : Window
        Its pixels.
    points : np.ndarray
        (478, 3), the mesh in this picture.
    share : np.ndarray
        float64 (478,), its share at each point of the mesh; all layers' sum to 1.
    geometry : Geometry
        The mesh in the view's own pixels.
    features : FeatureTones, optional
        The view's sclera and teeth over its skin; None for the atlas.
    view : str, optional
        The view's name; None for the atlas.
    teeth : np.ndarray, optional
        The view's teeth on the mouth's chart (`source.teeth`); None for the atlas.
    """

    log: np.ndarray
    window: Window
    points: np.ndarray
    share: np.ndarray
    geometry: Geometry
    features: FeatureTones | None = None
    view: str | None = None
    teeth: np.ndarray | None = None


def texture_layers(
    source: Source,
    leaders: Mapping[str, float],
    face: Face,
    target: Geometry,
    sizes: TextureSizes,
    filled: float = 0.0,
) -> tuple[list[TextureLayer], np.ndarray]:
    """Choose the textures for each part of the face.

    Parameters
    ----------
    source : Source
        The source's views and its atlas.
    leaders : mapping of str to float
        The views that lead in this frame, by name, and their weights, which sum to 1.
    face, target : Face, Geometry
        The face on the plate.
    sizes : TextureSizes
        The textures at any size.
    filled : float
        How far the plate's mouth is full of teeth, 0..1 (`comp.teeth`).

    Returns
    -------
    layers : list of TextureLayer
        The textures to sum.
    light : np.ndarray
        float32 (478, 3), the leaders' light.
    """
    leading = [view for view in source.all_views if leaders.get(view.name, 0.0) > 0]
    views = (*source.views, *(view for view in leading if view not in source.views))
    weights = np.array([leaders.get(view.name, 0.0) for view in views])
    share = np.repeat(weights[None], len(target.points), axis=0)
    share = _with_expression(share, weights, views, target, len(source.views), filled) * _seen(views)
    share = np.column_stack([share, 1.0 - share.sum(axis=1)])
    share = np.maximum(share - _LEAST_SHARE, 0.0)
    share /= share.sum(axis=1, keepdims=True)
    layers = []
    for view, part in zip(views, share.T, strict=False):
        if part.max() > 0:
            layers.append(_view_layer(source, view, part, face, sizes))
    if share[:, -1].max() > 0:
        layers.append(_atlas_layer(source, share[:, -1], face, sizes))
    light = np.zeros((len(target.points), 3), np.float32)
    for view in leading:
        light += np.float32(leaders[view.name]) * source.lights[view.name]
    return layers, light + _levelled(source, layers, leaders)


def source_coverage(source: Source, target: Geometry) -> SourceCoverage:
    """Return how far the source's views, as they were photographed, show a face with the mesh `target`."""
    # The optical axis in the head's own coordinates, which roll does not change.
    axes = np.array([view.geometry.pose.rotation[2] for view in source.all_views])
    turn = np.arccos(np.clip(axes @ target.pose.rotation[2], -1.0, 1.0)).min()
    return SourceCoverage(float(np.degrees(turn)), _seen(source.all_views).max(axis=1))


def _view_layer(source: Source, view: SourceView, share: np.ndarray, face: Face, sizes: TextureSizes) -> TextureLayer:
    """Return a view's texture, reduced to the plate's size."""
    log, window, to_layer = sizes.reduced(
        view.name,
        lambda: (source.textures[view.name].log, view.frame.window),
        _reduction(view.face.points, face),
    )
    points = np.column_stack([apply(to_layer, view.face.points[:, :2]), view.face.points[:, 2]])
    return TextureLayer(log, window, points, share, view.geometry, view.features, view.name, view.teeth)


def _atlas_layer(source: Source, share: np.ndarray, face: Face, sizes: TextureSizes) -> TextureLayer:
    """Return the source's atlas, reduced to the plate's size."""
    atlas = source.atlas
    whole = Window(0, 0, atlas.log.shape[1], atlas.log.shape[0])
    log, window, to_layer = sizes.reduced("atlas", lambda: (atlas.log, whole), _reduction(atlas.uv, face))
    points = np.column_stack([apply(to_layer, atlas.uv), np.zeros(len(atlas.uv))])
    return TextureLayer(log, window, points, share, Geometry(points))


def _levelled(source: Source, layers: Sequence[TextureLayer], leaders: Mapping[str, float]) -> np.ndarray:
    """Return what brings the skin of the other views to the leaders', at every point by their shares, float32 (478, 3).

    Two pictures of a person differ a little in the broad tone of their skin, because no light is removed perfectly. Where a mouth
    opens, another picture would show by that.
    """
    change = np.zeros((len(layers[0].share), 3))
    for layer in layers:
        if layer.view is None or leaders.get(layer.view, 0.0) >= 1.0:
            continue
        for leader, weight in leaders.items():
            if weight > 0 and leader != layer.view:
                step = source.tone_step(layer.view, leader)
                change += weight * layer.share[:, None] * step
    return change.astype(np.float32)


def _with_expression(
    share: np.ndarray,
    leading: np.ndarray,
    views: tuple[SourceView, ...],
    target: Geometry,
    usual: int | None = None,
    filled: float = 0.0,
) -> np.ndarray:
    """Give mouth and eyes, as far as the leader's are open otherwise than the target's, to the views whose are alike.

    The first `usual` views tell how far the eyes are usually open; others come and go with the leaders. `filled` says how far the
    target's mouth is full of teeth.
    """
    area = regions()
    turn = np.array([turn_between(view.geometry.pose, target.pose) for view in views]) / _TURN
    opened = np.array([(view.geometry.mouth, *view.geometry.eyes) for view in views]).T
    right, left = (
        _eye_wanted(views[:usual], eye[:usual], wanted) for eye, wanted in zip(opened[1:], target.eyes, strict=True)
    )
    for where, have, (wanted, less, more, bonus) in (
        (area.mouth, opened[0], (target.mouth, *_MOUTH)),
        (area.right_eye, opened[1], right),
        (area.left_eye, opened[2], left),
    ):
        extra = have - wanted
        apart = np.hypot(1.0, extra / np.where(extra < 0, less, more)) - 1.0
        if where is area.mouth and filled > 0:
            grown = np.hypot(1.0, np.maximum(extra, 0.0) / more) - 1.0 + _growth_needed(views, wanted)
            apart = apart + filled * (grown - apart)
        fit = np.log1p((bonus - 1) * leading) - _POWER * (apart + turn)
        if where is area.mouth:
            share = share + where[:, None] * (_shares_of(_AROUND * fit) - share)
            share[topology().mouth_loop] = _between_lips(leading, apart, turn, bonus)
        else:
            share = share + where[:, None] * (_shares_of(fit) - share)
    return share


def _growth_needed(views: tuple[SourceView, ...], opening: float) -> np.ndarray:
    """Return how much the `views`' teeth must grow beyond `_GROWTH` to fill a mouth of this `opening`, (n,), natural logarithm."""
    height = np.array([view.teeth_height for view in views])
    return np.maximum(np.log(opening / np.maximum(_GROWTH * height, 1e-3)), 0.0)


def _eye_wanted(views: tuple[SourceView, ...], opened: np.ndarray, target: float) -> tuple[float, float, float, float]:
    """Return the openness wanted of an eye, and `_EYE` for it, where the `views`' is `opened` (n,) and the face's `target`.

    A narrow eye lacks what an open one shows, and the lids of a wider one are drawn over it; the other way nothing is there. An eye
    that shows no white, as behind dark glasses, counts as no wider than usual.
    """
    usual = max(float(opened.mean()), 1e-6)
    wider = 1.0
    if usual < min(float(opened.max()), _SHOWN):
        white = np.array([view.features.certainty[SCLERA] for view in views])
        wider = max(min(float((usual + white * (opened - usual)).max()), _SHOWN) / usual, 1.0)
    (less, more, bonus), narrow = _EYE, 1.0 + _NARROW * (wider - 1.0)
    return target * wider, less / narrow, more, 1.0 + (bonus - 1.0) / narrow


def _between_lips(leading: np.ndarray, apart: np.ndarray, turn: np.ndarray, bonus: float) -> np.ndarray:
    """Return the views' shares between the lips, (n,): for every leader nearly one view alone, and as smooth as the leaders are."""
    fit = -_POWER * (_BETWEEN_LIPS * apart + turn)
    own = _BETWEEN_LIPS * np.log(bonus) * np.eye(len(fit))
    return leading @ np.stack([_shares_of(fit + row) for row in own]) / leading.sum()


def _shares_of(fit: np.ndarray) -> np.ndarray:
    """Return shares (n,) that sum to 1 from log fitness (n,)."""
    share = np.exp(fit - fit.max())
    return share / share.sum()


def _seen(views: tuple[SourceView, ...]) -> np.ndarray:
    """Return how far each view saw each point well enough, float64 (478, n)."""
    seen = np.stack([view.geometry.seen for view in views], axis=1)
    return smoothstep(seen, _GRAZING, _FACING)


def _reduction(points: np.ndarray, face: Face) -> float:
    """Return how many times larger the face with `points` is than on the plate."""
    return scale_of(fit_affine(face.points[:, :2], points[:, :2]))
