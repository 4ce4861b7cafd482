"""Tracking: one face through the shot, observed in every frame, associated, smoothed, and corrected by the artist."""

from faceplate.track.auto_track import AutoTrack, auto_track, auto_track_path
from faceplate.track.corrections import REGIONS
from faceplate.track.issues import keep_track_issues
from faceplate.track.model import Smoothing
from faceplate.track.plate_reader import PlateReader
from faceplate.track.shot_analysis import segments_of
from faceplate.track.track import Track, TrackedFace, TrackedPerson
from faceplate.track.tracker import merge_parts, parts_folder, track_part, track_shot, work_file

__all__ = [
    "REGIONS",
    "AutoTrack",
    "PlateReader",
    "Smoothing",
    "Track",
    "TrackedFace",
    "TrackedPerson",
    "auto_track",
    "auto_track_path",
    "keep_track_issues",
    "merge_parts",
    "parts_folder",
    "segments_of",
    "track_part",
    "track_shot",
    "work_file",
]
