"""FaceSwap for Nuke 14 to 16: a Group whose pixels come from Faceplate's engine.

`start` is what `init.py` calls, in a session and in a render alike; `start_menu` is what `menu.py` calls. Knobs of
the node call `press`. What touches Nuke and what does not lie in different modules: `reads`, `frames`, `document`,
`request` and `link` import no `nuke`.
"""

from __future__ import annotations

from .buttons import press
from .registration import start, start_menu

__all__ = ["press", "start", "start_menu"]
