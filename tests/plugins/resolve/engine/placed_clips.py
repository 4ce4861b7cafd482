"""Placed results and their comparison with other renders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.cli import main
from faceplate_client import frame_path
from faceplate_resolve.host import Host
from faceplate_resolve.swap_record import record_of
from plates import read_file
from resolve_scene import SIDE, Scene

QUICK = {"occlusion": 0.0, "grain": 0.0}

NULL = {"generator": "null", **QUICK}
"""The null generator gives the plate back, so that a frame that is out of step differs, and nothing else does."""

START = 86400


def host_of(scene: Scene) -> Host:
    return Host.of(scene.resolve)


def shot_of(item: Any) -> tuple[Path, dict[str, Any]]:
    memory = record_of(item)
    assert memory is not None
    return Path(memory.shot), json.loads(Path(memory.shot).read_text())


def assert_equals_command_line(item: Any, tmp_path: Path) -> None:
    """The placed media's files hold the pixels that `faceplate render` makes of the shot file."""
    path, document = shot_of(item)
    assert Path(document["track"]).exists()
    pattern = tmp_path / "again" / "x.####.exr"
    with pytest.raises(SystemExit) as left:
        main.run(["render", str(path), "-o", str(pattern)])
    assert left.value.code == 0
    first, last = (int(part) for part in document["frames"].split("-"))
    for number in range(first, last + 1):
        own, _ = read_file(Path(frame_path(document["output"], number)))
        again, _ = read_file(pattern.with_name(f"x.{number:04d}.exr"))
        assert np.array_equal(own, again), f"frame {number}"
    shutil.rmtree(pattern.parent)


def assert_in_step(placed: Any, original: Any, swapped: bool = False) -> None:
    """At every record frame the result shows what the original shows: the same picture, or but for the face."""
    assert (placed._start, placed._end) == (original._start, original._end)
    for record in range(placed._start, placed._end):
        new = placed._media._pixels(placed._shows(record))
        old = original._media._pixels(original._shows(record))
        if swapped:
            assert np.abs(new - old).max() > 0.02, "no face was replaced"
            new, old = new[:24, :24], old[:24, :24]  # beyond the head and what moves with it
        above = SIDE * 2 // 3  # the slate of a preview without a release
        assert np.array_equal(new[:above], old[:above]), f"record frame {record}"
