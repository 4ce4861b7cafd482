"""The artist's corrections: how each kind changes a face, a person or a frame. Tracked values are never changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from faceplate.errors import UsageError
from faceplate.face import topology
from faceplate.face.shape import RIGID, head_model, pose_of
from faceplate.track import model

__all__ = ["REGIONS", "People", "Piece", "fade", "moved", "people_of", "region_weight"]

REGIONS = ("brow-right", "brow-left", "eye-right", "eye-left", "brows", "eyes", "mouth", "jaw")
"""The regions of the face that can be dragged."""


@dataclass(frozen=True)
class Piece:
    """Frames `first` to `last` (None: open) of one of the tracker's people."""

    source: str
    first: int | None = None
    last: int | None = None

    def holds(self, frame: int) -> bool:
        """Check whether `frame` is in the piece."""
        return (self.first is None or frame >= self.first) and (self.last is None or frame <= self.last)

    def cut(self, first: int | None, last: int | None) -> Piece | None:
        """Return the part from `first` to `last`, or None when it is empty."""
        low = max((x for x in (self.first, first) if x is not None), default=None)
        high = min((x for x in (self.last, last) if x is not None), default=None)
        return None if low is not None and high is not None and low > high else Piece(self.source, low, high)


@dataclass(frozen=True)
class People:
    """The people after the edits, in order: id → pieces (the first that holds a frame is used), and their names."""

    pieces: dict[str, tuple[Piece, ...]]
    names: dict[str, str]
    orphans: tuple[str, ...]


def people_of(ids: Sequence[str], edits: Sequence[model.Edit]) -> People:
    """Apply delete, split, join and rename in their order.

    An edit of a person who no longer exists (after tracking again) has no effect and is listed in `orphans`.
    """
    pieces: dict[str, tuple[Piece, ...]] = {id_: (Piece(id_),) for id_ in ids}
    names: dict[str, str] = {}
    orphans = []
    for number, edit in enumerate(edits):
        if edit.person not in pieces or (isinstance(edit, model.Join) and edit.into not in pieces):
            orphans.append(f"corrections.people[{number}] ({edit.do} {edit.person})")
        elif isinstance(edit, model.Rename):
            names[edit.person] = edit.name
        elif isinstance(edit, model.Delete):
            left = _without(pieces[edit.person], edit.first, edit.last)
            pieces = {k: v for k, v in {**pieces, edit.person: left}.items() if v}
        elif isinstance(edit, model.Split):
            own = _parts(pieces[edit.person], None, edit.frame - 1)
            pieces[edit.new] = (*pieces.get(edit.new, ()), *_parts(pieces[edit.person], edit.frame, None))
            pieces[edit.person] = own
        elif edit.person != edit.into:
            pieces[edit.into] = (*pieces[edit.into], *pieces.pop(edit.person))
    return People(pieces, names, tuple(orphans))


def _parts(pieces: Sequence[Piece], first: int | None, last: int | None) -> tuple[Piece, ...]:
    return tuple(part for piece in pieces if (part := piece.cut(first, last)) is not None)


def _without(pieces: Sequence[Piece], first: int | None, last: int | None) -> tuple[Piece, ...]:
    before = () if first is None else _parts(pieces, None, first - 1)
    after = () if last is None else _parts(pieces, last + 1, None)
    return (*before, *after)


def moved(points: np.ndarray, frame: int, person: str, layer: model.Corrections, pixel_aspect: float) -> np.ndarray:
    """Apply a person's drags, then keys, of `frame` to a mesh (478, 3) in plate pixels."""
    keys = [key for key in layer.keys if key.person == person]
    drags = [drag for drag in layer.drags if drag.person == person]
    if not keys and not drags:
        return points
    squeeze = np.array([pixel_aspect, 1.0, 1.0])
    mesh = points * squeeze
    for region in sorted({drag.region for drag in drags}):
        table = {drag.frame: drag.move for drag in drags if drag.region == region}
        mesh = _dragged(mesh, region, _keyed(table, frame))
    if keys:
        table = {key.frame: (*key.move, math.log(key.scale), math.radians(key.rotate)) for key in keys}
        x, y, scale, turn = _keyed(table, frame)
        mesh = _transformed(mesh, np.array([x * pixel_aspect, y]), math.exp(scale), turn)
    return mesh / squeeze


