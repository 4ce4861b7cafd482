"""The media pool: folders, clips with real files, import."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from fake_resolve.world import Named, World

if TYPE_CHECKING:
    from fake_resolve.project import Project
    from fake_resolve.timeline import TimelineItem

__all__ = ["Folder", "MediaPool", "MediaPoolItem"]

RATES = {"23.976": Fraction(24000, 1001), "29.97": Fraction(30000, 1001), "59.94": Fraction(60000, 1001)}


def exact(rate: str) -> Fraction:
    """A rate as the fake's own clock has it."""
    return RATES.get(rate.replace(" DF", ""), Fraction(rate.replace(" DF", "")))


class Marked(Named):
    """Markers by frame."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._markers: dict[float, dict[str, Any]] = {}

    def AddMarker(
        self, frameId: float, color: str, name: str, note: str, duration: float, customData: str | None = None
    ) -> bool:
        if frameId in self._markers:
            return False
        self._markers[frameId] = {
            "color": color,
            "duration": duration,
            "note": note,
            "name": name,
            "customData": customData or "",
        }
        return True

    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {float(frame): dict(marker) for frame, marker in self._markers.items()}

    def GetMarkerByCustomData(self, customData: str) -> dict[float, dict[str, Any]]:
        return {f: dict(marker) for f, marker in self._markers.items() if marker["customData"] == customData}

    def DeleteMarkerAtFrame(self, frameNum: float) -> bool:
        return self._markers.pop(frameNum, None) is not None


class MediaPoolItem(Marked):
    """`pattern` with `%04d` and `first` for a sequence; `pictures` instead where the files are not to be read."""

    def __init__(
        self,
        world: World,
        name: str,
        pattern: str,
        frames: int,
        fps: str,
        *,
        first: int = 0,
        kind: str = "Video",
        **more: str,
    ) -> None:
        super().__init__(world)
        self._name, self._pattern, self._first, self._count = name, pattern, first, frames
        self._properties = {"Type": kind, "FPS": fps, "Frames": str(frames), "File Path": self._path_text(), **more}

    def _path_text(self) -> str:
        if not re.search(r"%0?\d*d", self._pattern):
            return self._pattern
        digits = int((re.search(r"%0?(\d*)d", self._pattern) or ["", "1"])[1] or 1)
        span = f"[{self._first:0{digits}d}-{self._first + self._count - 1:0{digits}d}]"
        return re.sub(r"%0?\d*d", span, self._pattern)

    @property
    def _rate(self) -> Fraction:
        return exact(self._properties["FPS"])

    def _file(self, frame: int) -> str:
        return self._pattern % (self._first + frame) if "%" in self._pattern else self._pattern

    def _pixels(self, frame: int) -> np.ndarray:
        """What Resolve shows of source frame `frame`, (h, w, 3) float32."""
        path = self._file(frame)
        if Path(path).suffix in (".mov", ".mp4"):
            import av

            with av.open(path) as movie:
                for index, picture in enumerate(movie.decode(video=0)):
                    if index == frame:
                        return picture.to_ndarray(format="rgb48le").astype(np.float32) / 65535
        source = oiio.ImageInput.open(path)
        assert source is not None, path
        pixels = np.array(source.read_image(0, 0, 0, 3, oiio.FLOAT))
        source.close()
        return pixels

    def GetName(self) -> str:
        return self._name

    def SetName(self, name: str) -> bool:
        self._name = name
        return True

    def GetClipProperty(self, propertyName: str | None = None) -> Any:
        return self._properties.get(propertyName, "") if propertyName else dict(self._properties)

    def SetClipProperty(self, propertyName: str, propertyValue: Any) -> bool:
        if propertyName not in ("FPS", "Input Color Space", "Alpha mode"):
            return False
        self._properties[propertyName] = str(propertyValue)
        return True


class Folder(Named):
    def __init__(self, world: World, name: str) -> None:
        super().__init__(world)
        self._name = name
        self._folders: list[Folder] = []
        self._clips: list[MediaPoolItem] = []

    def GetName(self) -> str:
        return self._name

    def GetSubFolderList(self) -> list[Folder]:
        return list(self._folders)

    def GetClipList(self) -> list[MediaPoolItem]:
        return list(self._clips)


class MediaPool(Named):
    def __init__(self, world: World, project: Project) -> None:
        super().__init__(world)
        self._project = project
        self._root = self._current = Folder(world, "Master")

    def _all(self) -> list[MediaPoolItem]:
        return [clip for folder in (self._root, *self._root._folders) for clip in folder._clips]

    def GetRootFolder(self) -> Folder:
        return self._root

    def GetCurrentFolder(self) -> Folder:
        return self._current

    def SetCurrentFolder(self, folder: Folder) -> bool:
        self._current = folder
        return True

    def AddSubFolder(self, folder: Folder, name: str) -> Folder:
        made = Folder(self._world, name)
        folder._folders.append(made)
        self._current = made
        return made

    def DeleteFolders(self, subfolders: list[Folder]) -> bool:
        for folder in subfolders:
            self._root._folders.remove(folder)
        self._current = self._root
        return True

    def ImportMedia(self, clipInfo: list[dict[str, Any]]) -> list[MediaPoolItem]:
        made = []
        for info in clipInfo:
            pattern, first = info["FilePath"], info["StartIndex"]
            there = [number for number in range(first, info["EndIndex"] + 1) if Path(pattern % number).exists()]
            if not there:
                continue
            name = re.sub(r"%0?\d*d", f"[{there[0]}-{there[-1]}]", Path(pattern).name)
            rate = self._project._settings["timelineFrameRate"].replace(" DF", "")
            clip = MediaPoolItem(self._world, name, pattern, len(there), rate, first=there[0])
            self._current._clips.append(clip)
            made.append(clip)
        return made

    def DeleteClips(self, clips: list[MediaPoolItem]) -> bool:
        for folder in (self._root, *self._root._folders):
            folder._clips = [clip for clip in folder._clips if clip not in clips]
        return True

    def AppendToTimeline(self, clipInfo: list[dict[str, Any]]) -> list[TimelineItem]:
        timeline = self._project._timeline
        return [timeline._append(info) for info in clipInfo] if timeline else []
