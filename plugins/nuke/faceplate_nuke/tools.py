"""Tools of the node: shot file, track nodes, search box, contact sheet."""

from __future__ import annotations

import csv
import os
import tempfile

import nuke

from faceplate_client import HostError, frames_on_disk, write_document

from . import names
from .engine_client import run_command
from .node_state import display, read_state, result_of
from .nodes import script_path, text
from .shot_state import exported_document
from .template import select_none

__all__ = ["contact_sheet", "default_shot_path", "export_shot", "fit_search", "track_nodes"]

_SHEET = 8
_GAP = 110


def default_shot_path(group: nuke.Group) -> str:
    """Return the default path of the shot file: beside the script, named after script and node. Raises HostError."""
    stem = os.path.splitext(script_path())[0]
    return f"{stem}.{group.name()}.shot.json"


def export_shot(group: nuke.Group, path: str, frames: tuple[int, ...], output: str = "") -> None:
    """Write the shot file with which `faceplate render` renders the same frames. Raises HostError."""
    state = read_state(group, frames)
    where = output or os.path.dirname(path) + "/" + group.name() + "/element.####.exr"
    write_document(path, exported_document(state, where))


def track_nodes(group: nuke.Group) -> list[nuke.Node]:
    """Create Tracker4, CornerPin2D and Transform of the tracked face, connected to the plate. Raises HostError."""
    track = _track_file(group)
    handle, path = tempfile.mkstemp(suffix=".nk")
    os.close(handle)
    try:
        run_command(["tracks", "export", track, "--output", path])
        select_none()
        before = set(nuke.allNodes())
        nuke.nodePaste(path)
    finally:
        os.remove(path)
    made = [node for node in nuke.allNodes() if node not in before]
    for place, node in enumerate(sorted(made, key=lambda node: node.Class())):
        node.setInput(0, group.input(names.PLATE_INPUT))
        node.setXYpos(group.xpos() + _GAP * (place + 1), group.ypos())
    return made


def fit_search(group: nuke.Group) -> None:
    """Set the search box to the path of the tracked face with a margin, and enable it. Raises HostError."""
    track = _track_file(group)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "track.csv")
        run_command(["tracks", "export", track, "--output", path])
        edges = _face_bounds(path)
    state = read_state(group, ())
    first = state.read.first if state.read else 0
    group[names.SEARCH].setValue(list(display(group, state.plate, first).box_from_file(*edges)))
    group[names.USE_SEARCH].setValue(True)


def _track_file(group: nuke.Group) -> str:
    track = text(group, names.TRACK)
    if not os.path.isfile(track):
        raise HostError("no-track", f"There is no track {track or 'file'}; press Track first.")
    return track


def _face_bounds(path: str) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of all faces of an exported track, each with a margin of its own size."""
    boxes = []
    with open(path, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            xs = [float(value) for name, value in row.items() if name[0] == "x" and name[1:].isdigit()]
            ys = [float(value) for name, value in row.items() if name[0] == "y" and name[1:].isdigit()]
            room = max(max(xs) - min(xs), max(ys) - min(ys))
            boxes.append((min(xs) - room, min(ys) - room, max(xs) + room, max(ys) + room))
    left, top, right, bottom = zip(*boxes)
    return min(left), min(top), max(right), max(bottom)


def contact_sheet(group: nuke.Group, frames: tuple[int, ...]) -> nuke.Node:
    """Create a ContactSheet of up to eight rendered frames: plate above, result below. Raises HostError."""
    there = [frame for frame in frames_on_disk(result_of(group)) if frame in frames]
    if not there:
        raise HostError("no-frames", f"No frame of {group.name()} is rendered; press Render range first.")
    step = max(1, -(-len(there) // _SHEET))
    shown = there[::step]
    plate = group.input(names.PLATE_INPUT)
    holds = [nuke.nodes.FrameHold(inputs=[source], first_frame=frame) for source in (plate, group) for frame in shown]
    size = plate.format() if plate is not None else nuke.root().format()
    width = min(size.width(), 640)
    sheet = nuke.nodes.ContactSheet(
        inputs=holds,
        rows=2,
        columns=len(shown),
        width=width * len(shown),
        height=2 * int(width * size.height() / size.width()),
        center=True,
        roworder="TopBottom",
        label=f"plate, {group.name()}",
    )
    for place, node in enumerate([*holds, sheet]):
        node.setXYpos(group.xpos() + _GAP * (place % len(shown)), group.ypos() + 120 + 60 * (place // len(shown)))
    if nuke.GUI:
        nuke.connectViewer(1, sheet)
    return sheet
