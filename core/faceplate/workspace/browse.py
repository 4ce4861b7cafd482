"""Folders for choosing a plate, a source, a shot and a model: folders, shot files, sequences, movies, within the allowed roots."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from fileseq.filesequence import FileSequence

from faceplate.errors import FaceplateError, UsageError
from faceplate.plate import Sequence
from faceplate.plate.movie import is_movie
from faceplate.service.roots import Roots
from faceplate.shot import is_shot_file
from faceplate.system.user_paths import entries, is_dir, resolved
from faceplate.workspace.train_routes import holds_training
from faceplate_client import format_frames

__all__ = ["allowed", "folder_answer", "start_folder"]

_PLATES = {".exr", ".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg"}
_MOST = 2000


def start_folder(roots: Roots) -> Path:
    """Return the folder that a choice begins in: the first root, else the user's home."""
    return roots.folders[0] if roots.folders else Path.home()


def folder_answer(roots: Roots, folder: str) -> dict[str, Any]:
    """Return what lies in a folder. Hidden names, and links that leave the roots, are left out.

    Raises
    ------
    UsageError
        `outside-roots`, `no-folder`.
    """
    place = Path(folder) if folder else start_folder(roots)
    roots.check(place)
    real = resolved(place)
    if real is None or not place.is_absolute() or not is_dir(place):
        raise UsageError("no-folder", f"There is no folder {folder}.")
    found = [item for item in entries(real) if not item.name.startswith(".") and allowed(roots, item)][:_MOST]
    files = [item for item in found if not is_dir(item)]
    parent = real.parent if real.parent != real and allowed(roots, real.parent) else None
    return {
        "folder": str(real),
        "parent": None if parent is None else str(parent),
        "folders": [item.name for item in found if is_dir(item)],
        "models": [item.name for item in found if is_dir(item) and holds_training(item)],
        "shots": [item.name for item in files if is_shot_file(item.name)],
        "sequences": _sequences(real, files),
        "pictures": sum(item.suffix.lower() in _PLATES for item in files),
    }


def allowed(roots: Roots, path: str | Path) -> bool:
    """Say whether a path, its links followed, lies in the roots."""
    try:
        roots.check(path)
    except UsageError:
        return False
    return True


def _sequences(folder: Path, files: list[Path]) -> list[dict[str, Any]]:
    """Return the numbered sequences, movies and stills among `files`, by name."""
    numbered: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    found: list[dict[str, Any]] = []
    for file in files:
        if is_movie(file.name):
            found.append(_entry(folder, file.name, (), "movie"))
        elif file.suffix.lower() in _PLATES:
            split = _split(file)
            if split is None:
                found.append(_entry(folder, file.name, (), "still"))
            else:
                numbered[split[:3]].append(split[3])
    for (prefix, suffix, padding), frames in numbered.items():
        found.append(_entry(folder, f"{prefix}{'#' * padding}{suffix}", tuple(sorted(frames)), "sequence"))
    return sorted(found, key=lambda item: item["name"])


def _split(file: Path) -> tuple[str, str, int, int] | None:
    """Return prefix, suffix, digits and number of a numbered file; None for a still."""
    sequence: Any = FileSequence(str(file))
    frames = sequence.frameSet()
    if frames is None or not len(frames):
        return None
    prefix, digits = sequence.basename(), len(sequence.padding())
    if not prefix.endswith("."):  # `Sequence` takes a number that stands alone between dots
        return None
    return prefix, sequence.extension(), max(digits, sequence.zfill()), int(frames[0])


def _entry(folder: Path, name: str, frames: tuple[int, ...], kind: str) -> dict[str, Any]:
    count = len(frames)
    if kind == "movie":
        try:
            frames = Sequence.parse(folder / name).on_disk()
            count = len(frames)
        except FaceplateError:
            count = 0
    return {
        "pattern": str(folder / name),
        "name": name,
        "frames": format_frames(frames) if frames else "",
        "count": count or 1,
        "kind": kind,
    }
