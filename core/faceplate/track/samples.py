"""Samples of a person: each observation as a rigid motion and a shape, and their lines in the track file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.comp.skin_tones import SkinTones
from faceplate.errors import UsageError
from faceplate.face.align import apply
from faceplate.face.shape import pose_of
from faceplate.track import mesh_codec, model
from faceplate.track.associate import Moment
from faceplate.track.features import pack_features, unpack_features
from faceplate.track.look import Look, look_as_stored, pack_look, smooth_looks, unpack_look
from faceplate.track.observation import FaceObservation
from faceplate.track.sharpness import pack_edges, unpack_edges
from faceplate.track.smooth import Motion, Smoothed, decompose, place, region_groups, smooth_motion
from faceplate.track.tones import FINE, RAW, mean_tones, pack_tones, unpack_tones

__all__ = [
    "Sample",
    "pack_blocks",
    "samples_of",
    "stored_samples",
    "unpacked_base",
    "unpacked_look",
    "unpacked_mesh",
]

_BLOCK_FRAMES = 24

# Standard deviations, as fractions of the face's scale, of the bias of one segment's landmarks and of the difference of two
# segments measured at a seam. The landmarker's position in its crop shifts single points by up to a pixel of that crop.
_LANDMARK_BIAS, _SEAM_ERROR = 0.004, 0.001


@dataclass(frozen=True)
class Sample:
    """One observation as a raw line stores it, on projected pixels."""

    frame: int
    score: float
    presence: float
    level: float
    rigid: np.ndarray
    shape: np.ndarray
    flow: np.ndarray | None
    moved: tuple[int, ...]
    look: Look | None = None


def unpacked_base(block: model.Block) -> np.ndarray:
    """Decode a block's base mesh (478, 3), in units of the face's scale."""
    return mesh_codec.unpack_mesh(block.base, np.zeros((478, 3)), mesh_codec.BASE)


def samples_of(moments: Sequence[Moment], aspect: float) -> list[Sample]:
    """Decompose a chain's moments, with the seams between segments levelled."""
    squeeze = np.array([aspect, 1.0, 1.0])
    apart = [decompose(moment.seen.points * squeeze) for moment in moments]
    offsets = _level_seams(moments, apart, squeeze)
    rows = []
    for k, (moment, (rigid, shape)) in enumerate(zip(moments, apart, strict=True)):
        levelled, levelled_shape = decompose(place(rigid, shape + offsets[k]))
        before = moments[k - 1] if k else None
        flow, moved = _flow_since(moment, before, apart[k - 1][0] if k else None)
        seen = moment.seen
        score = min(max(seen.score, 0.0), 1.0)
        rows.append(
            Sample(moment.frame, score, seen.presence, seen.level, levelled, levelled_shape, flow, moved, seen.look)
        )
    return rows


def _flow_since(
    moment: Moment, before: Moment | None, centre: np.ndarray | None
) -> tuple[np.ndarray | None, tuple[int, ...]]:
    """Return the change of the rigid part since the moment before, measured by the flow, with its error and the groups' motion.

    Across a seam the observation of the segment before is used.
    """
    seen: FaceObservation | None = moment.seen
    if before is not None and moment.seen.new:
        seen = moment.before
    if before is None or centre is None or seen is None or seen.flow is None:
        return None, ()
    matrix = seen.flow.matrix
    shift = apply(matrix, centre[None, :2])[0] - centre[:2]
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    turn = math.atan2(matrix[1, 0], matrix[0, 0])
    return np.array([shift[0], shift[1], math.log(scale), turn, seen.flow.error]), seen.flow.moved


