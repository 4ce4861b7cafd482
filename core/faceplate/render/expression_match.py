"""Expression match of a frame: the generated face is landmarked as the composite will show it, and moved to act as the plate's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from faceplate.color import Exposure, encode
from faceplate.comp.expression_warp import expression_warp
from faceplate.face import Face, landmark, topology
from faceplate.face.align import apply, compose, invert, resample, scale_of
from faceplate.face.dials import lids_part
from faceplate.face.expression import RestingFace, mouth_openness
from faceplate.face.expression_match import MatchAmounts, match_points
from faceplate.face.eyelids import eyes_view, lids_seen_together
from faceplate.face.find import region_of
from faceplate.face.shape import unsqueezed
from faceplate.generators import Generated
from faceplate.generators.mesh.mouth_eyes import kept_share
from faceplate.image.soft_steps import smoothstep
from faceplate.image.weighting import is_same, times, toward
from faceplate.image.window import Window
from faceplate.models import Network, embedded_store, open_network
from faceplate.render.prepare import PreparedPlate
from faceplate.shot.parameters import Parameters

__all__ = ["LANDMARKER", "RestingFaces", "match_amounts", "matched_expression"]

LANDMARKER = "face_landmarker"
"""Card of the landmarker that ships, which looks at the generated face."""

# Presence of a face in the generated picture up to which nothing is moved, and from which all of it is.
_ABSENT, _PRESENT = 0.5, 0.9
# Difference of two readings of the lips' gap, in widths of the mouth, from which they are not of the same lips.
_OTHER_LIPS = 0.15
# Low-pass in the landmarker's pixels against the grain around the new face.
_CALM = 2.0
# Softness of the border of the plate's mouth inside the new lips, as a fraction of the face's size.
_MOUTH_SOFT = 0.006

_SQUARE = Window(0, 0, landmark.SIDE, landmark.SIDE)


@dataclass(frozen=True)
class RestingFaces:
    """The resting faces of the performer and of the person put in; None where they are unknown."""

    performer: RestingFace | None = None
    own: RestingFace | None = None


def match_amounts(parameters: Parameters) -> MatchAmounts:
    """Return the parameters of the expression match."""
    return MatchAmounts(
        parameters.match_lids,
        parameters.match_gaze,
        parameters.match_mouth,
        parameters.match_jaw,
        parameters.match_brows,
    )


def matched_expression(
    prepared: PreparedPlate,
    shown: np.ndarray,
    generated: Generated,
    amounts: MatchAmounts,
    rest: RestingFaces,
    plate_detail: float = 1.0,
) -> Generated:
    """Return `generated` moved so that it acts as the performance; the same object where nothing is to be moved.

    `shown` float32 (h, w, 3) is the generator's input as it saw it, `plate_detail` 0..1 how much of what the crop cannot hold the
    composite keeps of the plate.
    """
    if is_same(generated.pixels, shown):
        return generated
    aspect, crop = prepared.plate.pixel_aspect, prepared.crop
    view = _View.of(prepared, shown, generated, plate_detail)
    seen, presence, looked = view.face(generated.pixels)
    sure = float(smoothstep(presence, _ABSENT, _PRESENT))
    if sure == 0:
        return generated
    photographed = unsqueezed(prepared.shot_face.points, aspect)
    performed = photographed if prepared.performed is None else prepared.performed
    reshaped = prepared.face is not prepared.shot_face
    aimed = unsqueezed(prepared.face.points, aspect) if reshaped else None
    read = rest.performer is not None and not crop.on_plate_grid and amounts.mouth > 0
    spoken = _as_read(view, performed) if read else performed
    eyes = _eyes(looked, prepared, photographed, performed)
    match = match_points(seen, performed, amounts, rest.own, rest.performer, aimed=aimed, eyes=eyes, spoken=spoken)
    there, here = (
        _on_crop(points, crop.transform.matrix, aspect) for points in (seen + sure * (match.points - seen), seen)
    )
    look = sure * (match.look / (aspect, 1.0)) @ crop.transform.matrix[:, :2].T
    window = crop.transform.window
    warp = expression_warp(here, there, look, window, crop.face.size)
    if warp is None:
        return generated
    kept = generated.kept
    if kept is None and amounts.mouth > 0:
        own = 1.0 if prepared.openings is None else min(prepared.openings[0], 1.0)
        short = sure * amounts.mouth * kept_share(mouth_openness(seen), own * mouth_openness(spoken))
        kept = _plate_mouth(there, crop.face.points, window, crop.face.size, short)
    return replace(
        generated,
        pixels=warp.moved(generated.pixels, window),
        confidence=None if generated.confidence is None else warp.moved(generated.confidence, window),
        kept=kept,
    )


def _plate_mouth(moved: np.ndarray, plate: np.ndarray, window: Window, size: float, amount: float) -> np.ndarray | None:
    """Return how far the plate's own mouth is kept between the new face's lips, float32 (h, w) on the crop.

    A network's closed mouth has no inside that could be shown; its stretched lips would be a smear. `moved` and `plate` (478, 3)
    are the new face's points and the plate's on the crop: what lies within the lips of both is kept.
    """
    if amount == 0:
        return None
    inside = np.full((window.height, window.width), np.float32(amount))
    for points in (moved, plate):
        outline = points[topology().mouth_loop, :2] - (window.x + 0.5, window.y + 0.5)
        drawn = np.zeros_like(inside)
        cv2.fillPoly(drawn, [np.round(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
        inside *= drawn
    return cv2.GaussianBlur(inside, (0, 0), max(_MOUTH_SOFT * size, 0.5))


def _on_crop(points: np.ndarray, matrix: np.ndarray, aspect: float) -> np.ndarray:
    """Return points (478, 3) in square plate pixels on the crop."""
    plate = unsqueezed(points, 1 / aspect)
    return np.column_stack([apply(matrix, plate[:, :2]), plate[:, 2] * scale_of(matrix)])


@dataclass(frozen=True)
class _View:
    """How the landmarker sees a face on the crop: on its surroundings, as the composite will show it.

    `matrix` goes from the plate's pixels to the landmarker's `square`, `region` from square plate pixels. `plate` float32
    (h, w, 3) is the plate there, `shown` the generator's input on the crop, `own` float32 (h, w) the new face's coverage, and
    `left_out` 0..1 how much of what the crop cannot hold the composite takes away.
    """

    prepared: PreparedPlate
    region: np.ndarray
    matrix: np.ndarray
    plate: np.ndarray
    shown: np.ndarray
    own: np.ndarray
    left_out: np.float32

    @classmethod
    def of(cls, prepared: PreparedPlate, shown: np.ndarray, generated: Generated, plate_detail: float) -> _View:
        """Return the view around the prepared face."""
        region, matrix = _landmarkers_view(prepared, prepared.face)
        plate = resample(prepared.working, prepared.plate.window, matrix, _SQUARE)
        own = generated.coverage if generated.kept is None else generated.coverage * (1 - generated.kept)
        own = np.ascontiguousarray(own, np.float32)
        left_out = np.float32(0.0 if prepared.crop.on_plate_grid else 1.0 - plate_detail)
        return cls(prepared, region, matrix, plate, shown, own, left_out)

    def face(self, pixels: np.ndarray) -> tuple[np.ndarray, float, tuple[np.ndarray, Window, np.ndarray]]:
        """Landmark the face `pixels`, float32 (h, w, 3) on the crop.

        Returns
        -------
        points : np.ndarray
            float64 (478, 3) in square plate pixels.
        presence : float
            Confidence 0..1 that there is a face.
        looked : tuple
            What was looked at: the display picture, its window, and the landmarks there, as `face.eyelids` reads them.
        """
        display = self._displayed(pixels)
        points, presence = landmark.landmarks(_landmarker(), display)
        return self._on_plate(points), presence, (display, _SQUARE, points)

    def points(self, pixels: np.ndarray) -> tuple[np.ndarray, float]:
        """Landmark the face `pixels` and return points and presence as `face` does."""
        points, presence = landmark.landmarks(_landmarker(), self._displayed(pixels))
        return self._on_plate(points), presence

    def _displayed(self, pixels: np.ndarray) -> np.ndarray:
        crop = self.prepared.crop
        change = cv2.subtract(pixels, self.shown)
        if self.left_out:
            change += self.left_out * crop.pixels
        change = cv2.cvtColor(times(change, self.own), cv2.COLOR_RGB2RGBA)
        cv2.insertChannel(self.own, change, 3)
        made = resample(change, crop.transform.window, compose(self.matrix, invert(crop.transform.matrix)), _SQUARE)
        covered = cv2.extractChannel(made, 3)
        plate = times(self.plate, 1 - self.left_out * covered) if self.left_out else self.plate
        looked = cv2.add(plate, cv2.cvtColor(made, cv2.COLOR_RGBA2RGB))
        # Only the surroundings have grain that changes from frame to frame.
        calm = cv2.GaussianBlur(looked, (0, 0), _CALM)
        return _displayed(self.prepared, toward(calm, looked, covered))

    def _on_plate(self, points: np.ndarray) -> np.ndarray:
        return np.column_stack([apply(invert(self.region), points[:, :2]), points[:, 2] / scale_of(self.region)])


def _as_read(view: _View, performed: np.ndarray) -> np.ndarray:
    """Return the performance's points (478, 3) as they are read where the new face is: on the crop, in the same view.

    On a small, soft picture lips seem further apart than on the plate, and a track is smoothed in time. What differs much from the
    points `performed` is no reading of these lips, but something in front of them, or a correction by the artist.
    """
    points, presence = view.points(view.shown)
    apart = abs(mouth_openness(points) - mouth_openness(performed))
    sure = smoothstep(presence, _ABSENT, _PRESENT) * (1 - smoothstep(apart, _OTHER_LIPS, 2 * _OTHER_LIPS))
    return performed + sure * (points - performed)


def _eyes(
    looked: tuple[np.ndarray, Window, np.ndarray],
    prepared: PreparedPlate,
    photographed: np.ndarray,
    performed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far the eyes of the new face and the performer's are open, float64 (2,) each.

    `looked` is the new face as `_View.face` returns it. The performer's eyes are read in the plate's pixels, times what the dials
    change: `photographed` and `performed` (478, 3) are the points without and with the dials, in square plate pixels.
    """
    plate = replace(prepared.plate, pixels=prepared.shot, space=prepared.plate.color.working_space)
    own, plates = lids_seen_together([looked, eyes_view(plate, prepared.shot_face)])
    return own, plates * (1.0 if performed is photographed else lids_part(performed, photographed))


def _landmarkers_view(prepared: PreparedPlate, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices to the landmarker's square around `face`, from square plate pixels and from the plate's own."""
    aspect = prepared.plate.pixel_aspect
    region = region_of(face.points, aspect).matrix()
    return region, compose(region, np.array([[aspect, 0, 0], [0, 1, 0]], np.float64))


def _displayed(prepared: PreparedPlate, pixels: np.ndarray) -> np.ndarray:
    """Return working-space `pixels` as the landmarker sees them: display-referred, exposed for the face, 0..1."""
    gain = Exposure.of_level(prepared.face.level).gain
    return np.clip(encode(prepared.plate.color.to_linear709(pixels), gain), 0.0, 1.0)


@cache
def _landmarker() -> Network:
    return open_network(embedded_store(), LANDMARKER, threads=1)
