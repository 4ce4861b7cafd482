# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for frames: sent to the engine, waited for, and shown at the scene's frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import connection, node_document, node_group, plate_input, result_files
from .faceplate_client import HostError, Job, Progress, completed_job, follow_job, frame_path_of, make_folder

__all__ = [
    "Request",
    "frame_request",
    "is_used",
    "render_frame",
    "render_frames",
    "rendered_files",
    "show_frame",
    "shows_take",
    "submit",
]


@dataclass(frozen=True)
class Request:
    """One frame of one node, read from Blender's data on its main thread. What follows needs no Blender.

    `frame` is the scene's number, `number` the plate's.
    """

    node: str
    uid: str
    folder: Path
    output: str
    document: dict[str, Any]
    base: str | None
    frame: int
    number: int
    values: dict[str, Any]

    @property
    def identity(self) -> tuple[Any, ...]:
        """A value that is equal for requests of the same picture."""
        return (self.uid, repr(self.document), self.number, tuple(sorted(self.values.items())))


def frame_request(tree: Any, node: Any, frame: int) -> Request:
    """Return the request for a node at a scene frame. Raises `HostError`."""
    group = node.node_tree
    plate = node_document.plate_of_node(tree, node)
    return Request(
        node=node.name,
        uid=group.faceplate.uid,
        folder=result_files.node_folder(group),
        output=result_files.rendered_pattern(group),
        document=node_document.shot_of_node(node, plate),
        base=node_document.base_folder(),
        frame=frame,
        number=plate.mapping.file_number(frame),
        values=node_document.frame_values(tree, node, frame),
    )


def render_frame(request: Request) -> Path:
    """Render one frame, wait for it, and return its file. Raises `ClientError`."""
    return rendered_files(completed_job(submit([request])), [request])[request.frame]


def render_frames(
    requests: Iterable[Request], progress: Progress, on_job: Callable[[Job], None], priority: str = "interactive"
) -> dict[int, Path]:
    """Render requests of one node and document with different plate numbers in one job.

    Blocks until the job ends. Returns the file of each scene frame. Raises `ClientError`, also when `progress` returns
    False.
    """
    requests = list(requests)
    job = submit(requests, priority)
    on_job(job)
    return rendered_files(follow_job(job, progress), requests)


def submit(requests: list[Request], priority: str = "interactive", supersede: str | None = None) -> Job:
    """Send requests of one node and document with different plate numbers to the engine. Raises `ClientError`."""
    first = requests[0]
    make_folder(str(Path(first.output).parent))
    return connection.engine().render(
        connection.open_shot(first.document, first.base),
        [request.number for request in requests],
        frame_values={request.number: request.values for request in requests},
        output=first.output,
        mode="element",
        priority=priority,
        supersede=supersede,
        skip_current=True,
    )


def rendered_files(job: dict[str, Any], requests: list[Request]) -> dict[int, Path]:
    """Return the file of each scene frame from a finished job's document. Raises `EngineError`."""
    return {request.frame: Path(frame_path_of(job, request.number)) for request in requests}


def show_frame(node: Any, frame: int, file: Path) -> bool:
    """Show a rendered file at a scene frame. Returns whether the node's picture changed."""
    group = node.node_tree
    changed = result_files.publish_frame(result_files.node_folder(group), frame, file)
    if changed:
        node_group.reload(group)
    return changed


def shows_take(node: Any, frame: int) -> bool:
    """Return whether the node shows a take, whose frame must exist. Raises `HostError('take-frame-missing')`."""
    group = node.node_tree
    take = group.faceplate.take
    if not take:
        return False
    folder = result_files.shown_folder(group)
    if not (result_files.result_path(folder, frame).exists() and result_files.present_path(folder, frame).exists()):
        raise HostError(
            "take-frame-missing", f"Take {take} of '{node.name}' has no frame {frame}: choose another or Live."
        )
    return True


def is_used(node: Any) -> bool:
    """Return whether the node can affect the picture: it is not muted and its output is linked."""
    return not node.mute and any(socket.is_linked for socket in node.outputs) and plate_input.is_face_swap(node)
