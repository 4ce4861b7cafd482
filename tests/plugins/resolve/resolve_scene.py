"""An edit in the fake Resolve with real pictures: every frame shows the face a little further on, so that frames can be told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import people_folder
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate_client import EngineError, frame_path
from fake_resolve import MediaPoolItem, Project, Resolve, Timeline, TimelineItem, World
from movies import write_movie
from plates import write_plate

__all__ = ["SIDE", "CopyEngine", "Scene", "face_pictures", "person", "small_disk"]

SIDE = 176
_SCALE = 0.17


def face_pictures(count: int) -> list[np.ndarray]:
    """`count` pictures (SIDE, SIDE, 3) float32 in ACEScg, the face moving to the right by a pixel and getting lighter."""
    color = ColorConfig.load(environ={})
    still = read_still(people_folder() / "ada" / "front.jpg", color)
    pixels, window = still.working(), still.window
    size = Window(0, 0, SIDE, SIDE)
    return [
        resample(pixels, window, np.array([[_SCALE, 0, n - 3.0], [0, _SCALE, 0]], np.float64), size)
        * np.float32(0.5 + 0.02 * n)
        for n in range(count)
    ]


def person(folder: Path) -> Path:
    """A source of one picture, so that it is read quickly."""
    folder.mkdir()
    (folder / "bea.jpg").write_bytes((people_folder() / "bea" / "front.jpg").read_bytes())
    return folder


@dataclass
class Scene:
    """A project with one timeline. `pictures` are those of every media that is made."""

    folder: Path
    pictures: list[np.ndarray]
    rate: str = "24"
    start: int = 86400
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.project = Project(self.world, "Episode 1", self.rate)
        self.timeline = self.project._timeline = Timeline(self.world, "Reel 1", self.rate, self.start)
        self.resolve = Resolve(self.world, self.project)
        self.pool = self.project._pool

    def sequence(self, name: str, frames: int, first: int = 1001, rate: str = "24", **more: Any) -> MediaPoolItem:
        """An EXR sequence in ACEScg, on disk and in the pool."""
        for number, picture in zip(range(first, first + frames), self.pictures, strict=False):
            path = self.folder / name / f"{name}.{number:04d}.exr"
            if not path.exists():
                write_plate(path, picture, "half", colorInteropID="lin_ap1_scene")
        return self._pooled(name, str(self.folder / name / f"{name}.%04d.exr"), frames, rate, first=first, **more)

    def movie(self, name: str, frames: int, rate: str = "24") -> MediaPoolItem:
        """A ProRes movie in Rec.709."""
        path = self.folder / f"{name}.mov"
        color = ColorConfig.load(environ={})
        shown = [color.convert(picture, "ACEScg", "Rec.1886 Rec.709 - Display") for picture in self.pictures[:frames]]
        write_movie(path, [(np.clip(picture, 0, 1) * 65535).astype(np.uint16) for picture in shown])
        return self._pooled(f"{name}.mov", str(path), frames, rate)

    def _pooled(self, name: str, pattern: str, frames: int, rate: str, **more: Any) -> MediaPoolItem:
        media = MediaPoolItem(self.world, name, pattern, frames, rate, **more)
        self.pool._root._clips.append(media)
        return media

    def track_list(self) -> list[tuple[str, list[tuple[str, int, int]]]]:
        """The whole timeline: tracks by name, with each item's name and record frames."""
        return [(track.name, [_described(item) for item in track.items]) for track in self.timeline._tracks]

    def state(self) -> Any:
        """Everything that a failed swap must leave as it was."""
        timeline = self.timeline
        return (
            self.track_list(),
            [(track.enabled, track.locked) for track in timeline._tracks],
            [folder._name for folder in self.pool._root._folders],
            [clip._name for clip in self.pool._all()],
            self.project._state(),
            dict(self.project._presets),
            dict(self.project._jobs),
            dict(timeline._marks),
            [_own_state(item) for track in timeline._tracks for item in track.items],
            self.pool._current is self.pool._root,
        )


def _own_state(item: TimelineItem) -> Any:
    grade = (
        item._version,
        sorted(item._versions),
        [list(tools) for tools in item._graph._nodes],
        item._gain,
        item._group,
    )
    return list(item._takes), item._take, dict(item._markers), dict(item._values), grade


def _described(item: TimelineItem) -> tuple[str, int, int]:
    """Without the date in a take's name."""
    return re.sub(r" \d{4}-\d\d-\d\d \d\d:\d\d$", "", item._name), item._start, item._end


class CopyEngine:
    """In the place of an engine where what it makes is not the question: a result is its plate."""

    def open_shot(self, document: Any) -> CopyShot:
        return CopyShot(document)

    def models(self) -> list[dict[str, Any]]:
        return []

    def faces(self, shot: CopyShot, frame: int) -> Any:
        raise EngineError("not-here", "This engine only copies.")

    def render(self, shot: CopyShot, frames: range, priority: str) -> CopyJob:
        document = json.loads(Path(shot.document).read_text())
        for frame in frames:
            target = Path(frame_path(document["output"], frame))
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(frame_path(document["plate"], frame), target)
        return CopyJob(len(frames))


@dataclass
class CopyShot:
    document: Any
    info: dict[str, Any] = field(default_factory=dict)


class CopyJob:
    finished = True

    def __init__(self, count: int) -> None:
        self.count = count

    def poll(self, wait: float = 0.0) -> dict[str, Any]:
        return {"done": self.count, "total": self.count, "frames": {}}

    result = poll

    def cancel(self) -> None: ...


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[bool]:
    """A file system of its own in `folder`; False where this user may not mount one."""
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = bool(mount) and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
