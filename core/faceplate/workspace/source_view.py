"""What the page shows of a source: its pictures, what is missing, and its release."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.color import ColorConfig, to_uint8
from faceplate.color.reading import read_still
from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.plate import PlateFile
from faceplate.plate.movie import is_movie
from faceplate.render import Renderer
from faceplate.review.source_sheet import draw_map
from faceplate.source import Source
from faceplate.source.advice import missing_pictures
from faceplate.source.pictures import source_files
from faceplate.system.user_paths import is_dir

__all__ = ["find_picture", "map_thumbnail", "source_answer", "thumbnail"]

_MOST_PIXELS = 100_000_000


def source_answer(renderer: Renderer) -> dict[str, Any]:
    """Return a shot's source for the page; where no picture can be used, the reason stands in `error`."""
    path, shot = renderer.shot.source, renderer.shot
    check, decision = renderer.resources.consent
    answer: dict[str, Any] = {
        "path": None if path is None else str(path),
        "kind": _kind(path),
        "name": shot.person,
        "writable": path is not None and is_dir(path) and os.access(path, os.W_OK),
        "pictures": [],
        "missing": [],
        "release": {"state": str(check.state), "text": check.text, "id": check.id, "slate": decision.slate},
        "error": None,
    }
    if path is None:
        return answer
    try:
        source = renderer.source
    except FaceplateError as error:
        return answer | {"error": {"code": error.code, "message": str(error)}, "pictures": _files_alone(path)}
    return answer | {"pictures": _pictures(path, source), "missing": list(missing_pictures(source))}


def find_picture(path: Path, name: str) -> Path:
    """Return the picture `name` of the source at `path`. Raises `UsageError('no-picture')`."""
    for file in source_files(path):
        if file.name == name:
            return file
    raise UsageError("no-picture", f"The source has no picture '{name}'.")


def thumbnail(file: Path, color: ColorConfig, space: str | None, size: int) -> bytes:
    """Return a picture of the source as JPEG, its longer side `size` pixels.

    Raises `UsageError('picture-too-large')`, and what reading raises.
    """
    if not is_movie(file):
        window = PlateFile.open(file).data
        if window.area > _MOST_PIXELS:
            raise UsageError(
                "picture-too-large", f"{file.name} has {window.width} x {window.height} pixels; reduce it."
            )
    still = read_still(file, color, space)
    return _jpeg(color.to_display(np.nan_to_num(_small(still.working(), size))), file.name)


def map_thumbnail(source: Source, name: str, kind: str, size: int) -> bytes:
    """Return one of `review.source_sheet.MAPS` of the view `name` as JPEG, its longer side `size` pixels.

    Raises `UsageError('no-picture')` where the source has no such view, or does not use it.
    """
    view = next((view for view in source.views if view.name == name), None)
    if view is None:
        raise UsageError("no-picture", f"The source has no maps of '{name}'.")
    return _jpeg(_small(np.nan_to_num(draw_map(source, view, kind)), size), name)


def _small(pixels: np.ndarray, size: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = min(size / max(height, width), 1.0)
    shape = (max(round(width * scale), 1), max(round(height * scale), 1))
    return cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA)


def _jpeg(shown: np.ndarray, name: str) -> bytes:
    pixels = np.ascontiguousarray(to_uint8(np.clip(shown, 0, 1))[..., ::-1])
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not done:
        raise RenderError("output-unwritable", f"{name} could not be encoded as JPEG.")
    return data.tobytes()


def _kind(path: Path | None) -> str:
    if path is None:
        return "none"
    if is_dir(path):
        return "folder"
    return "movie" if is_movie(path) else "picture"


def _files_alone(path: Path) -> list[dict[str, Any]]:
    try:
        files = source_files(path)
    except UsageError:
        return []
    return [{"name": file.name, "used": False, "why": "It could not be used.", "turn": None} for file in files]


def _pictures(path: Path, source: Source) -> list[dict[str, Any]]:
    """Return every file of a source with how it is used."""
    skipped = {line.partition(": ")[0]: line.partition(": ")[2] for line in source.skipped}
    spare = {view.name for view in source.spare}
    found = []
    for file in source_files(path):
        views = [view for view in source.all_views if view.name.split("@")[0] == file.name]
        view = views[0] if views else None
        turn = None if view is None else [round(float(angle), 1) for angle in view.geometry.pose.angles[:2]]
        why = skipped.get(file.name, "")
        if view is not None and view.name in spare:
            why = "Too similar to others; it is used where it is pinned."
        found.append(
            {
                "name": file.name,
                "used": any(view.name not in spare for view in views),
                "why": why,
                "turn": turn,
                "views": [view.name for view in views],
                "maps": [view.name for view in views if view.name not in spare],
            }
        )
    return found
