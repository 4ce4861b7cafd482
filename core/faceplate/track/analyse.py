"""Looks at one frame of a shot, knowing what was seen in the frame before.

A shot is looked at in segments of `SEGMENT` frames, counted by frame number. A segment begins with the detector and
knows nothing of its neighbours, so what is seen in a frame depends neither on how many workers there are nor on which
was stopped where. Inside a segment a face is followed: optical flow says where it went, the landmarker looks there,
and the detector is asked again only when a face is lost, at a cut, and once more in the middle. Whom it finds late is
then followed backwards to where the segment, the view or the face begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from faceplate.color import Exposure
from faceplate.comp.grain import Grain
from faceplate.face import Face, FaceFinder
from faceplate.face.align import apply, compose, invert, scale_of
from faceplate.face.find import _agree as _found_agrees
from faceplate.face.find import _fit, _region_of, _without_doubles
from faceplate.face.landmark import Region
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.track.cuts import is_jump
from faceplate.track.flow import Flow, FlowCrop, crop_corner, crop_scale, crop_window, flow_between, flow_crop
from faceplate.track.grain import grain_sample
from faceplate.track.reader import Picture, PlateReader, Proxy

__all__ = ["LOOK_EVERY", "SEGMENT", "Analyser", "Look", "ShotFinder", "Sighting", "region_of"]

SEGMENT = 24
LOOK_EVERY = 12
_PRESENCE = 0.5
# From this common part of two faces' boxes on, the landmarker may jump from one to the other.
_NEAR = 0.1
# A key frame is given up when the face has grown or turned so far (log of scale, radians), so many frames ago, or so
# few
# of its points are found again.
_KEY_GROWN, _KEY_TURNED, _KEY_AGE, _KEY_SHARE = 0.05, 0.08, 24, 0.75
_LOOKS_AFTER_LOSS = 3
# How far the landmarker's own region may wander from the followed one before that is drawn after it: fractions of its
# side, and radians. Inside this band the region moves with the skin alone, which keeps the landmarker's jitter white.
_BAND_PLACE, _BAND_SIZE, _BAND_ANGLE = 0.03, 0.05, 0.05


@dataclass(frozen=True)
class Sighting:
    """One face in one frame. `number` is its own within the segment.

    `points` are float64 (478, 3) plate pixels. `region` is the landmarker's square for the next frame on projected
    pixels; `corner`, `scale` and `gain` say how the flow's crop was rendered. `flow` is the motion since the frame
    before. It is measured against a key frame, `key`, from which `carried` (2, 3) leads here, so that its errors do
    not add up. `anchor` are the points as the mean of several looks, and `grain` that of the plate around, for a face
    that is `new`.
    """

    number: int
    points: np.ndarray
    score: float
    presence: float
    level: float
    region: Region
    corner: tuple[float, float]
    scale: float
    gain: float
    new: bool
    near: bool = False
    key: int = 0
    carried: np.ndarray = field(default_factory=lambda: np.eye(2, 3))
    flow: Flow | None = None
    embedding: np.ndarray | None = None
    anchor: np.ndarray | None = None
    grain: Grain | None = None

    @property
    def face(self) -> Face:
        return Face(self.points, self.score, self.presence, self.level)


@dataclass(frozen=True)
class Look:
    """What was seen in one frame: `signature` uint8 (256,), the faces, and how often the search came back empty
    since."""

    frame: int
    signature: np.ndarray
    faces: tuple[Sighting, ...]
    next_number: int
    lost: int = 0
    looked: bool = False


class ShotFinder(FaceFinder):
    """The house's finder with one cheap search and one pass of the landmarker on a region."""

    @classmethod
    def like(cls, finder: FaceFinder) -> ShotFinder:
        """The same networks on one thread each: several frames are looked at side by side."""
        return cls(
            finder.store, finder.detector, finder.landmarker, finder.recogniser, threads=1, aligner=finder.aligner
        )

    def glance(self, frame: Frame) -> tuple[Face, ...]:
        """The faces that the detector sees at first glance: upright, as exposed, whole frame."""
        pairs = [(seen, self._land(frame, seen)) for seen in self._detect(frame, _fit(frame, 1.0), 0, 0.0)]
        return tuple(_without_doubles([face for seen, face in pairs if _found_agrees(seen, face)]))

    def land(self, frame: Frame, region: Region, level: float, score: float) -> Face:
        """The mesh that the landmarker sees in `region`."""
        return self._settled(frame, self._pass(frame, region, level, score))


def region_of(points: np.ndarray, pixel_aspect: float) -> Region:
    """The landmarker's square around a mesh (478, 3), on projected pixels."""
    return _region_of(points, pixel_aspect)


@dataclass(frozen=True)
class _Held:
    """What a face is measured against: its key frame's crop and mesh (478, 3) projected, and the last frame's crop."""

    key: FlowCrop
    points: np.ndarray
    last: FlowCrop


