"""The face finder for tracking: one cheap search, and one landmarker pass on a region."""

from __future__ import annotations

from faceplate.face import Face, FaceFinder
from faceplate.face.find import detector_matrix, is_confirmed, without_duplicates
from faceplate.face.landmark import Region
from faceplate.image.frame import Frame

__all__ = ["ShotFinder"]


class ShotFinder(FaceFinder):
    """A `FaceFinder` with one cheap search and one pass of the landmarker on a region."""

    @classmethod
    def like(cls, finder: FaceFinder) -> ShotFinder:
        """Return a finder with the same networks on one thread each, because several frames are processed in parallel."""
        return cls(
            finder.store, finder.detector, finder.landmarker, finder.recogniser, threads=1, aligner=finder.aligner
        )

    def glance(self, frame: Frame) -> tuple[Face, ...]:
        """Detect faces with the first search only: upright, as exposed, whole frame."""
        pairs = [
            (seen, self.landmark_detection(frame, seen))
            for seen in self.detect(frame, detector_matrix(frame, 1.0), 0, 0.0)
        ]
        return tuple(without_duplicates([face for seen, face in pairs if is_confirmed(seen, face)]))

    def land(self, frame: Frame, region: Region, level: float, score: float) -> Face:
        """Landmark the face in `region`."""
        return self.realigned(frame, self.landmark_region(frame, region, level, score))