def fade(frame: int, spans: Sequence[model.Span]) -> float:
    """Compute how much of the face is used in `frame`, 0..1: 1 without spans, else the maximum over the spans."""
    return max((_faded(frame, span) for span in spans), default=1.0)


@cache
def region_weight(region: str) -> np.ndarray:
    """Compute how far each point (478,) follows when `region` is dragged: 1 on it, 0 far away, smooth between."""
    mesh, reference = topology(), head_model().reference
    lower = reference[mesh.oval, 1] > reference[mesh.lips_loop, 1].mean()
    right_eye = np.concatenate([mesh.right_eye_loop, np.arange(468, 473)])
    left_eye = np.concatenate([mesh.left_eye_loop, np.arange(473, 478)])
    core, reach = {
        "brow-right": (mesh.right_brow, 0.30),
        "brow-left": (mesh.left_brow, 0.30),
        "brows": (np.concatenate([mesh.right_brow, mesh.left_brow]), 0.30),
        "eye-right": (right_eye, 0.25),
        "eye-left": (left_eye, 0.25),
        "eyes": (np.concatenate([right_eye, left_eye]), 0.25),
        "mouth": (np.concatenate([mesh.lips_loop, mesh.mouth_loop]), 0.40),
        "jaw": (mesh.oval[lower], 0.60),
    }[region]
    gap = np.linalg.norm(reference[:, None, :2] - reference[None, core, :2], axis=2).min(axis=1)
    part = np.clip(1 - gap / reach, 0, 1)
    weight = part * part * (3 - 2 * part)
    weight[core] = 1.0
    return weight


def _dragged(mesh: np.ndarray, region: str, move: np.ndarray) -> np.ndarray:
    size = float(np.ptp(mesh[:, :2], axis=0).max())
    turn = math.radians(pose_of(mesh).angles[2])
    across, down = move * size
    shift = np.array(
        [across * math.cos(turn) - down * math.sin(turn), across * math.sin(turn) + down * math.cos(turn), 0.0]
    )
    return mesh + region_weight(region)[:, None] * shift


def _transformed(mesh: np.ndarray, move: np.ndarray, scale: float, turn: float) -> np.ndarray:
    centre = mesh[RIGID, :2].mean(axis=0)
    matrix = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return np.column_stack([(mesh[:, :2] - centre) @ matrix.T + centre + move, mesh[:, 2] * scale])


def _keyed(table: Mapping[int, Sequence[float]], frame: int) -> np.ndarray:
    """Interpolate keyframes: smooth, never beyond its keys, constant outside them.

    Monotone cubic (F. N. Fritsch & R. E. Carlson, "Monotone piecewise cubic interpolation", SIAM J. Numer. Anal. 17, 1980).
    """
    frames = sorted(table)
    if frame <= frames[0]:
        return np.array(table[frames[0]], np.float64)
    if frame >= frames[-1]:
        return np.array(table[frames[-1]], np.float64)
    time, values = np.array(frames, np.float64), np.array([table[f] for f in frames], np.float64)
    k = int(np.searchsorted(time, frame, side="right")) - 1
    slopes = np.diff(values, axis=0) / np.diff(time)[:, None]
    tangent = np.zeros_like(values)
    inner = np.sign(slopes[1:]) == np.sign(slopes[:-1])
    total = np.where(slopes[1:] + slopes[:-1] == 0, 1.0, slopes[1:] + slopes[:-1])
    tangent[1:-1] = np.where(inner, 2 * slopes[1:] * slopes[:-1] / total, 0.0)
    width = time[k + 1] - time[k]
    h = (frame - time[k]) / width
    return (
        (2 * h**3 - 3 * h**2 + 1) * values[k]
        + (h**3 - 2 * h**2 + h) * width * tangent[k]
        + (3 * h**2 - 2 * h**3) * values[k + 1]
        + (h**3 - h**2) * width * tangent[k + 1]
    )


def _faded(frame: int, span: model.Span) -> float:
    if not span.first <= frame <= span.last:
        return 0.0
    rise = (frame - span.first + 1) / (span.fade_in + 1)
    fall = (span.last - frame + 1) / (span.fade_out + 1)
    part = min(rise, fall, 1.0)
    return part * part * (3 - 2 * part)


def check_person(known: Sequence[str], person: str) -> None:
    """Check that `person` is among `known`.

    Raises
    ------
    UsageError
        `no-such-person`.
    """
    if person not in known:
        raise UsageError(
            "no-such-person", f"The track has no person '{person}'; it has {', '.join(known) or 'no people'}."
        )
