"""Damage of real plates, by name: functions from a scene-linear frame, its face and its frame number to the damaged frame.

Sizes (`face_120` to `face_1200`) scale the frame until the face has so many pixels; all others keep its size. What moves (hair)
depends on the frame number alone, so that a frame has the same damage on its own as in a sequence.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from grades import Grade, graded

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

from faceplate.face import Face, topology
from faceplate.face.align import resample
from faceplate.face.raster import rasterise
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from lights import hard_key

__all__ = ["DAMAGE", "FACE_SIZES"]

FACE_SIZES = {f"face_{pixels}": pixels for pixels in (120, 240, 600, 1200)}
# Constant rate factor of the H.264 file: visible blocks, as on a web download.
H264_CRF = 33
# Length of the motion blur and its direction, in face sizes and radians.
BLUR_LENGTH, BLUR_ANGLE = 0.05, 0.3
# Points of the outline at which strands of hair hang, and their scene-linear colour in parts of the face's level.
HAIR_ROOTS = (10, 109, 67, 103, 54, 21, 162, 338, 297, 332, 284, 251, 389)
HAIR_COLOUR = (0.13, 0.085, 0.055)
STRANDS = 40
_SUPERSAMPLE = 4


def sized(pixels: int) -> Callable[[Frame, Face, int], Frame]:
    """Return the damage that scales the frame until the face has `pixels`."""

    def scaled(frame: Frame, face: Face, number: int) -> Frame:
        scale = pixels / face.size
        side = Window(0, 0, round(frame.window.width * scale), round(frame.window.height * scale))
        matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
        return Frame(resample(frame.pixels, frame.window, matrix, side), side, frame.space, frame.color)

    return scaled


def grading(grade: Grade) -> Callable[[Frame, Face, int], Frame]:
    """Return the damage that is a grade."""
    return lambda frame, face, number: graded(frame, grade)


def keyed(frame: Frame, face: Face, number: int) -> Frame:
    """Light the head by one hard lamp over a tenth of ambient light."""
    return frame.with_pixels(frame.pixels * np.float32(1.6) * hard_key(frame, face))


def backlit(frame: Frame, face: Face, number: int) -> Frame:
    """Put the face two stops under a bright background, with a rim of light along its outline and veiling glare."""
    window = frame.window
    covered = rasterise(face.points, topology().closed, window, 400).covered.astype(np.uint8)
    size = face.size * covered.shape[1] / window.width
    inside, outside = (cv2.distanceTransform(mask, cv2.DIST_L2, 5) / size for mask in (covered, 1 - covered))
    rim = 1.2 * np.exp(-((inside / 0.04) ** 2)) * (outside < 0.3)
    behind = np.clip((outside - 0.3) / 0.15, 0, 1)
    fields = np.stack([0.25 + rim + 3.0 * behind, 0.02 + 0.7 * behind], axis=-1).astype(np.float32)
    fields = cv2.GaussianBlur(fields, (0, 0), 0.015 * size)
    fields = cv2.resize(fields, (window.width, window.height), interpolation=cv2.INTER_LINEAR)
    return frame.with_pixels(frame.pixels * fields[..., :1] + fields[..., 1:])


def compressed(frame: Frame, face: Face, number: int) -> Frame:
    """Encode the frame as 8-bit H.264 4:2:0 at a low rate and decode it again."""
    shown = np.clip(frame.color.from_working(frame.pixels, "sRGB - Texture"), 0, 1)
    height, width = shown.shape[:2]
    even = cv2.copyMakeBorder(shown, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    decoded = _h264_round_trip((even * 255 + 0.5).astype(np.uint8))[:height, :width]
    return frame.with_pixels(frame.color.to_working(decoded.astype(np.float32) / 255, "sRGB - Texture"))


def _h264_round_trip(picture: np.ndarray) -> np.ndarray:
    """Return a picture, uint8 (h, w, 3), RGB, after one H.264 frame."""
    import av

    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as written:
        stream = written.add_stream("libx264", rate=24, options={"crf": str(H264_CRF), "preset": "fast"})
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        for packet in (*stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")), *stream.encode()):
            written.mux(packet)
    memory.seek(0)
    with av.open(memory, "r") as read:
        return next(read.decode(video=0)).to_ndarray(format="rgb24")


def blurred(frame: Frame, face: Face, number: int) -> Frame:
    """Blur along a line, as a fast pan in an open shutter does."""
    length = max(3, round(BLUR_LENGTH * face.size)) | 1
    kernel = np.zeros((length, length), np.float32)
    half = length // 2
    step = half * np.array([np.cos(BLUR_ANGLE), np.sin(BLUR_ANGLE)])
    ends = [tuple(int(v) for v in np.round(half + sign * step)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA)
    return frame.with_pixels(cv2.filter2D(frame.pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def haired(frame: Frame, face: Face, number: int) -> Frame:
    """Draw strands of hair that hang over forehead, temples and the outline and move from frame to frame."""
    window = frame.window
    mask = np.zeros((window.height * _SUPERSAMPLE, window.width * _SUPERSAMPLE), np.uint8)
    rng = np.random.default_rng(5)
    width = max(1, round(0.008 * face.size * _SUPERSAMPLE))
    for _ in range(STRANDS):
        root = face.points[rng.choice(HAIR_ROOTS), :2] + rng.normal(0, 0.03, 2) * face.size
        length, lean, phase, pace = (
            rng.uniform(0.15, 0.45),
            rng.normal(0, 0.25),
            rng.uniform(0, 6.28),
            rng.uniform(0.15, 0.4),
        )
        along = np.linspace(-0.3, 1.0, 24)[:, None]
        sway = lean + 0.25 * np.sin(pace * number + phase + 1.5 * along)
        strand = root + face.size * length * along * np.column_stack([np.sin(sway), np.cos(sway)])
        drawn = (strand - (window.x, window.y)) * _SUPERSAMPLE
        cv2.polylines(mask, [np.round(drawn).astype(np.int32)], False, 255, width, cv2.LINE_AA)
    matte = cv2.resize(mask, (window.width, window.height), interpolation=cv2.INTER_AREA)[..., None] / np.float32(255)
    colour = np.array(HAIR_COLOUR, np.float32) * np.float32(face.level)
    return frame.with_pixels((frame.pixels * (1 - matte) + matte * colour).astype(np.float32))


DAMAGE: dict[str, Callable[[Frame, Face, int], Frame]] = {
    **{name: sized(pixels) for name, pixels in FACE_SIZES.items()},
    "desaturated": grading(Grade((1.02, 1.0, 0.98), power=(1.1, 1.1, 1.1), saturation=0.4)),
    "warm": grading(Grade((1.25, 1.0, 0.72))),
    "cool": grading(Grade((0.76, 0.98, 1.3))),
    "hard_key": keyed,
    "backlight": backlit,
    "h264": compressed,
    "motion_blur": blurred,
    "hair": haired,
}
