"""Face finding in one frame: detection, landmarks in two passes, and exposure, for any orientation and exposure.

Networks were trained on display pictures of well-lit, upright faces. A plate is scene-linear and may be dark, bright or
upside down, so the search uses a display rendering of the plate and changes its exposure, orientation and scale in that
order until a face is found. Only small renderings are converted, never the whole frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from faceplate.color import Exposure, encode, log_average
from faceplate.errors import UsageError
from faceplate.face import detect, detectors, expression, identity, landmark, landmarkers, recognisers
from faceplate.face.align import apply, compose, crop_matrix, invert, resample, scale_of
from faceplate.face.face import Face, topology
from faceplate.face.shape import unsqueezed
from faceplate.face.view import view
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.models import ModelStore, Network, embedded_store, open_network

__all__ = ["DetectedFace", "FaceFinder", "detector_matrix", "is_confirmed", "region_of", "view", "without_duplicates"]

# Stops around the frame's own exposure: a face four stops darker or brighter than the rest of the picture is still found.
_STOPS = (0.0, 3.0, -3.0, 6.0, -6.0)
_QUARTER_TURNS = (0, 2, 1, 3)
_PRESENCE = 0.5
# Largest distance of detector and landmarker as a fraction of the face's size. The detector's own points are accurate to
# a few hundredths.
_MAX_DISAGREEMENT = 0.06
# Scale, rotation in radians, shift in x and y as fractions of the side; their mean is no change.
_NUDGES = ((1.0, 0.0, 0.0, 0.0), (0.97, 0.05, 0.0, 0.02), (1.03, -0.05, 0.02, 0.0), (1.0, 0.0, -0.02, -0.02))


@dataclass(frozen=True)
class FaceFinder:
    """The detector, landmarker and recogniser of a store, opened when first used; it can be shared between threads.

    The mesh is the landmarker's. `aligner`, if named, is a second landmarker (2dfan4, 2d106det) for the five alignment
    points, onto which the mesh is moved.
    """

    store: ModelStore
    detector: str = "yunet"
    landmarker: str = "face_landmarker"
    recogniser: str = "sface"
    expression: str = "face_blendshapes"
    threads: int = 0
    aligner: str = ""

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of the networks that find a face."""
        return tuple(name for name in (self.detector, self.landmarker, self.aligner) if name)

    @property
    def opened(self) -> tuple[Network, ...]:
        """The networks that have been opened so far."""
        return tuple(value for value in self.__dict__.values() if isinstance(value, Network))

    def release(self) -> None:
        """Close the networks that have been opened; one that is needed again is opened again."""
        for name in [name for name, value in self.__dict__.items() if isinstance(value, Network)]:
            self.__dict__.pop(name, None)

    def choosing(self, detector: str = "", landmarker: str = "", recogniser: str = "") -> FaceFinder:
        """Return this finder with other networks of the store; an empty name keeps the present one.

        A landmarker of another kind than the mesh's becomes the `aligner`.

        Raises
        ------
        UsageError
            `unknown-model`, `not-a-detector`, `not-a-landmarker` or `not-a-recogniser`.
        """
        changes: dict[str, str] = {}
        for name, field, kinds, does in (
            (detector, "detector", detectors.DETECTORS, "detects"),
            (landmarker, "landmarker", ("face_landmarker", *landmarkers.LANDMARKERS), "landmarks"),
            (recogniser, "recogniser", recognisers.RECOGNISERS, "recognises"),
        ):
            if not name:
                continue
            kind = self.store.card(name).kind
            if kind not in kinds:
                code = f"not-a-{field}"
                raise UsageError(code, f"'{name}' {does} no faces; networks of these kinds do: {', '.join(kinds)}.")
            changes["aligner" if kind in landmarkers.LANDMARKERS else field] = name
        return replace(self, **changes) if changes else self

    @classmethod
    def embedded(cls) -> FaceFinder:
        """Return a finder with the networks that ship inside the package."""
        return cls(embedded_store())

    @cached_property
    def _detector(self) -> Network:
        return open_network(self.store, self.detector, threads=self.threads)

    @cached_property
    def _landmarker(self) -> Network:
        return open_network(self.store, self.landmarker, threads=self.threads)

    @cached_property
    def _aligner(self) -> Network:
        return open_network(self.store, self.aligner, threads=self.threads)

    @cached_property
    def _recogniser(self) -> Network:
        return open_network(self.store, self.recogniser, threads=self.threads)

    @cached_property
    def _expression(self) -> Network:
        return open_network(self.store, self.expression, threads=self.threads)

    def find(self, frame: Frame) -> tuple[Face, ...]:
        """Find every face in `frame`, the largest first; empty when there is none.

        A frame of one colour, such as a black one, is not searched: it would cost all 24 searches.
        """
        if _is_of_one_colour(frame.pixels):
            return ()
        for search in _searches(frame):
            pairs = [(seen, self.landmark_detection(frame, seen)) for seen in self.detect(frame, *search)]
            kept = without_duplicates([face for seen, face in pairs if is_confirmed(seen, face)])
            if kept:
                return tuple(sorted(kept, key=lambda face: -face.size))
        return ()

    def refine(self, frame: Frame, face: Face) -> Face:
        """Landmark `face` again from its last position, for a neighbouring frame or a corrected position.

        One pass settles the region. The points are then the mean of passes on regions nudged around it, which halves the
        landmarker's dependence on how exactly the face was framed.
        """
        face = self.landmark_region(frame, region_of(face.points, frame.pixel_aspect), face.level, face.score)
        region = region_of(face.points, frame.pixel_aspect)
        passes = [self.landmark_region(frame, region.nudged(*nudge), face.level, face.score) for nudge in _NUDGES]
        face = replace(passes[0], points=np.mean([one.points for one in passes], axis=0))
        return self.realigned(frame, face)

    def embed(self, frame: Frame, face: Face) -> np.ndarray:
        """Compute the recogniser's raw embedding of `face`: float32 (128,) for SFace, (512,) for ArcFace."""
        matrix = crop_matrix(face.five, identity.TEMPLATE, identity.SIDE, frame.pixel_aspect)
        crop, _ = view(frame, matrix, identity.SIDE, Exposure.of_level(face.level).gain)
        return recognisers.embed(self._recogniser, crop)

    def blendshapes(self, face: Face, pixel_aspect: float = 1.0) -> np.ndarray:
        """Compute the 52 ARKit-style coefficients of `face`, float32 (52,)."""
        return expression.blendshapes(self._expression, unsqueezed(face.points, pixel_aspect))

    def realigned(self, frame: Frame, face: Face) -> Face:
        """Move `face` onto the aligner's five points, if there is an aligner."""
        if not self.aligner:
            return face
        return landmarkers.aligned(face, landmarkers.landmarks(self._aligner, frame, face)[1])

    def detect(self, frame: Frame, fit: np.ndarray, turn: int, stops: float) -> list[DetectedFace]:
        """Search the frame with one setting: matrix to the detector's square, quarter turns, stops."""
        picture, level = _detector_view(frame, fit, stops)
        back = invert(compose(_turn_matrix(turn), fit))
        seen = []
        for found in detectors.detect(self._detector, np.ascontiguousarray(np.rot90(picture, turn))):
            corners = found.box[:2] + found.box[2:] * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
            seen.append(DetectedFace(apply(back, corners), apply(back, found.five), found.score, level))
        return seen

    def landmark_detection(self, frame: Frame, seen: DetectedFace) -> Face:
        """Landmark a detected face, refined when the landmarker confirms a face."""
        unsqueeze = np.array([frame.pixel_aspect, 1.0])
        corners, eyes = seen.corners * unsqueeze, seen.five[:2] * unsqueeze
        side = np.max(np.linalg.norm(np.diff(corners[:3], axis=0), axis=1))
        centre = corners.mean(axis=0)
        region = landmark.Region.of(centre - side / 2, centre + side / 2, eyes[0], eyes[1])
        face = self.landmark_region(frame, region, seen.level, seen.score)
        return self.refine(frame, face) if face.presence >= _PRESENCE else face

    def landmark_region(self, frame: Frame, region: landmark.Region, level: float, score: float) -> Face:
        """Landmark the face in `region` of the projected picture, exposed for `level`."""
        unsqueeze = np.array([[frame.pixel_aspect, 0, 0], [0, 1, 0]], np.float64)
        matrix = compose(region.matrix(), unsqueeze)
        crop, working = view(frame, matrix, landmark.SIDE, Exposure.of_level(level).gain)
        points, presence = landmark.landmarks(self._landmarker, crop)
        level = _face_level(frame, working, points)
        plate = np.column_stack([apply(invert(matrix), points[:, :2]), points[:, 2] / scale_of(matrix)])
        return Face(plate, score, presence, level)


