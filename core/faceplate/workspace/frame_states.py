"""The state of every frame of a shot, for the timeline: rendered, stale, missing, and what was noticed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from faceplate.errors import FaceplateError
from faceplate.render import Renderer
from faceplate.system.user_paths import stat_or_none
from faceplate_client.exr import header

__all__ = ["FrameKeys", "FrameStates", "keys_on_timeline"]

# Keys in headers of files by name, size and date, so that a timeline of a thousand frames opens no file twice.
_MOST_HEADERS = 20_000
_headers: OrderedDict[tuple[str, int, int], str] = OrderedDict()
_lock = threading.Lock()


class FrameKeys:
    """Keys of frames that a timeline asks for again and again, each worked out once a minute.

    A renderer is made anew when its shot or a file behind it changes, and a plate's file is known by its size and date; only a
    matte or a picture of the target that changes on disk is noticed late. `clock` gives the time in seconds.
    """

    _SECONDS, _RENDERERS = 60.0, 8

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # The renderer is kept too, so that no other one can have its identity.
        self._known: OrderedDict[int, tuple[Renderer, dict[int, tuple[float, str, str]]]] = OrderedDict()

    def key(self, renderer: Renderer, frame: int, mark: str) -> str:
        """Return `renderer.key(frame)`; `mark` changes with the plate's file. Raises what that raises."""
        with self._lock:
            _, keys = self._known.setdefault(id(renderer), (renderer, {}))
            self._known.move_to_end(id(renderer))
            while len(self._known) > self._RENDERERS:
                self._known.popitem(last=False)
            when, before, key = keys.get(frame, (0.0, "", ""))
        if key and before == mark and self._clock() - when < self._SECONDS:
            return key
        key = renderer.key(frame)
        keys[frame] = (self._clock(), mark, key)
        return key


class FrameStates:
    """States of a shot's frames: `rendered`, `stale`, `missing`, or `plate-missing`.

    A file is stale when its header does not name what the frame would be made of now. Only headers are read. With `keys` a
    frame's key may be up to a minute old.
    """

    def __init__(self, renderer: Renderer, keys: FrameKeys | None = None) -> None:
        self._renderer = renderer
        self._keys = keys
        self._has_output = bool(renderer.shot.output)

    def of(self, frame: int) -> str:
        """Return the state of one frame."""
        renderer = self._renderer
        written = _written_key(renderer.output.path(frame)) if self._has_output else None
        try:
            number = renderer.plate_frame(frame)
            plate = None if number is None else stat_or_none(renderer.plate.path(number))
            if plate is None:
                return "plate-missing"
            if written is None:
                return "missing"
            mark = f"{plate.st_size} {plate.st_mtime_ns}"
            key = self._keys.key(renderer, frame, mark) if self._keys else renderer.key(frame)
            return "rendered" if written == key else "stale"
        except FaceplateError:
            return "missing" if written is None else "stale"

    def all(self, frames: Iterable[int]) -> dict[str, str]:
        """Return the states by frame number as text."""
        return {str(frame): self.of(frame) for frame in frames}


def keys_on_timeline(renderer: Renderer) -> dict[str, list[int]]:
    """Return the frames at which parameters have keys, by parameter; of one of several faces as `face/parameter`."""
    shot = renderer.shot
    found = {name: [key.frame for key in curve.keys] for name, curve in shot.curves.items()}
    for face in shot.faces:
        found |= {f"{face.name}/{name}": [key.frame for key in curve.keys] for name, curve in face.curves.items()}
    return found


def _written_key(path: Path) -> str | None:
    """Return the key in the header of a file, "" for a file without one; None where there is no file."""
    known = stat_or_none(path)
    if known is None:
        return None
    name = (str(path), known.st_size, known.st_mtime_ns)
    with _lock:
        if name in _headers:
            return _headers[name]
    key: Any = header(str(path)).get("faceplate:key", "")
    with _lock:
        _headers[name] = str(key)
        while len(_headers) > _MOST_HEADERS:
            _headers.popitem(last=False)
    return str(key)