@dataclass
class Analyser:
    """Steps through the frames of one segment; keeps only flow crops, which can be made again."""

    finder: ShotFinder
    held: dict[int, _Held] = field(default_factory=dict)

    def recall(self, reader: PlateReader, look: Look, looks: dict[int, Look]) -> None:
        """Makes the flow crops of `look` again from the plate, to go on after a stop; `looks` are the segment's so
        far."""
        self.held = {}
        for face in look.faces:
            key = next(other for other in looks[face.key].faces if other.number == face.number)
            with reader.open(look.frame) as picture:
                last, aspect = _crop_of(picture, face), picture.file.pixel_aspect
            with reader.open(face.key) as picture:
                self.held[face.number] = _Held(_crop_of(picture, key), _projected(key.points, aspect), last)

    def first(self, frame: int, picture: Picture, number: int = 0) -> Look:
        """The first frame of a segment, or after one that cannot be read: the detector's whole search. `number` is the
        first that is free for a face."""
        empty = Look(frame, picture.signature(), (), number)
        return self._search(picture, empty, (), whole=True)

    def step(self, before: Look, frame: int, picture: Picture) -> Look:
        """The next frame of a segment."""
        signature = picture.signature()
        if is_jump(before.signature, signature):
            return self._search(picture, Look(frame, signature, (), before.next_number), (), whole=True)
        pairs = [self._follow(picture, frame, face) for face in before.faces]
        kept = _apart([pair[0] for pair in pairs if pair is not None])
        held = {pair[0].number: pair[1] for pair in pairs if pair is not None}
        self.held = {face.number: held[face.number] for face in kept}
        lost = _LOOKS_AFTER_LOSS if len(kept) < len(before.faces) else max(before.lost - 1, 0)
        look = Look(frame, signature, (), before.next_number, lost)
        if lost or not kept or frame % LOOK_EVERY == 0:
            return self._search(picture, look, kept, whole=False)
        return self._close(picture, look, kept)

    def back(self, reader: PlateReader, looks: dict[int, Look], frames: Sequence[int]) -> dict[int, Look]:
        """Follows whoever was found after the first of a segment's `frames` backwards; answers the looks that change.

        `looks` are those that `first` and `step` gave, by frame; a frame that could not be read has none.
        """
        now = dict(looks)
        for at in range(len(frames) - 1, 0, -1):
            late = [face for face in looks[frames[at]].faces if face.new] if frames[at] in looks else []
            for face in late:
                trail = self._trail(reader, now, frames[at::-1], face)
                for k, seen in enumerate(_forward(trail)):
                    now[frames[at - k]] = _with_face(now[frames[at - k]], seen)
        return {frame: look for frame, look in now.items() if look is not looks[frame]}

    def _trail(
        self, reader: PlateReader, looks: dict[int, Look], frames: Sequence[int], face: Sighting
    ) -> list[Sighting]:
        """`face` in the first of `frames` and in those after it, which go backwards in time, as far as it is there
        and clear of others."""
        with reader.open(frames[0]) as picture:
            crop = _crop_of(picture, face)
            self.held = {face.number: _Held(crop, _projected(face.points, picture.file.pixel_aspect), crop)}
        trail = [face]
        for later, frame in pairwise(frames):
            if frame not in looks or is_jump(looks[later].signature, looks[frame].signature):
                break
            with reader.open(frame) as picture:
                found = self._follow(picture, frame, trail[-1])
            if found is None or any(_overlap(found[0].points, other.points) > _NEAR for other in looks[frame].faces):
                break
            trail.append(found[0])
            self.held[face.number] = found[1]
        return trail

    def _search(self, picture: Picture, look: Look, known: tuple[Sighting, ...], whole: bool) -> Look:
        proxy = picture.proxy()
        faces = self.finder.find(proxy.frame) if whole else self.finder.glance(proxy.frame)
        found, number = list(known), look.next_number
        for face in sorted(_on_plate(proxy, faces), key=lambda face: face.points[:, 0].mean()):
            if any(_same_place(face.points, other.points) for other in found):
                continue
            seen = self._settle(picture, look.frame, face, number)
            if seen is None or any(_same_place(seen.points, other.points) for other in found):
                continue
            found.append(seen)
            crop = _crop_of(picture, seen)
            self.held[number] = _Held(crop, _projected(seen.points, picture.file.pixel_aspect), crop)
            number += 1
        look = replace(look, next_number=number, looked=True, lost=0 if len(found) > len(known) else look.lost)
        return self._close(picture, look, tuple(found))

    def _settle(self, picture: Picture, frame: int, face: Face, number: int) -> Sighting | None:
        """A found face landmarked on the plate's own pixels; its region is what several looks agree on."""
        aspect = picture.file.pixel_aspect
        near = picture.read(_around(region_of(face.points, aspect), aspect, 1.3))
        anchor = self.finder.refine(near, face)
        if anchor.presence < _PRESENCE:
            return None
        region = region_of(anchor.points, aspect)
        face = self.finder.land(near, region, anchor.level, anchor.score)
        if face.presence < _PRESENCE:
            return None
        projected = _projected(face.points, aspect)
        scale = crop_scale(_size(projected))
        return Sighting(
            number=number,
            points=_rounded(face.points),
            score=face.score,
            presence=face.presence,
            level=face.level,
            region=region,
            corner=crop_corner(projected, scale),
            scale=scale,
            gain=Exposure.of_level(face.level).gain,
            new=True,
            key=frame,
            anchor=_rounded(anchor.points),
            grain=grain_sample(picture, face),
        )

    def _follow(self, picture: Picture, frame: int, face: Sighting) -> tuple[Sighting, _Held] | None:
        aspect = picture.file.pixel_aspect
        before = _projected(face.points, aspect)
        going = np.eye(2, 3) if face.flow is None else face.flow.matrix
        corner = crop_corner(apply(going, before[:, :2]), face.scale)
        region = _moved(face.region, going)
        near = picture.read(crop_window(corner, face.scale, aspect).union(_around(region, aspect, 1.25)))
        crop = flow_crop(near, corner, face.scale, face.gain)
        flow, carried = self._flow(face, before, crop, going)
        if flow is not None:
            region = _moved(face.region, flow.matrix)
        seen = self.finder.land(near, region, face.level, face.score)
        if flow is None:
            region = region_of(seen.points, aspect)
            seen = self.finder.land(near, region, seen.level, face.score)
        after = _projected(_rounded(seen.points), aspect)
        if seen.presence < _PRESENCE or not _plausible(before, after):
            return None
        if flow is not None and not _agree(flow, before, after):
            flow = None
        held = self.held[face.number]
        renew = flow is None or carried is None or _worn(carried, flow, abs(frame - face.key))
        followed = replace(
            face,
            points=_rounded(seen.points),
            presence=seen.presence,
            level=seen.level,
            region=_drawn_after(region, region_of(seen.points, aspect)),
            corner=corner,
            key=frame if renew else face.key,
            carried=np.eye(2, 3) if renew or carried is None else carried,
            flow=flow,
            embedding=None,
            anchor=None,
            grain=None,
            new=False,
        )
        return followed, _Held(crop, after, crop) if renew else replace(held, last=crop)

    def _flow(
        self, face: Sighting, before: np.ndarray, crop: FlowCrop, going: np.ndarray
    ) -> tuple[Flow | None, np.ndarray | None]:
        """The motion since the frame before, and the way from the key frame to here; the last is None where only the
        frame before could tell."""
        held, unit = self.held[face.number], _size(before) / 2.7
        flow = flow_between(held.key, crop, held.points, compose(going, face.carried), unit)
        if flow is not None:
            return replace(flow, matrix=compose(flow.matrix, invert(face.carried))), flow.matrix
        return flow_between(held.last, crop, before, going, unit), None

    def _close(self, picture: Picture, look: Look, faces: tuple[Sighting, ...]) -> Look:
        """Says which faces are near another, and takes the embeddings that association needs."""
        done = []
        for face in faces:
            near = any(_overlap(face.points, other.points) > _NEAR for other in faces if other is not face)
            wanted = face.new or look.frame % LOOK_EVERY == 0 or (face.near and not near)
            if wanted:
                aspect = picture.file.pixel_aspect
                frame = picture.read(_around(region_of(face.points, aspect), aspect, 1.0))
                embedding = self.finder.embed(frame, face.face).astype(np.float32)
                face = replace(face, embedding=embedding)
            done.append(replace(face, near=near))
        return replace(look, faces=tuple(done))


