"""Messages to the user: a dialog in a session, a line in a terminal."""

from __future__ import annotations

import nuke

__all__ = ["say"]


def say(sentence: str) -> None:
    """Show a sentence. Main thread only."""
    if nuke.GUI:
        nuke.message(sentence)
    else:
        nuke.tprint("Faceplate: " + sentence)
