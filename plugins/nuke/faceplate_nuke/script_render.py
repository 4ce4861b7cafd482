"""Renders a range of a script; `render_faceplate.py` runs this as a farm task."""

from __future__ import annotations

import re
import sys

import nuke

from faceplate_client import ClientError, HostError, parse_frames

from .node_state import read_state
from .nodes import flag, is_faceswap, nodes_inside
from .prerender import render_missing
from .render_callbacks import ENGINE
from .render_request import render_request
from .sync import sync
from .upstream import faceswaps_before
from .write_order import order_inner_writes

__all__ = ["main", "render"]

_OPTION = "--frames="
_NUKES_RANGE = re.compile(r"^-?\d+([-,]-?\d+)?$")


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit code: 0 done, 1 a render failed, 2 the request was wrong."""
    try:
        script, frames, wanted = _asked(arguments)
    except ClientError as error:
        sys.stderr.write(f"render_faceplate.py: {error}\n")
        return 2
    try:
        nuke.scriptOpen(script)
        render(frames, wanted)
    except (ClientError, RuntimeError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


def _asked(arguments: list[str]) -> tuple[str, tuple[int, ...], list[str]]:
    """Return script, frames and names of Writes. Raises HostError.

    Nuke removes a last argument that is a number or a range ("Using the Command-line" in its guide); it is then found in
    `nuke.rawArgs`.
    """
    words = list(arguments)
    if words and not any(_is_range(word) for word in words[1:]) and nuke.rawArgs and _is_range(nuke.rawArgs[-1]):
        words.append(nuke.rawArgs[-1])
    ranges = [word for word in words[1:] if _is_range(word)]
    if not words or len(ranges) != 1:
        raise HostError("bad-arguments", "name a script and frames: shot.nk --frames=1001-1010")
    return words[0], _frames(ranges[0]), [word for word in words[1:] if word not in ranges]


def _is_range(word: str) -> bool:
    return word.startswith(_OPTION) or _NUKES_RANGE.match(word) is not None


def _frames(word: str) -> tuple[int, ...]:
    """Parse frames: `--frames=` in Faceplate's grammar, a bare range in Nuke's, where 1,20 means 1 to 20."""
    if word.startswith(_OPTION):
        return tuple(sorted(parse_frames(word[len(_OPTION) :])))
    return tuple(sorted(parse_frames(word.replace(",", "-"))))


def render(frames: tuple[int, ...], wanted: list[str]) -> None:
    """Render `frames` with the Writes named, or with all enabled ones. Raises ClientError and RuntimeError."""
    order_inner_writes()
    writes = _writes(wanted)
    groups: dict[str, nuke.Group] = {}
    for write in writes:
        groups.update({group.fullName(): group for group in faceswaps_before(write)})
    for group in groups.values():
        if not flag(group, "disable"):
            sync(group)
            render_missing(group, frames)
            ENGINE.render(render_request(read_state(group, frames), priority="batch"))
    for write in writes:
        for frame in frames:
            nuke.execute(write, frame, frame, 1)


def _writes(wanted: list[str]) -> list[nuke.Node]:
    every = [node for node in nodes_inside(nuke.root()) if node.Class() == "Write" and not is_faceswap(node.parent())]
    chosen = [node for node in every if (node.fullName() in wanted if wanted else not flag(node, "disable"))]
    missing = set(wanted) - {node.fullName() for node in chosen}
    if missing or not chosen:
        raise HostError(
            "no-write", "The script has no Write {}.".format(", ".join(sorted(missing)) or "that is enabled")
        )
    return sorted(chosen, key=lambda node: node["render_order"].value())
