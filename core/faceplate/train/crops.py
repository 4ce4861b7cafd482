"""One face of a dataset: its crop on the template in network space, matte, regions and landmarks, and its measures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.color import Exposure, encode
from faceplate.comp import HullEdges, hull_matte, region_matte
from faceplate.comp.occlusion import occlusion_matte
from faceplate.face import Face, FaceFinder
from faceplate.face.align import apply, crop_matrix, invert, resample, scale_of
from faceplate.face.expression import eye_openness, mouth_openness
from faceplate.face.shape import pose_of
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.source.analysis import fit_light
from faceplate.train.pack import EYES, MOUTH, TEMPLATE

__all__ = ["FaceCrop", "FaceMeasures", "cut_face"]

# The largest side at which occluders and light are measured; the occlusion network works on 320 pixels.
_LARGEST = 512
# Width of the matte's ramp, as a fraction of the face's size.
_FEATHER = 0.03
# How far the matte to learn goes beyond the face's outline. A render multiplies it with the plate's own hull, so a ramp inside the
# outline would fade the new face twice and leave a rim of the double, of the beard above all.
_BEYOND = HullEdges(forehead=1.2, bottom=0.06, right=0.06, left=0.06)
# Value from which a pixel belongs to the eyes or the mouth.
_REGION = 0.5
# Side of the low-resolution picture by which faces are compared.
_THUMBNAIL = 24
# The finest detail lies between these standard deviations in pixels. Its usual share at 96 pixels, and how it falls with the
# side, are those of the invented people.
_FINE, _COARSE = 0.5, 1.2
_USUAL_SHARE, _FALL = 0.05, 1.5


@dataclass(frozen=True)
class FaceCrop:
    """The pixels of one face, as `Pack` holds them: S is the dataset's side.

    `pixels` float16 (S, S, 3), `matte` and `regions` uint8 (S, S), `landmarks` float32 (478, 2), `embedding` float32 (128,).
    """

    pixels: np.ndarray
    matte: np.ndarray
    regions: np.ndarray
    landmarks: np.ndarray
    embedding: np.ndarray


@dataclass(frozen=True)
class FaceMeasures:
    """What filters and coverage need of a face.

    Attributes
    ----------
    yaw, pitch : float
        Degrees; positive turns to the picture's right, and down.
    mouth : float
        `mouth_openness`.
    eyes : float
        `eye_openness` of the eye that is more open.
    light : tuple of float
        Slopes of the light's logarithm to the picture's right and down, per unit of the normal; (0, 0) is even light.
    side : float
        Side in the picture's own pixels of the square that the crop was cut from.
    sharpness : float
        Energy of the crop's finest detail over that of all detail finer than a sixteenth of its side: 1 for a face as sharp as
        crops of this size usually are, 0.35 with a Gaussian blur of about 1.2 pixels.
    hidden : float
        Share of the face that an occluder hides, 0..1.
    outside : float
        Share of the face beyond the picture's edge, 0..1.
    thumbnail : np.ndarray
        float32 (24, 24), luma of the crop inside the matte.
    """

    yaw: float
    pitch: float
    mouth: float
    eyes: float
    light: tuple[float, float]
    side: float
    sharpness: float
    hidden: float
    outside: float
    thumbnail: np.ndarray


def cut_face(picture: Frame, face: Face, size: int, finder: FaceFinder) -> tuple[FaceCrop, FaceMeasures]:
    """Cut a face out of a picture, as a render cuts it for a DFM generator, and measure it.

    The crop is resampled in scene-linear light, exposed by the face's level and encoded as in rendering. The matte is the
    mesh's hull and a little more around it, less occluders, and 0 beyond the picture's edge.

    Parameters
    ----------
    picture : Frame
        The picture, or a part of it around the face, in its own colour space.
    face : Face
        The face, in the picture's pixels.
    size : int
        The crop's side in pixels.
    finder : FaceFinder
        Has the recogniser.
    """
    native = 1.0 / scale_of(crop_matrix(face.five, TEMPLATE, 1, picture.pixel_aspect))
    near = picture.region(_needed(picture, face))
    whole = Frame(near.working(), near.window, near.color.working_space, near.color, near.pixel_aspect)
    small, small_face, _ = _aligned(whole, face, size)
    large, large_face, inside = _aligned(whole, face, int(np.clip(round(native), size, _LARGEST)))
    hull = hull_matte(large_face, large.window, erode=0.0, feather=_FEATHER)
    hidden = occlusion_matte(large.pixels, large_face, large.window, large.color)
    wide = hull_matte(large_face, large.window, erode=0.0, feather=_FEATHER, edges=_BEYOND)
    matte = _resized(wide * inside * (1 - hidden), size)
    exposed = Exposure.of_level(face.level).gain
    pixels = encode(small.color.to_linear709(small.pixels), exposed)
    embedding = finder.embed(picture, face)
    crop = FaceCrop(
        pixels.astype(np.float16),
        np.clip(matte * 255 + 0.5, 0, 255).astype(np.uint8),
        _regions(small_face, small.window),
        small_face.points[:, :2].astype(np.float32),
        (embedding / max(float(np.linalg.norm(embedding)), 1e-9)).astype(np.float32),
    )
    area = max(float(hull.sum()), 1e-6)
    lost = (float((hull * inside * hidden).sum()) / area, 1 - float((hull * inside).sum()) / area)
    return crop, _measured(small, small_face, fit_light(large, large_face), native, lost, pixels, matte)


def _needed(picture: Frame, face: Face) -> Window:
    """Return the part of the picture that the crop shows, with room for the filters of resampling; the nearest pixels if none."""
    back = invert(crop_matrix(face.five, TEMPLATE, 1, picture.pixel_aspect))
    corners = apply(back, np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float64))
    return Window.around(corners, 0.05 * face.size + 8)


def _aligned(whole: Frame, face: Face, side: int) -> tuple[Frame, Face, np.ndarray]:
    """Return the crop of `side` pixels in the working space, the face in it, and where the picture has pixels, float32."""
    matrix = crop_matrix(face.five, TEMPLATE, side, whole.pixel_aspect)
    window = Window(0, 0, side, side)
    pixels = resample(whole.pixels, whole.window, matrix, window)
    points = np.column_stack([apply(matrix, face.points[:, :2]), face.points[:, 2] * scale_of(matrix)])
    centres = np.stack(np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5), axis=-1)
    at = apply(invert(matrix), centres)
    here = whole.window
    inside = (at >= (here.x, here.y)).all(axis=-1) & (at <= (here.right, here.bottom)).all(axis=-1)
    frame = Frame(pixels, window, whole.color.working_space, whole.color)
    return frame, face.moved(points), np.asarray(inside, np.float32)


def _resized(matte: np.ndarray, size: int) -> np.ndarray:
    """Resize a square matte; the matrix is the ratio of the sides."""
    ratio = size / matte.shape[0]
    matrix = np.array([[ratio, 0, 0], [0, ratio, 0]], np.float64)
    return resample(matte, Window(0, 0, *matte.shape[::-1]), matrix, Window(0, 0, size, size))


def _regions(face: Face, window: Window) -> np.ndarray:
    eyes, mouth = (region_matte(face, window, (name,)) >= _REGION for name in ("eyes", "mouth"))
    return eyes.astype(np.uint8) * np.uint8(EYES) + mouth.astype(np.uint8) * np.uint8(MOUTH)


def _measured(
    small: Frame,
    face: Face,
    light: list[list[float]],
    native: float,
    lost: tuple[float, float],
    pixels: np.ndarray,
    matte: np.ndarray,
) -> FaceMeasures:
    yaw, pitch, _ = pose_of(face.points).angles
    hull = hull_matte(face, small.window, erode=0.0, feather=_FEATHER)
    across, down = np.mean(np.array(light)[:, 1:3], axis=0) if light else (0.0, 0.0)
    luma = np.clip(pixels, 0, 1) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return FaceMeasures(
        yaw,
        pitch,
        mouth_openness(face.points),
        max(eye_openness(face.points)),
        (float(across), float(down)),
        native,
        _sharpness(luma, hull),
        *lost,
        _resized(luma * matte, _THUMBNAIL),
    )


def _sharpness(luma: np.ndarray, hull: np.ndarray) -> float:
    """Measure the sharpness (`FaceMeasures`) of luma (S, S), display-referred, inside the hull (S, S)."""
    fine, coarse, wide = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (_FINE, _COARSE, luma.shape[0] / 16))
    share = float((hull * (fine - coarse) ** 2).sum() / max(float((hull * (fine - wide) ** 2).sum()), 1e-9))
    return share / (_USUAL_SHARE * (96 / luma.shape[0]) ** _FALL)
