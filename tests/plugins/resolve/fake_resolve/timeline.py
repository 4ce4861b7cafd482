"""Timelines: tracks, items, takes, and what an item shows at a record frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from fake_resolve.media import Marked, MediaPoolItem, exact
from fake_resolve.world import Thing, World

__all__ = ["ColorGroup", "Graph", "Timeline", "TimelineItem"]


class ColorGroup(Thing):
    pass


class Graph(Thing):
    """A grade: tools by node."""

    def __init__(self, world: World, nodes: list[list[str]], luts: dict[int, str] | None = None) -> None:
        super().__init__(world)
        self._nodes, self._luts, self._gain = nodes, luts or {}, 1.0

    def _copy(self) -> Graph:
        other = Graph(self._world, [list(tools) for tools in self._nodes], dict(self._luts))
        other._gain = self._gain
        return other

    def ResetAllGrades(self) -> bool:
        self._nodes, self._luts, self._gain = [[]], {}, 1.0
        return True

    def GetNumNodes(self) -> int:
        return len(self._nodes)

    def GetToolsInNode(self, nodeIndex: int) -> list[str]:
        return list(self._nodes[nodeIndex - 1])

    def GetLUT(self, nodeIndex: int) -> str:
        return self._luts.get(nodeIndex, "")


@dataclass
class Take:
    media: MediaPoolItem
    offset: Fraction
    span: int


@dataclass
class Track:
    name: str
    enabled: bool = True
    locked: bool = False
    items: list[TimelineItem] = field(default_factory=list)


class TimelineItem(Marked):
    """`offset` in source frames; `speed` 1, less, more, 0 or negative; `gain` is the grade's effect on pixels."""

    def __init__(
        self,
        world: World,
        timeline: Timeline,
        media: MediaPoolItem | None,
        start: int,
        duration: int,
        offset: Fraction = Fraction(0),
        speed: Fraction = Fraction(1),
        name: str = "",
    ) -> None:
        super().__init__(world)
        self._timeline, self._media, self._start, self._duration = timeline, media, start, duration
        self._offset, self._speed, self._name = offset, speed, name or (media._name if media else "")
        self._takes: list[Take] = []
        self._take = 0
        self._flags: list[str] = []
        self._color = ""
        self._graph = Graph(world, [[]])
        self._group: ColorGroup | None = None
        self._comps = 0
        self._version = "Version 1"
        self._versions: dict[str, Graph] = {}
        self._values: dict[str, Any] = {}
        self._inside: TimelineItem | None = None  # of a compound clip

    @property
    def _gain(self) -> float:
        """What the grade does to pixels, also where it reports no tool."""
        return self._graph._gain

    @_gain.setter
    def _gain(self, value: float) -> None:
        self._graph._gain = value

    def GetCurrentVersion(self) -> dict[str, Any]:
        return {"versionName": self._version, "versionType": 0}

    def AddVersion(self, versionName: str, versionType: int) -> bool:
        """A copy of the current grade, which becomes the current one."""
        if versionName in (*self._versions, self._version):
            return False
        self._versions[self._version] = self._graph
        self._version, self._graph = versionName, self._graph._copy()
        return True

    def LoadVersionByName(self, versionName: str, versionType: int) -> bool:
        if versionName not in self._versions:
            return False
        self._versions[self._version] = self._graph
        self._version, self._graph = versionName, self._versions.pop(versionName)
        return True

    def DeleteVersionByName(self, versionName: str, versionType: int) -> bool:
        return self._versions.pop(versionName, None) is not None

    def CopyGrades(self, tgtTimelineItems: list[TimelineItem]) -> bool:
        for other in tgtTimelineItems:
            other._graph = self._graph._copy()
        return True

    def AssignToColorGroup(self, colorGroup: ColorGroup) -> bool:
        self._group = colorGroup
        return True

    def RemoveFromColorGroup(self) -> bool:
        self._group = None
        return True

    @property
    def _end(self) -> int:
        return self._start + self._duration

    @property
    def _ratio(self) -> Fraction:
        return self._media._rate / self._timeline._rate if self._media else Fraction(1)

    def _shows(self, record: int) -> int:
        """The source frame on screen at a record frame, by the clock: seconds into the clip, frames into the media."""
        assert self._media is not None
        seconds = Fraction(record - self._start) / self._timeline._rate
        return math.floor(self._offset + seconds * self._media._rate * self._speed)

    def GetName(self) -> str:
        return self._name

    def GetStart(self, subframe_precision: bool = False) -> int:
        return self._start

    def GetEnd(self, subframe_precision: bool = False) -> int:
        return self._end

    def GetDuration(self, subframe_precision: bool = False) -> int:
        return self._duration

    def GetLeftOffset(self, subframe_precision: bool = False) -> int | float:
        """In record frames, and warped by a retime."""
        value = self._offset / self._ratio / (abs(self._speed) or 1)
        return float(value) if subframe_precision else math.floor(value)

    def GetRightOffset(self, subframe_precision: bool = False) -> int | float:
        count = self._media._count if self._media else 0
        value = (count - self._offset) / self._ratio / (abs(self._speed) or 1) - self._duration
        return float(value) if subframe_precision else math.floor(value)

    def GetSourceStartFrame(self) -> int:
        start = math.floor(self._offset)
        return start - 1 if self._ratio != 1 and start > 0 and start % 2 else start

    def GetSourceEndFrame(self) -> int:
        return math.floor(self._offset + self._duration * self._ratio * self._speed)

    def GetMediaPoolItem(self) -> MediaPoolItem | None:
        return self._media

    def GetTrackTypeAndIndex(self) -> list[Any]:
        for index, track in enumerate(self._timeline._tracks, 1):
            if self in track.items:
                return ["video", index]
        return ["video", 0]

    def GetNodeGraph(self, layerIdx: int | None = None) -> Graph:
        return self._graph

    def GetColorGroup(self) -> ColorGroup | None:
        return self._group

    def GetFusionCompCount(self) -> int:
        return self._comps

    def GetProperty(self, propertyKey: str | None = None) -> Any:
        plain = {"ZoomX": 1.0, "ZoomY": 1.0, "ZoomGang": True, "Opacity": 100.0, "FlipX": False, "FlipY": False}
        values = {**plain, "CropRetain": False, "Pan": 0.0, **self._values}
        return values.get(propertyKey, 0.0) if propertyKey else values

    def SetProperty(self, propertyKey: str, propertyValue: Any) -> bool:
        self._values[propertyKey] = propertyValue
        return True

    def GetFlagList(self) -> list[str]:
        return list(self._flags)

    def GetClipColor(self) -> str:
        return self._color

    def GetTakesCount(self) -> int:
        return len(self._takes)

    def GetSelectedTakeIndex(self) -> int:
        return self._take

    def AddTake(self, mediaPoolItem: MediaPoolItem, startFrame: int | None = None, endFrame: int | None = None) -> bool:
        if not self._takes and self._media:
            span = math.ceil(self._duration * self._ratio)
            self._takes, self._take = [Take(self._media, self._offset, span)], 1
        start = startFrame or 0
        end = mediaPoolItem._count if endFrame is None else endFrame + (1 if self._world.inclusive else 0)
        self._takes.append(Take(mediaPoolItem, Fraction(start), min(end, mediaPoolItem._count) - start))
        return True

    def SelectTakeByIndex(self, idx: int) -> bool:
        if not 1 <= idx <= len(self._takes):
            return False
        self._take, take = idx, self._takes[idx - 1]
        self._media, self._offset = take.media, take.offset
        self._duration = math.floor(take.span / self._ratio)
        return True

    def DeleteTakeByIndex(self, idx: int) -> bool:
        if not 1 <= idx <= len(self._takes) or idx == self._take:
            return False
        del self._takes[idx - 1]
        if len(self._takes) == 1:
            self._takes, self._take = [], 0
        return True


