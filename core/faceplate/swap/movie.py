"""A movie of the source, read frame by frame with OpenCV's FFmpeg: 8-bit, display-referred, as review movies are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.errors import RenderError
from faceplate.frame import Frame
from faceplate.plate.movie import MOVIE_SUFFIXES
from faceplate.window import Window

__all__ = ["MOVIES", "frame_of", "frames_of"]

MOVIES = MOVIE_SUFFIXES
# Two looks a second of a two-minute clip; more would show nothing new.
_MOST_LOOKS = 240
_CUSTOMARY = "sRGB - Texture"


def frames_of(path: Path) -> list[int | None]:
    """The frames of a movie to look at, evenly spread. Raises `RenderError('movie-unreadable')`."""
    clip = _open(path)
    count = int(clip.get(cv2.CAP_PROP_FRAME_COUNT))
    clip.release()
    if count < 1:
        raise RenderError("movie-unreadable", f"{path.name} holds no frames that can be read.")
    return [int(index) for index in np.unique(np.linspace(0, count - 1, min(count, _MOST_LOOKS)).round())]


def frame_of(path: Path, index: int, color: ColorConfig, space: str | None) -> Frame:
    """Frame `index` of a movie, float32 (h, w, 3) in `space`, sRGB when nothing is said."""
    clip = _open(path)
    clip.set(cv2.CAP_PROP_POS_FRAMES, index)
    done, picture = clip.read()
    clip.release()
    if not done or picture is None:
        raise RenderError("movie-unreadable", f"Frame {index} of {path.name} cannot be read.")
    pixels = np.ascontiguousarray(picture[..., ::-1]).astype(np.float32) / np.float32(255)
    return Frame(pixels, Window(0, 0, pixels.shape[1], pixels.shape[0]), color.resolve(space or _CUSTOMARY), color)


def _open(path: Path) -> cv2.VideoCapture:
    clip = cv2.VideoCapture(str(path))
    if not clip.isOpened():
        raise RenderError("movie-unreadable", f"{path.name} is no movie that can be read; give frames instead.")
    return clip
