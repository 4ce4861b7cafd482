"""Makes the sidecar out of what was seen: associate, level the seams, smooth, pack; and smooths again without
pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.comp.grain import Grain
from faceplate.errors import UsageError
from faceplate.face import likeness
from faceplate.face.align import apply
from faceplate.face.shape import pose_of
from faceplate.track import coding, model
from faceplate.track.analyse import Sighting
from faceplate.track.associate import Association, Moment, associate
from faceplate.track.checkpoint import Seen
from faceplate.track.grain import grain_models
from faceplate.track.smooth import Motion, Smoothed, decompose, place, region_groups, smooth_motion
from faceplate_client.version import __version__

__all__ = ["build", "resmoothed", "retracked", "unpacked_base", "unpacked_mesh"]

_BLOCK = 24
_IDENTITY_STEPS = 4096.0
# How far one segment's landmarks lie from the truth, and how well a seam tells two segments' difference, both as parts
# of
# the face's scale: the landmarker's place in its crop moves single points by up to a pixel of that crop.
_BIAS, _SEAM = 0.004, 0.001


@dataclass(frozen=True)
class _Row:
    """A moment taken apart: what a raw line stores, on projected pixels."""

    frame: int
    score: float
    presence: float
    level: float
    rigid: np.ndarray
    shape: np.ndarray
    flow: np.ndarray | None
    moved: tuple[int, ...]


def build(
    seen: Sequence[Seen], plate: model.Plate, smoothing: model.Smoothing, weights: dict[str, str]
) -> model.Sidecar:
    """The sidecar of a shot, without corrections. Raises `UsageError('no-frames')` when nothing could be read."""
    found = associate(seen, smoothing.gap)
    frames = sorted(item.frame for item in seen if not item.tail)
    if not frames:
        raise UsageError("no-frames", f"No frame of {plate.pattern} was tracked.")
    step = _step(frames)
    people = []
    for number, person in enumerate(found.people, start=1):
        rows = [row for chain in person.chains for row in _rows(chain.moments, plate.pixel_aspect)]
        spans = _spans(rows, found, smoothing.gap, step)
        blocks = [block for index, span in enumerate(spans) for block in _blocks(index, span, plate, smoothing, step)]
        identity = None if person.identity is None else coding.pack_numbers(person.identity, _IDENTITY_STEPS)
        people.append(model.Person(id=f"p{number}", identity=identity, blocks=tuple(blocks)))
    return model.Sidecar(
        made_by=f"faceplate {__version__}",
        plate=plate,
        ranges=_ranges(frames, step),
        weights=weights,
        cuts=found.cuts,
        grain=grain_models(_grain_samples(seen), found.cuts, frames[0], frames[-1]),
        unread=tuple(model.Unread(frame=s.frame, why=s.error) for s in seen if s.look is None and not s.tail),
        smoothing=smoothing,
        people=tuple(people),
    )


def _grain_samples(seen: Sequence[Seen]) -> list[tuple[int, float, Grain]]:
    faces = ((item.frame, face) for item in seen if item.look and not item.tail for face in item.look.faces)
    return [(frame, face.level, face.grain) for frame, face in faces if face.grain is not None]


def resmoothed(sidecar: model.Sidecar, smoothing: model.Smoothing) -> model.Sidecar:
    """The same track smoothed anew from its raw values. Frames marked bad are not believed."""
    step = _step([frame for first, last, by in sidecar.ranges for frame in range(first, last + 1, by)])
    bad = {(mark.person, frame) for mark in sidecar.corrections.bad for frame in range(mark.first, mark.last + 1)}
    people = []
    for person in sidecar.people:
        rows = _stored_rows(person, sidecar.plate.pixel_aspect)
        spans = _split_at(rows, sidecar.cuts, smoothing.gap, step)
        believed = {row.frame for row in rows if (person.id, row.frame) not in bad}
        blocks = [
            block
            for index, span in enumerate(spans)
            for block in _blocks(index, span, sidecar.plate, smoothing, step, believed)
        ]
        people.append(person.model_copy(update={"blocks": tuple(blocks)}))
    return sidecar.model_copy(update={"people": tuple(people), "smoothing": smoothing})


def retracked(new: model.Sidecar, old: model.Sidecar) -> model.Sidecar:
    """`new` with the corrections of `old`, and with its people under the ids that they had there.

    A person is the same where their faces lie on one another in the frames of both, else by identity.
    """
    pairs = []
    for i, person in enumerate(new.people):
        for j, before in enumerate(old.people):
            alike = _agreement(person, new, before, old)
            if alike > 0.3:
                pairs.append((alike, i, j))
    names: dict[int, str] = {}
    taken: set[int] = set()
    for _, i, j in sorted(pairs, reverse=True):
        if i not in names and j not in taken:
            names[i] = old.people[j].id
            taken.add(j)
    used = {person.id for person in old.people} | {e.new for e in old.corrections.people if isinstance(e, model.Split)}
    fresh = (f"p{n}" for n in range(1, len(used) + len(new.people) + 1))
    free = (name for name in fresh if name not in used)
    people = [person.model_copy(update={"id": names.get(i) or next(free)}) for i, person in enumerate(new.people)]
    return new.model_copy(update={"people": tuple(people), "corrections": old.corrections})


def unpacked_base(block: model.Block) -> np.ndarray:
    """A block's base mesh (478, 3), in units of the face's scale."""
    return coding.unpack_mesh(block.base, np.zeros((478, 3)), coding.BASE)


def _agreement(a: model.Person, in_a: model.Sidecar, b: model.Person, in_b: model.Sidecar) -> float:
    """1 to 2 where they share frames and place, below 1 where only the identity speaks."""
    places = [
        {line.frame: np.array([*line.rigid[:2], line.rigid[2]]) for block in person.blocks for line in block.smooth}
        for person in (a, b)
    ]
    common = sorted(places[0].keys() & places[1].keys())
    near = [np.linalg.norm(places[0][f][:2] - places[1][f][:2]) < places[0][f][2] for f in common]
    if common and np.mean(near) > 0.3:
        return 1.0 + float(np.sum(near)) / max(len(places[0]), len(places[1]))
    if common or a.identity is None or b.identity is None:
        return 0.0
    return likeness(*(coding.unpack_numbers(p.identity or "", 128, _IDENTITY_STEPS) for p in (a, b)))


def _step(frames: Sequence[int]) -> int:
    return int(min(np.diff(frames), default=1))


def _ranges(frames: Sequence[int], step: int) -> tuple[tuple[int, int, int], ...]:
    found: list[list[int]] = []
    for frame in frames:
        if found and frame - found[-1][1] == step:
            found[-1][1] = frame
        else:
            found.append([frame, frame])
    return tuple((first, last, step) for first, last in found)


def _rows(moments: Sequence[Moment], aspect: float) -> list[_Row]:
    """A chain's moments taken apart, the seams between segments levelled."""
    squeeze = np.array([aspect, 1.0, 1.0])
    apart = [decompose(moment.seen.points * squeeze) for moment in moments]
    offsets = _levelled(moments, apart, squeeze)
    rows = []
    for k, (moment, (rigid, shape)) in enumerate(zip(moments, apart, strict=True)):
        levelled, levelled_shape = decompose(place(rigid, shape + offsets[k]))
        before = moments[k - 1] if k else None
        flow, moved = _flow(moment, before, apart[k - 1][0] if k else None)
        seen = moment.seen
        score = min(max(seen.score, 0.0), 1.0)
        rows.append(_Row(moment.frame, score, seen.presence, seen.level, levelled, levelled_shape, flow, moved))
    return rows


