"""The same job for OpenCue, through its `outline` library: one layer for each step, with outline's own chunks.

A layer's command runs by itself on any node, so every chunk starts an engine of its own.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from faceplate.errors import UsageError
from faceplate.farm.plan import FarmJob, frames_text
from faceplate.plate import Sequence

__all__ = ["make_outline", "outline_xml"]

# Cuebot replaces this word by the frames of a chunk, such as 1001-1010.
_CHUNK = "#FRAMESPEC#"


def make_outline(job: FarmJob, shot_file: Path) -> Any:
    """Return an `outline.Outline` of the job, ready to launch; `shot_file` is the snapshot in the job's bundle.

    Raises `UsageError('no-opencue')` without the extra `faceplate[opencue]`.
    """
    try:
        outline, shell = importlib.import_module("outline"), importlib.import_module("outline.modules.shell")
    except ImportError as error:
        raise UsageError(
            "no-opencue", "OpenCue needs the extra packages of faceplate[opencue]; install them."
        ) from error
    track, folder = job.shot.track, Sequence.parse(job.shot.output).folder.absolute()
    where = [str(shot_file.absolute()), "--output-folder", str(folder), "--track", str(track)]
    made = outline.Outline(f"faceplate_{job.name}", frame_range=_range(job.frames))
    before = None
    if job.tracking:
        words = [*where, "--frames", _range(job.track_frames), "--stretches", f"0-{job.stretches - 1}"]
        tracked = shell.ShellCommand("track", command=["faceplate", "farm", "track", *words], range="1-1")
        merged = shell.ShellCommand(
            "merge", command=["faceplate", "farm", "merge", *where, "--frames", _range(job.track_frames)], range="1-1"
        )
        merged.depend_on(tracked)
        made.add_layer(tracked)
        made.add_layer(merged)
        before = merged
    render_words = ["render", "--shot", where[0], *where[1:], "--frames", _CHUNK]
    rendered = shell.Shell(
        "render", command=["faceplate-farm", *render_words], range=_range(job.frames), chunk=job.chunk
    )
    if before is not None:
        rendered.depend_on(before)
    checked = shell.ShellCommand(
        "check", command=["faceplate", "check", *where, "--frames", _range(job.frames)], range="1-1"
    )
    checked.depend_on(rendered)
    made.add_layer(rendered)
    made.add_layer(checked)
    return made


def outline_xml(job: FarmJob, shot_file: Path) -> str:
    """Return the job as the XML that a Cuebot accepts; no server is contacted."""
    made = make_outline(job, shot_file)
    launcher = importlib.import_module("outline.cuerun").OutlineLauncher(made)
    return str(launcher.serialize(use_pycuerun=False))


def _range(frames: tuple[int, ...]) -> str:
    return frames_text(frames).replace(":", "x")
