"""Draws the dialog of the Resolve adapter as its plain (Tk) window, from the fields that the adapter declares.

    xvfb-run -a -s "-screen 0 1000x900x24" python docs/make_resolve_dialog_picture.py [OUT]

needs a display, Tk and ImageMagick's `import`. In Studio the same fields stand in Resolve's own window.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "core"), str(ROOT / "plugins" / "resolve")]

from faceplate_client import parameters  # noqa: E402
from faceplate_resolve.dialog import GO, PREVIEW, SwapRequest, swap_panel  # noqa: E402
from faceplate_resolve.tk_dialog import TkDialog  # noqa: E402

NOTES = (
    "sh010.mov: 01:00:04:00 to 01:00:07:23, 96 frames, on its own media.",
    "Colour: Rec.1886 Rec.709 - Display, the movie's tags say so.",
)


def main(out: Path) -> None:
    """Open the window and write a picture of it."""
    own = SwapRequest("people/bea", "~/Faceplate", "auto", 8, True, "", {})
    actions = ((PREVIEW, "Preview this frame"), (GO, "Swap the clip"))
    panel = swap_panel("Faceplate - Swap face in clip", NOTES, parameters(), {}, own, actions)
    dialog = TkDialog()
    window, variables, buttons = dialog.build(panel)
    TkDialog.add_buttons(buttons, panel, lambda action: None, window.destroy)
    window.geometry("+10+10")
    for _ in range(20):
        window.update()
        time.sleep(0.02)
    subprocess.run(["import", "-window", str(window.winfo_id()), "-strip", str(out)], check=True)
    print(f"{out}: {len(variables)} fields")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "resolve_dialog.png")
