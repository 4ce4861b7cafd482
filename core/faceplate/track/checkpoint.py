"""Looks at every frame of a shot with several workers, and keeps what was seen at once in a work file.

The work file lies beside the track and holds one JSON line a frame, written and flushed when the frame is done. A run
that was killed is gone on with: whole lines are believed, a torn last line is dropped, and a segment continues after
its last frame. Frames whose plate file changed since are looked at anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.errors import FaceplateError, RenderError
from faceplate.face.landmark import Region
from faceplate.image.window import Window
from faceplate.plate import Sequence as Sequence_
from faceplate.system.atomic import temporary_beside, write_failed
from faceplate.system.user_paths import stat_or_none
from faceplate.track.analyse import SEGMENT, Analyser, Look, ShotFinder, Sighting
from faceplate.track.flow import Flow
from faceplate.track.grain import pack_grain, unpack_grain
from faceplate.track.reader import PlateReader

__all__ = ["RECIPE", "Seen", "Segment", "analyse_shot", "gather", "segments_of", "state_of"]

RECIPE = 3
"""Counts up whenever the same plate would be seen differently, so that an older work file is not gone on with."""

_DAMAGED = {"plate-missing", "plate-unreadable", "plate-damaged", "plate-deep", "no-rgb"}


@dataclass(frozen=True)
class Seen:
    """One line of the work file. A `tail` is the first frame of the next segment, seen by this one for the link's sake.

    `look` is None where the frame could not be read, and `error` says why. `stamp` is the plate file's size and time.
    """

    segment: int
    frame: int
    tail: bool
    stamp: tuple[int, int] | None
    look: Look | None
    error: str = ""
    windows: tuple[Window, Window] | None = None
    aspect: float = 1.0


@dataclass(frozen=True)
class Segment:
    """A run of frames that one worker looks at in order, and the first frame of the next run."""

    number: int
    frames: tuple[int, ...]
    tail: int | None


def segments_of(frames: Sequence[int]) -> tuple[Segment, ...]:
    """The segments of sorted `frames`: what lies in one stretch of `SEGMENT` frame numbers, whatever else is
    tracked."""
    step = min(np.diff(frames), default=1)
    groups: dict[int, list[int]] = {}
    for frame in frames:
        groups.setdefault(frame // (SEGMENT * int(step)), []).append(frame)
    numbers = sorted(groups)
    nexts = [groups[number][0] for number in numbers[1:]]
    return tuple(
        Segment(number, tuple(groups[number]), tail) for number, tail in zip(numbers, [*nexts, None], strict=True)
    )


@dataclass
class _Work:
    """The open work file: what it held, and the lock under which lines are added.

    `backs` holds for a segment that is done what following backwards changed in it, if anything.
    """

    path: Path
    done: dict[tuple[int, int, bool], Seen]
    backs: dict[int, list[Seen]]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seen: Seen) -> None:
        self._write(_packed(seen))
        with self.lock:
            self.done[(seen.segment, seen.frame, seen.tail)] = seen

    def add_back(self, segment: int, changed: list[Seen]) -> None:
        item = {"segment": segment, "frame": None, "tail": False, "back": [_packed(seen) for seen in changed]}
        self._write(item)
        with self.lock:
            self.backs[segment] = changed

    def _write(self, item: dict[str, Any]) -> None:
        line = json.dumps(item, separators=(",", ":")) + "\n"
        with self.lock:
            try:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(line)
                    file.flush()
            except OSError as error:
                raise RenderError("output-unwritable", f"{self.path} cannot be written: {error.strerror}.") from error


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
) -> tuple[Seen, ...]:
    """Every frame of `frames` looked at, in order of (segment, frame), from the work file where it is there already.

    `only` names the numbers of the segments to look at, where others look at the rest.

    `workers` is how many segments are looked at side by side (0: one for each processor); the result does not depend
    on it. `progress` is called with (frames done, frames in all). Setting `stop` ends it early with
    `KeyboardInterrupt`. Raises `RenderError` `output-unwritable`; frames that cannot be read come back with their
    `error`.
    """
    segments = segments_of(frames)
    if only is not None:
        wanted = set(only)
        segments = tuple(segment for segment in segments if segment.number in wanted)
    work = _open_work(work_path, _key(reader, finder), reader, segments)
    stop = stop or threading.Event()
    total = sum(len(segment.frames) for segment in segments)
    count = sum(not tail for _, _, tail in work.done)

    def said() -> None:
        nonlocal count
        with work.lock:
            count += 1
            now = count
        if progress is not None:
            progress(now, total)

    if progress is not None:
        progress(count, total)
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    try:
        waiting = {pool.submit(_segment, reader, finder, segment, work, stop, said) for segment in segments}
        while waiting:
            finished, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
        if stop.is_set():
            raise KeyboardInterrupt
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
    changed = {(seen.segment, seen.frame, seen.tail): seen for back in work.backs.values() for seen in back}
    return tuple(changed.get(key, work.done[key]) for key in sorted(work.done))


def _segment(
    reader: PlateReader,
    finder: ShotFinder,
    segment: Segment,
    work: _Work,
    stop: threading.Event,
    said: Callable[[], None],
) -> None:
    analyser = Analyser(finder)
    before: Look | None = None
    looks: dict[int, Look] = {}
    number = 0
    recalled = True
    wanted = [(frame, False) for frame in segment.frames]
    wanted += [] if segment.tail is None else [(segment.tail, True)]
    for frame, tail in wanted:
        known = work.done.get((segment.number, frame, tail))
        if known is None:
            if stop.is_set():
                return
            if not recalled and before is not None:
                analyser.recall(reader, before, looks)
            recalled = True
            known = _look(reader, analyser, segment, before, frame, tail, number)
            work.add(known)
            if not tail:
                said()
        else:
            recalled = False
        # After a frame that cannot be read the search begins anew: there is nothing to follow from.
        before = known.look
        if before is not None:
            looks[before.frame] = before
            number = before.next_number
    if segment.number not in work.backs:
        back = analyser.back(reader, looks, [frame for frame, _ in wanted])
        keys = [(segment.number, frame, tail) for frame, tail in wanted if frame in back]
        if keys:
            work.add_back(segment.number, [replace(work.done[key], look=back[key[1]]) for key in keys])


def _look(
    reader: PlateReader, analyser: Analyser, segment: Segment, before: Look | None, frame: int, tail: bool, number: int
) -> Seen:
    stamp = _stamp(reader.plate.path(frame))
    try:
        with reader.open(frame) as picture:
            if tail and before is None:
                look = Look(frame, picture.signature(), (), 0)
            else:
                look = (
                    analyser.first(frame, picture, number) if before is None else analyser.step(before, frame, picture)
                )
            file = picture.file
            return Seen(
                segment.number, frame, tail, stamp, look, "", (file.display, file.data), float(file.pixel_aspect)
            )
    except FaceplateError as error:
        if error.code not in _DAMAGED:
            raise
        return Seen(segment.number, frame, tail, stamp, None, str(error))


def state_of(plate: Sequence_, frames: Iterable[int]) -> str:
    """What changes when one of the plate's files does: a hash of names, sizes and dates."""
    told = [[frame, plate.path(frame).name, _stamp(plate.path(frame))] for frame in sorted(frames)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _stamp(path: Path) -> tuple[int, int] | None:
    found = stat_or_none(path)
    return None if found is None else (found.st_size, found.st_mtime_ns)


def _key(reader: PlateReader, finder: ShotFinder) -> str:
    """What a work file must have been made with to be gone on with."""
    cards = [finder.store.card(name).sha256 for name in (finder.detector, finder.landmarker, finder.recogniser)]
    search = (
        None if reader.search is None else [reader.search.x, reader.search.y, reader.search.width, reader.search.height]
    )
    colour = [reader.color.source, reader.color.working_space]
    # The name alone: the same plate is mounted elsewhere on another machine.
    parts = [RECIPE, reader.plate.path(0).name, reader.space, reader.layer, search, *colour, *cards]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _open_work(path: Path, key: str, reader: PlateReader, segments: Iterable[Segment]) -> _Work:
    """The work file with what of it still holds; made new when it belongs to something else."""
    lines = _whole_lines(path)
    if not lines or lines[0] != {"faceplate_work": RECIPE, "key": key}:
        lines = [{"faceplate_work": RECIPE, "key": key}]
    stored = {(item["segment"], item["frame"], item["tail"]): item for item in lines[1:]}
    done: dict[tuple[int, int, bool], Seen] = {}
    backs: dict[int, list[Seen]] = {}
    kept = lines[:1]
    for segment in segments:
        wanted = [(segment.number, frame, False) for frame in segment.frames]
        wanted += [] if segment.tail is None else [(segment.number, segment.tail, True)]
        for name in wanted:
            item = stored.get(name)
            stamp = _stamp(reader.plate.path(name[1]))
            if item is None or item["stamp"] != (list(stamp) if stamp else None):
                break
            kept.append(item)
            done[name] = _unpacked(item)
        else:
            back = stored.get((segment.number, None, False))
            if back is not None:
                kept.append(back)
                backs[segment.number] = [_unpacked(item) for item in back["back"]]
    _write_lines(path, kept)
    return _Work(path, done, backs)


def gather(parts: Iterable[Path], path: Path) -> None:
    """Makes one work file of several that were made with the same settings, segment by segment.

    What belongs to other settings than the first is left out: it would be looked at anew anyway. Raises `RenderError`.
    """
    lines: list[dict[str, Any]] = []
    for part in parts:
        found = _whole_lines(part)
        if found and (not lines or found[0] == lines[0]):
            lines += found if not lines else found[1:]
    if lines:
        _write_lines(path, lines)


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    text = "".join(json.dumps(item, separators=(",", ":")) + "\n" for item in lines)
    with temporary_beside(path) as part:
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise write_failed(path, error) from error


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """The file's lines up to the first that is not whole."""
    try:
        text = path.read_bytes()
    except OSError:
        return []
    lines = []
    for line in text.split(b"\n")[:-1]:
        try:
            item = json.loads(line)
        except ValueError:
            break
        if not isinstance(item, dict):
            break
        lines.append(item)
    return lines


def _b64(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode("ascii")


def _array(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def _packed(seen: Seen) -> dict[str, Any]:
    item: dict[str, Any] = {
        "segment": seen.segment,
        "frame": seen.frame,
        "tail": seen.tail,
        "stamp": seen.stamp,
        "error": seen.error,
        "aspect": seen.aspect,
        "windows": [[w.x, w.y, w.width, w.height] for w in seen.windows] if seen.windows else None,
    }
    if seen.look is not None:
        item |= {
            "signature": _b64(seen.look.signature, "u1"),
            "next": seen.look.next_number,
            "lost": seen.look.lost,
            "looked": seen.look.looked,
            "faces": [_packed_face(face) for face in seen.look.faces],
        }
    return item


def _packed_face(face: Sighting) -> dict[str, Any]:
    flow = face.flow
    return {
        "number": face.number,
        "points": _b64(face.points, "<f4"),
        "score": face.score,
        "presence": face.presence,
        "level": face.level,
        "region": [*face.region.centre.tolist(), face.region.side, face.region.angle],
        "corner": face.corner,
        "scale": face.scale,
        "gain": face.gain,
        "new": face.new,
        "near": face.near,
        "key": face.key,
        "carried": face.carried.ravel().tolist(),
        "flow": [*flow.matrix.ravel().tolist(), flow.share, flow.error, *flow.moved] if flow else None,
        "anchor": None if face.anchor is None else _b64(face.anchor, "<f4"),
        "grain": None if face.grain is None else pack_grain(face.grain),
        "embedding": None if face.embedding is None else _b64(face.embedding, "<f4"),
    }


def _unpacked(item: dict[str, Any]) -> Seen:
    look = None
    if "faces" in item:
        look = Look(
            item["frame"],
            _array(item["signature"], "u1"),
            tuple(_unpacked_face(face) for face in item["faces"]),
            item["next"],
            item["lost"],
            item["looked"],
        )
    stamp = tuple(item["stamp"]) if item["stamp"] else None
    display, data = (Window(*w) for w in item["windows"] or ((0,) * 4, (0,) * 4))
    windows = (display, data) if item["windows"] else None
    return Seen(
        item["segment"],
        item["frame"],
        item["tail"],
        stamp,
        look,
        item["error"],
        windows,
        item["aspect"],  # type: ignore[arg-type]
    )


def _unpacked_face(item: dict[str, Any]) -> Sighting:
    flow = item["flow"]
    region = item["region"]
    return Sighting(
        number=item["number"],
        points=_array(item["points"], "<f4").astype(np.float64).reshape(478, 3),
        score=item["score"],
        presence=item["presence"],
        level=item["level"],
        region=Region(np.array(region[:2]), region[2], region[3]),
        corner=tuple(item["corner"]),
        scale=item["scale"],
        gain=item["gain"],
        new=item["new"],
        near=item["near"],
        key=item["key"],
        carried=np.array(item["carried"]).reshape(2, 3),
        flow=Flow(np.array(flow[:6]).reshape(2, 3), flow[6], flow[7], tuple(flow[8:])) if flow else None,
        anchor=None if item["anchor"] is None else _array(item["anchor"], "<f4").astype(np.float64).reshape(478, 3),
        grain=None if item["grain"] is None else unpack_grain(item["grain"]),
        embedding=None if item["embedding"] is None else _array(item["embedding"], "<f4"),
    )
