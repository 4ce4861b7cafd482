"""What each picture of the source costs as the one that leads a frame, by the head in that frame.

A view's cost does not depend on the other views. A shot's view plan (`track.view_planner`) adds the costs up over its frames;
a single frame takes the view that costs least.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from faceplate.face import topology
from faceplate.face.expression import BLENDSHAPES, expression_of, eye_openness, mouth_openness
from faceplate.face.shape import RIGID, head_model, normals, unsqueezed
from faceplate.source.source import SourceView
from faceplate.source.views import Geometry

__all__ = ["Heads", "ViewCosts", "ViewTraits", "best_view", "picture_hash", "view_costs"]

# A turn of this much costs 0.41; far larger turns cost 1 for each further multiple.
_TURN = 15.0
# The cost of seeing nothing of the visible face, and the cosine from which a view counts as having seen a point.
_UNSEEN, _SEEN_WELL = 3.0, 0.4
# The cost of a picture that is not like the person at all: of a turned head, or one that the camera caught badly, less of the
# person is recognised than of a picture that is typical of them and turned by the warp.
_UNLIKE = 5.0
# Light: cost for each unit of contrast, and the contrast from which shadows are too hard to be removed, with the cost there.
_LIGHT, _SOFT_LIGHT, _HARD_LIGHT, _MOST_LIGHT = 0.15, 1.6, 2.0, 4.0
# Expression has a small weight, because mouth and lids may be filled in from other views: (cost, difference that counts whole)
# of the openness of mouth and eyes, and of the distance of the blendshape vectors of lower face and brows.
_MOUTH, _EYE, _EXPRESSION = (0.3, 0.25), (0.15, 0.2), (0.4, 1.2)
# The plate's expression is measured in every fourth frame, because the network takes a millisecond.
_EXPRESSION_STEP = 4


@dataclass(frozen=True)
class ViewTraits:
    """What the planner knows of a picture.

    Attributes
    ----------
    name : str
        The view's name.
    picture : str
        The first 16 digits of the picture's hash.
    geometry : Geometry
        Its mesh.
    visible : np.ndarray
        float (478,), 0..1, how far each point is free of hair and glasses.
    size : float
        The face's size in the picture's pixels.
    sharpness, contrast : float
        As in `PictureAnalysis`.
    typical : float
        As in `SourceView`.
    """

    name: str
    picture: str
    geometry: Geometry
    visible: np.ndarray
    size: float
    sharpness: float = 1.0
    contrast: float = 0.0
    typical: float = 1.0

    @classmethod
    def of(cls, view: SourceView) -> ViewTraits:
        """Return the traits of a view of the source."""
        analysis = view.analysis
        return cls(
            name=view.name,
            picture=picture_hash(view)[:16],
            geometry=view.geometry,
            visible=view.visibility,
            size=view.face.size,
            sharpness=analysis.sharpness,
            contrast=analysis.contrast,
            typical=view.typical,
        )


@dataclass(frozen=True)
class Heads:
    """The head in n frames, as far as the choice of a view depends on it.

    Attributes
    ----------
    frames : np.ndarray
        int (n,), rising.
    direction : np.ndarray
        float64 (n, 3), unit: the optical axis in the head's own coordinates. Roll does not change it.
    size : np.ndarray
        float64 (n,), the face's size in plate pixels.
    mouth, eyes : np.ndarray
        float64 (n,) and (n, 2): openness.
    expression : np.ndarray
        float64 (n, k), the blendshapes of lower face and brows.
    measured : np.ndarray
        bool (n,); False for a frame that has no say, because the artist marked it.
    """

    frames: np.ndarray
    direction: np.ndarray
    size: np.ndarray
    mouth: np.ndarray
    eyes: np.ndarray
    expression: np.ndarray
    measured: np.ndarray

    @classmethod
    def of(
        cls,
        frames: Sequence[int],
        meshes: Iterable[np.ndarray],
        pixel_aspect: float = 1.0,
        measured: Sequence[bool] | None = None,
    ) -> Heads:
        """Measure `meshes`, (478, 3) in plate pixels each."""
        rows: list[tuple[float, ...]] = []
        sampled: list[np.ndarray] = []
        for mesh in meshes:
            square = unsqueezed(mesh, pixel_aspect)
            if len(rows) % _EXPRESSION_STEP == 0:
                sampled.append(expression_of(square)[_expressive()])
            size = float(np.ptp(mesh[:, :2], axis=0).max())
            rows.append((*_to_camera(square), size, mouth_openness(square), *eye_openness(square)))
        table = np.array(rows, np.float64).reshape(-1, 7)
        known = np.ones(len(rows), bool) if measured is None else np.array(measured, bool)
        return cls(
            frames=np.array(frames, int),
            direction=table[:, :3],
            size=table[:, 3],
            mouth=table[:, 4],
            eyes=table[:, 5:7],
            expression=_between_samples(sampled, len(rows)),
            measured=known,
        )

    def part(self, rows: slice) -> Heads:
        """Return some of the frames."""
        return Heads(*(getattr(self, name)[rows] for name in Heads.__dataclass_fields__))


@dataclass(frozen=True)
class ViewCosts:
    """Cost of each of v views as the leader in each of n frames, and what it was made from: float64 (n, v) each.

    `turn` is in degrees; `seen` and `hidden` are shares of the face that the plate shows.
    """

    total: np.ndarray
    turn: np.ndarray
    seen: np.ndarray
    hidden: np.ndarray


def best_view(views: Sequence[ViewTraits], points: np.ndarray, pixel_aspect: float = 1.0) -> str:
    """Return the name of the view that costs least for one face (478, 3) in plate pixels, without a look at other frames."""
    costs = view_costs(views, Heads.of([0], [points], pixel_aspect))
    return views[int(np.argmin(costs.total[0]))].name


def view_costs(views: Sequence[ViewTraits], heads: Heads) -> ViewCosts:
    """Compute the cost of each view as the leader in each frame.

    The costs of a turned head, of what the view did not see, of fewer pixels than the plate's, of hard light and of another
    expression are added. They are rounded to thousandths, so that they are the same on every machine.
    """
    to_camera = np.array([view.geometry.pose.rotation[2] for view in views])
    turn = np.degrees(np.arccos(np.clip(heads.direction @ to_camera.T, -1.0, 1.0)))
    normal, area = _surface()
    shown = area * np.maximum(-(heads.direction @ normal.T), 0.0)
    shown /= np.maximum(shown.sum(axis=1, keepdims=True), 1e-12)
    faced = np.array([np.clip(view.geometry.seen / _SEEN_WELL, 0.0, 1.0) for view in views])
    visible = np.array([np.clip(view.visible, 0.0, 1.0) for view in views])
    seen, hidden = shown @ (faced * visible).T, shown @ (faced * (1.0 - visible)).T
    pixels = np.array([min(max(view.sharpness, 1e-3), 1.0) * view.size for view in views])
    detail = np.clip(pixels / np.maximum(heads.size, 1e-9)[:, None], 1e-3, 1.0)
    total = np.hypot(1.0, turn / _TURN) - 1.0 + _UNSEEN * (1.0 - seen) - np.log(detail)
    total += [_light_cost(view.contrast) + _UNLIKE * (1.0 - view.typical) for view in views]
    total += _part_of(heads.mouth[:, None] - np.array([view.geometry.mouth for view in views]), *_MOUTH)
    for side in range(2):
        total += _part_of(heads.eyes[:, side, None] - np.array([view.geometry.eyes[side] for view in views]), *_EYE)
    for index, view in enumerate(views):
        distance = np.linalg.norm(heads.expression - view.geometry.expression[_expressive()], axis=1)
        total[:, index] += _part_of(distance, *_EXPRESSION)
    total[~heads.measured] = 0.0
    return ViewCosts(np.round(total, 3), turn, np.clip(seen, 0.0, 1.0), np.clip(hidden, 0.0, 1.0))


def picture_hash(view: SourceView) -> str:
    """Return the hash of the picture's file, without the colour configuration that `PictureAnalysis.sha256` adds."""
    return view.analysis.sha256.partition(" ")[0]


