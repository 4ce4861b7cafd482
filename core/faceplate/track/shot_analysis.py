"""Observation of every frame of a shot by several workers, with a checkpoint."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import numpy as np

from faceplate.errors import FaceplateError
from faceplate.track.checkpoint import Checkpoint, FrameRecord, Segment, checkpoint_key, file_stamp, open_checkpoint
from faceplate.track.follower import SEGMENT, FaceFollower
from faceplate.track.grain_samples import with_grain
from faceplate.track.observation import FrameObservation
from faceplate.track.plate_reader import PlateReader
from faceplate.track.shot_finder import ShotFinder

__all__ = [
    "analyse_shot",
    "segments_of",
]

_DAMAGED = {"plate-missing", "plate-unreadable", "plate-damaged", "plate-deep", "no-rgb"}


def segments_of(frames: Sequence[int]) -> tuple[Segment, ...]:
    """Split sorted `frames` into segments by frame number, independent of which other frames are tracked."""
    step = min(np.diff(frames), default=1)
    groups: dict[int, list[int]] = {}
    for frame in frames:
        groups.setdefault(frame // (SEGMENT * int(step)), []).append(frame)
    numbers = sorted(groups)
    nexts = [groups[number][0] for number in numbers[1:]]
    return tuple(
        Segment(number, tuple(groups[number]), tail) for number, tail in zip(numbers, [*nexts, None], strict=True)
    )


def analyse_shot(
    reader: PlateReader,
    frames: Sequence[int],
    finder: ShotFinder,
    work_path: Path,
    *,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
    only: Iterable[int] | None = None,
) -> tuple[FrameRecord, ...]:
    """Observe every frame of `frames`; frames in the checkpoint are not observed again.

    Parameters
    ----------
    reader : PlateReader
        The plate.
    frames : sequence of int
        Sorted frame numbers.
    finder : ShotFinder
        The networks.
    work_path : Path
        The checkpoint file.
    workers : int
        Number of segments processed in parallel (0: one for each processor); the result does not depend on it.
    progress : callable, optional
        Called with (frames done, total frames).
    stop : threading.Event, optional
        Setting it ends the run early with `KeyboardInterrupt`.
    only : iterable of int, optional
        Numbers of the segments to process, when others process the rest.

    Returns
    -------
    tuple of FrameRecord
        In order of (segment, frame). Frames that cannot be read have an `error`.

    Raises
    ------
    RenderError
        `output-unwritable`.
    """
    segments = segments_of(frames)
    if only is not None:
        wanted = set(only)
        segments = tuple(segment for segment in segments if segment.number in wanted)
    checkpoint = open_checkpoint(work_path, checkpoint_key(reader, finder), reader, segments)
    stop = stop or threading.Event()
    total = sum(len(segment.frames) for segment in segments)
    count = sum(not tail for _, _, tail in checkpoint.done)

    def count_frame() -> None:
        nonlocal count
        with checkpoint.lock:
            count += 1
            now = count
        if progress is not None:
            progress(now, total)

    if progress is not None:
        progress(count, total)
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    try:
        waiting = {
            pool.submit(_analyse_segment, reader, finder, segment, checkpoint, stop, count_frame)
            for segment in segments
        }
        while waiting:
            finished, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
        if stop.is_set():
            raise KeyboardInterrupt
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
    changed = {(seen.segment, seen.frame, seen.tail): seen for back in checkpoint.backs.values() for seen in back}
    return tuple(changed.get(key, checkpoint.done[key]) for key in sorted(checkpoint.done))


def _analyse_segment(
    reader: PlateReader,
    finder: ShotFinder,
    segment: Segment,
    checkpoint: Checkpoint,
    stop: threading.Event,
    count_frame: Callable[[], None],
) -> None:
    follower = FaceFollower(finder)
    before: FrameObservation | None = None
    observations: dict[int, FrameObservation] = {}
    number = 0
    recalled = True
    wanted = [(frame, False) for frame in segment.frames]
    wanted += [] if segment.tail is None else [(segment.tail, True)]
    for frame, tail in wanted:
        known = checkpoint.done.get((segment.number, frame, tail))
        if known is None:
            if stop.is_set():
                return
            if not recalled and before is not None:
                follower.recall(reader, before, observations)
            recalled = True
            known = _analyse_frame(reader, follower, segment, before, frame, tail, number)
            checkpoint.add(known)
            if not tail:
                count_frame()
        else:
            recalled = False
        # After an unreadable frame there is nothing to follow, so the next frame is searched.
        before = known.observation
        if before is not None:
            observations[before.frame] = before
            number = before.next_number
    if segment.number not in checkpoint.backs:
        back = follower.back(reader, observations, [frame for frame, _ in wanted])
        back |= with_grain(reader, {**observations, **back}, segment.frames)
        keys = [(segment.number, frame, tail) for frame, tail in wanted if frame in back]
        if keys:
            checkpoint.add_back(
                segment.number, [replace(checkpoint.done[key], observation=back[key[1]]) for key in keys]
            )


def _analyse_frame(
    reader: PlateReader,
    follower: FaceFollower,
    segment: Segment,
    before: FrameObservation | None,
    frame: int,
    tail: bool,
    number: int,
) -> FrameRecord:
    stamp = file_stamp(reader.plate.path(frame))
    try:
        with reader.open(frame) as picture:
            if tail and before is None:
                observation = FrameObservation(frame, picture.signature(), (), 0)
            else:
                observation = (
                    follower.first(frame, picture, number) if before is None else follower.step(before, frame, picture)
                )
            file = picture.file
            return FrameRecord(
                segment.number, frame, tail, stamp, observation, "", (file.display, file.data), float(file.pixel_aspect)
            )
    except FaceplateError as error:
        if error.code not in _DAMAGED:
            raise
        return FrameRecord(segment.number, frame, tail, stamp, None, str(error))