def _flow(
    moment: Moment, before: Moment | None, centre: np.ndarray | None
) -> tuple[np.ndarray | None, tuple[int, ...]]:
    """The change of the rigid part since the moment before as the picture says, with its error, and how far each group
    left it; across a seam, as the segment before saw it."""
    seen: Sighting | None = moment.seen
    if before is not None and moment.seen.new:
        seen = moment.before
    if before is None or centre is None or seen is None or seen.flow is None:
        return None, ()
    matrix = seen.flow.matrix
    shift = apply(matrix, centre[None, :2])[0] - centre[:2]
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    turn = math.atan2(matrix[1, 0], matrix[0, 0])
    return np.array([shift[0], shift[1], math.log(scale), turn, seen.flow.error]), seen.flow.moved


def _levelled(
    moments: Sequence[Moment], apart: list[tuple[np.ndarray, np.ndarray]], squeeze: np.ndarray
) -> list[np.ndarray]:
    """What to add to each moment's shape so that segments agree where they meet.

    A segment keeps its crop locked to the skin, so the landmarker's bias is nearly constant inside it and another in
    the next. The mean of several looks at its first frame tells about how large it is; where two segments meet both
    saw the same pixels, which tells their difference exactly. Least squares over both.
    """
    groups: list[int] = []
    seams: list[np.ndarray | None] = []
    anchors: list[np.ndarray] = []
    for k, moment in enumerate(moments):
        if k == 0 or moment.seen.new:
            seam = None
            if k and moment.before is not None:
                rigid, shape = apart[k]
                seam = _in_frame(moment.before.points * squeeze, rigid) - shape
            seams.append(seam)
            anchor = moment.seen.anchor
            anchors.append(
                np.zeros((478, 3)) if anchor is None else _in_frame(anchor * squeeze, apart[k][0]) - apart[k][1]
            )
        groups.append(len(seams) - 1)
    count = len(seams)
    normal = np.eye(count) / _BIAS**2
    right = np.array([anchor.ravel() for anchor in anchors]) / _BIAS**2
    for k, seam in enumerate(seams):
        if seam is not None:
            normal[k, k] += 1 / _SEAM**2
            normal[k - 1, k - 1] += 1 / _SEAM**2
            normal[k, k - 1] -= 1 / _SEAM**2
            normal[k - 1, k] -= 1 / _SEAM**2
            right[k] += seam.ravel() / _SEAM**2
            right[k - 1] -= seam.ravel() / _SEAM**2
    solved = np.linalg.solve(normal, right).reshape(count, 478, 3)
    return [solved[group] for group in groups]