@cache
def _expressive() -> np.ndarray:
    """Return which of the 52 blendshapes move lower face and brows, bool (52,)."""
    return np.array([name.startswith(("mouth", "jaw", "cheek", "nose", "brow")) for name in BLENDSHAPES])


def _between_samples(sampled: list[np.ndarray], count: int) -> np.ndarray:
    """Interpolate between every `_EXPRESSION_STEP`-th of `count` frames, float64 (count, k)."""
    known = np.array(sampled, np.float64).reshape(-1, int(_expressive().sum()))
    if not count:
        return known
    at = np.arange(len(known)) * _EXPRESSION_STEP
    return np.stack([np.interp(np.arange(count), at, known[:, k]) for k in range(known.shape[1])], axis=1)


def _to_camera(square: np.ndarray) -> np.ndarray:
    """Return the optical axis in the head's coordinates: the last row of `pose_of`'s rotation."""
    rigid = square[RIGID] - square[RIGID].mean(axis=0)
    u, _, vt = np.linalg.svd(head_model().reference[RIGID].T @ rigid)
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return (u * flip @ vt)[:, 2]


@cache
def _surface() -> tuple[np.ndarray, np.ndarray]:
    """Return the mean head's normals (478, 3) and the share of its area that belongs to each point (478,)."""
    reference, triangles = head_model().reference, topology().closed
    a, b, c = (reference[triangles[:, k]] for k in range(3))
    each = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    area = np.zeros(len(reference))
    for k in range(3):
        np.add.at(area, triangles[:, k], each)
    return normals(reference), area / area.sum()


def _light_cost(contrast: float) -> float:
    hard = max(contrast - _SOFT_LIGHT, 0.0)
    return min(_LIGHT * contrast + _HARD_LIGHT * hard, _MOST_LIGHT)


def _part_of(difference: np.ndarray, cost: float, whole: float) -> np.ndarray:
    return cost * np.minimum(np.abs(difference) / whole, 1.0)
