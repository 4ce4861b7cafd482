# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that installs the engine: asks first, makes an environment with Blender's Python, and can be cancelled.

No `from __future__ import annotations`: Blender reads properties from annotations.
"""

# pyright: reportInvalidTypeForm=false
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from . import compat, live_update
from .faceplate_client import ClientError
from .faceplate_client.program import note_program

__all__ = ["Installation", "register", "running", "unregister"]

_PERIOD = 0.2


@dataclass
class Installation:
    """Installs the package into an environment of its own, in a thread. `text` says how far it is.

    A folder that was not finished is removed. `error` is one sentence, empty while all is well.
    """

    folder: Path
    package: str
    text: str = "starting …"
    error: str = ""
    cancelled: bool = False
    process: subprocess.Popen[str] | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Make the thread; `start` runs it."""
        self.thread = threading.Thread(target=self.run, name="faceplate", daemon=True)

    @property
    def python(self) -> Path:
        """The environment's interpreter, which runs the engine."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def run(self) -> None:
        """Make the environment, install, and note the interpreter for this user."""
        pip = [str(self.python), "-m", "pip", "install", "--no-input", "--progress-bar", "off", self.package]
        made = self._ran([sys.executable, "-m", "venv", "--clear", str(self.folder)], "making the environment")
        if made and self._ran(pip, "installing"):
            try:
                note_program(str(self.python))
            except ClientError as error:
                self.error = str(error)
            else:
                self.text = "installed"
                return
        shutil.rmtree(self.folder, ignore_errors=True)

    def cancel(self) -> None:
        """End the installation."""
        self.cancelled = True
        if self.process is not None:
            self.process.terminate()

    def _ran(self, command: list[str], doing: str) -> bool:
        """Run a command, and show its lines. Returns whether it succeeded."""
        if self.cancelled:
            return False
        self.text, last = f"{doing} …", ""
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            self.process = process
            for line in process.stdout or ():
                last = line.strip() or last
                self.text = f"{doing}: {last[:60]}"
            code = process.wait()
        if code and not self.cancelled:
            self.error = f"The engine could not be installed ({doing}: {last})."
        return code == 0


running: Installation | None = None
"""The installation under way, for the panel."""


class FACEPLATE_OT_install_engine(bpy.types.Operator):
    """Install the engine into a folder of this extension. Nothing is downloaded before you agree"""

    bl_idname = "faceplate.install_engine"
    bl_label = "Install Engine"

    package: bpy.props.StringProperty(
        name="Package", default="faceplate", description="A name in the Python package index, or the path of a wheel"
    )
    _timer: Any = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Return whether no installation runs."""
        return running is None

    def invoke(self, context: bpy.types.Context, event: Any) -> set[Any]:
        """Ask, and say what will be downloaded."""
        return compat.window_manager(context).invoke_props_dialog(self, width=420)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the question."""
        layout: Any = self.layout
        layout.label(text="Download the engine and its libraries, about 700 MB,")
        layout.label(text="from the Python package index, into this extension's folder?")
        layout.prop(self, "package")

    def execute(self, context: bpy.types.Context) -> set[Any]:
        """Start the installation: modal with a window, else at once."""
        global running
        if not Path(self.package).exists() and not bpy.app.online_access:
            self.report({"ERROR"}, "Blender may not use the network: see Preferences › System › Network.")
            return {"CANCELLED"}
        folder = Path(bpy.utils.extension_path_user(str(__package__), path="", create=True)) / "engine"
        running = Installation(folder, self.package)
        running.thread.start()
        if not compat.has_window():
            running.thread.join()
            return self._ended()
        manager = compat.window_manager(context)
        self._timer = manager.event_timer_add(_PERIOD, window=compat.window(context))
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: Any) -> set[Any]:
        """Wait; Esc cancels."""
        if running is None:
            return {"CANCELLED"}
        if event.type == "ESC":
            running.cancel()
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        live_update.redraw()
        if running.thread.is_alive():
            return {"PASS_THROUGH"}
        compat.window_manager(context).event_timer_remove(self._timer)
        return self._ended()

    def cancel(self, context: bpy.types.Context) -> None:
        """Cancel the installation: Blender calls this when the window closes."""
        global running
        if running is not None:
            running.cancel()
            running = None
        compat.window_manager(context).event_timer_remove(self._timer)

    def _ended(self) -> set[Any]:
        global running
        ended, running = running, None
        live_update.redraw()
        if ended is None or ended.cancelled:
            return {"CANCELLED"}
        if ended.error:
            self.report({"ERROR"}, ended.error)
            return {"CANCELLED"}
        self.report({"INFO"}, f"The engine is installed in {ended.folder}.")
        live_update.request_update()
        return {"FINISHED"}


def register() -> None:
    """Register the operator."""
    bpy.utils.register_class(FACEPLATE_OT_install_engine)


def unregister() -> None:
    """Unregister the operator, and end an installation."""
    if running is not None:
        running.cancel()
    bpy.utils.unregister_class(FACEPLATE_OT_install_engine)