def _forward(trail: list[Sighting]) -> list[Sighting]:
    """Sightings followed backwards, as if they had been followed forwards: the earliest is the new one."""
    if len(trail) < 2:
        return []
    found, anchor = trail[0], trail[0].anchor
    turned = []
    for k, seen in enumerate(trail):
        earlier = trail[k + 1].flow if k + 1 < len(trail) else None
        flow = None if earlier is None else replace(earlier, matrix=invert(earlier.matrix))
        first = k + 1 == len(trail)
        # The same crop, locked to the same skin, has the same bias: what several looks said of it holds here too.
        own = seen.points + (anchor - found.points) if first and anchor is not None else None
        turned.append(replace(seen, new=first, flow=flow, anchor=None if own is None else _rounded(own)))
    return turned


def _with_face(look: Look, face: Sighting) -> Look:
    """The look with `face` in place of its namesake, and everybody's `near` as it is then."""
    faces = sorted([*(other for other in look.faces if other.number != face.number), face], key=lambda f: f.number)
    near = [any(_overlap(a.points, b.points) > _NEAR for b in faces if b is not a) for a in faces]
    return replace(look, faces=tuple(replace(a, near=is_near) for a, is_near in zip(faces, near, strict=True)))


def _crop_of(picture: Picture, face: Sighting) -> FlowCrop:
    frame = picture.read(crop_window(face.corner, face.scale, picture.file.pixel_aspect))
    return flow_crop(frame, face.corner, face.scale, face.gain)