@dataclass(frozen=True)
class DetectedFace:
    """A detection in plate pixels.

    Attributes
    ----------
    corners : np.ndarray
        (4, 2), the box's corners in the face's own order.
    five : np.ndarray
        (5, 2), the five points.
    score, level : float
        The detector's score, and the log average that the picture was exposed for.
    """

    corners: np.ndarray
    five: np.ndarray
    score: float
    level: float


def _is_of_one_colour(pixels: np.ndarray) -> bool:
    """Say whether all pixels, float32 (h, w, 3), are exactly alike; most pictures that are not differ in the middle row."""
    first, middle = pixels[:1, :1], pixels[len(pixels) // 2]
    return pixels.size == 0 or (bool((middle == first).all()) and bool((pixels == first).all()))


def _searches(frame: Frame) -> Iterator[tuple[np.ndarray, int, float]]:
    """Iterate over (matrix to the detector's square, quarter turns, stops) in the order to try."""
    whole = detector_matrix(frame, 1.0)
    for turn in _QUARTER_TURNS:
        for stops in _STOPS if turn == 0 else _STOPS[:3]:
            yield whole, turn, stops
    yield detector_matrix(frame, 0.5), 0, 0.0  # a close-up larger than the detector's largest anchor
    for x in (0.0, 0.5, 1.0):  # faces too small at that scale: nine overlapping tiles at twice the size
        for y in (0.0, 0.5, 1.0):
            yield detector_matrix(frame, 2.0, x, y), 0, 0.0


def detector_matrix(frame: Frame, zoom: float, across: float = 0.5, down: float = 0.5) -> np.ndarray:
    """Compute the matrix from the plate to the detector's square.

    The frame's longer projected side fills the square, times `zoom`. `across` and `down` choose the part of the frame when
    the square does not hold all of it.
    """
    window = frame.window
    width, height = window.width * frame.pixel_aspect, float(window.height)
    scale = zoom * detect.SIDE / max(width, height)
    shift = []
    for start, length, part in ((window.x * frame.pixel_aspect, width, across), (window.y, height, down)):
        slack = detect.SIDE - length * scale
        shift.append(-start * scale + (slack * part if slack < 0 else 0.0))
    return np.array([[scale * frame.pixel_aspect, 0, shift[0]], [0, scale, shift[1]]], np.float64)


def _detector_view(frame: Frame, fit: np.ndarray, stops: float) -> tuple[np.ndarray, float]:
    """Render the detector's square, display-referred and black outside the frame; return it and its log average."""
    window = frame.window
    ends = apply(fit, np.array([[window.x, window.y], [window.right, window.bottom]], np.float64))
    square = Window(0, 0, detect.SIDE, detect.SIDE)
    used = Window.around(ends).intersect(square)
    working = frame.color.to_working(resample(frame.pixels, window, fit, used), frame.space)
    level = log_average(frame.color.luminance(working)) * 2.0**-stops
    picture = np.zeros((detect.SIDE, detect.SIDE, 3), np.float32)
    picture[used.slices(square)] = np.clip(
        encode(frame.color.to_linear709(working), Exposure.of_level(level).gain), 0.0, 1.0
    )
    return picture, level


def _turn_matrix(turn: int) -> np.ndarray:
    """Compute the matrix of `np.rot90(picture, turn)` (counter-clockwise) on the detector's square."""
    side = float(detect.SIDE)
    return np.array(
        [
            [[1, 0, 0], [0, 1, 0]],
            [[0, 1, 0], [-1, 0, side]],
            [[-1, 0, side], [0, -1, side]],
            [[0, -1, side], [1, 0, 0]],
        ][turn % 4],
        np.float64,
    )


def region_of(points: np.ndarray, pixel_aspect: float) -> landmark.Region:
    """Compute the landmarker's square around a mesh (478, 3) in plate pixels, on projected pixels."""
    xy = points[:, :2] * np.array([pixel_aspect, 1.0])
    eyes = xy[468:473].mean(axis=0), xy[473:478].mean(axis=0)
    line = eyes[1] - eyes[0]
    along = line / max(float(np.linalg.norm(line)), 1e-9)
    upright = xy @ np.array([[along[0], -along[1]], [along[1], along[0]]])
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = np.array([[along[0], -along[1]], [along[1], along[0]]]) @ ((low + high) / 2)
    half = (high - low) / 2
    return landmark.Region.of(centre - half, centre + half, *eyes)


def _face_level(frame: Frame, working: np.ndarray, points: np.ndarray) -> float:
    """Compute the log average of luminance inside the face's oval, on the landmarker's own crop."""
    weight = np.zeros(working.shape[:2], np.float32)
    oval = np.round(points[topology().oval, :2]).astype(np.int32)
    cv2.fillPoly(weight, [oval], 1.0)
    if not weight.any():
        weight[:] = 1.0
    return log_average(frame.color.luminance(working), weight)


def is_confirmed(seen: DetectedFace, face: Face) -> bool:
    """Check that the landmarker found a face, and the one that the detector found; they differ on a face lying on its side."""
    apart = float(np.linalg.norm(seen.five - face.five, axis=1).mean())
    return face.presence >= _PRESENCE and apart < _MAX_DISAGREEMENT * face.size


def without_duplicates(faces: list[Face]) -> list[Face]:
    """Remove faces that were found twice: centres closer than a third of their size are one face."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score * face.presence):
        centre = face.points[:, :2].mean(axis=0)
        if all(
            np.linalg.norm(centre - other.points[:, :2].mean(axis=0)) > max(face.size, other.size) / 3 for other in kept
        ):
            kept.append(face)
    return kept
