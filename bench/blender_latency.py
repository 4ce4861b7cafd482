"""Prints the seconds to the first picture and to a changed one through Blender's adapter: `python bench/blender_latency.py PYTHON`.

PYTHON is an interpreter with `bpy`, such as `.venv-bpy50/env/bin/python`. The plate is the demo's, 1312 x 696, with a track of
its own. The engine is warm: it has rendered another frame of the shot. A time runs from the change in Blender's data to the
picture's file under the node, with the live timer's own period of 0.02 s in it; compositing and display come on top. *engine* is
what the engine says that the frame took: the rest is the adapter's, so that a busy machine can be told from a slow adapter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from faceplate.demo import people_folder
from faceplate.demo.plate import make_plate
from faceplate.hosts.blender import install_into
from faceplate.hosts.blender_programs import Blender
from faceplate_client import connect

ROUNDS = 5
WHAT = ("first frame after the track", "another frame", "changed parameter")

_SESSION = """
import json, os, statistics, sys, time
import bpy

plate, source, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
bpy.ops.wm.read_userpref()
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
names = ("live_update", "compat", "node_group", "connection")
live, compat, group, connection = (sys.modules["bl_ext.user_default.faceplate." + name] for name in names)
scene = bpy.context.scene
tree = compat.make_compositor_tree(scene)
picture = tree.nodes.new("CompositorNodeImage")
picture.image = bpy.data.images.load(plate)
picture.image.source = "SEQUENCE"
picture.image.colorspace_settings.name = "ACEScg"
picture.frame_start, picture.frame_duration, picture.frame_offset = 1, 24, 1000
tree.links.new(picture.outputs[0], compat.output_input(tree))
tree.nodes.active = picture
scene.frame_start, scene.frame_end = 1, 24
bpy.ops.faceplate.add()
node = tree.nodes.active
node.node_tree.faceplate.source = source
bpy.ops.faceplate.track()
live.active = True

def job_names():
    return {job["job"] for job in connection.engine().call("GET", "/v1/jobs")["jobs"]}

def engine_seconds(known):
    documents = [connection.engine().call("GET", "/v1/jobs/" + name) for name in job_names() - known]
    return sum((entry["ms"] or 0) / 1000 for document in documents for entry in document["frames"].values())

def timed(change):
    known = job_names()
    began = time.monotonic()
    change()
    live.request_update()
    assert live.wait(120), live.status(node.node_tree.faceplate.uid).text
    assert "up to date" in live.status(node.node_tree.faceplate.uid).text, live.status(node.node_tree.faceplate.uid).text
    waited = time.monotonic() - began
    return waited, engine_seconds(known)

def frame(number):
    return lambda: scene.frame_set(number)

def feather(value):
    return lambda: setattr(node.inputs["Feather"], "default_value", value)

cold = timed(frame(1))
first = [timed(frame(number)) for number in range(2, 2 + rounds)]
tweak = [timed(feather(0.05 + 0.02 * number)) for number in range(rounds)]
middle = [[statistics.median(column) for column in zip(*times)] for times in ([cold], first, tweak)]
print("ANSWER " + json.dumps(middle), flush=True)
os._exit(0)
"""


def main(python: Path) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_plate(folder / "plate", frames=24)
        (folder / "session.py").write_text(_SESSION, "utf-8")
        os.environ |= {"BLENDER_USER_RESOURCES": str(folder / "user"), "FACEPLATE_RUN": str(folder / "run")}
        os.environ.setdefault("FACEPLATE_ENGINE", sys.executable)
        (folder / "user").mkdir()
        # The version decides only what messages say.
        install_into(Blender(python, (0, 0, 0)))
        engine = connect(parent=True)
        words = [str(python), str(folder / "session.py"), str(folder / "plate" / "plate.1001.exr")]
        done = subprocess.run(
            [*words, str(people_folder() / "bea"), str(ROUNDS)],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        engine.stop()
    answers = [line[7:] for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    if not answers:
        sys.exit(done.stdout + done.stderr)
    print("| what | median, s | of that engine, s | ratio |\n|---|---:|---:|---:|")
    for what, (waited, spent) in zip(WHAT, json.loads(answers[-1]), strict=True):
        print(f"| {what} | {waited:.2f} | {spent:.2f} | {waited / max(spent, 1e-3):.2f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
