"""Make the view plan of a shot: which picture of the source leads on which frames.

Every view has a cost in every frame, and a change of the leader costs something as well, less where the head moves fast. The
plan is the sequence of leaders with the least sum (A. J. Viterbi, "Error bounds for convolutional codes and an asymptotically
optimum decoding algorithm", IEEE Trans. Inf. Theory 13, 1967). A view's cost does not depend on the other views, so that
another picture can only lower the sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from faceplate.cache import digest
from faceplate.face import topology
from faceplate.face.expression import BLENDSHAPES, expression_of, eye_openness, mouth_openness
from faceplate.face.shape import RIGID, head_model, normals, unsqueezed
from faceplate.source.source import Source, SourceView
from faceplate.source.views import Geometry
from faceplate.track.model import ViewPlan, ViewRun
from faceplate.track.track import Track

__all__ = [
    "Heads",
    "PlannedViews",
    "ViewTraits",
    "best_view",
    "plan_for",
    "plan_views",
    "source_identity",
    "view_costs",
    "with_plans",
]

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
# Cost of a change of the leader where the head stands still, and the share of it that fast motion saves.
_CHANGE, _MOTION_SAVES = 14.0, 0.6
# Motion, in degrees a frame, that saves half of that share, and the standard deviation in frames over which it is measured.
_FAST, _MOTION_WIDTH = 0.8, 3.0
# The leader changes on every fourth frame at most, so that measurement noise seldom moves a change.
_GRID = 4
# Half the length of a hand-over in frames: at fast motion and on a still head.
_SHORTEST, _LONGEST = 5, 8
# A new picture takes the place of one that led in an earlier plan only where it costs this much less in a frame.
_MARGIN = 0.15


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
            picture=_picture_hash(view)[:16],
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


@dataclass(frozen=True)
class PlannedViews:
    """The runs of a plan and the sum of its costs, changes of the leader included."""

    runs: tuple[ViewRun, ...]
    cost: float


def plan_for(track: Track, person: str, source: Source) -> ViewPlan:
    """Make the view plan of a person, from the track and the source alone.

    The artist's keys and drags do not enter it. Views that led in the newest plan of an earlier state of the source, and
    whose pictures are unchanged, are replaced only where another is better by a margin.
    """
    frames, faces, good = track.uncorrected(person)
    heads = Heads.of(frames, (face.points for face in faces), track.sidecar.plate.pixel_aspect, good)
    traits = [ViewTraits.of(view) for view in source.views]
    identity = source_identity(source)
    earlier = [plan for plan in track.sidecar.plans if plan.person == person and plan.source != identity]
    known = {view.name: view.picture for view in traits}
    runs = [run for plan in earlier[-1:] for run in plan.runs if known.get(run.view, "") == plan.pictures.get(run.view)]
    planned = plan_views(traits, heads, track.sidecar.cuts, track.sidecar.smoothing.gap, runs).runs
    used = dict.fromkeys(run.view for run in planned)
    return ViewPlan(person=person, source=identity, pictures={name: known[name] for name in used}, runs=planned)


def with_plans(track: Track, source: Source) -> Track:
    """Return the track with a view plan of every person for `source`; a plan that it has already is kept."""
    identity = source_identity(source)
    for person in track.people:
        if person.frames and track.view_plan(person.id, identity) is None:
            track = track.with_plan(plan_for(track, person.id, source))
    return track


def plan_views(
    views: Sequence[ViewTraits],
    heads: Heads,
    cuts: Sequence[int] = (),
    gap: int = 12,
    earlier: Sequence[ViewRun] = (),
) -> PlannedViews:
    """Choose the leader of every frame, with hand-overs.

    Parameters
    ----------
    views : sequence of ViewTraits
        The source's views, at least one; of two that cost the same the first is used.
    heads : Heads
        The person's head.
    cuts : sequence of int
        Frames that begin a new view of the plate. The leader may change there at once and at no cost.
    gap : int
        An absence of more frames than this counts as a cut.
    earlier : sequence of ViewRun
        Runs of an earlier plan whose leaders are kept unless another is better by a margin.
    """
    runs: list[ViewRun] = []
    cost = 0.0
    step = _step(heads.frames)  # a tracked frame stands for so many
    for rows in _stretches(heads.frames, cuts, gap):
        part = heads.part(rows)
        costs = view_costs(views, part)
        wanted = costs.total + _penalty(views, part.frames, earlier)
        speed = _speed(part, step)
        change = np.round(_CHANGE * (1.0 - _MOTION_SAVES * speed), 3)
        change[np.arange(len(change)) % max(_GRID // step, 1) != 0] = np.inf
        leaders = _cheapest(step * wanted, change)
        changes = np.flatnonzero(np.diff(leaders)) + 1
        cost += float(step * costs.total[np.arange(len(leaders)), leaders].sum() + change[changes].sum())
        runs += _runs(views, part.frames, leaders, speed, costs)
    return PlannedViews(tuple(runs), cost)


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


def source_identity(source: Source) -> str:
    """Return a text that is the same exactly when the source's pictures and their names are."""
    return digest("views", [(view.name, _picture_hash(view)) for view in source.all_views])


