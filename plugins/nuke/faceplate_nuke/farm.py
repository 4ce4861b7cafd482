"""A farm task: opens a script and renders a range of it. What `render_faceplate.py` runs."""

from __future__ import annotations

import sys

import nuke

from .access import flag, is_faceswap
from .frames import parse_frames
from .guard import LINK
from .prerender import render_missing
from .refusal import Refusal
from .request import render_request
from .state import read_state
from .sync import order_renders, sync
from .upstream import faceswaps_before

__all__ = ["main", "render"]


def main(arguments: list[str]) -> int:
    """The exit code: 0 done, 1 a render failed, 2 the request was wrong."""
    if len(arguments) < 2:
        sys.stderr.write("render_faceplate.py: say which script and which frames: shot.nk 1001-1010\n")
        return 2
    script, frames, wanted = arguments[0], arguments[1], arguments[2:]
    try:
        numbers = parse_frames(frames)
        nuke.scriptOpen(script)
        render(numbers, wanted)
    except Refusal as refusal:
        sys.stderr.write(f"Error: {refusal}\n")
        return 1
    except RuntimeError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


def render(frames: tuple[int, ...], wanted: list[str]) -> None:
    """Renders `frames` with the Writes named, or with all that are switched on. Raises Refusal and RuntimeError."""
    order_renders()
    writes = _writes(wanted)
    groups: dict[str, nuke.Group] = {}
    for write in writes:
        groups.update({group.fullName(): group for group in faceswaps_before(write)})
    for group in groups.values():
        if not flag(group, "disable"):
            sync(group)
            render_missing(group, frames)
            LINK.render(render_request(read_state(group, frames), priority="batch"))
    for write in writes:
        for frame in frames:
            nuke.execute(write, frame, frame, 1)


def _writes(wanted: list[str]) -> list[nuke.Node]:
    every = [node for node in nuke.allNodes("Write", nuke.root(), recurseGroups=True) if not is_faceswap(node.parent())]
    chosen = [node for node in every if (node.fullName() in wanted if wanted else not flag(node, "disable"))]
    missing = set(wanted) - {node.fullName() for node in chosen}
    if missing or not chosen:
        raise Refusal("The script has no Write {}.".format(", ".join(sorted(missing)) or "that is switched on"))
    return sorted(chosen, key=lambda node: node["render_order"].value())
