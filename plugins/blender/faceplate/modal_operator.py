# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base classes of the operators: on the active face swap node, and modal ones for long tasks.

No `from __future__ import annotations` here or in `operators`: Blender reads the annotations of operators as properties.
"""

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import bpy

from . import compat, live_update, node_group
from .faceplate_client import ClientError, EngineError, Job, Progress

__all__ = ["ModalNodeOperator", "NodeOperator", "Steps", "cancel_job", "run_in_thread"]

Steps = Generator[float, None, None]
"""Yields the fraction done."""

_TIMER_PERIOD = 0.1


class NodeOperator:
    """Mixin of an operator on the active face swap node. A `ClientError` becomes the operator's report."""

    bl_options = {"REGISTER", "UNDO"}
    report: Callable[[set[str], str], None]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Return whether there is an active face swap node."""
        return node_group.active_node(context) is not None

    def execute(self, context: bpy.types.Context) -> set[Any]:
        """Run the operator at once."""
        node = node_group.active_node(context)
        try:
            self.run(
                context, compat.current_scene(context), compat.compositor_tree(compat.current_scene(context)), node
            )
        except ClientError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        live_update.request_update()
        return {"FINISHED"}

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        """Do the operator's task on `node` of `tree`. Raises `ClientError`."""
        raise NotImplementedError


class ModalNodeOperator(NodeOperator):
    """Mixin of a long task, which `steps` does.

    In a session with a window the operator is modal: it shows progress, and Esc cancels it. `steps` may use Blender's data
    except inside the function that it hands to `run_in_thread`.
    """

    bl_options = {"REGISTER"}
    work = ""
    """The operator's name, by which the panel shows its progress."""
    _timer: Any = None
    _steps: Steps
    _uid = ""

    def steps(self, scene: Any, tree: Any, node: Any) -> Steps:
        """Do the task, and yield the fraction done. Raises `ClientError`."""
        raise NotImplementedError

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        """Do all steps at once."""
        for _ in self.steps(scene, tree, node):
            pass

    def invoke(self, context: bpy.types.Context, event: Any) -> set[Any]:
        """Start the task: modal with a window, else at once."""
        if not compat.has_window():
            return self.execute(context)
        node = node_group.active_node(context)
        self._uid = node.node_tree.faceplate.uid
        state = live_update.status(self._uid)
        if state.work:
            self.report({"ERROR"}, f"'{node.name}' is busy: wait until it is done, or press Cancel.")
            return {"CANCELLED"}
        state.cancelled, state.work_text = False, ""
        try:
            self._steps = self.steps(
                compat.current_scene(context), compat.compositor_tree(compat.current_scene(context)), node
            )
            next(self._steps, None)
        except ClientError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        manager = compat.window_manager(context)
        window: Any = context.window
        self._timer = manager.event_timer_add(_TIMER_PERIOD, window=window)
        state.work, state.progress = self.work, 0.0
        manager.modal_handler_add(self)  # pyright: ignore[reportArgumentType]  (a mixin of an operator)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: Any) -> set[Any]:
        """Do the next step at each timer event. Esc cancels, at once or as soon as the engine has ended the job."""
        state = live_update.status(self._uid)
        if event.type == "ESC":
            cancel_job(state)
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if state.cancelled and not state.waiting:
            self._steps.close()
            self._end(context)
            return {"CANCELLED"}
        try:
            state.progress = next(self._steps, None)
        except Exception as error:
            self._end(context)
            if not isinstance(error, ClientError):
                raise
            if error.code != "cancelled":
                self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        live_update.redraw()
        if state.progress is None:
            self._end(context)
            return {"FINISHED"}
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Cancel the task: Blender calls this when the window closes."""
        cancel_job(live_update.status(self._uid))
        self._end(context)

    def _end(self, context: bpy.types.Context) -> None:
        state = live_update.status(self._uid)
        state.work, state.progress, state.waiting = "", None, False
        compat.window_manager(context).event_timer_remove(self._timer)
        live_update.request_update()
        live_update.redraw()


def run_in_thread(
    state: live_update.Status, task: Callable[[Progress, Callable[[Job], None]], Any]
) -> Generator[float, None, Any]:
    """Run `task(progress, on_job)` in a thread, yield the fraction done, and return what it returns.

    The task calls `on_job` with its job, which Cancel then ends, and `progress` with frames done and in total. Without a
    window the task runs at once. Raises what the task raises.
    """
    fraction, outcome = [0.0], []
    began = time.monotonic()

    def progress(done: int, total: int) -> bool:
        fraction[0] = done / total if total else 0.0
        state.work_text = _progress_text(done, total, time.monotonic() - began)
        return True

    def on_job(job: Job) -> None:
        state.job = job
        if state.cancelled:  # before the engine had the job
            cancel_job(state)

    def body() -> None:
        try:
            outcome.append((task(progress, on_job), None))
        except Exception as error:
            outcome.append((None, error))

    if compat.has_window():
        thread = threading.Thread(target=body, name="faceplate", daemon=True)
        thread.start()
        state.waiting = True
        while thread.is_alive():
            yield fraction[0]
        state.waiting = False
    else:
        body()
    state.job = None
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


def cancel_job(state: live_update.Status) -> None:
    """Cancel a node's task: its job in the engine, without blocking the window, or its next step here."""
    state.cancelled = True
    job = state.job
    if job is not None:
        threading.Thread(target=_cancel_quietly, args=(job,), name="faceplate", daemon=True).start()


def _progress_text(done: int, total: int, seconds: float) -> str:
    """Return what the panel shows of a task: frames done, and the time left once it can be told."""
    text = f"{done} of {total}"
    if 0 < done < total and seconds > 1:
        left = round(seconds / done * (total - done))
        text += f", {left // 60}:{left % 60:02d} left"
    return text


def _cancel_quietly(job: Job) -> None:
    try:
        job.cancel()
    except EngineError:
        return  # an engine that is gone has ended the job, too