def _picture_hash(view: SourceView) -> str:
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


def _step(frames: np.ndarray) -> int:
    """Return the distance of tracked frames: 1, or more where only every second or third was tracked."""
    return int(np.diff(frames).min()) if len(frames) > 1 else 1


def _stretches(frames: np.ndarray, cuts: Sequence[int], gap: int) -> list[slice]:
    """Split frames at cuts and at absences longer than `gap` frames."""
    if not len(frames):
        return []
    step = _step(frames)
    view = np.searchsorted(np.array(sorted(cuts)), frames, side="right")
    ends = np.flatnonzero((np.diff(frames) > (gap + 1) * step) | (np.diff(view) > 0)) + 1
    return [slice(first, last) for first, last in itertools.pairwise([0, *ends.tolist(), len(frames)])]


def _penalty(views: Sequence[ViewTraits], frames: np.ndarray, earlier: Sequence[ViewRun]) -> np.ndarray:
    """Return the margin (n, v) that a view must save where another led in an earlier plan."""
    column: Mapping[str, int] = {view.name: index for index, view in enumerate(views)}
    margin = np.zeros((len(frames), len(views)))
    for run in earlier:
        if run.view not in column:
            continue
        rows = (frames >= run.first) & (frames <= run.last)
        margin[rows] = _MARGIN
        margin[rows, column[run.view]] = 0.0
    return margin


def _speed(heads: Heads, step: int) -> np.ndarray:
    """Return how fast the head turns around each frame, float64 (n,), 0 (still) to 1 (very fast)."""
    if len(heads.frames) < 3:
        return np.zeros(len(heads.frames))
    width = _MOTION_WIDTH / step
    reach = max(round(3 * width), 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    weights /= weights.sum()
    padded = np.pad(heads.direction, ((reach, reach), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(padded[:, k], weights, mode="valid") for k in range(3)], axis=1)
    moved = np.linalg.norm(np.gradient(smooth, heads.frames.astype(np.float64), axis=0), axis=1)
    degrees = np.degrees(moved)
    return degrees / (degrees + _FAST)


def _cheapest(costs: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return the view of each frame, int (n,), with the least sum of `costs` (n, v) and of `change` (n,) where it changes."""
    rows, columns = costs.shape
    back = np.tile(np.arange(columns), (rows, 1))
    best = costs[0].copy()
    for row in range(1, rows):
        cheapest = int(np.argmin(best))
        jump = best[cheapest] + change[row]
        back[row, jump < best] = cheapest
        best = np.minimum(best, jump) + costs[row]
    leaders = np.empty(rows, int)
    leaders[-1] = int(np.argmin(best))
    for row in range(rows - 1, 0, -1):
        leaders[row - 1] = back[row, leaders[row]]
    return leaders


def _runs(
    views: Sequence[ViewTraits], frames: np.ndarray, leaders: np.ndarray, speed: np.ndarray, costs: ViewCosts
) -> list[ViewRun]:
    """Return the runs of one stretch. A hand-over is centred on its change, and no two overlap."""
    changes = [0, *(np.flatnonzero(np.diff(leaders)) + 1).tolist(), len(frames)]
    first = [int(frames[row]) for row in changes[:-1]]
    last = int(frames[-1])
    runs: list[ViewRun] = []
    half = [0] * len(first)
    for index in range(1, len(first)):
        room = min(first[index] - first[index - 1], [*first, last + 1][index + 1] - first[index]) // 2
        wanted = round(_LONGEST - (_LONGEST - _SHORTEST) * float(speed[changes[index]]))
        half[index] = min(wanted, room)
    for index, (low, high) in enumerate(itertools.pairwise(changes)):
        view = leaders[low]
        end = first[index + 1] - half[index + 1] - 1 if index + 1 < len(first) else last
        rows = slice(low, high)
        runs.append(
            ViewRun(
                first=first[index] - half[index],
                last=end,
                view=views[view].name,
                fade=2 * half[index],
                turn=round(float(costs.turn[rows, view].mean()), 1),
                seen=round(float(costs.seen[rows, view].mean()), 3),
                hidden=round(float(costs.hidden[rows, view].mean()), 3),
            )
        )
    return runs
