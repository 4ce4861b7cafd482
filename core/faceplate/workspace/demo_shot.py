"""The demo as a shot file in the user's own folder: a plate of one invented person, and another as the source."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from faceplate.demo import person
from faceplate.demo.plate import make_plate
from faceplate.errors import UsageError
from faceplate.service.roots import Roots
from faceplate.shot import new_document, write_document
from faceplate.system.atomic import write_failed
from faceplate.system.paths import data_folder

__all__ = ["demo_shot", "make_demo"]

_FRAMES = 24


def demo_shot(roots: Roots) -> Path:
    """Return the path of the demo's shot file, which may not be there yet.

    It lies in the user's own data folder; where the roots do not allow that, in the first root.
    """
    own = data_folder() / "demo"
    try:
        roots.check(own)
    except UsageError:
        own = roots.folders[0] / "faceplate_demo"
    return own / "demo.shot.json"


def make_demo(shot: Path, progress: Callable[[int, int], None] | None = None, frames: int = _FRAMES) -> Path:
    """Make the demo's plate and its shot file `shot`; return the file. Raises what `make_plate` raises."""
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
