"""The demo as a shot file in the user's own folder: a plate of one invented person, and another as the source."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from faceplate.demo import person
from faceplate.demo.plate import make_plate
from faceplate.shot import new_document, write_document
from faceplate.system.atomic import write_failed
from faceplate.system.paths import data_folder

__all__ = ["demo_shot", "make_demo"]

_FRAMES = 24


def demo_shot() -> Path:
    """Return the path of the demo's shot file; it may not be there yet."""
    return data_folder() / "demo" / "demo.shot.json"


def make_demo(progress: Callable[[int, int], None] | None = None, frames: int = _FRAMES) -> Path:
    """Make the demo's plate and its shot file; return the file. Raises what `make_plate` raises."""
    shot = demo_shot()
    plate = make_plate(shot.parent / "plate", frames=frames, progress=progress)
    # A copy, so that pictures that are dropped in do not change the package.
    try:
        shutil.copytree(person("bea"), shot.parent / "bea", dirs_exist_ok=True)
    except OSError as error:
        raise write_failed(shot.parent / "bea", error) from error
    document = new_document(
        name="demo",
        plate=f"plate/{Path(plate).name}",
        source="bea",
        person="bea",
        track="demo.track.json",
        output="swap/swap.####.exr",
    )
    write_document(document, shot)
    return shot
