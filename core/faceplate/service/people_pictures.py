"""Small pictures of the people in a track, for a host's tooltips."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.color import to_uint8
from faceplate.color.reading import read_frame
from faceplate.errors import FaceplateError, UsageError
from faceplate.render import Renderer
from faceplate.system.atomic import write_bytes
from faceplate.system.user_paths import make_folder
from faceplate.track import Track

__all__ = ["people_pictures"]

# Room around the face's mesh, as a fraction of its size.
_ROOM = 0.25
# Frames that are looked at for the largest face.
_MOST = 12


def people_pictures(renderer: Renderer, folder: Path, size: int) -> dict[str, str]:
    """Write a PNG of each person of the shot's track into `folder`; return the files by the person's id.

    The picture is the face in that of a dozen frames in which it is largest, `size` pixels high, in the config's display
    colours. A person whose plate cannot be read is left out. Raises `UsageError('no-track')`, `RenderError('output-unwritable')`.
    """
    track = renderer.resources.track
    if track is None:
        raise UsageError("no-track", "The shot has no track; track it first.")
    make_folder(folder)
    found: dict[str, str] = {}
    for person in track.people:
        try:
            picture = _face_picture(renderer, track, person.id, person.frames, size)
        except FaceplateError:  # rendering reports it
            continue
        if picture is not None:
            path = folder / f"{person.id}.png"
            write_bytes(path, picture)
            found[person.id] = str(path)
    return found


def _face_picture(renderer: Renderer, track: Track, person: str, frames: tuple[int, ...], size: int) -> bytes | None:
    """Return one person's picture as PNG; None where no frame of the plate is there."""
    some = [frames[k] for k in sorted({int(k) for k in np.linspace(0, len(frames) - 1, min(_MOST, len(frames)))})]
    there = [frame for frame in some if renderer.plate.has(frame)]
    faces = [(found.face.size, frame, found.face) for frame in there if (found := track.face(person, frame))]
    if not faces:
        return None
    _, frame, face = max(faces, key=lambda item: item[:2])
    file = renderer.open(frame)
    window = face.window(_ROOM).intersect(file.data)
    if window.empty:
        return None
    working = read_frame(file, renderer.color, renderer.shot.space, window).working()
    width = max(round(size * window.width * file.pixel_aspect / window.height), 1)
    small = cv2.resize(np.nan_to_num(working), (width, size), interpolation=cv2.INTER_AREA)
    shown = to_uint8(np.clip(renderer.color.to_display(small), 0, 1))
    return cv2.imencode(".png", np.ascontiguousarray(shown[..., ::-1]))[1].tobytes()
