"""Association of observations into people, over crossings, absences and cuts.

    observations → pieces → chains (one face in one view) → people (chains of one identity)

A piece is a run of observations that certainly show one face. It ends at a cut, at the end of a segment, and where two
faces come so near that the follower might have changed from one to the other. Pieces are chained by position, motion and
identity; chains far apart, or on both sides of a cut, by identity alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.face import likeness
from faceplate.track.assignment import assign
from faceplate.track.checkpoint import FrameRecord
from faceplate.track.cuts import find_cuts
from faceplate.track.observation import FaceObservation

_Seams = dict[tuple[int, int], tuple[tuple[int, int], FaceObservation]]

__all__ = ["Association", "Chain", "Moment", "Person", "associate"]

# SFace's authors take 0.363 for one person in unrelated pictures.
_SAME = 0.363
_OTHER = 0.15
_LINK_LIMIT = 1.0
_SHORT = 3


@dataclass(frozen=True)
class Moment:
    """A face in a frame.

    `before` is the observation of the same face in the same frame by the segment before, where there is one (a seam).
    """

    frame: int
    seen: FaceObservation
    segment: int
    before: FaceObservation | None = None


@dataclass
class Chain:
    """One face through one view: its moments in order."""

    moments: list[Moment]
    view: int
    near: bool = False

    @property
    def first(self) -> int:
        """The first frame."""
        return self.moments[0].frame

    @property
    def last(self) -> int:
        """The last frame."""
        return self.moments[-1].frame

    @property
    def frames(self) -> set[int]:
        """All frames."""
        return {moment.frame for moment in self.moments}

    def identity(self) -> np.ndarray | None:
        """Return the mean of the unit embeddings that were taken away from other faces, (128,), or None."""
        return _mean_identity([self])


@dataclass(frozen=True)
class Person:
    """All chains of one person in order of time."""

    chains: tuple[Chain, ...]
    identity: np.ndarray | None


@dataclass(frozen=True)
class Association:
    """The people in order of appearance (then left to right), and the frames that begin a new view."""

    people: tuple[Person, ...]
    cuts: tuple[int, ...]


def associate(seen: Sequence[FrameRecord], gap: int) -> Association:
    """Associate the observations of a shot into people.

    `gap` is the longest absence in frames that is bridged by position and motion.
    """
    observations = [(item.frame, item.observation) for item in seen if item.observation is not None and not item.tail]
    observations.sort(key=lambda pair: pair[0])
    cuts = find_cuts([frame for frame, _ in observations], [observation.signature for _, observation in observations])
    seams = _seams(seen)
    pieces = _pieces(seen, cuts, seams)
    chains = _chained(pieces, seams, gap)
    many = len(observations) > 4 * _SHORT
    people = _people([chain for chain in chains if len(chain.moments) >= _SHORT or not many])
    return Association(tuple(sorted(people, key=_appearance)), cuts)


def _appearance(person: Person) -> tuple[int, float]:
    moment = person.chains[0].moments[0]
    return moment.frame, float(moment.seen.points[:, 0].mean())


def _seams(seen: Sequence[FrameRecord]) -> _Seams:
    """Find for a face (segment, number) at its segment's first frame the observation by the segment before."""
    firsts: dict[int, FrameRecord] = {}
    for item in seen:
        if not item.tail and (item.segment not in firsts or item.frame < firsts[item.segment].frame):
            firsts[item.segment] = item
    by_frame = {item.frame: item for item in firsts.values()}
    found = {}
    for tail in (item for item in seen if item.tail):
        head = by_frame.get(tail.frame)
        if tail.observation is None or head is None or head.observation is None:
            continue
        followed = [face for face in tail.observation.faces if not face.new]
        cost = np.array([[_gap(a.points, b.points) for b in head.observation.faces] for a in followed])
        for row, column in assign(cost.reshape(len(followed), len(head.observation.faces)), 0.25):
            before, now = followed[row], head.observation.faces[column]
            found[(head.segment, now.number)] = ((tail.segment, before.number), before)
    return found


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the distance of two meshes' centres relative to the larger one's size."""
    size = max(np.ptp(a[:, :2], axis=0).max(), np.ptp(b[:, :2], axis=0).max())
    return float(np.linalg.norm(a[:, :2].mean(axis=0) - b[:, :2].mean(axis=0)) / max(size, 1e-9))


def _pieces(seen: Sequence[FrameRecord], cuts: Sequence[int], seams: _Seams) -> list[Chain]:
    open_pieces: dict[tuple[int, int], Chain] = {}
    pieces: list[Chain] = []
    for item in sorted((item for item in seen if not item.tail), key=lambda item: item.frame):
        view = int(np.searchsorted(cuts, item.frame, side="right"))
        for face in item.observation.faces if item.observation else ():
            key = (item.segment, face.number)
            seam = seams.get(key) if face.new else None
            moment = Moment(item.frame, face, item.segment, seam[1] if seam else None)
            piece = open_pieces.get(key)
            if piece is None or piece.view != view or piece.near != face.near:
                piece = Chain([], view, face.near)
                pieces.append(piece)
                open_pieces[key] = piece
            piece.moments.append(moment)
    return pieces


def _chained(pieces: list[Chain], seams: _Seams, gap: int) -> list[Chain]:
    """Chain pieces in order of time; pieces that begin together are assigned to the chains that ended before."""
    chains: list[Chain] = []
    for start in sorted({piece.first for piece in pieces}):
        group = [piece for piece in pieces if piece.first == start]
        ready = [
            c for c in chains if c.last < start and c.view in {p.view for p in group} and start - c.last <= gap + 1
        ]
        cost = np.array([[_link_cost(chain, piece, seams) for piece in group] for chain in ready])
        pairs = assign(cost.reshape(len(ready), len(group)), _LINK_LIMIT)
        for row, column in pairs:
            ready[row].moments.extend(group[column].moments)
        joined = {column for _, column in pairs}
        chains.extend(piece for column, piece in enumerate(group) if column not in joined)
    return chains


def _link_cost(chain: Chain, piece: Chain, seams: _Seams) -> float:
    """Compute the cost of continuing `chain` with `piece`: position against motion, size, identity."""
    if chain.view != piece.view:
        return np.inf
    end, begin = chain.moments[-1], piece.moments[0]
    wait = begin.frame - end.frame
    expected = end.seen.points[:, :2].mean(axis=0) + _velocity(chain) * min(wait, 4)
    sizes = [float(np.ptp(m.seen.points[:, :2], axis=0).max()) for m in (end, begin)]
    distance = float(np.linalg.norm(begin.seen.points[:, :2].mean(axis=0) - expected)) / max(sizes)
    cost = distance / (0.35 + 0.08 * (wait - 1)) + abs(np.log(sizes[1] / sizes[0])) / (0.5 + 0.05 * wait)
    follows = _continues(end, begin, seams)
    if follows:
        cost *= 0.3
    a, b = chain.identity(), piece.identity()
    if a is not None and b is not None:
        alike = likeness(a, b)
        stranger = 0.6 if follows else _LINK_LIMIT
        cost += stranger if alike < _OTHER else 0.8 * (_SAME - alike)
    return max(cost, 0.0)


def _continues(end: Moment, begin: Moment, seams: _Seams) -> bool:
    """Check whether the follower linked the two: the same number, or a seam between segments."""
    if end.segment == begin.segment and end.seen.number == begin.seen.number:
        return True
    seam = seams.get((begin.segment, begin.seen.number))
    return bool(seam and begin.seen.new and seam[0] == (end.segment, end.seen.number))


def _velocity(chain: Chain) -> np.ndarray:
    recent = chain.moments[-4:]
    if len(recent) < 2:
        return np.zeros(2)
    ends = [moment.seen.points[:, :2].mean(axis=0) for moment in (recent[0], recent[-1])]
    return (ends[1] - ends[0]) / max(recent[-1].frame - recent[0].frame, 1)


def _people(chains: list[Chain]) -> list[Person]:
    """Join chains by identity, the most alike first; two chains in one frame are two people."""
    groups = [[chain] for chain in chains]
    while True:
        best: tuple[float, int, int] | None = None
        identities = [_mean_identity(group) for group in groups]
        spans = [set().union(*(chain.frames for chain in group)) for group in groups]
        for i, a in enumerate(identities):
            for j in range(i + 1, len(groups)):
                b = identities[j]
                if a is None or b is None or spans[i] & spans[j]:
                    continue
                alike = likeness(a, b)
                if alike >= _SAME and (best is None or alike > best[0]):
                    best = (alike, i, j)
        if best is None:
            return [
                Person(tuple(sorted(group, key=lambda chain: chain.first)), identity)
                for group, identity in zip(groups, identities, strict=True)
            ]
        groups[best[1]] += groups.pop(best[2])


def _mean_identity(chains: Iterable[Chain]) -> np.ndarray | None:
    """Return the unit mean of the embeddings taken away from other faces, or of all when there are none."""
    for clear in (True, False):
        taken = [
            moment.seen.embedding / np.linalg.norm(moment.seen.embedding)
            for chain in chains
            for moment in chain.moments
            if moment.seen.embedding is not None and not (clear and moment.seen.near)
        ]
        if taken:
            mean = np.mean(taken, axis=0)
            return mean / np.linalg.norm(mean)
    return None
