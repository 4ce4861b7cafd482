"""Shows the extension in a window of Blender 3.4 under Xvfb, and makes the pictures of docs/blender.md.

    python docs/make_blender_picture.py PLATE FOLDER

PLATE is the first frame of the demo plate (`faceplate demo` makes it), FOLDER takes the work. Needs Debian's packages blender
(3.4), xvfb, xdotool and imagemagick. Newer versions of Blender with a window are in no package archive, so a copy of the extension
is translated for 3.4: the node interface of before 4.0, no progress bar, the panels in the tab that is open at the start.

In the window a face is put in, a parameter is changed, and Track is started and ended with Esc. The script fails when the
viewer's picture did not change or Esc did not end the task, and prints the seconds to the first and to the changed picture.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

DOCS = Path(__file__).parent
CLONE = DOCS.parent
DISPLAY = ":77"
WIDTH, HEIGHT = 1600, 900
VIEWER = (160, 200, 655, 345)  # of the backdrop in the window: x, y, width, height

_TRANSLATED = {
    "__init__.py": [
        ("__all__ = ", 'bl_info = {"name": "Faceplate", "blender": (3, 4, 0), "category": "Node"}\n__all__ = ')
    ],
    "compat.py": [
        (
            '    more = {"parent": parent} if parent is not None else {}\n'
            "    return group.interface.new_socket(name, in_out=in_out, socket_type=kind, **more)\n",
            '    return (group.inputs if in_out == "INPUT" else group.outputs).new(kind, name)\n',
        ),
        ("    return group.interface.new_panel(name, default_closed=True)\n", "    return None\n"),
    ],
    "node_group.py": [
        (
            '{item.name for item in group.interface.items_tree if item.item_type == "SOCKET"}',
            "{item.name for item in group.inputs}",
        ),
        ('        item.subtype = "FACTOR"\n', "        pass\n"),
        # 3.4 takes the mean over the whole picture, not over the mark's own pixel.
        ("    link(tint.outputs[0], amount)\n", "    amount.default_value = 0.0\n"),
    ],
    "panels.py": [
        ('_CATEGORY = "Faceplate"', '_CATEGORY = "Node"'),
        ("row.progress(factor=state.progress, text=", "row.label(text="),
    ],
}
"""By file: what is there, and what 3.4 has in its place."""

_SESSION = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, os.environ["ADDON"])
import bpy, faceplate

out, plate = Path(os.environ["OUT"]), os.environ["PLATE"]
state = {"step": 0, "since": 0.0, "asked": None}

def tell(name):
    (out / name).write_text(f"{time.monotonic() - state['since']:.2f}")

def build():
    area = max(bpy.context.window_manager.windows[0].screen.areas, key=lambda area: area.width * area.height)
    area.ui_type = "CompositorNodeTree"
    space = area.spaces.active
    space.show_region_ui, space.show_backdrop, space.backdrop_zoom, space.backdrop_offset = True, True, 0.5, (-60, 60)
    scene = bpy.context.scene
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    picture, viewer = tree.nodes.new("CompositorNodeImage"), tree.nodes.new("CompositorNodeViewer")
    picture.image = bpy.data.images.load(plate)
    picture.image.source = "SEQUENCE"
    picture.frame_start, picture.frame_duration, picture.frame_offset = 1, 24, 1000
    picture.location, viewer.location = (-700, -60), (0, -240)
    tree.links.new(picture.outputs[0], viewer.inputs[0])
    tree.nodes.active = picture
    scene.render.resolution_x, scene.render.resolution_y = picture.image.size
    scene.frame_start, scene.frame_end = 1, 12
    scene.frame_set(1)
    scene.view_settings.view_transform = "Standard"
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "shot.blend"))
    bpy.ops.faceplate.add()
    node = tree.nodes.active
    node.location = (-380, -60)
    node.node_tree.faceplate.space = "lin_rec709_scene"
    state["since"] = time.monotonic()
    node.node_tree.faceplate.source = "//bea"

def step():
    tree = bpy.context.scene.node_tree
    node = next((node for node in tree.nodes if node.type == "GROUP"), None) if tree else None
    status = sys.modules["faceplate.live_update"].status(node.node_tree.faceplate.uid) if node else None
    at = state["step"]
    if at == 0:
        build()
    elif at == 1:
        if not status.text.endswith("up to date"):
            return 0.02
        tell("before")
    elif at == 2:
        if not (out / "go").exists():
            return 0.1
        state["since"], state["asked"] = time.monotonic(), status.asked
        node.inputs["Feather"].default_value = 0.5
    elif at == 3:
        if status.asked == state["asked"] or not status.text.endswith("up to date"):
            return 0.02
        tell("after")
    elif at == 4:
        if not (out / "track").exists():
            return 0.1
        window = bpy.context.window_manager.windows[0]
        area = next(area for area in window.screen.areas if area.type == "NODE_EDITOR")
        region = next(region for region in area.regions if region.type == "WINDOW")
        with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
            bpy.ops.faceplate.track("INVOKE_DEFAULT")
    elif at == 5:
        if not (status.progress or 0) > 0.1:
            return 0.1
        tell("tracking")
    elif at == 6:
        if status.work:
            return 0.1
        (out / "ended").write_text(node.node_tree.faceplate.track or "no track")
    elif (out / "end").exists():
        os._exit(0)
    state["step"] = min(at + 1, 7)
    return 0.1

faceplate.register()
bpy.app.timers.register(step, first_interval=2.0, persistent=True)
"""


