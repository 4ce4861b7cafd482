"""Choice of the target face: the largest, the leftmost, one by number, at a point, or most like a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from faceplate.errors import RenderError, UsageError
from faceplate.face.face import Face
from faceplate.face.identity import likeness

__all__ = ["CLEARLY_LARGER", "Point", "choose_face", "distance_to", "parse_point", "parse_target"]

# Two pictures of one person under very different light can be less alike than SFace's own threshold (0.363). They still
# reach this likeness, and two people rarely do.
_LIKENESS_FLOOR = 0.25
CLEARLY_LARGER = 2.0
"""A face that is this many times as large as any other is chosen without being named."""


@dataclass(frozen=True)
class Point:
    """A point in plate pixels (y down), of `frame` or, when that is None, of the frame being processed."""

    frame: int | None
    x: float
    y: float


def parse_point(text: str) -> Point | None:
    """Parse `1001:640,360` or `640,360`; None for anything else."""
    frame, colon, place = text.rpartition(":")
    try:
        x, y = (float(part) for part in place.split(","))
        number = int(frame) if colon else None
    except ValueError:
        return None
    return Point(number, x, y) if math.isfinite(x) and math.isfinite(y) else None


def parse_target(text: str) -> str | int | Point:
    """Parse a target: `auto`, `largest`, `leftmost`, `rightmost`, a number from 1 (left to right), a point, or a picture's path.

    Raises
    ------
    UsageError
        `bad-target`.
    """
    word = text.strip()
    if not word:
        raise UsageError("bad-target", "The target is empty; give largest, leftmost, rightmost, a number or a picture.")
    if word.lstrip("+-").isdigit():
        if int(word) < 1:
            raise UsageError("bad-target", f"Faces are numbered from 1, left to right; '{word}' is not one.")
        return int(word)
    return parse_point(word) or word


def choose_face(
    faces: tuple[Face, ...],
    target: str | int | Point,
    embed: Callable[[Face], np.ndarray],
    wanted: np.ndarray | None = None,
) -> Face:
    """Choose the face that `target` names among `faces`.

    Parameters
    ----------
    faces : tuple of Face
        The faces of the frame.
    target : str, int or Point
        From `parse_target`.
    embed : callable
        Returns a face's identity embedding.
    wanted : np.ndarray, optional
        The embedding of the picture, when the target is one.

    Raises
    ------
    RenderError
        `no-face`, `several-faces`, `no-such-face` or `no-likeness`.
    """
    if not faces:
        raise RenderError("no-face", "No face was found in the frame.")
    leftward = sorted(faces, key=lambda face: face.points[:, 0].mean())
    if isinstance(target, int):
        if target > len(leftward):
            raise RenderError("no-such-face", f"Face {target} was asked for, but the frame shows {len(leftward)}.")
        return leftward[target - 1]
    if isinstance(target, Point):
        return min(faces, key=lambda face: distance_to(face, target.x, target.y))
    if wanted is None:
        return {"leftmost": leftward[0], "rightmost": leftward[-1]}.get(target) or _largest_face(
            faces, target == "auto"
        )
    likest = max(((likeness(embed(face), wanted), index) for index, face in enumerate(faces)), key=lambda pair: pair[0])
    if likest[0] < _LIKENESS_FLOOR:
        raise RenderError(
            "no-likeness",
            f"None of the frame's {len(faces)} faces is like {target} (best likeness {likest[0]:.2f}, "
            f"{_LIKENESS_FLOOR:.2f} is needed).",
        )
    return faces[likest[1]]


def distance_to(face: Face, x: float, y: float) -> tuple[float, float]:
    """Compute the distance of (x, y) from the face's box, 0 inside it, and from the box's centre, in plate pixels."""
    left, top, width, height = face.box
    away = math.hypot(max(left - x, 0, x - left - width), max(top - y, 0, y - top - height))
    return away, math.hypot(x - left - width / 2, y - top - height / 2)


def _largest_face(faces: tuple[Face, ...], clearly: bool) -> Face:
    by_size = sorted(faces, key=lambda face: -face.size)
    if clearly and len(faces) > 1 and by_size[0].size < CLEARLY_LARGER * by_size[1].size:
        raise RenderError(
            "several-faces",
            f"The frame shows {len(faces)} faces; choose one with --target: largest, leftmost, rightmost, a number from "
            "1 (left to right), a point x,y, or a picture of the person.",
        )
    return by_size[0]
