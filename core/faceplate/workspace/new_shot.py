"""A new shot from a plate and a source: what the plate says of itself, and the shot file with everything beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from faceplate.color import ColorConfig
from faceplate.color.reading import choice_of
from faceplate.errors import FaceplateError, UsageError
from faceplate.plate import PlateFile, Sequence
from faceplate.plate.movie import open_movie
from faceplate.shot import new_document, write_document
from faceplate.system.user_paths import exists, make_folder
from faceplate_client import format_frames

__all__ = ["create_shot", "plate_answer", "shot_name"]

_NAME = re.compile(r"[^\W][\w .+-]{0,99}", re.UNICODE)


def plate_answer(pattern: str, ocio: str | None = None) -> dict[str, Any]:
    """Return what a plate's first frame says, and the spaces of the config `ocio`. Raises what reading them raises."""
    sequence, color = Sequence.parse(pattern), ColorConfig.load(ocio)
    frames = sequence.declared or sequence.on_disk()
    if not frames and not (sequence.is_still and exists(sequence.path(0))):
        raise UsageError("no-frames", f"No frame of {pattern} was found; check the pattern and the folder.")
    first = frames[0] if frames else 0
    file = PlateFile.open(sequence.path(first), frame=first)
    return {
        "pattern": str(sequence),
        "frames": format_frames(frames),
        "first": first,
        "width": file.display.width,
        "height": file.display.height,
        "pixel_aspect": file.pixel_aspect,
        "rate": str(open_movie(sequence.path(first)).rate) if sequence.is_movie else None,
        "space": _space(file, color),
        "spaces": _spaces(color),
        "config": color.source,
    }


def shot_name(plate: str) -> str:
    """Return a name for the shot of a plate: the file's name without number and ending."""
    sequence = Sequence.parse(plate)
    stem = sequence.prefix if sequence.padding is not None else Path(sequence.prefix).stem
    return re.sub(r"[^\w-]+", "_", stem.strip("._- ")) or "shot"


def create_shot(folder: Path, name: str, plate: str, source: str | None, space: str | None) -> Path:
    """Write a new shot file `NAME.shot.json` into `folder`, with its track and its output beside it; return its path.

    Raises
    ------
    UsageError
        `bad-name`, `shot-exists`, `bad-shot`.
    RenderError
        `disk-full`, `output-unwritable`.
    """
    if not _NAME.fullmatch(name) or name.endswith((".", " ")):
        raise UsageError("bad-name", "A shot's name holds letters, digits, spaces, dots and hyphens, and no folder.")
    path = folder / f"{name}.shot.json"
    if exists(path):
        raise UsageError("shot-exists", f"{path} is there already; open it, or choose another name.")
    make_folder(folder, "shot's folder")
    document = new_document(
        name=name,
        plate=plate,
        source=source,
        space=space,
        track=f"{name}.track.json",
        output=f"{name}_swap/{name}_swap.####.exr",
        frames="1" if Sequence.parse(plate).is_still else None,
    )
    write_document(document, path)
    return path


def _space(file: PlateFile, color: ColorConfig) -> dict[str, Any] | None:
    try:
        choice = choice_of(file, color)
    except FaceplateError:  # nothing says the space: the artist chooses it
        return None
    return {"name": choice.name, "reason": choice.reason, "assumed": choice.assumed}


def _spaces(color: ColorConfig) -> list[dict[str, str]]:
    """Return the config's active spaces in its own order."""
    return [
        {"name": space.getName(), "family": space.getFamily(), "description": space.getDescription()}
        for space in color.config.getColorSpaces()
    ]