def main(plate: Path, work: Path) -> None:
    """Run the session, check it, and write the pictures."""
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copytree(CLONE / "core" / "faceplate" / "demo" / "people" / "bea", out / "bea")
    (work / "session.py").write_text(_SESSION)
    _translate(work / "addon")
    environment = {
        **os.environ, "DISPLAY": DISPLAY, "ADDON": str(work / "addon"), "OUT": str(out), "PLATE": str(plate),
        "FACEPLATE_RUN": str(work / "run"),
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    screen = subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", f"{WIDTH}x{HEIGHT}x24"], stderr=subprocess.DEVNULL)
    time.sleep(2)
    command = ["blender", "--factory-startup", "--window-geometry", "0", "0", str(WIDTH), str(HEIGHT)]
    command += ["--python", str(work / "session.py")]
    blender = subprocess.Popen(
        command, env=environment, stdout=(work / "blender.log").open("w"), stderr=subprocess.STDOUT
    )
    try:
        before, after, tracking = _follow(out, environment)
    finally:
        blender.kill()
        screen.kill()
    x, y, width, height = VIEWER
    pair = [picture[y : y + height, x : x + width] for picture in (before, after)]
    changed = float(np.abs(pair[0].astype(float) - pair[1]).max(axis=2).mean())
    assert changed > 0.5, f"the viewer's picture did not change ({changed:.2f} of 255)"
    cv2.imwrite(str(DOCS / "blender_tweak.jpg"), np.hstack(pair))
    cv2.imwrite(str(DOCS / "blender.jpg"), tracking)
    print(f"first picture {(out / 'before').read_text()} s, changed picture {(out / 'after').read_text()} s")
    print(f"the viewer changed by {changed:.1f} of 255 on average; Esc ended Track: {(out / 'ended').read_text()}")
    assert (out / "ended").read_text() == "no track"


def _translate(folder: Path) -> None:
    target = folder / "faceplate"
    shutil.rmtree(target, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CLONE / "plugins" / "blender" / "faceplate", target, ignore=ignore)
    shutil.copytree(CLONE / "core" / "faceplate_client", target / "faceplate_client", ignore=ignore)
    (target / "faceplate_client" / "engine.json").write_text(json.dumps({"python": sys.executable}))
    for name, pairs in _TRANSLATED.items():
        text = (target / name).read_text("utf-8")
        for there, wanted in pairs:
            assert there in text, f"{name}: {there}"
            text = text.replace(there, wanted)
        (target / name).write_text(text, "utf-8")


def _follow(out: Path, environment: dict[str, str]) -> list[np.ndarray]:
    """Take a picture of the window at each of three points of the session."""

    def press(*words: str) -> None:
        subprocess.run(["xdotool", *words], env=environment, check=True)

    pictures = []
    for name, then in (("before", "go"), ("after", "track"), ("tracking", "")):
        _wait(out / name)
        if name == "before":
            press("mousemove", "640", "130", "click", "1")  # closes the splash screen
            press("mousemove", "660", "150")
        time.sleep(2)
        subprocess.run(["import", "-window", "root", str(out / f"{name}.png")], env=environment, check=True)
        picture = cv2.imread(str(out / f"{name}.png"))
        assert picture is not None
        pictures.append(picture)
        if then:
            (out / then).touch()
    press("key", "Escape")
    _wait(out / "ended")
    (out / "end").touch()
    return pictures


def _wait(path: Path) -> None:
    end = time.monotonic() + 180
    while not path.exists():
        assert time.monotonic() < end, f"the session did not come to '{path.name}'; see blender.log"
        time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
