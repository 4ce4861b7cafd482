"""One face through the shot: what was seen in every frame, who is who, smoothed, and corrected by the artist."""

from faceplate.track.correct import REGIONS
from faceplate.track.keep import Kept, kept_path, kept_track
from faceplate.track.model import Smoothing
from faceplate.track.reader import PlateReader
from faceplate.track.shoot import merge_parts, parts_folder, track_part, track_shot, work_file
from faceplate.track.track import Track, TrackedFace, TrackedPerson
from faceplate.track.work import segments_of

__all__ = [
    "REGIONS",
    "Kept",
    "PlateReader",
    "Smoothing",
    "Track",
    "TrackedFace",
    "TrackedPerson",
    "kept_path",
    "kept_track",
    "merge_parts",
    "parts_folder",
    "segments_of",
    "track_part",
    "track_shot",
    "work_file",
]
