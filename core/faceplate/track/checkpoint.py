"""The checkpoint of an unfinished tracking run: every observation, stored as soon as it is made.

The file lies beside the track and has one JSON line a frame, written and flushed when the frame is done. A run that was
interrupted is resumed: complete lines are used, an incomplete last line is dropped, and a segment continues after its
last frame. Frames whose plate file changed since are observed again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.comp.occlusion import NETWORK as OCCLUSION
from faceplate.errors import RenderError
from faceplate.face.landmark import Region
from faceplate.image.window import Window
from faceplate.models import embedded_store
from faceplate.plate import Sequence as Sequence_
from faceplate.system.atomic import temporary_beside, write_failed
from faceplate.system.user_paths import stat_or_none
from faceplate.track.features import pack_features, unpack_features
from faceplate.track.grain_models import pack_grain, unpack_grain
from faceplate.track.look import pack_look, unpack_look
from faceplate.track.observation import FaceObservation, FrameObservation
from faceplate.track.optical_flow import Flow
from faceplate.track.plate_reader import PlateReader
from faceplate.track.sharpness import pack_edges, unpack_edges
from faceplate.track.shot_finder import ShotFinder
from faceplate.track.tones import RAW, pack_tones, unpack_tones

__all__ = [
    "RECIPE",
    "Checkpoint",
    "FrameRecord",
    "Segment",
    "checkpoint_key",
    "file_stamp",
    "gather",
    "open_checkpoint",
    "state_of",
]

RECIPE = 8
"""Version of the observations; it increases whenever the same plate would give others, so that old checkpoints are not used."""


@dataclass(frozen=True)
class FrameRecord:
    """One line of the checkpoint.

    Attributes
    ----------
    segment, frame : int
        The segment's number and the frame.
    tail : bool
        Whether this is the first frame of the next segment, observed for the link between the two.
    stamp : tuple, optional
        Size and modification time of the plate file.
    observation : FrameObservation, optional
        None where the frame could not be read; `error` gives the reason.
    windows : tuple, optional
        Display and data window.
    aspect : float
        Pixel aspect.
    """

    segment: int
    frame: int
    tail: bool
    stamp: tuple[int, int] | None
    observation: FrameObservation | None
    error: str = ""
    windows: tuple[Window, Window] | None = None
    aspect: float = 1.0


@dataclass(frozen=True)
class Segment:
    """A run of frames that one worker processes in order, and the first frame of the next run (`tail`)."""

    number: int
    frames: tuple[int, ...]
    tail: int | None


@dataclass
class Checkpoint:
    """An open checkpoint file: what it held, and the lock for adding lines.

    `backs` holds, for a finished segment, the records that following backwards changed.
    """

    path: Path
    done: dict[tuple[int, int, bool], FrameRecord]
    backs: dict[int, list[FrameRecord]]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seen: FrameRecord) -> None:
        """Append a record."""
        self._write(_to_json(seen))
        with self.lock:
            self.done[(seen.segment, seen.frame, seen.tail)] = seen

    def add_back(self, segment: int, changed: list[FrameRecord]) -> None:
        """Append the records of a segment that following backwards changed."""
        item = {"segment": segment, "frame": None, "tail": False, "back": [_to_json(seen) for seen in changed]}
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


def state_of(plate: Sequence_, frames: Iterable[int]) -> str:
    """Compute a hash of the names, sizes and dates of the plate's files, which changes when one of them does."""
    told = [[frame, plate.path(frame).name, file_stamp(plate.path(frame))] for frame in sorted(frames)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def file_stamp(path: Path) -> tuple[int, int] | None:
    """Return a file's size and modification time; None when it does not exist."""
    found = stat_or_none(path)
    return None if found is None else (found.st_size, found.st_mtime_ns)


def checkpoint_key(reader: PlateReader, finder: ShotFinder) -> str:
    """Compute a hash of the settings that a checkpoint must share to be resumed."""
    cards = [finder.store.card(name).sha256 for name in (finder.detector, finder.landmarker, finder.recogniser)]
    cards.append(embedded_store().card(OCCLUSION).sha256)
    search = (
        None if reader.search is None else [reader.search.x, reader.search.y, reader.search.width, reader.search.height]
    )
    colour = [reader.color.source, reader.color.working_space]
    # The name without the folder: another machine may mount the same plate elsewhere.
    parts = [RECIPE, reader.plate.path(0).name, reader.space, reader.layer, search, *colour, *cards]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def open_checkpoint(path: Path, key: str, reader: PlateReader, segments: Iterable[Segment]) -> Checkpoint:
    """Open the checkpoint with its valid records; start a new one when it belongs to other settings."""
    lines = _whole_lines(path)
    if not lines or lines[0] != {"faceplate_work": RECIPE, "key": key}:
        lines = [{"faceplate_work": RECIPE, "key": key}]
    stored = {(item["segment"], item["frame"], item["tail"]): item for item in lines[1:]}
    done: dict[tuple[int, int, bool], FrameRecord] = {}
    backs: dict[int, list[FrameRecord]] = {}
    kept = lines[:1]
    for segment in segments:
        wanted = [(segment.number, frame, False) for frame in segment.frames]
        wanted += [] if segment.tail is None else [(segment.number, segment.tail, True)]
        for name in wanted:
            item = stored.get(name)
            stamp = file_stamp(reader.plate.path(name[1]))
            if item is None or item["stamp"] != (list(stamp) if stamp else None):
                break
            kept.append(item)
            done[name] = _from_json(item)
        else:
            back = stored.get((segment.number, None, False))
            if back is not None:
                kept.append(back)
                backs[segment.number] = [_from_json(item) for item in back["back"]]
    _write_lines(path, kept)
    return Checkpoint(path, done, backs)


def gather(parts: Iterable[Path], path: Path) -> None:
    """Merge checkpoints made with the same settings into one, segment by segment.

    Records with other settings than the first are left out, because they would be observed again anyway.

    Raises
    ------
    RenderError
        When the file cannot be written.
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
    """Read the file's lines up to the first incomplete one."""
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


def _encode(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode("ascii")


def _decode(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def _to_json(seen: FrameRecord) -> dict[str, Any]:
    item: dict[str, Any] = {
        "segment": seen.segment,
        "frame": seen.frame,
        "tail": seen.tail,
        "stamp": seen.stamp,
        "error": seen.error,
        "aspect": seen.aspect,
        "windows": [[w.x, w.y, w.width, w.height] for w in seen.windows] if seen.windows else None,
    }
    if seen.observation is not None:
        item |= {
            "signature": _encode(seen.observation.signature, "u1"),
            "next": seen.observation.next_number,
            "lost": seen.observation.lost,
            "looked": seen.observation.looked,
            "faces": [_face_to_json(face) for face in seen.observation.faces],
        }
    return item


def _face_to_json(face: FaceObservation) -> dict[str, Any]:
    flow = face.flow
    return {
        "number": face.number,
        "points": _encode(face.points, "<f4"),
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
        "anchor": None if face.anchor is None else _encode(face.anchor, "<f4"),
        "grain": None if face.grain is None else pack_grain(face.grain),
        "look": pack_look(face.look),
        "tones": None if face.look is None else pack_tones(face.look.tones, RAW),
        "features": None if face.look is None else pack_features(face.look.features),
        "edges": None if face.look is None else pack_edges(face.look.edges),
        "lids": None if face.look is None or face.look.lids is None else face.look.lids.tolist(),
        "teeth": None if face.look is None else face.look.teeth,
        "embedding": None if face.embedding is None else _encode(face.embedding, "<f4"),
    }


def _from_json(item: dict[str, Any]) -> FrameRecord:
    observation = None
    if "faces" in item:
        observation = FrameObservation(
            item["frame"],
            _decode(item["signature"], "u1"),
            tuple(_face_from_json(face) for face in item["faces"]),
            item["next"],
            item["lost"],
            item["looked"],
        )
    stamp = tuple(item["stamp"]) if item["stamp"] else None
    display, data = (Window(*w) for w in item["windows"] or ((0,) * 4, (0,) * 4))
    windows = (display, data) if item["windows"] else None
    return FrameRecord(
        item["segment"],
        item["frame"],
        item["tail"],
        stamp,
        observation,
        item["error"],
        windows,
        item["aspect"],  # type: ignore[arg-type]
    )


def _face_from_json(item: dict[str, Any]) -> FaceObservation:
    flow = item["flow"]
    region = item["region"]
    return FaceObservation(
        number=item["number"],
        points=_decode(item["points"], "<f4").astype(np.float64).reshape(478, 3),
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
        anchor=None if item["anchor"] is None else _decode(item["anchor"], "<f4").astype(np.float64).reshape(478, 3),
        grain=None if item["grain"] is None else unpack_grain(item["grain"]),
        look=unpack_look(
            item["look"],
            unpack_tones(item["tones"], RAW),
            unpack_features(item["features"]),
            unpack_edges(item["edges"]),
            lids=item["lids"],
            teeth=item["teeth"],
        ),
        embedding=None if item["embedding"] is None else _decode(item["embedding"], "<f4"),
    )