class Timeline(Marked):
    def __init__(self, world: World, name: str, fps: str, start: int) -> None:
        super().__init__(world)
        self._name, self._fps, self._first = name, fps, start
        self._tracks = [Track("Video 1")]
        self._marks: dict[str, dict[str, int]] = {}
        self._playhead = start
        self._fragile: list[TimelineItem] = []

    @property
    def _rate(self) -> Fraction:
        return exact(self._fps)

    def _put(self, track: int, media: MediaPoolItem | None, start: int, duration: int, **more: Any) -> Any:
        """An item that a person has edited in."""
        while len(self._tracks) < track:
            self._tracks.append(Track(f"Video {len(self._tracks) + 1}"))
        item = TimelineItem(self._world, self, media, start, duration, **more)
        self._tracks[track - 1].items.append(item)
        return item

    def _append(self, info: dict[str, Any]) -> TimelineItem:
        media, start = info["mediaPoolItem"], info["startFrame"]
        end = min(info["endFrame"] + (1 if self._world.inclusive else 0), media._count)
        duration = math.floor((end - start) * self._rate / media._rate)
        item = TimelineItem(self._world, self, media, info["recordFrame"], duration, Fraction(start))
        track = self._tracks[info["trackIndex"] - 1] if info["trackIndex"] <= len(self._tracks) else None
        free = track is not None and not track.locked and duration > 0
        if track is None or not free or any(o._start < item._end and o._end > item._start for o in track.items):
            item._id = ""
            return item
        track.items.append(item)
        self._fragile.append(item)
        return item

    def _top(self, record: int) -> TimelineItem | None:
        for track in reversed(self._tracks):
            for item in track.items if track.enabled else ():
                if item._start <= record < item._end:
                    return item
        return None

    def _saved(self) -> None:
        for item in self._fragile[: self._world.lose_on_save]:
            for track in self._tracks:
                track.items = [other for other in track.items if other is not item]
        self._fragile = []

    def GetName(self) -> str:
        return self._name

    def GetStartFrame(self) -> int:
        return self._first

    def GetEndFrame(self) -> int:
        return max((item._end for track in self._tracks for item in track.items), default=self._first)

    def GetSetting(self, settingName: str) -> str:
        return self._fps if settingName == "timelineFrameRate" else ""

    def GetTrackCount(self, trackType: str) -> int:
        return len(self._tracks) if trackType == "video" else 0

    def AddTrack(self, trackType: str, newTrackOptions: dict[str, Any] | None = None) -> bool:
        self._tracks.append(Track(f"Video {len(self._tracks) + 1}"))
        return True

    def DeleteTrack(self, trackType: str, trackIndex: int) -> bool:
        del self._tracks[trackIndex - 1]
        return True

    def GetTrackName(self, trackType: str, trackIndex: int) -> str:
        return self._tracks[trackIndex - 1].name

    def SetTrackName(self, trackType: str, trackIndex: int, name: str) -> bool:
        self._tracks[trackIndex - 1].name = name
        return True

    def GetIsTrackEnabled(self, trackType: str, trackIndex: int) -> bool:
        return self._tracks[trackIndex - 1].enabled

    def SetTrackEnable(self, trackType: str, trackIndex: int, Bool: bool) -> bool:
        self._tracks[trackIndex - 1].enabled = Bool
        return True

    def GetIsTrackLocked(self, trackType: str, trackIndex: int) -> bool:
        return self._tracks[trackIndex - 1].locked

    def GetItemListInTrack(self, trackType: str, index: int) -> list[TimelineItem]:
        return sorted(self._tracks[index - 1].items, key=lambda item: item._start)

    def DeleteClips(self, timelineItems: list[TimelineItem], Bool: bool = False) -> bool:
        for track in self._tracks:
            track.items = [item for item in track.items if item not in timelineItems]
        return True

    def GetMarkInOut(self) -> dict[str, dict[str, int]]:
        return {kind: dict(marks) for kind, marks in self._marks.items()}

    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        for kind in ("video", "audio") if type == "all" else (type,):
            self._marks[kind] = {"in": mark_in, "out": mark_out}
        return True

    def ClearMarkInOut(self, type: str = "all") -> bool:
        for kind in ("video", "audio") if type == "all" else (type,):
            self._marks.pop(kind, None)
        return True

    def GetCurrentVideoItem(self) -> TimelineItem | None:
        return self._top(self._playhead)

    def GetCurrentTimecode(self) -> str:
        whole = math.ceil(self._rate)
        seconds, frames = divmod(self._playhead, whole)
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frames:02d}"

    def SetCurrentTimecode(self, timecode: str) -> bool:
        hours, minutes, seconds, frames = map(int, timecode.replace(";", ":").split(":"))
        self._playhead = ((hours * 60 + minutes) * 60 + seconds) * math.ceil(self._rate) + frames
        return True
