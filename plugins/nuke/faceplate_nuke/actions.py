"""Tasks of the buttons: Nuke is read first, a thread talks to the engine, and the result is shown in the main thread."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import Any, Callable

import nuke

from faceplate_client import ClientError, HostError, Progress, format_frames, issue_line, next_issue

from . import names
from .background_tasks import Task, Tasks
from .frame_status import LEDGER, knobs_name, refresh
from .messages import say
from .node_state import display, range_of, read_state
from .nodes import faceswaps, reload_result, set_quietly, text
from .prerender import out_of_date, render_missing
from .render_callbacks import ENGINE
from .render_request import RenderRequest, render_request, track_request
from .sync import order_renders, separate_copies, sync

__all__ = ["TASKS", "auto_update", "render", "step_issue", "take_pick", "track"]

TASKS = Tasks()

_AGAIN: set[str] = set()
"""Shots whose current frame changed again while it was rendered."""


def render(group: nuke.Group, frames: tuple[int, ...]) -> None:
    """Render frames (buttons Render frame, Render range). Returns at once in a session; blocks in a terminal."""
    separate_copies()
    sync(group)
    order_renders()
    render_missing(group, frames)
    _start_render(group, frames)


def track(group: nuke.Group) -> None:
    """Track the range (button Track). Returns at once in a session; blocks in a terminal."""
    sync(group)
    frames = range_of(group)
    render_missing(group, frames)
    state = read_state(group, frames)
    request = track_request(_with_track(state, group))
    _run(
        group,
        "Track",
        lambda progress: ENGINE.track(request, progress),
        lambda group, _: sync(group),
    )


def take_pick(group: nuke.Group) -> None:
    """Set `target` to the picked point in the current frame, if there is a face under it."""
    frame = int(nuke.frame())
    render_missing(group, [frame])
    request = render_request(read_state(group, [frame]))
    number = request.frames[0].plate_frame
    place = (float(group[names.PICK].getValue(channel)) for channel in (0, 1))
    x, y = display(group, str(request.document["plate"]), number).point_to_file(*place)
    _run(
        group,
        "Find faces",
        lambda _: ENGINE.faces(request),
        lambda group, faces: _picked(group, faces, f"{number}:{x:g},{y:g}", x, y),
    )


def step_issue(group: nuke.Group, step: int) -> None:
    """Go to the frame of the next issue, or with a negative `step` of the one before, and show it in the node's notes."""
    request = render_request(read_state(group, range_of(group)))
    frame = int(nuke.frame())
    numbers = {entry.frame: entry.plate_frame for entry in request.frames}

    def show(group: nuke.Group, issues: list[dict[str, Any]]) -> None:
        inside = [issue for issue in issues if issue["first"] in numbers.values()]
        found = next_issue(inside, numbers.get(frame, frame), step)
        if found is None:
            say(f"{group.name()} has no issue {'after' if step > 0 else 'before'} frame {frame}.")
            return
        set_quietly(group, names.NOTES, issue_line(found))
        nuke.frame(next(own for own, number in numbers.items() if number == found["first"]))

    _run(group, "Issues", lambda _: ENGINE.issues(request), show)


def auto_update(group: nuke.Group) -> None:
    """Render the current frame again, unless the inner Writes would have to run: Nuke may be drawing.

    A running task of the node is cancelled; when it ends, the next one starts.
    """
    shot, frame = text(group, names.ID), int(nuke.frame())
    if nuke.executing() or out_of_date(group, [frame]):
        return
    if TASKS.busy(shot):
        TASKS.cancel(shot)
        _AGAIN.add(shot)
        return
    _start_render(group, (frame,), shot)


def _start_render(group: nuke.Group, frames: tuple[int, ...], supersede: str = "") -> None:
    request = render_request(read_state(group, frames), supersede=supersede or None)
    knobs = knobs_name(group)

    def work(progress: Progress) -> tuple[str, str]:
        ENGINE.render(request, progress)
        return ENGINE.notices(request)

    _run(
        group,
        f"Render {format_frames(frames)}",
        work,
        lambda group, notices: _rendered(group, request, knobs, notices),
        quiet=bool(supersede),
    )


def _run(
    group: nuke.Group,
    title: str,
    work: Callable[[Progress], Any],
    finish: Callable[[nuke.Group, Any], None],
    quiet: bool = False,
) -> None:
    """Run `work` in a thread, then `finish` in the main thread if the node still exists."""
    shot, label = text(group, names.ID), f"{group.name()}: {title}"

    def finished(answer: Any) -> None:
        again = _by_id(shot)
        if again is not None:
            finish(again, answer)
            _ended(again, shot)

    def failed(sentence: str) -> None:
        again = _by_id(shot)
        if again is not None:
            _ended(again, shot)
        if not quiet:
            say(f"{label}: {sentence}")

    if not nuke.GUI:
        # A terminal session has no event loop that would run a thread's callback in the main thread.
        finished(work(lambda done, total: True))
        return
    TASKS.start(shot, group.name(), Task(label, work, finished, failed))
    refresh(group, LEDGER, title.lower())


def _ended(group: nuke.Group, shot: str) -> None:
    refresh(group, LEDGER)
    if shot in _AGAIN:
        _AGAIN.discard(shot)
        # The error was shown when the change was made.
        with suppress(ClientError):
            auto_update(group)


def _rendered(group: nuke.Group, request: RenderRequest, knobs: str, notices: tuple[str, str]) -> None:
    shot = text(group, names.ID)
    for entry in request.frames:
        if os.path.isfile(entry.path):
            LEDGER.rendered(shot, entry.frame, knobs)
    for name, line in zip((names.LICENCES, names.NOTES), notices):
        set_quietly(group, name, line)
    reload_result(group)


def _picked(group: nuke.Group, faces: list[dict[str, Any]], target: str, x: float, y: float) -> None:
    for face in faces:
        left, top, width, height = face["box"]
        if left <= x <= left + width and top <= y <= top + height:
            group["target"].setValue(target)
            return
    say(f"There is no face under the point; the frame shows {len(faces) or 'none'}.")


def _with_track(state: Any, group: nuke.Group) -> Any:
    path = text(group, names.TRACK)
    if not path:
        raise HostError("no-track", f"{group.name()} has no track file; name one on its Face tab.")
    return replace(state, track=path)


def _by_id(shot: str) -> Any:
    """Return the node of a shot, which may have been renamed or deleted while the thread ran."""
    return next((group for group in faceswaps() if text(group, names.ID) == shot), None)
