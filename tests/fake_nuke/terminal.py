"""`nuke -x` and `nuke -t`: python -m fake_nuke -x -F 1001-1003 [-X Write1,FaceSwap1.PlateOut] [--by-node] shot.nk

Plug-in folders come from NUKE_PATH: each one's init.py is run, never its menu.py. Exit code 1 when a render fails.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

from . import current, nuke, start
from .execute import execute_many

__all__ = ["load_plugins", "main", "render_script"]


def load_plugins(gui: bool) -> None:
    """Runs `init.py`, and with a window `menu.py`, of every folder of NUKE_PATH."""
    for folder in filter(None, os.environ.get("NUKE_PATH", "").split(os.pathsep)):
        if folder not in sys.path:
            sys.path.insert(0, folder)
        for name in ("init.py", "menu.py")[: 1 + gui]:
            if (Path(folder) / name).is_file():
                runpy.run_path(str(Path(folder) / name))


def render_script(script: str, frames: list[int], only: list[str] | None = None, by_frame: bool = True) -> None:
    """What `nuke -x` does with a script, `-X` naming the Writes: every Write that is switched on, also inside groups, in
    render order. Raises RuntimeError."""
    nuke.scriptOpen(script)
    writes = nuke.allNodes("Write", nuke.root(), recurseGroups=True)
    if only is not None:
        writes = [node for node in writes if node.fullName() in only]
    else:
        writes = [node for node in writes if not node["disable"].value()]
    execute_many(sorted(writes, key=lambda node: node["render_order"].value()), frames, by_frame)


def main(arguments: list[str]) -> int:
    """The exit code."""
    start(gui=False)
    load_plugins(gui=False)
    if arguments[0] == "-t":
        sys.argv = arguments[1:]
        try:
            runpy.run_path(arguments[1], run_name="__main__")
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0
    options = {"-F": "1", "-X": ""}
    by_node = "--by-node" in arguments
    words = [word for word in arguments if word not in ("-x", "--by-node")]
    while words[0] in options:
        options[words[0]] = words[1]
        words = words[2:]
    first, _, last = options["-F"].partition("-")
    only = options["-X"].split(",") if options["-X"] else None
    try:
        render_script(words[0], list(range(int(first), int(last or first) + 1)), only, not by_node)
    except RuntimeError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    assert not current().executing
    return 0
