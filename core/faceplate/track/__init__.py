"""One face through the shot: what was seen in every frame, who is who, smoothed, and corrected by the artist."""

from faceplate.track.correct import REGIONS
from faceplate.track.model import Smoothing
from faceplate.track.shoot import track_shot, work_file
from faceplate.track.track import Track, TrackedFace, TrackedPerson

__all__ = ["REGIONS", "Smoothing", "Track", "TrackedFace", "TrackedPerson", "track_shot", "work_file"]
