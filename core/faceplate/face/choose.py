"""Which of a frame's faces is meant: the largest, the leftmost, one by number, or the one most like a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faceplate.errors import RenderError, UsageError
from faceplate.face.face import Face
from faceplate.face.identity import likeness

__all__ = ["choose_face", "parse_target"]

# Below SFace's own threshold for one person (0.363) two pictures of one person under very different light still
# agree this far, and two people rarely do.
_LIKENESS_FLOOR = 0.25
_CLEARLY_LARGER = 2.0


def parse_target(text: str) -> str | int:
    """`auto`, `largest`, `leftmost`, `rightmost`, a number from 1 (left to right), or anything else: a picture's path."""
    word = text.strip()
    if not word:
        raise UsageError("bad-target", "The target is empty; give largest, leftmost, rightmost, a number or a picture.")
    if word.lstrip("+-").isdigit():
        if int(word) < 1:
            raise UsageError("bad-target", f"Faces are numbered from 1, left to right; '{word}' is not one.")
        return int(word)
    return word


def choose_face(
    faces: tuple[Face, ...],
    target: str | int,
    embed: Callable[[Face], np.ndarray],
    wanted: np.ndarray | None = None,
) -> Face:
    """The face that `target` means among `faces`.

    `embed` gives a face's identity embedding, `wanted` that of the picture when the target is one. Raises
    `RenderError` with code `no-face`, `several-faces`, `no-such-face` or `no-likeness`.
    """
    if not faces:
        raise RenderError("no-face", "No face was found in the frame.")
    leftward = sorted(faces, key=lambda face: face.points[:, 0].mean())
    if isinstance(target, int):
        if target > len(leftward):
            raise RenderError("no-such-face", f"Face {target} was asked for, but the frame shows {len(leftward)}.")
        return leftward[target - 1]
    if wanted is None:
        return {"leftmost": leftward[0], "rightmost": leftward[-1]}.get(target) or _largest(faces, target == "auto")
    likest = max(((likeness(embed(face), wanted), index) for index, face in enumerate(faces)), key=lambda pair: pair[0])
    if likest[0] < _LIKENESS_FLOOR:
        raise RenderError(
            "no-likeness",
            f"None of the frame's {len(faces)} faces is like {target} (best likeness {likest[0]:.2f}, "
            f"{_LIKENESS_FLOOR:.2f} is needed).",
        )
    return faces[likest[1]]


def _largest(faces: tuple[Face, ...], clearly: bool) -> Face:
    by_size = sorted(faces, key=lambda face: -face.size)
    if clearly and len(faces) > 1 and by_size[0].size < _CLEARLY_LARGER * by_size[1].size:
        raise RenderError(
            "several-faces",
            f"The frame shows {len(faces)} faces; choose one with --target: largest, leftmost, rightmost, a number from "
            "1 (left to right), or a picture of the person.",
        )
    return by_size[0]
