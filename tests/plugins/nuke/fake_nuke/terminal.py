"""`nuke -x` and `nuke -t`: python -m fake_nuke -x -F 1001-1003 [-X Write1,FaceSwap1.PlateOut] [--by-node] shot.nk

Plug-in folders come from NUKE_PATH: each one's init.py is run, never its menu.py. Exit code 1 when a render fails.
"""

from __future__ import annotations

import os
import re
import runpy
import sys
from pathlib import Path

from . import current, nuke, start
from .execute import execute_many

__all__ = ["add_folder", "load_plugins", "main", "render_script"]


def load_plugins(gui: bool) -> None:
    """Runs `init.py` of every folder of NUKE_PATH and of those that they add, then with a window every `menu.py`."""
    for folder in filter(None, os.environ.get("NUKE_PATH", "").split(os.pathsep)):
        add_folder(folder)
    for folder in current().plugin_folders if gui else ():
        _run(Path(folder) / "menu.py")


def add_folder(folder: str) -> None:
    """A folder of plug-ins; a relative one lies beside the start-up script that runs."""
    where = (Path(current().running_script).parent / folder).absolute()
    current().plugin_folders.append(str(where))
    if str(where) not in sys.path:
        sys.path.insert(0, str(where))
    _run(where / "init.py")


def _run(script: Path) -> None:
    if script.is_file():
        before, current().running_script = current().running_script, str(script)
        try:
            runpy.run_path(str(script))
        finally:
            current().running_script = before


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
    nuke.rawArgs = ["nuke", *arguments]
    if arguments[0] == "-t":
        sys.argv = arguments[1:]
        if re.match(r"^\d+([-,]\d+)?$", sys.argv[-1]):
            # As the guide says: Nuke keeps a last word that is a number or a range for itself.
            sys.argv = sys.argv[:-1]
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
