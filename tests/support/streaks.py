"""Faces of a known size, motion blur and defocus of known strength put on them, and the spectra that show these."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import Face, FaceFinder
from faceplate.face.align import resample
from faceplate.image.frame import Frame
from faceplate.image.window import Window

__all__ = ["Scene", "band_ratios", "scene_of", "smeared", "softened"]

Scene = tuple[np.ndarray, Window, Face]
"""Luminance (h, w) over a face's level, its window, and the face."""

_ROOM = 48


def scene_of(frame: Frame, finder: FaceFinder, size: float) -> Scene:
    """The luminance of a picture, reduced or enlarged so that its face has `size` pixels."""
    face = finder.find(frame)[0]
    scale = size / face.size
    window = Window(0, 0, round(frame.window.width * scale), round(frame.window.height * scale))
    light = frame.color.luminance(frame.working()) / face.level
    small = resample(light, frame.window, np.array([[scale, 0, 0], [0, scale, 0]]), window)
    return small, window, face.moved(face.points * scale)


def smeared(picture: np.ndarray, path: tuple[float, float]) -> np.ndarray:
    """`picture` (h, w[, c]) averaged over a straight path in pixels at constant speed, centred; exact but for its edge."""
    pixels = picture if picture.ndim == 3 else picture[..., None]
    padded = cv2.copyMakeBorder(pixels, _ROOM, _ROOM, _ROOM, _ROOM, cv2.BORDER_REFLECT).reshape(
        pixels.shape[0] + 2 * _ROOM, pixels.shape[1] + 2 * _ROOM, -1
    )
    y, x = np.fft.fftfreq(padded.shape[0])[:, None], np.fft.fftfreq(padded.shape[1])[None]
    passed = np.sinc(path[0] * x + path[1] * y)[..., None]
    result = np.fft.ifft2(np.fft.fft2(padded, axes=(0, 1)) * passed, axes=(0, 1)).real.astype(np.float32)
    return np.ascontiguousarray(result[_ROOM:-_ROOM, _ROOM:-_ROOM].reshape(picture.shape))


def softened(picture: np.ndarray, sigma: float) -> np.ndarray:
    """`picture` under a Gaussian of standard deviation `sigma` pixels; 0 leaves it as it is."""
    return cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT) if sigma else picture


def band_ratios(first: np.ndarray, second: np.ndarray, angle: float) -> np.ndarray:
    """Amplitude of `first` (h, w) over that of `second` in three bands up to a quarter of the sampling rate, along `angle`."""
    rows = []
    window = np.outer(np.hanning(first.shape[0]), np.hanning(first.shape[1]))
    y, x = np.fft.fftfreq(first.shape[0])[:, None], np.fft.fftfreq(first.shape[1])[None]
    frequency, away = np.hypot(x, y), np.abs((np.arctan2(y, x) - angle + np.pi / 2) % np.pi - np.pi / 2)
    for picture in (first, second):
        power = np.abs(np.fft.fft2((picture - picture.mean()) * window)) ** 2
        rows.append(
            [
                np.sqrt(power[(away < 0.35) & (frequency >= low) & (frequency < high)].sum())
                for low, high in ((0.02, 0.05), (0.05, 0.1), (0.1, 0.25))
            ]
        )
    return np.array(rows[0]) / np.array(rows[1])