def _level_seams(
    moments: Sequence[Moment], apart: list[tuple[np.ndarray, np.ndarray]], squeeze: np.ndarray
) -> list[np.ndarray]:
    """Compute the offset of each moment's shape that makes segments agree where they meet.

    A segment keeps its crop locked to the skin, so the landmarker's bias is nearly constant inside it and different in the
    next. The mean of several passes at its first frame estimates the bias. Where two segments meet, both observed the same
    pixels, which measures their difference exactly. Least squares over both.
    """
    groups: list[int] = []
    seams: list[np.ndarray | None] = []
    anchors: list[np.ndarray] = []
    for k, moment in enumerate(moments):
        if k == 0 or moment.seen.new:
            seam = None
            if k and moment.before is not None:
                rigid, shape = apart[k]
                seam = _in_rigid_frame(moment.before.points * squeeze, rigid) - shape
            seams.append(seam)
            anchor = moment.seen.anchor
            anchors.append(
                np.zeros((478, 3)) if anchor is None else _in_rigid_frame(anchor * squeeze, apart[k][0]) - apart[k][1]
            )
        groups.append(len(seams) - 1)
    count = len(seams)
    normal = np.eye(count) / _LANDMARK_BIAS**2
    right = np.array([anchor.ravel() for anchor in anchors]) / _LANDMARK_BIAS**2
    for k, seam in enumerate(seams):
        if seam is not None:
            normal[k, k] += 1 / _SEAM_ERROR**2
            normal[k - 1, k - 1] += 1 / _SEAM_ERROR**2
            normal[k, k - 1] -= 1 / _SEAM_ERROR**2
            normal[k - 1, k] -= 1 / _SEAM_ERROR**2
            right[k] += seam.ravel() / _SEAM_ERROR**2
            right[k - 1] -= seam.ravel() / _SEAM_ERROR**2
    solved = np.linalg.solve(normal, right).reshape(count, 478, 3)
    return [solved[group] for group in groups]


def _in_rigid_frame(points: np.ndarray, rigid: np.ndarray) -> np.ndarray:
    """Express a mesh on projected pixels in the axes and units of `rigid`."""
    scale, angle = math.exp(rigid[2]), rigid[3]
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.column_stack([(points[:, :2] - rigid[:2]) @ turn.T, points[:, 2]]) / scale


def _motion_of(rows: list[Sample], believed: set[int] | None) -> Motion:
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


def pack_blocks(
    index: int,
    rows: list[Sample],
    plate: model.Plate,
    smoothing: model.Smoothing,
    step: int,
    believed: set[int] | None = None,
) -> list[model.Block]:
    """Smooth one span and pack it into blocks of at most `_BLOCK_FRAMES` frames."""
    rows = [_as_stored(row, plate.pixel_aspect) for row in rows]
    smoothed = smooth_motion(_motion_of(rows, believed), smoothing.amount, step)
    by_frame = {row.frame: row for row in rows}
    looks = _smooth_looks(rows, smoothed.frames.tolist(), step, believed)
    blocks = []
    for start in range(0, len(smoothed.frames), _BLOCK_FRAMES):
        part = slice(start, start + _BLOCK_FRAMES)
        bases = _bases(smoothed.shape[part], looks[part])
        present = [by_frame[int(f)] for f in smoothed.frames[part] if int(f) in by_frame]
        blocks.append(
            model.Block(
                span=index,
                base=bases.mesh_text,
                tones=pack_tones(bases.tones, RAW),
                raw=tuple(_raw_line(row, bases, plate.pixel_aspect) for row in present),
                smooth=tuple(
                    _smooth_line(smoothed, k, by_frame, bases, plate.pixel_aspect, looks[k])
                    for k in range(start, min(start + _BLOCK_FRAMES, len(smoothed.frames)))
                ),
            )
        )
    return blocks


@dataclass(frozen=True)
class _Bases:
    """What the lines of a block are stored relative to: the mesh, with its text, and the tones, as they are decoded."""

    mesh: np.ndarray
    mesh_text: str
    tones: SkinTones | None


def _bases(shapes: np.ndarray, looks: Sequence[Look | None]) -> _Bases:
    """Return the means of a block's smoothed shapes (n, 478, 3) and tones."""
    zero = np.zeros((478, 3))
    text = mesh_codec.pack_mesh(shapes.mean(axis=0), zero, mesh_codec.BASE)
    mean = mean_tones([None if look is None else look.tones for look in looks])
    return _Bases(mesh_codec.unpack_mesh(text, zero, mesh_codec.BASE), text, unpack_tones(pack_tones(mean, RAW), RAW))


def _smooth_looks(rows: list[Sample], frames: list[int], step: int, believed: set[int] | None) -> list[Look | None]:
    """Smooth the looks of one span for each of `frames`; a frame that is not in `believed` has no weight."""
    trusted = [row for row in rows if believed is None or row.frame in believed] or rows
    return smooth_looks([row.frame for row in trusted], [row.look for row in trusted], frames, step)


