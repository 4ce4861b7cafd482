"""The QC sheet and the QC movie: landmarks over frames of the plate, and jitter and confidence over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from faceplate.color import ColorConfig, Exposure, encode, to_uint8
from faceplate.errors import RenderError, UsageError
from faceplate.face import topology
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.plate import Sequence
from faceplate.system.atomic import publish, write_bytes, write_failed
from faceplate.track import model
from faceplate.track.plate_reader import PlateReader
from faceplate.track.track import Track, TrackedFace

__all__ = ["jitter", "write_qc", "write_qc_movie"]

# Turn in degrees between the head and the leading picture of a view plan from which a frame is labelled.
_TURNED = 25.0
_TILE = 320
_COLUMNS = 6
_PLOT_HEIGHT = 150
_MOVIE = 720
_MOVIE_KINDS = {".mp4": "mp4v", ".mov": "mp4v", ".avi": "MJPG"}
_LEFT, _RIGHT = 60, 20
_INK, _PAPER, _GRID = (40, 40, 40), (245, 245, 245), (215, 215, 215)
_RAW, _SMOOTH, _CONFIDENCE, _BAD = (60, 60, 220), (190, 110, 20), (40, 150, 60), (180, 180, 255)


def jitter(track: Track, person: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the jitter of the raw and of the smoothed points over the person's frames.

    The jitter is the RMS over the mesh of the second difference, scaled so that white noise of 1 px gives 1.

    Returns
    -------
    frames : np.ndarray
        (n,).
    raw, smooth : np.ndarray
        (n,), plate pixels; NaN where a neighbour is missing.
    """
    frames = np.array(track.person(person).frames)
    step = int(np.diff(frames).min()) if len(frames) > 1 else 1
    raw, smooth = {}, {}
    for frame in frames.tolist():
        seen, used = track.raw(person, frame), track.face(person, frame)
        if seen is not None:
            raw[frame] = seen.points[:, :2]
        if used is not None:
            smooth[frame] = used.face.points[:, :2]
    noise = [np.array([_second(table, f, step) for f in frames.tolist()]) for table in (raw, smooth)]
    return frames, noise[0], noise[1]


def write_qc(track: Track, path: str | Path, person: str, tiles: int = 12, color: ColorConfig | None = None) -> Path:
    """Write a PNG with `tiles` frames of the plate under the mesh, then the plots over all frames; return the path.

    Green mesh: the smoothed, corrected track; red dots: the raw landmarks.

    Raises
    ------
    RenderError
        When a frame cannot be read or the sheet cannot be written.
    """
    path = Path(path)
    frames = [frame for frame in track.person(person).frames if track.face(person, frame) is not None]
    picks = [frames[i] for i in np.unique(np.linspace(0, len(frames) - 1, tiles).round().astype(int))] if frames else []
    reader = _reader(track, color)
    pictures = [_tile(track, reader, person, frame) for frame in picks]
    while len(pictures) % _COLUMNS:
        pictures.append(np.full((_TILE, _TILE, 3), 245, np.uint8))
    rows = [np.hstack(pictures[k : k + _COLUMNS]) for k in range(0, len(pictures), _COLUMNS)]
    sheet = np.vstack([*rows, *_plots(track, person, _TILE * _COLUMNS)])
    _write_picture(path, sheet, ".png")
    return path