def _in_frame(points: np.ndarray, rigid: np.ndarray) -> np.ndarray:
    """A mesh on projected pixels in the axes and units of `rigid`."""
    scale, angle = math.exp(rigid[2]), rigid[3]
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.column_stack([(points[:, :2] - rigid[:2]) @ turn.T, points[:, 2]]) / scale


def _spans(rows: list[_Row], found: Association, gap: int, step: int) -> list[list[_Row]]:
    return _split_at(sorted(rows, key=lambda row: row.frame), found.cuts, gap, step)


def _split_at(rows: Iterable[_Row], cuts: Sequence[int], gap: int, step: int) -> list[list[_Row]]:
    """Rows in order, parted at cuts and at absences longer than `gap` frames."""
    spans: list[list[_Row]] = []
    for row in rows:
        last = spans[-1][-1].frame if spans else None
        parted = last is None or row.frame - last > (gap + 1) * step or any(last < cut <= row.frame for cut in cuts)
        if parted:
            spans.append([])
        spans[-1].append(row)
    return spans


def _motion(rows: list[_Row], believed: set[int] | None) -> Motion:
    rigid = np.array([row.rigid for row in rows])
    rigid[:, 3] = np.unwrap(rigid[:, 3])
    flow = np.full((len(rows), 5), np.nan)
    moved = np.full((len(rows), len(region_groups())), 999)
    for k, row in enumerate(rows):
        if row.flow is not None and k:
            flow[k] = row.flow
            moved[k] = row.moved if len(row.moved) == moved.shape[1] else 999
    weight = np.array([row.presence for row in rows])
    if believed is not None:
        weight = np.where([row.frame in believed for row in rows], weight, 0.0)
        if not weight.any():
            weight = np.ones(len(rows))
    shapes = np.array([row.shape for row in rows])
    level = np.array([row.level for row in rows])
    return Motion(np.array([row.frame for row in rows]), rigid, shapes, flow, moved, level, weight)


