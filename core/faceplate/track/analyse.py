"""Looks at one frame of a shot, knowing what was seen in the frame before.

A shot is looked at in segments of `SEGMENT` frames, counted by frame number. A segment begins with the detector and knows
nothing of its neighbours, so what is seen in a frame depends neither on how many workers there are nor on which was
stopped where. Inside a segment a face is followed: optical flow says where it went, the landmarker looks there, and the
detector is asked again only when a face is lost, at a cut, and once more in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from faceplate.color import Exposure
from faceplate.face import Face, FaceFinder
from faceplate.face.align import apply, scale_of
from faceplate.face.find import _fit, _region_of, _without_doubles
from faceplate.face.landmark import Region
from faceplate.frame import Frame
from faceplate.track.cuts import is_jump
from faceplate.track.flow import Flow, FlowCrop, crop_corner, crop_scale, crop_window, flow_between, flow_crop
from faceplate.track.reader import Picture, Proxy
from faceplate.window import Window

__all__ = ["LOOK_EVERY", "SEGMENT", "Analyser", "Look", "ShotFinder", "Sighting", "region_of"]

SEGMENT = 24
LOOK_EVERY = 12
_PRESENCE = 0.5
_SETTLE = 4
_LOOKS_AFTER_LOSS = 3
# How far the landmarker's own region may wander from the followed one before that is drawn after it: fractions of its
# side, and radians. Inside this band the region moves with the skin alone, which keeps the landmarker's jitter white.
_BAND_PLACE, _BAND_SIZE, _BAND_ANGLE = 0.03, 0.05, 0.05


@dataclass(frozen=True)
class Sighting:
    """One face in one frame. `number` is its own within the segment.

    `points` are float64 (478, 3) plate pixels. `region` is the landmarker's square for the next frame on projected pixels;
    `corner`, `scale` and `gain` say how the flow's crop was rendered. `flow` is the motion since the frame before.
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
    flow: Flow | None = None
    embedding: np.ndarray | None = None

    @property
    def face(self) -> Face:
        return Face(self.points, self.score, self.presence, self.level)


@dataclass(frozen=True)
class Look:
    """What was seen in one frame: `signature` uint8 (256,), the faces, and how often the search came back empty since."""

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
        return cls(finder.store, finder.detector, finder.landmarker, finder.recogniser, threads=1)

    def glance(self, frame: Frame) -> tuple[Face, ...]:
        """The faces that the detector sees at first glance: upright, as exposed, whole frame."""
        faces = [self._land(frame, found) for found in self._detect(frame, _fit(frame, 1.0), 0, 0.0)]
        return tuple(_without_doubles([face for face in faces if face.presence >= _PRESENCE]))

    def land(self, frame: Frame, region: Region, level: float, score: float) -> Face:
        """The mesh that the landmarker sees in `region`."""
        return self._pass(frame, region, level, score)


def region_of(points: np.ndarray, pixel_aspect: float) -> Region:
    """The landmarker's square around a mesh (478, 3), on projected pixels."""
    return _region_of(points, pixel_aspect)


