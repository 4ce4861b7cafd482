"""A timeline item as a plain record, and how it can be swapped.

Reading and judging are separate, so that every judgement can be tested without Resolve.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from faceplate_client import HostError

from .host import Host, has
from .media import Files, files_of
from .timing import Placement, Rate, Speed, frame_of_timecode, parse_rate, place, relative_source, shown, speed_of

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, TimelineItem

__all__ = ["SIZING", "Clip", "Judgement", "judge", "plate_frame", "read_clip"]

SIZING = {
    "Pan": 0.0, "Tilt": 0.0, "ZoomX": 1.0, "ZoomY": 1.0, "ZoomGang": True, "RotationAngle": 0.0, "AnchorPointX": 0.0,
    "AnchorPointY": 0.0, "Pitch": 0.0, "Yaw": 0.0, "FlipX": False, "FlipY": False, "CropLeft": 0.0, "CropRight": 0.0,
    "CropTop": 0.0, "CropBottom": 0.0, "CropSoftness": 0.0, "CropRetain": False, "Opacity": 100.0, "Distortion": 0.0,
    "Scaling": 0, "ResizeFilter": 0,
}  # fmt: skip
"""Properties that move or scale a clip's picture on the timeline, with their neutral values."""

_NESTED = ("compound", "timeline", "multicam", "fusion", "stereo", "sync")


@dataclass(frozen=True)
class Clip:
    """What Resolve reports about one item.

    `start` and `end` are record frames, end exclusive. `left` and `right` tell how far the item could be extended, in
    record frames. `source` is (start, end) in source frames, accurate to one frame only.
    """

    name: str
    track: int
    start: int
    end: int
    left: Fraction
    right: Fraction
    source: tuple[int, int]
    timeline_rate: Rate
    kind: str
    files: Files
    media_rate: Rate | None
    media_frames: int
    input_space: str
    grade: tuple[str, ...]
    fusion_comps: int
    sizing: dict[str, Any] = field(default_factory=dict)

    @property
    def duration(self) -> int:
        """Number of record frames."""
        return self.end - self.start

    @property
    def ratio(self) -> Fraction:
        """Source frames per record frame."""
        return self.media_rate.exact / self.timeline_rate.exact if self.media_rate else Fraction(1)

    @property
    def offset(self) -> Fraction:
        """Where in the media the clip begins, in source frames, from `left`: the reported source start may be one too low."""
        return self.left * self.ratio

    @property
    def speed(self) -> Speed:
        """What is known about the clip's speed."""
        return speed_of(self.source, self.duration, self.ratio, self.left, self.right, self.media_frames)

    def placement(self, handles: int) -> Placement | None:
        """Return how a result is placed on the timeline; None when it cannot match every record frame."""
        return place(self.offset, self.duration, self.ratio, handles, self.media_frames)


@dataclass(frozen=True)
class Judgement:
    """How a clip can be swapped: `mode` is source, render or refuse; `reason` is a clause, or empty."""

    mode: str
    reason: str = ""


def judge(clip: Clip) -> Judgement:
    """Return how a face in a clip can be swapped: on its own media, on a render of its range, or not at all."""
    missing = clip.files.missing()
    if clip.kind == "none":
        return Judgement("refuse", "it is a title, a generator or a transition and has no media")
    if clip.kind == "audio":
        return Judgement("refuse", "it has no picture")
    if any(word in clip.kind for word in _NESTED) or clip.files.kind == "none":
        return Judgement("render", f"it is a {clip.kind} clip, made of other clips")
    if missing:
        return Judgement("refuse", f"its media is offline: {missing} is not there")
    if clip.files.kind == "raw":
        return Judgement("render", "its media is camera raw, which Resolve develops")
    if clip.files.kind == "other":
        return Judgement("render", "the engine does not read its kind of media")
    if clip.fusion_comps:
        return Judgement("render", "it has a Fusion composition")
    if clip.files.kind == "still":
        return Judgement("source")
    return _judge_timing(clip)


def _judge_timing(clip: Clip) -> Judgement:
    if clip.media_rate is None or clip.media_frames < 1:
        return Judgement("render", "Resolve does not say how long its media is")
    speed = clip.speed
    if speed.kind != "normal":
        return Judgement("render", str(speed))
    try:
        placed = clip.placement(0)
    except ValueError:
        return Judgement("render", "its source frames cannot be determined from Resolve's data")
    if placed is None:
        rates = f"{clip.media_rate} in {clip.timeline_rate}"
        return Judgement("render", f"it begins or ends between two frames of its media ({rates} frames a second)")
    return Judgement("source")


