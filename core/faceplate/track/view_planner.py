"""Make the view plan of a shot: which picture of the source leads on which frames.

Every view has a cost in every frame (`source.view_costs`), and a change of the leader costs something as well, less where the
head moves fast. The plan is the sequence of leaders with the least sum (A. J. Viterbi, "Error bounds for convolutional codes and
an asymptotically optimum decoding algorithm", IEEE Trans. Inf. Theory 13, 1967). A view's cost does not depend on the other
views, so that another picture can only lower the sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.cache import digest
from faceplate.source.source import Source
from faceplate.source.view_costs import Heads, ViewCosts, ViewTraits, picture_hash, view_costs
from faceplate.track.model import ViewPlan, ViewRun
from faceplate.track.track import Track

__all__ = ["PlannedViews", "plan_for", "plan_views", "source_identity", "with_plans"]

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


def source_identity(source: Source) -> str:
    """Return a text that is the same exactly when the source's pictures and their names are."""
    return digest("views", [(view.name, picture_hash(view)) for view in source.all_views])


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
