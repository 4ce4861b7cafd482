"""FaceSwap for Nuke 14 to 17: a Group whose pixels come from Faceplate's engine.

`init.py` calls `start`, in a session and in a render; `menu.py` calls `start_menu`. Knobs of the node call `press`.
Modules that import no `nuke` can be tested alone: `read_node`, `shot_state`, `render_request`, `engine_client`,
`color_management`, `coordinates`, `file_patterns`, `fingerprint`, `names`.
"""

from __future__ import annotations

from .buttons import press
from .registration import start, start_menu

__all__ = ["press", "start", "start_menu"]