def _as_stored(row: Sample, aspect: float) -> Sample:
    """Round a sample to the values that its line stores, so that smoothing again gives the same result."""
    x, y, scale, turn = _rigid_values(row.rigid, aspect)
    flow = None if row.flow is None else np.array(_rounded(row.flow, (4, 4, 7, 7, 4)))
    return Sample(
        row.frame,
        round(row.score, 4),
        round(row.presence, 4),
        _significant(row.level),
        np.array([x * aspect, y, math.log(scale), turn]),
        mesh_codec.on_grid(row.shape, mesh_codec.RAW),
        flow,
        row.moved,
        look_as_stored(row.look),
    )


def stored_samples(person: model.Person, aspect: float) -> list[Sample]:
    """Decode the samples of a stored person."""
    rows = []
    for block in person.blocks:
        base = unpacked_base(block)
        for line in block.raw:
            x, y, scale, turn = line.rigid
            rows.append(
                Sample(
                    line.frame,
                    line.score,
                    line.presence,
                    line.level,
                    np.array([x * aspect, y, math.log(scale), turn]),
                    unpacked_mesh(line.mesh, base, mesh_codec.RAW, f"people.{person.id} frame {line.frame} raw mesh"),
                    None if line.flow is None else np.array(line.flow),
                    line.moved,
                    unpacked_look(line, block, RAW, f"people.{person.id} frame {line.frame} raw look"),
                )
            )
    return rows


def unpacked_mesh(text: str, base: np.ndarray, steps: tuple[int, int], field: str) -> np.ndarray:
    """Decode a line's mesh.

    Raises
    ------
    UsageError
        `bad-track`, with `field`.
    """
    try:
        return mesh_codec.unpack_mesh(text, base, steps)
    except ValueError as error:
        raise UsageError("bad-track", f"The track is damaged: {field} {error}; track the plate again.") from error


def unpacked_look(
    line: model.RawLine | model.SmoothLine, block: model.Block, steps: tuple[int, int], field: str
) -> Look | None:
    """Decode the look of a line of `block`, with its tones in `steps`. Raises `UsageError('bad-track')` with `field`."""
    try:
        tones = unpack_tones(line.tones, steps, unpack_tones(block.tones, RAW))
        features = unpack_features(line.features)
        if isinstance(line, model.RawLine):
            edges = unpack_edges(line.edges)
            return unpack_look(line.look, tones, features, edges, lids=line.lids, teeth=line.teeth)
        return unpack_look(line.look, tones, features, softness=line.softness, teeth=line.teeth)
    except ValueError as error:
        message = f"The track is damaged: a field of {field}, or its block's tones ({error}); track the plate again."
        raise UsageError("bad-track", message) from error


def _raw_line(row: Sample, bases: _Bases, aspect: float) -> model.RawLine:
    return model.RawLine(
        frame=row.frame,
        score=row.score,
        presence=row.presence,
        level=row.level,
        rigid=_rigid_values(row.rigid, aspect),
        flow=None if row.flow is None else tuple(row.flow.tolist()),
        moved=row.moved,
        mesh=mesh_codec.pack_mesh(row.shape, bases.mesh, mesh_codec.RAW),
        look=pack_look(row.look),
        tones=None if row.look is None else pack_tones(row.look.tones, RAW, bases.tones),
        features=None if row.look is None else pack_features(row.look.features),
        edges=None if row.look is None else pack_edges(row.look.edges),
        lids=None if row.look is None or row.look.lids is None else tuple(row.look.lids.tolist()),
        teeth=None if row.look is None else row.look.teeth,
    )


def _smooth_line(
    smoothed: Smoothed, k: int, rows: dict[int, Sample], bases: _Bases, aspect: float, look: Look | None
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
        rigid=_rigid_values(smoothed.rigid[k], aspect),
        mesh=mesh_codec.pack_mesh(smoothed.shape[k], bases.mesh, mesh_codec.FINE),
        look=pack_look(look),
        tones=None if look is None else pack_tones(look.tones, FINE, bases.tones),
        features=None if look is None else pack_features(look.features),
        teeth=None if look is None else look.teeth,
    )


def _rigid_values(rigid: np.ndarray, aspect: float) -> tuple[float, float, float, float]:
    turn = math.remainder(float(rigid[3]), math.tau)
    return _rounded((rigid[0] / aspect, rigid[1], math.exp(rigid[2]), turn), (4, 4, 5, 7))


def _rounded(values: Iterable[float], digits: tuple[int, ...]) -> tuple:
    return tuple(round(float(value), places) for value, places in zip(values, digits, strict=True))


def _significant(value: float) -> float:
    return float(f"{value:.5g}")
