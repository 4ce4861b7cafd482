"""Frames of the inner Writes, and whether they still match the script.

A small file beside each frame holds a digest (`upstream.state_of`) of everything that the frame was rendered from.
Modification times are not used: files are copied, and clocks differ.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import nuke

from faceplate_client import HostError, frame_path, frame_runs, read_text, write_text

from . import names
from .file_patterns import sibling_pattern
from .node_state import Plan, plan_of, read_state, result_of
from .nodes import inner
from .upstream import state_of

__all__ = ["note_rendered", "out_of_date", "refuse_stale", "render_missing"]


def _jobs(group: nuke.Group, plan: Plan) -> list[tuple[str, str, int]]:
    """Return for each inner Write that is needed: its name, its pattern, and the input that it renders."""
    result = result_of(group)
    jobs = []
    if plan.read is None:
        jobs.append((names.PLATE_OUT, sibling_pattern(result, "plate"), names.PLATE_INPUT))
    if plan.matte:
        jobs.append((names.MATTE_OUT, sibling_pattern(result, "matte"), names.MATTE_INPUT))
    return jobs


def note_rendered(group: nuke.Group, write: str, frame: int) -> None:
    """Record that the inner Write `write` has rendered `frame`."""
    stem, number = ("plate", names.PLATE_INPUT) if write == names.PLATE_OUT else ("matte", names.MATTE_INPUT)
    path = frame_path(sibling_pattern(result_of(group), stem), frame)
    write_text(path + ".state", _state(group, number, frame))


def out_of_date(group: nuke.Group, frames: Iterable[int]) -> dict[str, tuple[int, ...]]:
    """Return for each inner Write that is needed the frames that it has to render."""
    needed = {}
    wanted = tuple(frames)
    for write, pattern, number in _jobs(group, plan_of(group)):
        stale = tuple(frame for frame in wanted if not _current(group, pattern, number, frame))
        if stale:
            needed[write] = stale
    return needed


def render_missing(group: nuke.Group, frames: Iterable[int]) -> None:
    """Execute the inner Writes where needed. Only from a button or a script: Nuke cannot nest executions.

    Raises HostError; when the shot as a whole is impossible, before anything is rendered.
    """
    read_state(group, ())
    for write, stale in out_of_date(group, frames).items():
        node = inner(group, write)
        for first, last in frame_runs(stale):
            try:
                nuke.execute(node, first, last, 1)
            except RuntimeError as error:
                raise HostError("not-rendered", f"{write} of {group.name()} did not render: {error}") from error


def refuse_stale(group: nuke.Group, frame: int) -> None:
    """Raise HostError `plate-stale` when an inner Write has not rendered `frame` as the script is now."""
    for write in out_of_date(group, [frame]):
        raise HostError(
            "plate-stale",
            "{group}.{write} has not rendered frame {frame} of {group} as the script is now; render all Writes "
            "(nuke -x), or this one first (nuke -X {full}.{write}), or use render_faceplate.py.".format(
                frame=frame, group=group.name(), write=write, full=group.fullName()
            ),
        )


def _current(group: nuke.Group, pattern: str, number: int, frame: int) -> bool:
    path = frame_path(pattern, frame)
    return os.path.isfile(path) and read_text(path + ".state") == _state(group, number, frame)


def _state(group: nuke.Group, number: int, frame: int) -> str:
    box = inner(group, names.PLATE_CROP)
    crop = box["box"].toScript() if number == names.PLATE_INPUT and not box["disable"].value() else ""
    return state_of(group.input(number), frame) + crop
