"""Having frames there: asked of the engine, waited for, and shown at the scene's frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import connection, node_document, node_group, plate_input, result_files
from .failure import NodeError

__all__ = ["Request", "asked_for", "computed", "files", "prepared", "render_frames", "shown"]


@dataclass(frozen=True)
class Request:
    """One frame of one node, read from Blender's data on its main thread; the rest needs no Blender."""

    node_group: str
    uid: str
    folder: Path
    output: str
    node_document: dict[str, Any]
    base: str | None
    frame: int
    number: int
    values: dict[str, Any]

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal for requests that ask for the same picture."""
        return (self.uid, repr(self.document), self.number, tuple(sorted(self.values.items())))


def prepared(tree: Any, of_node: Any, frame: int) -> Request:
    """The request for a node at a scene frame. Raises `NodeError` and what the rooms below raise."""
    group = of_node.node_tree
    of_plate = node_document.plate_of(tree, of_node)
    return Request(
        node=of_node.name,
        uid=group.faceplate.uid,
        folder=result_files.folder_of(group),
        output=result_files.rendered_pattern(group),
        document=node_document.document(of_node, of_plate),
        base=node_document.base_folder(),
        frame=frame,
        number=of_plate.mapping.file_number(frame),
        values=node_document.frame_values(tree, of_node, frame),
    )


def computed(request: Request, on_event: Callable[[dict[str, Any]], None] | None = None, **how: Any) -> Path:
    """The file of one frame, after waiting for it. `how` goes to `Engine.render`. Raises `EngineError`."""
    return next(iter(render_frames([request], on_event, **how).values()))


def render_frames(
    requests: Iterable[Request],
    on_event: Callable[[dict[str, Any]], None] | None = None,
    on_job: Callable[[Any], None] = lambda job: None,
    priority: str = "interactive",
    supersede: str | None = None,
) -> dict[int, Path]:
    """Renders requests of one node and document with different plate numbers in one job: scene frame → file."""
    requests = list(requests)
    job = asked_for(requests, priority, supersede)
    on_job(job)
    return files(job.wait(on_event), requests)


def asked_for(requests: list[Request], priority: str = "interactive", supersede: str | None = None) -> Any:
    """The engine's job for requests of one node and document with different plate numbers. Raises `EngineError`."""
    first = requests[0]
    result_files.make_folder(Path(first.output).parent)
    return connection.reached().render(
        connection.opened(first.document, first.base),
        [request.number for request in requests],
        frame_values={request.number: request.values for request in requests},
        output=first.output,
        mode="element",
        priority=priority,
        supersede=supersede,
        skip_current=True,
    )


def files(job: dict[str, Any], requests: list[Request]) -> dict[int, Path]:
    """A finished job's files: scene frame → file."""
    return {request.frame: _file(job["frames"].get(str(request.number)), request) for request in requests}


def shown(of_node: Any, frame: int, file: Path) -> bool:
    """Shows a rendered file at a scene frame. Returns whether the picture is another one now."""
    group = of_node.node_tree
    changed = result_files.publish(result_files.folder_of(group), frame, file)
    if changed:
        node_group.reload(group)
    return changed


def in_takes(of_node: Any, frame: int) -> bool:
    """Whether the node shows a take, whose frame must be there. Raises `NodeError('take-frame-missing')`."""
    group = of_node.node_tree
    take = group.faceplate.take
    if not take:
        return False
    folder = result_files.shown_folder(group)
    if not (result_files.result_path(folder, frame).exists() and result_files.present_path(folder, frame).exists()):
        raise NodeError(
            "take-frame-missing", f"Take {take} of '{of_node.name}' has no frame {frame}: choose another or Live."
        )
    return True


def used(tree: Any, of_node: Any) -> bool:
    """Whether anything can come of the node: not muted, and linked on both sides."""
    return not of_node.mute and any(socket.is_linked for socket in of_node.outputs) and plate_input.is_ours(of_node)


def _file(entry: dict[str, Any] | None, request: Request) -> Path:
    if entry is None or not entry.get("path"):
        error = (entry or {}).get("error") or {}
        raise NodeError(
            error.get("code", "no-frame"), error.get("message", f"The engine gave no frame {request.number}.")
        )
    return Path(entry["path"])
