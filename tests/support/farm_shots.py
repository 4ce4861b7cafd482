"""Small shots for the farm's tests: a demo performance at a quarter of its size, photographed by the tracking tests' camera."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import OpenImageIO as oiio  # noqa: N813
import pytest

from faceplate.cli import main
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.plate import Sequence
from faceplate.provenance.fingerprints import fingerprint
from faceplate.render import Renderer
from faceplate.shot import load_shot
from track_plates import noisy, performed, write

__all__ = ["SIDE", "cheap", "pixels_of", "ran", "small_shot", "with_pixels"]

SIDE = 256


def small_shot(folder: Path, frames: int = 24, first: int = 1001, skip: int = 0, **keys: Any) -> Path:
    """Plate, source and shot file in `folder`; `keys` are the document's. Answers the shot file."""
    for index in range(frames):
        small = cv2.resize(performed((skip + index) % 24), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        path = folder / "plates" / f"plate.{first + index:04d}.exr"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, noisy(small, skip + index, 0.5))
    if not (folder / "bea").exists():
        shutil.copytree(person("bea"), folder / "bea")
    document = {
        "faceplate_shot": 1,
        "name": "sh010",
        "plate": "plates/plate.####.exr",
        "source": "bea",
        "output": "out/sh010.####.exr",
        **keys,
    }
    path = folder / "sh010.shot.json"
    path.write_text(json.dumps({key: value for key, value in document.items() if value is not None}))
    return path


def cheap(**more: Any) -> dict[str, Any]:
    """Keys of a shot whose frames cost little: nobody's face is put in."""
    quick = {"generator": "null", "occlusion": 0.0, "grain": 0.0, **more}
    return {"source": None, "mode": "over", "parameters": quick}


def ran(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[dict[str, Any]]]:
    """A command with JSON lines: its exit code and its events."""
    capsys.readouterr()
    code = main._run([*map(str, words), "--log", "json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def pixels_of(pattern: str | Path) -> dict[int, str]:
    """A hash of each frame's pixels, by frame."""
    sequence = Sequence.parse(pattern)
    return {frame: fingerprint(sequence.path(frame)).pixels for frame in sequence.on_disk()}


def with_pixels(path: Path, change: Any, **attributes: str) -> None:
    """The file with `change(pixels)` in place of its pixels, and header fields replaced; everything else stays."""
    picture = oiio.ImageBuf(str(path))
    read = picture.get_pixels(oiio.FLOAT)
    assert read is not None
    pixels = read.copy()
    changed = change(pixels)
    picture.set_pixels(picture.roi, pixels if changed is None else changed)
    for name, value in attributes.items():
        picture.specmod().attribute(name.replace("__", ":"), value)
    assert picture.write(str(path)), picture.geterror()


def renderer_of(shot: Path) -> Renderer:
    return Renderer(load_shot(shot), FaceFinder.embedded())