def plate_frame(clip: Clip, k: int) -> int:
    """Return the plate's frame that the clip's k-th record frame shows."""
    if clip.files.kind == "still":
        return clip.files.first
    return (clip.files.first if clip.files.kind == "sequence" else 0) + shown(clip.offset, k, clip.ratio)


def read_clip(host: Host, item: TimelineItem) -> Clip:
    """Read from an item everything that a swap needs. Raises HostError `bad-clip`."""
    start, end = item.GetStart(False), item.GetEnd(False)
    if start is None or end is None or end <= start:
        raise HostError("bad-clip", f"Resolve does not say where '{item.GetName()}' lies on the timeline.")
    media = item.GetMediaPoolItem()
    where = item.GetTrackTypeAndIndex()
    properties = _properties(media)
    files, rate = files_of(properties.get("File Path", "")), _rate(properties.get("FPS", ""))
    left = _fraction(item.GetLeftOffset(True))
    source = (int(item.GetSourceStartFrame() or 0), int(item.GetSourceEndFrame() or 0))
    offset = left * (rate.exact / host.rate.exact if rate else 1)
    return Clip(
        name=str(item.GetName() or (media.GetName() if media else "") or "clip"),
        track=int(where[1]) if where and where[0] == "video" else 0,
        start=int(start),
        end=int(end),
        left=left,
        right=_fraction(item.GetRightOffset(True)),
        source=relative_source(source, offset, _origins(files, properties.get("Start TC", ""), rate)),
        timeline_rate=host.rate,
        kind=_kind(media, properties, where),
        files=files,
        media_rate=rate,
        media_frames=_whole(properties.get("Frames", "")),
        input_space=properties.get("Input Color Space", ""),
        grade=_grade(item),
        fusion_comps=int(item.GetFusionCompCount() or 0) if media else 0,
        sizing=_sizing(item) if media else {},
    )


def _properties(media: MediaPoolItem | None) -> dict[str, str]:
    names = ("File Path", "Type", "FPS", "Frames", "Input Color Space", "Start TC")
    return {name: str(media.GetClipProperty(name) or "") for name in names} if media else {}


def _kind(media: MediaPoolItem | None, properties: dict[str, str], where: Any) -> str:
    """Return `none` without media, `audio`, `still`, `video`, or Resolve's own word for a clip that is made of others."""
    if not media:
        return "none"
    said = properties["Type"].lower()
    if said == "audio" or (where and where[0] == "audio"):
        return "audio"
    if any(word in said for word in _NESTED):
        return said
    return "still" if said == "still" else "video"


def _fraction(value: Any) -> Fraction:
    """Convert a number of frames with subframes to a fraction: 12.0416666 is 12 and 1/24."""
    return Fraction(float(value or 0)).limit_denominator(100_000)


def _origins(files: Files, timecode: str, rate: Rate | None) -> tuple[int, ...]:
    """Return the numbers, besides 0, from which Resolve may count source frames."""
    first = (files.first,) if files.kind in ("sequence", "raw") else ()
    if rate is None or not timecode:
        return first
    try:
        return (*first, frame_of_timecode(timecode, Rate(rate.exact, ";" in timecode)))
    except ValueError:
        return first


def _rate(text: str) -> Rate | None:
    try:
        return parse_rate(text)
    except ValueError:
        return None


def _whole(text: str) -> int:
    try:
        return int(float(text))
    except ValueError:
        return 0


def _grade(item: TimelineItem) -> tuple[str, ...]:
    """Return what the API reports of a grade: nodes, tools, LUTs, a group; it reports no wheels, curves or stabiliser."""
    found: list[str] = []
    graph = item.GetNodeGraph(1) if has(item, "GetNodeGraph") else None
    count = int(graph.GetNumNodes() or 0) if graph else 0
    if count > 1:
        found.append(f"{count} nodes")
    for index in range(1, count + 1):
        assert graph is not None
        found += [str(tool) for tool in graph.GetToolsInNode(index) or []]
        lut = graph.GetLUT(index)
        if lut:
            found.append(f"LUT {lut}")
    if has(item, "GetColorGroup") and item.GetColorGroup():
        found.append("a colour group")
    return tuple(dict.fromkeys(found))


def _sizing(item: TimelineItem) -> dict[str, Any]:
    """Return the properties of `SIZING` that are not neutral."""
    found = {}
    for name, plain in SIZING.items():
        value: Any = item.GetProperty(name)
        if value is not None and value != "" and value != plain:
            found[name] = value
    return found