def _blocks(
    index: int,
    rows: list[_Row],
    plate: model.Plate,
    smoothing: model.Smoothing,
    step: int,
    believed: set[int] | None = None,
) -> list[model.Block]:
    rows = [_stored(row, plate.pixel_aspect) for row in rows]
    smoothed = smooth_motion(_motion(rows, believed), smoothing.amount, step)
    by_frame = {row.frame: row for row in rows}
    blocks = []
    for start in range(0, len(smoothed.frames), _BLOCK):
        part = slice(start, start + _BLOCK)
        base_text = coding.pack_mesh(smoothed.shape[part].mean(axis=0), np.zeros((478, 3)), coding.BASE)
        base = coding.unpack_mesh(base_text, np.zeros((478, 3)), coding.BASE)
        present = [by_frame[int(f)] for f in smoothed.frames[part] if int(f) in by_frame]
        blocks.append(
            model.Block(
                span=index,
                base=base_text,
                raw=tuple(_raw_line(row, base, plate.pixel_aspect) for row in present),
                smooth=tuple(
                    _smooth_line(smoothed, k, by_frame, base, plate.pixel_aspect)
                    for k in range(start, min(start + _BLOCK, len(smoothed.frames)))
                ),
            )
        )
    return blocks


def _stored(row: _Row, aspect: float) -> _Row:
    """The row with the values that its line holds, so that smoothing again gives what smoothing at first gave."""
    x, y, scale, turn = _rigid_out(row.rigid, aspect)
    flow = None if row.flow is None else np.array(_rounded(row.flow, (4, 4, 7, 7, 4)))
    return _Row(
        row.frame,
        round(row.score, 4),
        round(row.presence, 4),
        _significant(row.level),
        np.array([x * aspect, y, math.log(scale), turn]),
        coding.on_grid(row.shape, coding.RAW),
        flow,
        row.moved,
    )


def _stored_rows(person: model.Person, aspect: float) -> list[_Row]:
    rows = []
    for block in person.blocks:
        base = unpacked_base(block)
        for line in block.raw:
            x, y, scale, turn = line.rigid
            rows.append(
                _Row(
                    line.frame,
                    line.score,
                    line.presence,
                    line.level,
                    np.array([x * aspect, y, math.log(scale), turn]),
                    unpacked_mesh(line.mesh, base, coding.RAW, f"people.{person.id} frame {line.frame} raw mesh"),
                    None if line.flow is None else np.array(line.flow),
                    line.moved,
                )
            )
    return rows


def unpacked_mesh(text: str, base: np.ndarray, steps: tuple[int, int], field: str) -> np.ndarray:
    """A line's mesh. Raises `UsageError('bad-track')` naming `field`."""
    try:
        return coding.unpack_mesh(text, base, steps)
    except ValueError as error:
        raise UsageError("bad-track", f"The track is damaged: {field} {error}; track the plate again.") from error


def _raw_line(row: _Row, base: np.ndarray, aspect: float) -> model.RawLine:
    return model.RawLine(
        frame=row.frame,
        score=row.score,
        presence=row.presence,
        level=row.level,
        rigid=_rigid_out(row.rigid, aspect),
        flow=None if row.flow is None else tuple(row.flow.tolist()),
        moved=row.moved,
        mesh=coding.pack_mesh(row.shape, base, coding.RAW),
    )


def _smooth_line(
    smoothed: Smoothed, k: int, rows: dict[int, _Row], base: np.ndarray, aspect: float
) -> model.SmoothLine:
    frame = int(smoothed.frames[k])
    row = rows.get(frame)
    pose = pose_of(place(smoothed.rigid[k], smoothed.shape[k]))
    return model.SmoothLine(
        frame=frame,
        seen=bool(smoothed.seen[k]),
        confidence=round(row.presence * (1.0 if row.flow is not None else 0.9), 4) if row else 0.0,
        level=_significant(float(smoothed.level[k])),
        pose=_rounded(pose.angles, (2, 2, 2)),
        rigid=_rigid_out(smoothed.rigid[k], aspect),
        mesh=coding.pack_mesh(smoothed.shape[k], base, coding.FINE),
    )


def _rigid_out(rigid: np.ndarray, aspect: float) -> tuple[float, float, float, float]:
    turn = math.remainder(float(rigid[3]), math.tau)
    return _rounded((rigid[0] / aspect, rigid[1], math.exp(rigid[2]), turn), (4, 4, 5, 7))


def _rounded(values: Iterable[float], digits: tuple[int, ...]) -> tuple:
    return tuple(round(float(value), places) for value, places in zip(values, digits, strict=True))


def _significant(value: float) -> float:
    return float(f"{value:.5g}")
