"""The source: pictures of the person who is put in, each with its face found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplate.color import ColorConfig
from faceplate.errors import FaceplateError, UsageError
from faceplate.face import Face, FaceFinder
from faceplate.frame import Frame, read_still

__all__ = ["Source", "SourceView", "read_source"]

_PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".exr", ".dpx", ".webp", ".bmp"}


@dataclass(frozen=True)
class SourceView:
    """One picture of the source: its pixels float32 (h, w, 3) in the working space, and its face in that picture."""

    path: Path
    frame: Frame
    pixels: np.ndarray
    face: Face


@dataclass(frozen=True)
class Source:
    """All usable pictures of one person; `skipped` says in words which were left out and why."""

    views: tuple[SourceView, ...]
    skipped: tuple[str, ...]

    def embedding(self, finder: FaceFinder) -> np.ndarray:
        """The person's identity, the mean of the views' raw embeddings, float32 (128,)."""
        return np.mean([finder.embed(view.frame, view.face) for view in self.views], axis=0)


def read_source(path: Path, color: ColorConfig, finder: FaceFinder, space: str | None = None) -> Source:
    """Every picture at `path` (one file, or a folder's pictures in name order) with the largest face in each.

    Pictures without a face, and files that cannot be read, are skipped and said in `Source.skipped`. Raises
    `UsageError` with code `source-missing` or `source-without-face`.
    """
    views: list[SourceView] = []
    skipped: list[str] = []
    for picture in _pictures(path):
        try:
            view = _read_view(picture, color, finder, space)
        except FaceplateError as error:
            skipped.append(f"{picture.name}: {error}")
            continue
        if view is None:
            skipped.append(f"{picture.name}: no face found")
        else:
            views.append(view)
    if not views:
        reason = f" ({skipped[0]})" if skipped else ""
        raise UsageError(
            "source-without-face", f"No picture of the source at {path} shows a face{reason}; give clear pictures of it."
        )
    return Source(tuple(views), tuple(skipped))


def _pictures(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(item for item in path.iterdir() if item.suffix.lower() in _PICTURES and item.is_file())
        if not found:
            raise UsageError("source-without-face", f"The source folder {path} holds no picture; put the person's in it.")
        return found
    if not path.is_file():
        raise UsageError("source-missing", f"There is no source at {path}; give a picture or a folder of pictures.")
    return [path]


def _read_view(path: Path, color: ColorConfig, finder: FaceFinder, space: str | None) -> SourceView | None:
    frame = read_still(path, color, space)
    faces = finder.find(frame)
    return SourceView(path, frame, frame.working(), faces[0]) if faces else None
