"""Blender with the extension installed, for the tests: its cases run as processes of their own, with a time limit."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
from bpy_modules import VERSIONS

from faceplate.color import ColorConfig
from faceplate.demo import people_folder
from faceplate.hosts.blender_programs import Blender

__all__ = [
    "CASES",
    "FRAMES",
    "HEIGHT",
    "LEFT",
    "LIMIT",
    "TOP",
    "WIDTH",
    "Host",
    "blender_of",
    "person",
    "read_pixels",
    "write_pixels",
]

CASES = Path(__file__).parent / "inside_blender" / "cases.py"
LIMIT = 240  # seconds for one process of Blender, on a busy machine
WIDTH, HEIGHT = 328, 174
LEFT, TOP = -8, 3  # of the data window; the display window is 320 x 180 from 0, 0
FRAMES = range(1001, 1009)
_WARNING = re.compile(r"DeprecationWarning|PATH_SUPPORTS_BLEND_RELATIVE|^WARN", re.MULTILINE)


@dataclass
class Host:
    """A Blender with the extension installed in a folder of its own, and the engine that its cases share."""

    python: Path
    user: Path
    run: Path
    folder: Path
    version: str
    answers: dict[str, Any] = field(default_factory=dict)

    @property
    def by_windows(self) -> bool:
        """Whether this Blender places a picture by its windows (5.2 and later), and not by its centre."""
        return tuple(map(int, self.version.split("."))) >= (5, 2)

    @property
    def size(self) -> list[int]:
        """The size to render at: the display window's, where Blender knows it, else the data window's."""
        return [320, 180] if self.by_windows else [WIDTH, HEIGHT]

    def result(self, path: Path) -> np.ndarray:
        """The rows of a rendered file that the plate's data window covers."""
        return self.rows(read_pixels(path))

    def rows(self, pixels: np.ndarray) -> np.ndarray:
        """The rows of a picture as large as the render that the plate's data window covers."""
        return pixels[TOP : TOP + HEIGHT] if self.by_windows else pixels

    def shown(self, pixels: np.ndarray) -> np.ndarray:
        """The columns of a picture as large as the plate's data window that a render shows."""
        return pixels[:, -LEFT:] if self.by_windows else pixels

    def case(
        self, name: str, place: Path, ask: dict[str, Any], variables: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any], str]:
        """Runs one case. Returns exit code, answer and all that was printed."""
        place.mkdir(parents=True, exist_ok=True)
        (place / "request.json").write_text(json.dumps({"size": self.size, **ask}))
        environment = {key: value for key, value in os.environ.items() if key not in ("OCIO", "PYTHONPATH")}
        environment |= {"BLENDER_USER_RESOURCES": str(self.user), "FACEPLATE_RUN": str(self.run)}
        done = subprocess.run(
            [str(self.python), str(CASES), name, str(place)],
            env={**environment, **(variables or {})},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said = done.stdout + done.stderr
        assert not _WARNING.search(said), said
        answers = [line[7:] for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
        return done.returncode, json.loads(answers[-1]) if answers else {}, said


def blender_of(host: Host) -> Blender:
    return Blender(host.python, tuple(map(int, VERSIONS[host.version].split("."))))  # type: ignore[arg-type]


def write_pixels(path: Path, pixels: np.ndarray, color: ColorConfig, space: str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, "half")
    spec.x, spec.y = LEFT, TOP
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, 320, 180
    spec.attribute("compression", "zip")
    if space:
        spec.attribute("oiio:ColorSpace", space)
    output = oiio.ImageOutput.create(str(path))
    assert (
        output is not None
        and output.open(str(path), spec)
        and output.write_image(np.ascontiguousarray(pixels, np.float32))
    )
    output.close()


def read_pixels(path: Path) -> np.ndarray:
    """A file's pixels, float32 (h, w, channels)."""
    source = oiio.ImageInput.open(str(path))
    assert source, f"{path}: {oiio.geterror()}"
    pixels = source.read_image("float")
    source.close()
    assert pixels is not None
    return pixels


def person(name: str) -> str:
    return str(people_folder() / name)