@dataclass
class Analyser:
    """Steps through the frames of one segment; keeps only the last frame's flow crops, which can be made again."""

    finder: ShotFinder
    crops: dict[int, FlowCrop] = field(default_factory=dict)

    def recall(self, picture: Picture, look: Look) -> None:
        """Makes the flow crops of `look` again from its frame, to go on after a stop."""
        self.crops = {face.number: _crop_of(picture, face) for face in look.faces}

    def first(self, frame: int, picture: Picture) -> Look:
        """The first frame of a segment: the detector's whole search."""
        empty = Look(frame, picture.signature(), (), 0)
        return self._search(picture, empty, (), whole=True)

    def step(self, before: Look, frame: int, picture: Picture) -> Look:
        """The next frame of a segment."""
        signature = picture.signature()
        if is_jump(before.signature, signature):
            return self._search(picture, Look(frame, signature, (), before.next_number), (), whole=True)
        followed, crops = [], {}
        for face in before.faces:
            seen, crop = self._follow(picture, face)
            if seen is not None:
                followed.append(seen)
                crops[seen.number] = crop
        kept = _apart(followed)
        self.crops = {face.number: crops[face.number] for face in kept}
        lost = _LOOKS_AFTER_LOSS if len(kept) < len(before.faces) else max(before.lost - 1, 0)
        look = Look(frame, signature, (), before.next_number, lost)
        if lost or not kept or frame % LOOK_EVERY == 0:
            return self._search(picture, look, kept, whole=False)
        return self._close(picture, look, kept)

    def _search(self, picture: Picture, look: Look, known: tuple[Sighting, ...], whole: bool) -> Look:
        proxy = picture.proxy()
        faces = self.finder.find(proxy.frame) if whole else self.finder.glance(proxy.frame)
        found, number = list(known), look.next_number
        for face in sorted(_on_plate(proxy, faces), key=lambda face: face.points[:, 0].mean()):
            if any(_same_place(face.points, other.points) for other in found):
                continue
            seen = self._settle(picture, face, number)
            if seen is None or any(_same_place(seen.points, other.points) for other in found):
                continue
            found.append(seen)
            self.crops[number] = _crop_of(picture, seen)
            number += 1
        look = replace(look, next_number=number, looked=True, lost=0 if len(found) > len(known) else look.lost)
        return self._close(picture, look, tuple(found))

    def _settle(self, picture: Picture, face: Face, number: int) -> Sighting | None:
        """A found face landmarked on the plate's own pixels until its region no longer depends on how it was found."""
        aspect = picture.file.pixel_aspect
        frame = picture.read(_around(region_of(face.points, aspect), aspect, 1.3))
        regions = []
        for _ in range(_SETTLE):
            face = self.finder.land(frame, region_of(face.points, aspect), face.level, face.score)
            regions.append(region_of(face.points, aspect))
        if face.presence < _PRESENCE:
            return None
        region = _mean_region(regions[1:])
        face = self.finder.land(frame, region, face.level, face.score)
        projected = _projected(face.points, aspect)
        scale = crop_scale(float(np.ptp(projected[:, :2], axis=0).max()))
        gain = Exposure.of_level(face.level).gain
        return Sighting(
            number, _rounded(face.points), face.score, face.presence, face.level, region,
            crop_corner(projected, scale), scale, gain, new=True,
        )  # fmt: skip

    def _follow(self, picture: Picture, face: Sighting) -> tuple[Sighting | None, FlowCrop]:
        aspect = picture.file.pixel_aspect
        before = _projected(face.points, aspect)
        guess = before.copy()
        if face.flow is not None:
            centre = before[:, :2].mean(axis=0)
            guess[:, :2] += apply(face.flow.matrix, centre[None])[0] - centre
        corner = crop_corner(guess, face.scale)
        region = _shifted(face.region, guess[:, :2].mean(axis=0) - before[:, :2].mean(axis=0))
        frame = picture.read(crop_window(corner, face.scale, aspect).union(_around(region, aspect, 1.25)))
        crop = flow_crop(frame, corner, face.scale, face.gain)
        flow = flow_between(self.crops[face.number], crop, before, guess)
        if flow is not None:
            region = _moved(face.region, flow.matrix)
        seen = self.finder.land(frame, region, face.level, face.score)
        if flow is None:
            region = region_of(seen.points, aspect)
            seen = self.finder.land(frame, region, seen.level, face.score)
        if seen.presence < _PRESENCE or not _plausible(before, _projected(seen.points, aspect)):
            return None, crop
        if flow is not None and not _agree(flow, before, _projected(seen.points, aspect)):
            flow = None
        followed = replace(
            face,
            points=_rounded(seen.points),
            presence=seen.presence,
            level=seen.level,
            region=_drawn_after(region, region_of(seen.points, aspect)),
            corner=corner,
            flow=flow,
            embedding=None,
            new=False,
        )
        return followed, crop

    def _close(self, picture: Picture, look: Look, faces: tuple[Sighting, ...]) -> Look:
        """Says which faces are near another, and takes the embeddings that association needs."""
        done = []
        for face in faces:
            near = any(_overlap(face.points, other.points) > 0.1 for other in faces if other is not face)
            wanted = face.new or look.frame % LOOK_EVERY == 0 or (face.near and not near)
            if wanted:
                aspect = picture.file.pixel_aspect
                frame = picture.read(_around(region_of(face.points, aspect), aspect, 1.0))
                embedding = self.finder.embed(frame, face.face).astype(np.float32)
                face = replace(face, embedding=embedding)
            done.append(replace(face, near=near))
        return replace(look, faces=tuple(done))


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


def _shifted(region: Region, by: np.ndarray) -> Region:
    return Region(region.centre + by, region.side, region.angle)


def _moved(region: Region, matrix: np.ndarray) -> Region:
    turn = math.atan2(matrix[1, 0], matrix[0, 0])
    return Region(apply(matrix, region.centre[None])[0], region.side * scale_of(matrix), region.angle + turn)


def _mean_region(regions: list[Region]) -> Region:
    turns = [region.angle - regions[0].angle for region in regions]
    turn = float(np.mean([math.remainder(turn, math.tau) for turn in turns]))
    centre = np.mean([region.centre for region in regions], axis=0)
    return Region(centre, float(np.mean([region.side for region in regions])), regions[0].angle + turn)


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
