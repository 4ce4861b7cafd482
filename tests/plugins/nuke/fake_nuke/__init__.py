"""A Nuke without Nuke: graph, knobs, callbacks, rendering, scripts, undo and threads, as much as FaceSwap touches.

It exists because Nuke cannot be installed where the tests run. Its names and signatures are held against the stubs
(`check.py`), its order of callbacks against Foundry's guide. It is not Nuke: what passes here is checked, not proved.
"""

from __future__ import annotations

import sys

from . import nodes, nuke
from .state import Session, current, reset

__all__ = ["Session", "current", "nuke", "start"]


def start(gui: bool = False) -> Session:
    """A fresh Nuke: `import nuke` gives the fake, the script is empty, nothing is registered."""
    session = Session(gui, nuke.NUKE_VERSION_STRING)
    reset(session)
    nodes.new_root()
    nuke.GUI = gui
    sys.modules["nuke"] = nuke
    return session
