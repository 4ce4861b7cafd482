"""Samples of the plate's grain: around each face that a segment finds anew, from two neighbouring frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from faceplate.comp.grain import GRAIN_REACH, Grain, measure_grain, measure_grain_between
from faceplate.track.observation import FaceObservation, FrameObservation
from faceplate.track.plate_reader import PlateReader

__all__ = ["with_grain"]

# Pairs of frames that are tried for a face, where the plate repeats frames.
_TRIES = 4


def with_grain(
    reader: PlateReader, observations: Mapping[int, FrameObservation], frames: Sequence[int]
) -> dict[int, FrameObservation]:
    """Return the observations of a segment's `frames` in which faces begin, with the grain around these faces.

    `observations` are the segment's, by frame; a frame beside `frames` serves for the second picture only.
    """
    changed = {}
    for frame in frames:
        observed = observations.get(frame)
        if observed is not None and any(face.new for face in observed.faces):
            faces = (
                replace(face, grain=_grain_of(reader, observations, frame, face)) if face.new else face
                for face in observed.faces
            )
            changed[frame] = replace(observed, faces=tuple(faces))
    return changed


def _grain_of(
    reader: PlateReader, observations: Mapping[int, FrameObservation], frame: int, face: FaceObservation
) -> Grain:
    """Measure the grain around `face`, from this frame and the next, else from later pairs, else from this frame alone."""
    seen = [(frame, face)]
    for later in sorted(number for number in observations if number > frame)[:_TRIES]:
        same = [other for other in observations[later].faces if other.number == face.number and not other.new]
        if not same:
            break
        seen.append((later, same[0]))
    for one, two in pairwise(seen):
        grain = _grain_between(reader, one, two)
        if grain is not None:
            return grain
    with reader.open(frame) as picture:
        return measure_grain(picture.read(face.face.window(GRAIN_REACH)).working())


def _grain_between(
    reader: PlateReader, one: tuple[int, FaceObservation], two: tuple[int, FaceObservation]
) -> Grain | None:
    """Measure the grain between two frames; the second is read where the face has moved to, by whole pixels."""
    dx, dy = (int(step) for step in np.rint((two[1].points - one[1].points)[:, :2].mean(axis=0)))
    with reader.open(one[0]) as first, reader.open(two[0]) as second:
        window = one[1].face.window(GRAIN_REACH).intersect(first.file.data)
        there = window.moved(dx, dy).intersect(second.file.data)
        if there.empty:
            return None
        return measure_grain_between(first.read(there.moved(-dx, -dy)).working(), second.read(there).working())