def _projected(points: np.ndarray, aspect: float) -> np.ndarray:
    return points * np.array([aspect, 1.0, 1.0])


def _rounded(points: np.ndarray) -> np.ndarray:
    """Points as the work file holds them (float32), so that going on from it equals never having stopped."""
    return points.astype(np.float32).astype(np.float64)


def _on_plate(proxy: Proxy, faces: Iterable[Face]) -> list[Face]:
    return [face.moved(proxy.to_plate(face.points)) for face in faces]


def _around(region: Region, aspect: float, grow: float) -> Window:
    reach = region.side * grow * math.sqrt(0.5)
    ends = np.stack([region.centre - reach, region.centre + reach]) / np.array([aspect, 1.0])
    return Window.around(ends, 2)


def _moved(region: Region, matrix: np.ndarray) -> Region:
    turn = math.atan2(matrix[1, 0], matrix[0, 0])
    return Region(apply(matrix, region.centre[None])[0], region.side * scale_of(matrix), region.angle + turn)


def _worn(carried: np.ndarray, flow: Flow, age: int) -> bool:
    """True when the key frame looks too different by now."""
    grown = abs(math.log(scale_of(carried)))
    turned = abs(math.atan2(carried[1, 0], carried[0, 0]))
    return grown > _KEY_GROWN or turned > _KEY_TURNED or age >= _KEY_AGE or flow.share < _KEY_SHARE


def _drawn_after(region: Region, wanted: Region) -> Region:
    """`region`, moved just so far that `wanted` lies inside the band around it."""
    gap = wanted.centre - region.centre
    distance, allowed = float(np.linalg.norm(gap)), _BAND_PLACE * region.side
    centre = region.centre + gap * max(distance - allowed, 0.0) / max(distance, 1e-9)
    grown = math.log(wanted.side / region.side)
    side = region.side * math.exp(math.copysign(max(abs(grown) - _BAND_SIZE, 0.0), grown))
    turn = math.remainder(wanted.angle - region.angle, math.tau)
    return Region(centre, side, region.angle + math.copysign(max(abs(turn) - _BAND_ANGLE, 0.0), turn))


def _size(points: np.ndarray) -> float:
    return float(np.ptp(points[:, :2], axis=0).max())


def _plausible(before: np.ndarray, after: np.ndarray) -> bool:
    """No face grows by a third or jumps by half its size from one frame to the next."""
    a, b = _size(before), _size(after)
    jump = float(np.linalg.norm(after[:, :2].mean(axis=0) - before[:, :2].mean(axis=0)))
    return 0.7 < b / max(a, 1e-9) < 1.43 and jump < 0.5 * a


def _agree(flow: Flow, before: np.ndarray, after: np.ndarray) -> bool:
    """The flow and the landmarker tell of the same motion, within a tenth of the face."""
    moved = apply(flow.matrix, before[:, :2]).mean(axis=0)
    return float(np.linalg.norm(moved - after[:, :2].mean(axis=0))) < 0.1 * _size(before)


def _same_place(a: np.ndarray, b: np.ndarray) -> bool:
    gap = np.linalg.norm(a[:, :2].mean(axis=0) - b[:, :2].mean(axis=0))
    return bool(gap < max(_size(a), _size(b)) / 3)


def _apart(faces: list[Sighting]) -> tuple[Sighting, ...]:
    """Two that ended on one face: the one that the picture's own motion brought there stays."""
    kept: list[Sighting] = []

    def trust(face: Sighting) -> tuple[float, float]:
        return (face.flow.share if face.flow else 0.0, face.presence)

    for face in sorted(faces, key=trust, reverse=True):
        if not any(_same_place(face.points, other.points) for other in kept):
            kept.append(face)
    return tuple(sorted(kept, key=lambda face: face.number))


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """The boxes' common area as a part of the smaller one."""
    low = np.maximum(a[:, :2].min(axis=0), b[:, :2].min(axis=0))
    high = np.minimum(a[:, :2].max(axis=0), b[:, :2].max(axis=0))
    common = float(np.prod(np.maximum(high - low, 0)))
    smaller = min(float(np.prod(np.ptp(p[:, :2], axis=0))) for p in (a, b))
    return common / max(smaller, 1e-9)
