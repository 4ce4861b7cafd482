"""Plans a farm job: its frames in chunks, the track in stretches, and the last step."""

from __future__ import annotations

import math
import re
import shlex
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from faceplate.errors import FaceplateError, UsageError
from faceplate.render import Renderer
from faceplate.render.tracking import tracker_for
from faceplate.review.wedge import parse_axes, variants_of
from faceplate.shot import PARAMETERS, Shot
from faceplate.system.user_paths import exists, is_file
from faceplate.track import auto_track_path, segments_of

__all__ = ["FarmJob", "chunk_size", "frames_text", "measure", "plan_job", "wedge_job"]

CHUNK_SECONDS = 300.0
"""How long a chunk should take, in seconds: long compared with its overhead, short compared with what a kill loses."""
_UNMEASURED = 10
_PATH_AXES = ("source", *(parameter.name for parameter in PARAMETERS if parameter.about.path))


@dataclass(frozen=True)
class FarmJob:
    """A shot divided into tasks.

    `shot` names its track and its OCIO config. With `tracking` the job makes the track, of `track_frames` in
    `stretches` tasks. `chunk` frames are one task of about `chunk_seconds`; `frame_seconds` is the measured time of a
    frame, 0 where it was not measured. `host_comp` is the command of the last step, empty for none; its words may hold
    {frame} or {frames}. `gpu` asks for nodes with a GPU. `wedge` are the axes of a wedge as they are typed, whose
    `variants` take the place of the chunks.
    """

    shot: Shot
    name: str
    frames: tuple[int, ...]
    track_frames: tuple[int, ...]
    stretches: int
    tracking: bool
    chunk: int
    chunk_seconds: float
    frame_seconds: float
    host_comp: tuple[str, ...] = ()
    gpu: bool = False
    wedge: tuple[str, ...] = ()
    variants: int = 0


def plan_job(
    renderer: Renderer,
    *,
    chunk: int = 0,
    frame_seconds: float = 0.0,
    chunk_seconds: float = CHUNK_SECONDS,
    workers: int = 4,
    frames: Iterable[int] | None = None,
    host_comp: str = "",
    gpu: bool = False,
) -> FarmJob:
    """Return the job of a shot.

    `chunk` 0 derives the size of a chunk from `frame_seconds`, which is measured here where it is 0. A shot without a
    track is tracked by the job, into the file that a render keeps beside its output. Raises `UsageError` `no-output`,
    `no-frames`, `bad-option`.
    """
    shot = renderer.shot
    output = renderer.output
    wanted = tuple(sorted(set(frames or renderer.frames())))
    own = [face.track for face in shot.faces]
    # Where every face has a track of its own the job makes none; its parameter Track then names the first of them.
    track = shot.track or (own[0] if own and None not in own else None) or auto_track_path(output)
    whole = tuple(sorted({*tracker_for(shot, renderer.color, renderer.finder).whole_plate(), *renderer.frames()}))
    tracking = not exists(track)
    seconds = frame_seconds or (0.0 if chunk else measure(renderer, wanted))
    name = output.prefix.rstrip("._-") or "swap"
    return FarmJob(
        shot=shot.model_copy(update={"track": track, "ocio": renderer.color.source}),
        name=re.sub(r"[^\w.-]+", "_", shot.name or name),
        frames=wanted,
        track_frames=whole,
        stretches=len(segments_of(whole)),
        tracking=tracking,
        chunk=chunk or chunk_size(seconds, len(wanted), chunk_seconds, workers),
        chunk_seconds=chunk_seconds,
        frame_seconds=seconds,
        host_comp=_words(host_comp),
        gpu=gpu,
    )


def chunk_size(frame_seconds: float, frames: int, chunk_seconds: float = CHUNK_SECONDS, workers: int = 4) -> int:
    """Return the number of frames in a chunk: about `chunk_seconds` of work, and at least two chunks for each worker.

    10 where nothing was measured; never below 1.
    """
    fitting = chunk_seconds / frame_seconds if frame_seconds > 0 else _UNMEASURED
    return max(1, min(math.floor(fitting), math.ceil(frames / max(2 * workers, 1))))


def measure(renderer: Renderer, frames: tuple[int, ...], count: int = 2) -> float:
    """Return the seconds that a frame takes on this machine without writing: the fastest of `count` frames of the shot.

    The first frame is not counted, because it opens networks and source, which an engine does once. 0 where no frame
    could be rendered here, for example because the plate is not mounted.
    """
    # Each frame is searched by itself: measuring must not track the whole plate first.
    alone = Renderer(renderer.shot.model_copy(update={"track_first": False, "output": ""}), renderer.finder)
    if any(face.track is not None and not exists(face.track) for face in alone.shot.face_shots):
        faces = tuple(face.model_copy(update={"track": None}) for face in alone.shot.faces)
        alone = Renderer(alone.shot.model_copy(update={"track": None, "faces": faces}), renderer.finder)
    middle = frames[len(frames) // 2]
    spread = [middle, *(frames[(2 * index + 1) * len(frames) // (2 * count)] for index in range(count))]
    times: list[float] = []
    for frame in spread:
        begun = time.perf_counter()
        try:
            alone.render(frame)
        except FaceplateError:
            continue
        times.append(time.perf_counter() - begun)
    return min(times[1:], default=times[0] if times else 0.0)


def frames_text(frames: Iterable[int]) -> str:
    """Return frames as an Open Job Description range, sorted: `1001-1010,1020-1030:2`."""
    numbers = sorted(set(frames))
    parts: list[str] = []
    while numbers:
        run = 1
        step = numbers[1] - numbers[0] if len(numbers) > 1 else 1
        while run < len(numbers) and numbers[run] - numbers[run - 1] == step:
            run += 1
        if run == 2 and step != 1:  # two numbers with a gap are written singly
            run = 1
        first, last = numbers[0], numbers[run - 1]
        parts.append(str(first) if run == 1 else f"{first}-{last}" + (f":{step}" if step > 1 else ""))
        numbers = numbers[run:]
    return ",".join(parts)


def with_frames(job: FarmJob, frames: Iterable[int]) -> FarmJob:
    """Return the same job for some frames only, for example those that a check found at fault."""
    wanted = tuple(sorted(set(frames)))
    return replace(job, frames=wanted, chunk=min(job.chunk, len(wanted)))


def wedge_job(job: FarmJob, axes: Iterable[str], folder: Path) -> FarmJob:
    """Return the job as a wedge: a task for each variant, and a last step that lays out the sheets in `folder`.

    Raises
    ------
    UsageError
        What `parse_axes` raises; `bad-option` for an axis whose values are files of this machine, and for a host's comp.
    """
    words = tuple(axes)
    parsed = parse_axes(words)
    if any(axis.parameter in _PATH_AXES for axis in parsed):
        raise UsageError("bad-option", "A wedge over files cannot run on a farm, whose nodes may have them elsewhere.")
    if job.host_comp:
        raise UsageError("bad-option", "A wedge has no host's comp; leave --host-comp out.")
    name = job.shot.output.replace("\\", "/").rpartition("/")[2]
    shot = job.shot.model_copy(update={"output": str(folder.absolute() / name)})
    return replace(job, shot=shot, wedge=words, variants=len(variants_of(parsed)))


def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError("bad-option", f"--host-comp is '{command}', which is no command line: {error}.") from error


def script_files(job: FarmJob) -> tuple[Path, ...]:
    """Return the files that the host's command names: its script or comp."""
    return tuple(path for word in job.host_comp[1:] if is_file(path := Path(word).expanduser()))
