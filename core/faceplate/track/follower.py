"""Following of faces through one segment of a shot, frame by frame.

A shot is processed in segments of `SEGMENT` frames, counted by frame number. A segment begins with the detector and is
independent of its neighbours, so the result depends neither on the number of workers nor on interruptions. Inside a
segment a face is followed: optical flow predicts its position and the landmarker runs there. The detector runs again only
when a face is lost, at a cut, and once in the middle. A face that is found late is then followed backwards to where the
segment, the view or the face begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from faceplate.color import Exposure
from faceplate.face import Face
from faceplate.face.align import apply, compose, invert
from faceplate.face.find import region_of
from faceplate.image.frame import Frame
from faceplate.track.cuts import is_jump
from faceplate.track.follow_checks import (
    NEAR_OVERLAP,
    as_stored,
    faces_on_plate,
    flow_agrees,
    is_plausible,
    key_frame_expired,
    limited_region,
    mesh_size,
    moved_region,
    overlap,
    projected,
    reversed_trail,
    same_place,
    window_around,
    with_face,
    without_collisions,
)
from faceplate.track.look import Look, look_window, measure_look
from faceplate.track.observation import FaceObservation, FrameObservation
from faceplate.track.optical_flow import Flow, FlowCrop, crop_corner, crop_scale, crop_window, flow_between, flow_crop
from faceplate.track.plate_reader import Picture, PlateReader
from faceplate.track.shot_finder import ShotFinder

__all__ = [
    "LOOK_EVERY",
    "SEGMENT",
    "FaceFollower",
]

SEGMENT = 24
"""Length of a segment in frames."""


LOOK_EVERY = 12
"""The detector runs, and embeddings are taken, at frame numbers that are multiples of this."""


_PRESENCE = 0.5

_SEARCHES_AFTER_LOSS = 3


@dataclass(frozen=True)
class _Reference:
    """The reference of a face: crop and projected mesh (478, 3) of its key frame, and the crop of the last frame."""

    key: FlowCrop
    points: np.ndarray
    last: FlowCrop


@dataclass
class FaceFollower:
    """Steps through the frames of one segment. Its only state is flow crops, which can be made again."""

    finder: ShotFinder
    references: dict[int, _Reference] = field(default_factory=dict)

    def recall(
        self, reader: PlateReader, observed: FrameObservation, observations: dict[int, FrameObservation]
    ) -> None:
        """Render the flow crops of `observed` again to resume after an interruption; `observations` are the segment's so far."""
        self.references = {}
        for face in observed.faces:
            key = next(other for other in observations[face.key].faces if other.number == face.number)
            with reader.open(observed.frame) as picture:
                last, aspect = _crop_of(picture, face), picture.file.pixel_aspect
            with reader.open(face.key) as picture:
                self.references[face.number] = _Reference(_crop_of(picture, key), projected(key.points, aspect), last)

    def first(self, frame: int, picture: Picture, number: int = 0) -> FrameObservation:
        """Observe the first frame of a segment, or one after an unreadable frame, with the detector's full search.

        `number` is the first free face number.
        """
        empty = FrameObservation(frame, picture.signature(), (), number)
        return self._search(picture, empty, (), whole=True)

    def step(self, before: FrameObservation, frame: int, picture: Picture) -> FrameObservation:
        """Observe the next frame of a segment."""
        signature = picture.signature()
        if is_jump(before.signature, signature):
            return self._search(picture, FrameObservation(frame, signature, (), before.next_number), (), whole=True)
        pairs = [self._follow(picture, frame, face) for face in before.faces]
        kept = without_collisions([pair[0] for pair in pairs if pair is not None])
        references = {pair[0].number: pair[1] for pair in pairs if pair is not None}
        self.references = {face.number: references[face.number] for face in kept}
        lost = _SEARCHES_AFTER_LOSS if len(kept) < len(before.faces) else max(before.lost - 1, 0)
        observed = FrameObservation(frame, signature, (), before.next_number, lost)
        if lost or not kept or frame % LOOK_EVERY == 0:
            return self._search(picture, observed, kept, whole=False)
        return self._finished(picture, observed, kept)

    def back(
        self, reader: PlateReader, observations: dict[int, FrameObservation], frames: Sequence[int]
    ) -> dict[int, FrameObservation]:
        """Follow faces that were found after the first of a segment's `frames` backwards; return the observations that change.

        `observations` are the results of `first` and `step` by frame; an unreadable frame has none.
        """
        now = dict(observations)
        for at in range(len(frames) - 1, 0, -1):
            late = [face for face in observations[frames[at]].faces if face.new] if frames[at] in observations else []
            for face in late:
                trail = self._follow_back(reader, now, frames[at::-1], face)
                for k, seen in enumerate(reversed_trail(trail)):
                    now[frames[at - k]] = with_face(now[frames[at - k]], seen)
        return {frame: observed for frame, observed in now.items() if observed is not observations[frame]}

    def _follow_back(
        self,
        reader: PlateReader,
        observations: dict[int, FrameObservation],
        frames: Sequence[int],
        face: FaceObservation,
    ) -> list[FaceObservation]:
        """Follow `face` backwards in time through `frames` while it is visible and apart from others."""
        with reader.open(frames[0]) as picture:
            crop = _crop_of(picture, face)
            self.references = {face.number: _Reference(crop, projected(face.points, picture.file.pixel_aspect), crop)}
        trail = [face]
        for later, frame in pairwise(frames):
            if frame not in observations or is_jump(observations[later].signature, observations[frame].signature):
                break
            with reader.open(frame) as picture:
                found = self._follow(picture, frame, trail[-1])
            if found is None or any(
                overlap(found[0].points, other.points) > NEAR_OVERLAP for other in observations[frame].faces
            ):
                break
            trail.append(found[0])
            self.references[face.number] = found[1]
        return trail

    def _search(
        self, picture: Picture, observed: FrameObservation, known: tuple[FaceObservation, ...], whole: bool
    ) -> FrameObservation:
        proxy = picture.proxy()
        faces = self.finder.find(proxy.frame) if whole else self.finder.glance(proxy.frame)
        found, number = list(known), observed.next_number
        for face in sorted(faces_on_plate(proxy, faces), key=lambda face: face.points[:, 0].mean()):
            if any(same_place(face.points, other.points) for other in found):
                continue
            seen = self._first_observation(picture, observed.frame, face, number)
            if seen is None or any(same_place(seen.points, other.points) for other in found):
                continue
            found.append(seen)
            crop = _crop_of(picture, seen)
            self.references[number] = _Reference(crop, projected(seen.points, picture.file.pixel_aspect), crop)
            number += 1
        observed = replace(
            observed, next_number=number, looked=True, lost=0 if len(found) > len(known) else observed.lost
        )
        return self._finished(picture, observed, tuple(found))

    def _first_observation(self, picture: Picture, frame: int, face: Face, number: int) -> FaceObservation | None:
        """Landmark a found face on the plate's own pixels; its region is the mean of several passes."""
        aspect = picture.file.pixel_aspect
        near = picture.read(window_around(region_of(face.points, aspect), aspect, 1.3))
        anchor = self.finder.refine(near, face)
        if anchor.presence < _PRESENCE:
            return None
        region = region_of(anchor.points, aspect)
        face = self.finder.land(near, region, anchor.level, anchor.score)
        if face.presence < _PRESENCE:
            return None
        mesh = projected(face.points, aspect)
        scale = crop_scale(mesh_size(mesh))
        return FaceObservation(
            number=number,
            points=as_stored(face.points),
            score=face.score,
            presence=face.presence,
            level=face.level,
            region=region,
            corner=crop_corner(mesh, scale),
            scale=scale,
            gain=Exposure.of_level(face.level).gain,
            new=True,
            key=frame,
            anchor=as_stored(anchor.points),
            look=_look_at(picture, near, face),
        )

    def _follow(self, picture: Picture, frame: int, face: FaceObservation) -> tuple[FaceObservation, _Reference] | None:
        aspect = picture.file.pixel_aspect
        before = projected(face.points, aspect)
        going = np.eye(2, 3) if face.flow is None else face.flow.matrix
        corner = crop_corner(apply(going, before[:, :2]), face.scale)
        region = moved_region(face.region, going)
        near = picture.read(crop_window(corner, face.scale, aspect).union(window_around(region, aspect, 1.25)))
        crop = flow_crop(near, corner, face.scale, face.gain)
        flow, carried = self._flow(face, before, crop, going)
        if flow is not None:
            region = moved_region(face.region, flow.matrix)
        seen = self.finder.land(near, region, face.level, face.score)
        if flow is None:
            region = region_of(seen.points, aspect)
            seen = self.finder.land(near, region, seen.level, face.score)
        after = projected(as_stored(seen.points), aspect)
        if seen.presence < _PRESENCE or not is_plausible(before, after):
            return None
        if flow is not None and not flow_agrees(flow, before, after):
            flow = None
        reference = self.references[face.number]
        renew = flow is None or carried is None or key_frame_expired(carried, flow, abs(frame - face.key))
        followed = replace(
            face,
            points=as_stored(seen.points),
            presence=seen.presence,
            level=seen.level,
            region=limited_region(region, region_of(seen.points, aspect)),
            corner=corner,
            key=frame if renew else face.key,
            carried=np.eye(2, 3) if renew or carried is None else carried,
            flow=flow,
            embedding=None,
            anchor=None,
            look=_look_at(picture, near, seen),
            new=False,
        )
        return followed, _Reference(crop, after, crop) if renew else replace(reference, last=crop)

    def _flow(
        self, face: FaceObservation, before: np.ndarray, crop: FlowCrop, going: np.ndarray
    ) -> tuple[Flow | None, np.ndarray | None]:
        """Measure the motion since the frame before, and that from the key frame (None when it is not measurable)."""
        reference, unit = self.references[face.number], mesh_size(before) / 2.7
        flow = flow_between(reference.key, crop, reference.points, compose(going, face.carried), unit)
        if flow is not None:
            return replace(flow, matrix=compose(flow.matrix, invert(face.carried))), flow.matrix
        return flow_between(reference.last, crop, before, going, unit), None

    def _finished(
        self, picture: Picture, observed: FrameObservation, faces: tuple[FaceObservation, ...]
    ) -> FrameObservation:
        """Mark faces that are near another, and take the embeddings that association needs."""
        done = []
        for face in faces:
            near = any(overlap(face.points, other.points) > NEAR_OVERLAP for other in faces if other is not face)
            wanted = face.new or observed.frame % LOOK_EVERY == 0 or (face.near and not near)
            if wanted:
                aspect = picture.file.pixel_aspect
                frame = picture.read(window_around(region_of(face.points, aspect), aspect, 1.0))
                embedding = self.finder.embed(frame, face.face).astype(np.float32)
                face = replace(face, embedding=embedding)
            done.append(replace(face, near=near))
        return replace(observed, faces=tuple(done))


def _look_at(picture: Picture, near: Frame, face: Face) -> Look:
    """Measure the look of `face`, on the pixels `near` where they suffice."""
    needed = look_window(face, near.pixel_aspect).intersect(picture.file.data)
    return measure_look(near if near.window.intersect(needed) == needed else picture.read(needed), face)


def _crop_of(picture: Picture, face: FaceObservation) -> FlowCrop:
    frame = picture.read(crop_window(face.corner, face.scale, picture.file.pixel_aspect))
    return flow_crop(frame, face.corner, face.scale, face.gain)
