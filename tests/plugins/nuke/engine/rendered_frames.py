"""Rendered frames of a script and of its exported shot, and their comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.cli import main as cli
from nuke_stage import Stage
from plates import read_file

HALF = 2.0**-10
"""Half rounds to 11 bits; a merge in float of a half element and a half plate differs by no more."""


def faceplate_render(stage: Stage, node: Any, frames: tuple[int, ...], mode: str = "over") -> dict[int, np.ndarray]:
    """The frames of the exported shot, rendered by the command line."""
    shot = stage.folder / "export" / f"{node.name()}.{mode}.shot.json"
    tools = stage.adapter("tools")
    tools.export_shot(node, str(shot), frames, f"{stage.folder}/export/{mode}.####.exr")
    document = json.loads(shot.read_text("utf-8"))
    shot.write_text(json.dumps({**document, "mode": mode}), "utf-8")
    assert cli._run(["render", str(shot)]) == 0
    return {frame: read_file(stage.folder / "export" / f"{mode}.{frame}.exr")[0] for frame in frames}


def finals(stage: Stage, frames: tuple[int, ...], name: str = "Write1") -> dict[int, np.ndarray]:
    return {frame: read_file(stage.folder / f"out_{name}" / f"final.{frame}.exr")[0] for frame in frames}


def assert_same(mine: np.ndarray, theirs: np.ndarray) -> None:
    """RGB to half rounding, and the exact plate where nothing was done."""
    difference = np.abs(mine[..., :3] - theirs[..., :3])
    assert np.all(difference <= HALF * np.maximum(np.abs(theirs[..., :3]), 2.0**-4)), float(difference.max())


def plate_pixels(pattern: str, frame: int) -> np.ndarray:
    return read_file(Path(pattern.replace("####", str(frame))))[0]
