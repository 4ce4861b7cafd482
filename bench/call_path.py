"""Print the call path of one frame: the functions of `faceplate.render` in the order in which they are first called.

    python bench/call_path.py

renders and writes one frame of the demo plate with a track, watched by `sys.setprofile`, and prints each function once, under
the one that calls it, to a depth of three. `docs/architecture.md` shows the same lines. Left out are properties, functions
inside functions, helpers with a leading underscore, and the wrappers of `WRAPPERS`: what they call counts as their caller's.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from faceplate.demo import person
from faceplate.demo.plate import make_plate
from faceplate.render import Renderer
from faceplate.shot import Shot
from faceplate.track import track_shot

ROOM = "faceplate.render."
DEPTH = 3
# Modules whose functions only call, once or from a cache, what they are given.
WRAPPERS = ("frame_cache", "pool")


def main() -> None:
    """Print the call path of the demo's first frame."""
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(call_path(demo_renderer(Path(folder)), 1001)))


def demo_renderer(folder: Path) -> Renderer:
    """A prepared renderer of one frame of the demo plate, with a track."""
    plate = str(folder / make_plate(folder, frames=1))
    track = folder / "shot.track.json"
    track_shot(plate, track)
    shot = Shot(plate=plate, source=person("bea"), output=str(folder / "swap.####.exr"), track=track)
    renderer = Renderer(shot)
    renderer.prepare()
    return renderer


def call_path(renderer: Renderer, frame: int) -> list[str]:
    """The lines of the call path of `frame`, rendered and written."""
    watch = _Watch()
    sys.setprofile(watch)
    try:
        renderer.write(renderer.render(frame))
    finally:
        sys.setprofile(None)
    return watch.lines


class _Watch:
    """A profile function that notes the first call of each function of the room, indented by its depth."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._seen: set[CodeType] = set()
        self._stack: list[tuple[FrameType, bool]] = []

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and self._stack and self._stack[-1][0] is frame:
            self._stack.pop()
        if event != "call":
            return
        name = _name_of(frame)
        if not name:
            return
        # Inside a function that stands further up already, nothing is printed: it would stand under another name.
        is_new = frame.f_code not in self._seen and all(printed for _, printed in self._stack)
        if is_new and len(self._stack) <= DEPTH:
            self._seen.add(frame.f_code)
            self.lines.append("  " * len(self._stack) + name)
        self._stack.append((frame, is_new))


def _name_of(frame: FrameType) -> str:
    """`module.Class.function` of a call that belongs on the page, else an empty string."""
    module, code = str(frame.f_globals.get("__name__", "")), frame.f_code
    own = module.removeprefix(ROOM)
    if own == module or own in WRAPPERS or "<" in code.co_qualname or code.co_name.startswith("_"):
        return ""
    owner, _, name = code.co_qualname.rpartition(".")
    is_property = owner and not callable(getattr(frame.f_globals.get(owner), name, None))
    return "" if is_property else f"{own}.{code.co_qualname}"


if __name__ == "__main__":
    main()
