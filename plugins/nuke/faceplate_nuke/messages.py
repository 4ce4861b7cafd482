"""Says something to whoever is there: a dialog in a session, a line in a terminal."""

from __future__ import annotations

import nuke

__all__ = ["say"]


def say(sentence: str) -> None:
    """Main thread only."""
    if nuke.GUI:
        nuke.message(sentence)
    else:
        nuke.tprint("Faceplate: " + sentence)
