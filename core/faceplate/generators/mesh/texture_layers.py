"""The textures that a frame is made of: the leading view, and others for what the leader does not show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from faceplate.comp.grain import Grain
from faceplate.face import Face
from faceplate.face.align import apply, scale_of
from faceplate.face.shape import turn_between
from faceplate.generators.mesh.grid import fit_affine
from faceplate.generators.mesh.view_textures import ViewTextures
from faceplate.image.window import Window
from faceplate.source.source import SourceView
from faceplate.source.views import Geometry, regions, suitability

__all__ = ["TextureLayer", "best_view", "light_weight", "resolution_weight", "texture_layers"]

# A layer that reaches this share nowhere is left out, because it would cost time without being visible.
_LEAST_SHARE = 0.03

# Cosines between surface and view from which the leader's texture is used, and from which it is used alone.
_GRAZING, _FACING = 0.12, 0.35

# Turn in radians, and difference of the mouth's and an eye's openness, that divide a view's fitness for an expression by e.
_TURN, _MOUTH, _EYE = np.radians(16.0), 0.04, 0.05
# Power of the fitness: a high one mixes few views, because a mix of two mouths is soft. The leader's own fitness counts this
# many times, so that it keeps its own mouth and eyes unless another view's are clearly nearer.
_POWER, _LEADER_BONUS = 4, 1.5

# Up to the first fall-off, in natural logarithm per unit of the normal, light can be removed completely (a key light of 4:1
# from side to side measures 0.45, the invented people's pictures up to 1.5). Each further step of the second value divides
# a view's weight by e.
_SOFT_LIGHT, _HARDER = 1.6, 0.5


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
    noise : Grain
        Its grain at level 1.
    """

    log: np.ndarray
    window: Window
    points: np.ndarray
    share: np.ndarray
    geometry: Geometry
    noise: Grain


def texture_layers(
    views: tuple[SourceView, ...],
    leaders: Mapping[str, float],
    face: Face,
    target: Geometry,
    textures: ViewTextures,
) -> tuple[list[TextureLayer], np.ndarray]:
    """Choose the views, real and mirrored, for each part of the face.

    Parameters
    ----------
    views : tuple of SourceView
        The source's views.
    leaders : mapping of str to float
        The views that lead in this frame, by name, and their weights, which sum to 1.
    face, target : Face, Geometry
        The face on the plate.
    textures : ViewTextures
        The views' textures at any size.

    Returns
    -------
    layers : list of TextureLayer
        The textures to sum.
    light : np.ndarray
        float32 (478, 3), the leaders' light.
    """
    candidates = [(view, geometry) for view in views for geometry in (view.geometry, view.mirror)]
    leading = np.array([0.0 if geometry.mirrored else leaders.get(view.name, 0.0) for view, geometry in candidates])
    share = np.repeat(leading[None], len(target.points), axis=0)
    share = _with_expression(share, leading, candidates, target)
    share = _with_unseen(share, candidates, target)
    share = np.maximum(share - _LEAST_SHARE, 0.0)
    share /= share.sum(axis=1, keepdims=True)
    light = sum(
        (np.float32(weight) * view.texture.light for weight, (view, _) in zip(leading, candidates, strict=True) if weight),
        np.zeros((len(target.points), 3), np.float32),
    )
    layers = []
    for (view, geometry), part in zip(candidates, share.T, strict=True):
        if part.max() > 0:
            log, window, to_layer = textures.reduced(view, _reduction(view, face))
            points = np.column_stack([apply(to_layer, geometry.points[:, :2]), geometry.points[:, 2]])
            layers.append(TextureLayer(log, window, points, part, geometry, view.noise(scale_of(to_layer))))
    return layers, light


def best_view(views: tuple[SourceView, ...], face: Face, target: Geometry) -> SourceView:
    """Return the view that leads a frame for which nothing else was planned."""
    sharpest = max(view.analysis.sharpness for view in views)

    def fitness(view: SourceView) -> float:
        plain = replace(view.geometry, coefficients=target.expression)
        suited = float((suitability(plain, target) * view.visibility).sum())
        return suited * resolution_weight(view, face, sharpest) * light_weight(view)

    return max(views, key=fitness)


def _with_expression(
    share: np.ndarray, leading: np.ndarray, candidates: list[tuple[SourceView, Geometry]], target: Geometry
) -> np.ndarray:
    """Give mouth and eyes, as far as the leader's are open otherwise than the target's, to the views whose are alike."""
    area = regions()
    real = np.array([not geometry.mirrored for _, geometry in candidates])
    turn = np.array([turn_between(geometry.pose, target.pose) for _, geometry in candidates]) / _TURN
    for where, wanted, step, openness in (
        (area.mouth, target.mouth, _MOUTH, lambda view: view.mouth),
        (area.right_eye, target.eyes[0], _EYE, lambda view: view.eyes[0]),
        (area.left_eye, target.eyes[1], _EYE, lambda view: view.eyes[1]),
    ):
        apart = np.array([abs(openness(geometry) - wanted) for _, geometry in candidates]) / step
        fit = np.exp(-_POWER * (apart + turn)) * real + 1e-30
        fit = fit * (1 + (_LEADER_BONUS**_POWER - 1) * leading)
        share = share + where[:, None] * (fit / fit.sum() - share)
    return share


def _with_unseen(
    share: np.ndarray, candidates: list[tuple[SourceView, Geometry]], target: Geometry
) -> np.ndarray:
    """Give the places that a view did not see, or where hair hid them, to those that saw them best."""
    seen = np.stack([geometry.seen for _, geometry in candidates], axis=1)
    shown = np.stack([view.visibility_of(geometry) for view, geometry in candidates], axis=1)
    known = _smoothstep((seen - _GRAZING) / (_FACING - _GRAZING)) * _smoothstep(shown / 0.8)
    kept = share * known
    suited = np.stack([suitability(geometry, target) for _, geometry in candidates], axis=1) * known + 1e-12
    suited = suited**2
    return kept + (1.0 - kept.sum(axis=1, keepdims=True)) * suited / suited.sum(axis=1, keepdims=True)


def resolution_weight(view: SourceView, face: Face, sharpest: float) -> float:
    """Compute the weight of a view's resolution: 1 when it shows as much as the plate, less when it shows less.

    An out-of-focus view is treated like one with fewer pixels. For blurs of half a pixel to two, the sharpness falls as the
    number of pixels with the same detail does, 1 / sqrt(1 + 4 sigma^2), to within a third.
    """
    focus = min(view.analysis.sharpness / sharpest, 1.0) if sharpest > 0 else 1.0
    return max(min(focus * view.face.size / max(face.size, 1e-9), 1.0), 1e-3) ** 2


def light_weight(view: SourceView) -> float:
    """Compute the weight of a view's light: 1 while it is soft, less when it is hard and its shadows cannot be removed."""
    return float(np.exp(-max(view.analysis.contrast - _SOFT_LIGHT, 0.0) / _HARDER))


def _reduction(view: SourceView, face: Face) -> float:
    """Return how many times larger the face is in the view than on the plate."""
    return scale_of(fit_affine(face.points[:, :2], view.face.points[:, :2]))


def _smoothstep(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3 - 2 * t)