def write_qc_movie(
    track: Track,
    path: str | Path,
    person: str,
    color: ColorConfig | None = None,
    rate: float = 24.0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write every frame of the person: a close-up with the mesh, and the plots with a line at the frame.

    `path` is a movie (.mp4, .mov, .avi; `rate` frames a second) or a pattern of pictures (qc.####.png, .jpg). A movie is
    written completely or not at all.

    Raises
    ------
    UsageError
        `bad-format` or `no-frames`.
    RenderError
        `output-unwritable` or `disk-full`.
    """
    path, sequence = Path(path), Sequence.parse(path)
    frames = [frame for frame in track.person(person).frames if track.face(person, frame) is not None]
    if not frames:
        raise UsageError("no-frames", f"{track.person(person).name} is in no frame of the track.")
    pictures = _movie_frames(track, person, frames, color, progress)
    if sequence.padding is not None:
        for frame, picture in pictures:
            _write_picture(sequence.path(frame), picture, sequence.suffix.lower())
    elif path.suffix.lower() in _MOVIE_KINDS:
        _write_movie(path, (picture for _, picture in pictures), rate)
    else:
        raise UsageError(
            "bad-format", f"{path} is not a movie; write .mp4, .mov, .avi, or pictures such as qc.####.png."
        )
    return path


def _movie_frames(
    track: Track,
    person: str,
    frames: list[int],
    color: ColorConfig | None,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[int, np.ndarray]]:
    reader, plots = _reader(track, color), np.vstack(_plots(track, person, _MOVIE))
    span = max(frames[-1] - frames[0], 1)
    for done, frame in enumerate(frames, start=1):
        shown = plots.copy()
        x = int(_LEFT + (frame - frames[0]) / span * (_MOVIE - _RIGHT - _LEFT))
        cv2.line(shown, (x, 0), (x, len(shown) - 1), _INK, 1)
        yield frame, np.vstack([_tile(track, reader, person, frame, _MOVIE), shown])
        if progress is not None:
            progress(done, len(frames))


def _write_movie(path: Path, pictures: Iterator[np.ndarray], rate: float) -> None:
    part = path.with_name(f".{path.stem}.part{path.suffix}")  # the writer selects the format by the suffix
    kind = cv2.VideoWriter.fourcc(*_MOVIE_KINDS[path.suffix.lower()])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(str(part), kind, rate, (_MOVIE, _MOVIE + 2 * _PLOT_HEIGHT))
        if not writer.isOpened():
            raise RenderError("output-unwritable", f"The movie {path} cannot be written; try pictures: qc.####.png.")
        for picture in pictures:
            writer.write(picture)
        writer.release()
        publish(part, path)
    except OSError as error:
        raise write_failed(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def _write_picture(path: Path, picture: np.ndarray, suffix: str) -> None:
    if not cv2.haveImageWriter(f"qc{suffix}"):
        raise UsageError("bad-format", f"Pictures of the kind '{suffix}' cannot be written; use .png or .jpg.")
    data = cv2.imencode(suffix, picture)[1]
    write_bytes(path, data.tobytes())


def _reader(track: Track, color: ColorConfig | None) -> PlateReader:
    plate = track.sidecar.plate
    return PlateReader(Sequence.parse(plate.pattern), color or ColorConfig.load(), plate.space, plate.layer)


def _second(table: dict[int, np.ndarray], frame: int, step: int) -> float:
    three = [table.get(frame + k * step) for k in (-1, 0, 1)]
    if any(points is None for points in three):
        return float("nan")
    a, b, c = (points for points in three if points is not None)
    return float(np.sqrt(((a - 2 * b + c) ** 2).sum(axis=1).mean() / 6.0))


def _tile(track: Track, reader: PlateReader, person: str, frame: int, pixels: int = _TILE) -> np.ndarray:
    tracked = track.face(person, frame)
    if tracked is None:
        return np.full((pixels, pixels, 3), 245, np.uint8)
    aspect = track.sidecar.plate.pixel_aspect
    points = tracked.face.points[:, :2] * (aspect, 1.0)
    low, high = points.min(axis=0), points.max(axis=0)
    side = 1.35 * float((high - low).max())
    scale = pixels / side
    corner = (low + high) / 2 - side / 2
    matrix = np.array([[scale * aspect, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    window = Window.around(np.stack([corner, corner + side]) / (aspect, 1.0), 4)
    try:
        with reader.open(frame) as picture:
            part = picture.read(window)
    except RenderError:  # an unreadable frame keeps its place in the sheet
        return _drawn(np.full((pixels, pixels, 3), 90, np.uint8), track, person, frame, tracked, matrix)
    seen = resample(part.pixels, part.window, matrix, Window(0, 0, pixels, pixels))
    light = part.color.to_linear709(part.color.to_working(np.ascontiguousarray(seen), part.space))
    picture_8 = np.ascontiguousarray(to_uint8(encode(light, Exposure.of_level(tracked.face.level).gain))[..., ::-1])
    return _drawn(picture_8, track, person, frame, tracked, matrix)


def _drawn(
    picture: np.ndarray, track: Track, person: str, frame: int, tracked: TrackedFace, matrix: np.ndarray
) -> np.ndarray:
    def at(points: np.ndarray) -> np.ndarray:
        # OpenCV draws with pixel centres at whole numbers, here with four binary places.
        return np.round((points[:, :2] @ matrix[:, :2].T + matrix[:, 2] - 0.5) * 16).astype(np.int32)

    mesh = at(tracked.face.points)
    lines = [mesh[triangle] for triangle in topology().skin]
    faint = picture.copy()
    cv2.polylines(faint, lines, True, (120, 220, 120), 1, cv2.LINE_AA, 4)
    picture = cv2.addWeighted(faint, 0.45, picture, 0.55, 0)
    raw = track.raw(person, frame)
    for dots, colour in () if raw is None else ((at(raw.points), _RAW),):
        for x, y in dots[::3].tolist():
            cv2.circle(picture, (x, y), 16, colour, -1, cv2.LINE_AA, 4)
    words = f"{frame}  {tracked.confidence:.2f}"
    for marked, word in ((not tracked.seen, "  filled"), (tracked.bad, "  bad"), (tracked.weight < 1, "  fade")):
        words += word if marked else ""
    turn = max((run.turn or 0.0 for run in _runs(track, person, frame)), default=0.0)
    words += f"  {turn:.0f} deg off the source" if turn >= _TURNED else ""
    cv2.putText(picture, words, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(picture, words, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return picture


def _runs(track: Track, person: str, frame: int) -> Iterator[model.ViewRun]:
    """Yield the runs of the person's view plans that hold `frame`."""
    for plan in track.sidecar.plans:
        if plan.person == person:
            yield from (run for run in plan.runs if run.first <= frame <= run.last)


def _plots(track: Track, person: str, width: int) -> list[np.ndarray]:
    frames, raw, smooth = jitter(track, person)
    found = [track.face(person, frame) for frame in frames.tolist()]
    confidence = np.array([face.confidence if face else np.nan for face in found])
    bad = np.array([face is not None and face.bad for face in found])
    top = max(float(np.nanmax(np.r_[raw, smooth, 0.1])), 0.1) if len(frames) else 1.0
    usual = [float(np.nanmedian(v)) if np.isfinite(v).any() else float("nan") for v in (raw, smooth)]
    title = f"jitter, px RMS (second difference): raw median {usual[0]:.3f}, smoothed {usual[1]:.4f}"
    return [
        _plot(frames, ((raw, _RAW), (smooth, _SMOOTH)), top, title, bad, width),
        _plot(frames, ((confidence, _CONFIDENCE),), 1.0, "confidence", bad, width),
    ]


def _plot(
    frames: np.ndarray,
    curves: tuple[tuple[np.ndarray, tuple[int, int, int]], ...],
    top: float,
    title: str,
    bad: np.ndarray,
    width: int,
) -> np.ndarray:
    height = _PLOT_HEIGHT
    picture = np.full((height, width, 3), _PAPER, np.uint8)
    left, right, upper, lower = _LEFT, width - _RIGHT, 28, height - 24
    span = max(int(frames[-1] - frames[0]), 1) if len(frames) else 1

    def at(frame: float, value: float) -> tuple[int, int]:
        part = (frame - frames[0]) / span
        return int(left + part * (right - left)), int(lower - min(value / top, 1.0) * (lower - upper))

    for frame in frames[bad].tolist():
        cv2.rectangle(picture, at(frame - 0.5, top), at(frame + 0.5, 0), _BAD, -1)
    for part in (0.0, 0.5, 1.0):
        y = int(lower - part * (lower - upper))
        cv2.line(picture, (left, y), (right, y), _GRID, 1)
        cv2.putText(picture, f"{part * top:.2f}", (8, y + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.38, _INK, 1, cv2.LINE_AA)
    for values, colour in curves:
        known = np.isfinite(values)
        for k in range(len(values) - 1):
            if known[k] and known[k + 1]:
                cv2.line(picture, at(frames[k], values[k]), at(frames[k + 1], values[k + 1]), colour, 1, cv2.LINE_AA)
    for frame in np.unique(np.linspace(frames[0], frames[-1], 9).astype(int)).tolist() if len(frames) else []:
        x, _ = at(frame, 0)
        cv2.putText(picture, str(frame), (x - 16, height - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.38, _INK, 1, cv2.LINE_AA)
    cv2.putText(picture, title, (left, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    return picture
