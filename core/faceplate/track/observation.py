"""What was observed: a face in a frame, and a frame with its faces."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from faceplate.comp.grain import Grain
from faceplate.face import Face
from faceplate.face.landmark import Region
from faceplate.track.look import Look
from faceplate.track.optical_flow import Flow

__all__ = [
    "FaceObservation",
    "FrameObservation",
]


@dataclass(frozen=True)
class FaceObservation:
    """One face in one frame.

    Attributes
    ----------
    number : int
        The face's number within the segment.
    points : np.ndarray
        float64 (478, 3), plate pixels.
    score, presence, level : float
        As in `Face`.
    region : Region
        The landmarker's square for the next frame, on projected pixels.
    corner, scale, gain
        How the crop for the optical flow was rendered.
    new : bool
        Whether the face was found in this frame and not followed into it.
    near : bool
        Whether another face is near.
    key : int
        The key frame against which the flow is measured, so that its errors do not accumulate.
    carried : np.ndarray
        (2, 3), the motion from the key frame to here.
    flow : Flow, optional
        The motion since the frame before.
    embedding : np.ndarray, optional
        The recogniser's embedding, where it was taken.
    anchor : np.ndarray, optional
        For a new face: its points as the mean of several passes.
    grain : Grain, optional
        For a new face: the grain of the plate around it.
    look : Look, optional
        What was measured of the face's pixels.
    """

    number: int
    points: np.ndarray
    score: float
    presence: float
    level: float
    region: Region
    corner: tuple[float, float]
    scale: float
    gain: float
    new: bool
    near: bool = False
    key: int = 0
    carried: np.ndarray = field(default_factory=lambda: np.eye(2, 3))
    flow: Flow | None = None
    embedding: np.ndarray | None = None
    anchor: np.ndarray | None = None
    grain: Grain | None = None
    look: Look | None = None

    @property
    def face(self) -> Face:
        """The face."""
        return Face(self.points, self.score, self.presence, self.level)


@dataclass(frozen=True)
class FrameObservation:
    """The observation of one frame.

    Attributes
    ----------
    frame : int
        The frame number.
    signature : np.ndarray
        uint8 (256,), for the detection of cuts.
    faces : tuple of FaceObservation
        The faces.
    next_number : int
        The next free face number.
    lost : int
        Number of searches that are left after a face was lost.
    looked : bool
        Whether the detector ran in this frame.
    """

    frame: int
    signature: np.ndarray
    faces: tuple[FaceObservation, ...]
    next_number: int
    lost: int = 0
    looked: bool = False
