"""A shot for the tests of the Nuke adapter: a small plate of an invented person, a script, and the engine behind it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import end
from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import people_folder
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.track import track_shot
from faceplate_client import CHOSEN
from fake_nuke import Session, nuke, start
from fake_nuke.terminal import load_plugins
from plates import write_plate

__all__ = ["FIRST", "LAST", "Stage", "engine_of_its_own", "make_plate", "open_nuke"]

FIRST, LAST = 1001, 1006
PLUGIN = Path(__file__).parents[3] / "plugins" / "nuke"
SIZE = 224


CHEAP = {"occlusion": 0.0, "grain": 0.0}
"""Stages that these tests are not about."""


def make_plate(folder: Path) -> str:
    """Six half-float EXR frames in ACEScg of a head that moves a little, and their track; answers their pattern."""
    color = ColorConfig.load(environ={})
    still = read_still(people_folder() / "ada" / "front.jpg", color)
    for index, frame in enumerate(range(FIRST, LAST + 1)):
        matrix = np.array([[0.22, 0, 2.0 * index - 4], [0, 0.22, index]], np.float64)
        pixels = resample(still.working(), still.window, matrix, Window(0, 0, SIZE, SIZE))
        write_plate(folder / f"plate.{frame}.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    pattern = f"{folder}/plate.####.exr"
    frames = range(FIRST, LAST + 1)
    track_shot(pattern, folder / "plate.track.json", frames=list(frames), color=color, workers=1)
    return pattern


@contextmanager
def engine_of_its_own(folder: Path) -> Iterator[None]:
    """Inside, the adapter starts and finds an engine that nobody else uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEPLATE_RUN", str(folder))
        patch.setenv("FACEPLATE_ENGINE", sys.executable)
        patch.delenv("OCIO", raising=False)
        try:
            yield
        finally:
            end(folder)


def open_nuke(gui: bool) -> Session:
    """A fresh fake Nuke with the plug-in loaded as Nuke loads it, every module anew."""
    for name in [name for name in sys.modules if name.split(".")[0] == "faceplate_nuke"]:
        del sys.modules[name]
    session = start(gui)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUKE_PATH", str(PLUGIN))
        load_plugins(gui)
    return session


class Stage:
    """A script with a Read, FaceSwap and a Write, saved in `folder`."""

    def __init__(self, folder: Path, plate: str, gui: bool = True) -> None:
        self.folder, self.plate = folder, plate
        folder.mkdir(parents=True, exist_ok=True)
        self.session = open_nuke(gui)
        root = nuke.root()
        for name, value in (("first_frame", FIRST), ("last_frame", LAST), ("colorManagement", "OCIO")):
            root[name].setValue(value)
        root["OCIO_config"].setValue("custom")
        root["customOCIOConfigPath"].setValue("ocio://cg-config-v2.1.0_aces-v1.3_ocio-v2.3")
        root["workingSpaceLUT"].setValue("ACEScg")
        nuke.frame(FIRST)
        self.read = nuke.nodes.Read(
            name="Read1", file=plate, first=FIRST, last=LAST, colorspace="ACEScg", file_type="exr"
        )
        self.script = folder / "shot.nk"
        nuke.scriptSaveAs(str(self.script))

    def faceswap(self, plate: Any = None, **knobs: Any) -> Any:
        """A FaceSwap from the menu, behind `plate` (the Read), with the demo's bea as source and, if there is one, the
        plate's track, so that a frame costs little."""
        for node in nuke.selectedNodes():
            node.setSelected(False)
        (plate or self.read).setSelected(True)
        node = self.adapter("group").create()
        track = Path(self.plate).with_name("plate.track.json")
        known = {"track": str(track), **CHEAP} if track.exists() else {}
        for name, value in {"source": str(people_folder() / "bea"), **known, **knobs}.items():
            if name in CHOSEN:  # a list, which a person's value may not be in
                self.adapter("pulldowns").choose(node[name], value)
            else:
                node[name].setValue(value)
        return node

    def write(self, source: Any, name: str = "Write1") -> Any:
        """A Write of half RGBA behind `source`."""
        file = f"{self.folder}/out_{name}/final.####.exr"
        return nuke.nodes.Write(
            name=name, inputs=[source], file=file, channels="all", file_type="exr", create_directories=True, raw=True
        )

    def save(self) -> None:
        nuke.scriptSaveAs(str(self.script), 1)

    def adapter(self, name: str) -> Any:
        """A module of the adapter, as it is loaded now."""
        __import__("faceplate_nuke." + name)
        return sys.modules["faceplate_nuke." + name]

    def press(self, node: Any, button: str, wait: float = 60.0) -> None:
        """Presses a button and lets the session run until the node's work is done and taken over."""
        node[button].execute()
        self.settle(wait)

    def idle(self) -> bool:
        """Whether no task runs and nothing is left to the main thread."""
        tasks = self.adapter("actions").TASKS
        if self.adapter("live_update").LIVE.pending():
            return False
        return not any(task._thread.is_alive() for task in tasks._of.values()) and self.session.requests.empty()

    def settle(self, wait: float = 60.0, until: Callable[[], bool] | None = None) -> None:
        """The session's loop, until no task runs and nothing is left to the main thread."""
        deadline = time.monotonic() + wait
        while True:
            self.session.pump()
            if until() if until else self.idle():
                return
            assert time.monotonic() < deadline, "the task did not end"
            time.sleep(0.01)


def environment(run: Path) -> dict[str, str]:
    """The variables of a `python -m fake_nuke` that finds the engine of `run`."""
    paths = [str(Path(__file__).parent), str(PLUGIN.parent.parent / "core")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "NUKE_PATH": str(PLUGIN),
        "FACEPLATE_RUN": str(run),
        "FACEPLATE_ENGINE": sys.executable,
    }
