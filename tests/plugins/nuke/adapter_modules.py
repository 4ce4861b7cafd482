"""The adapter's folders and modules, and the saved script that the tests compare with.

PYTHONPATH=core:tests:tests/plugins/nuke python tests/plugins/nuke/adapter_modules.py    writes the script anew
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from fake_nuke import nuke
from nuke_stage import Stage, open_nuke

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "fake_nuke" / "faceswap.nk"


def written(stage: Stage) -> str:
    """Save a script with a FaceSwap and return its text, with neutral paths."""
    node = stage.faceswap()
    node["shot_id"].setValue("0123456789abcdef0123456789abcdef")
    for knob in (node["script_id"], nuke.root()["faceplate_script"]):
        knob.setValue("fedcba9876543210fedcba9876543210")
    node["frames"].setValue("")
    node["track"].setValue("")
    node["source"].setValue("/shows/demo/people/bea")
    for frame, value in ((1001, 0.02), (1004, 0.1)):
        node["matte_feather"].setValueAt(value, frame)
    node["occlusion"].setExpression("0.5 + 0.1 * sin(frame)")
    stage.write(node)
    stage.save()
    text = stage.script.read_text("utf-8").replace(str(stage.folder), "/shows/demo/sh010")
    return re.sub(r"frames_made [0-9a-f]{32}", "frames_made 0123", text)


def adapter_module(name: str) -> Any:
    """A module of the adapter, with the plug-in loaded if it is not."""
    if "faceplate_nuke" not in sys.modules:
        open_nuke(gui=False)
    __import__("faceplate_nuke." + name)
    return sys.modules["faceplate_nuke." + name]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        GOLDEN.write_text(written(Stage(Path(made), f"{made}/plate.####.exr")), "utf-8")
