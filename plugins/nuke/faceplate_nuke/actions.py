"""Tasks of the buttons: Nuke is read first, a thread talks to the engine, and the result is shown in the main thread."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Callable

import nuke

from faceplate_client import Choice, HostError, Progress, format_frames, issue_line, next_issue

from . import names
from .background_tasks import Task, Tasks
from .frame_status import LEDGER, knobs_name, ledger_key, note_frame, refresh
from .messages import say
from .node_state import display, range_of, read_state
from .nodes import faceswaps, reload_result, set_quietly, text
from .prerender import render_missing
from .pulldowns import choose, fill
from .render_callbacks import ENGINE
from .render_request import RenderRequest, render_request, track_request
from .sync import separate_copies, sync
from .write_order import offer_order, order_inner_writes

__all__ = [
    "TASKS",
    "by_id",
    "check_engine",
    "followers",
    "record_frames",
    "refresh_choices",
    "render",
    "run_task",
    "step_issue",
    "take_pick",
    "track",
]

TASKS = Tasks()

followers: list[Callable[[nuke.Group], object]] = []
"""Called with the node when one of its tasks has ended: auto-update then looks whether the picture is still wanted."""


def render(group: nuke.Group, frames: tuple[int, ...]) -> None:
    """Render frames (buttons Render frame, Render range). Returns at once in a session; blocks in a terminal."""
    separate_copies()
    sync(group)
    order_inner_writes()
    offer_order()
    render_missing(group, frames)
    _start_render(group, frames)


def track(group: nuke.Group) -> None:
    """Track the range (button Track). Returns at once in a session; blocks in a terminal."""
    sync(group)
    frames = range_of(group)
    render_missing(group, frames)
    state = read_state(group, frames)
    request = track_request(_with_track(state, group))

    def work(progress: Progress) -> object:
        return ENGINE.track(request, progress)

    def tracked(group: nuke.Group, _: object) -> None:
        sync(group)
        refresh_choices(group)

    run_task(
        group,
        "Track",
        work,
        tracked,
    )


def take_pick(group: nuke.Group) -> None:
    """Set `target` to the picked point in the current frame, if there is a face under it."""
    frame = int(nuke.frame())
    render_missing(group, [frame])
    request = render_request(read_state(group, [frame]))
    number = request.frames[0].plate_frame
    place = (float(group[names.PICK].getValue(channel)) for channel in (0, 1))
    x, y = display(group, str(request.document["plate"]), number).point_to_file(*place)
    run_task(
        group,
        "Find faces",
        lambda _: ENGINE.faces(request),
        lambda group, faces: _picked(group, faces, f"{number}:{x:g},{y:g}", x, y),
    )


def refresh_choices(group: nuke.Group) -> None:
    """Fill the pulldowns with what the engine offers (button Refresh lists, and after a track)."""
    request = render_request(read_state(group, [int(nuke.frame())]))
    run_task(group, "Lists", lambda _: ENGINE.choices(request), fill)


def check_engine(group: nuke.Group) -> None:
    """Show the engine's state (button Check engine)."""
    run_task(
        group,
        "Engine",
        lambda _: ENGINE.state(),
        lambda group, line: set_quietly(group, names.ENGINE_STATE, line),
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

    run_task(group, "Issues", lambda _: ENGINE.issues(request), show)


def _start_render(group: nuke.Group, frames: tuple[int, ...]) -> None:
    request = render_request(read_state(group, frames))
    knobs = knobs_name(group)

    def work(progress: Progress) -> tuple[tuple[str, str], dict[str, list[Choice]]]:
        ENGINE.render(request, progress)
        return ENGINE.notices(request), ENGINE.choices(request)

    def finish(group: nuke.Group, answer: tuple[tuple[str, str], dict[str, list[Choice]]]) -> None:
        notices, offered = answer
        for name, line in zip((names.LICENCES, names.NOTES), notices):
            set_quietly(group, name, line)
        fill(group, offered)
        record_frames(group, request, knobs)

    run_task(group, f"Render {format_frames(frames)}", work, finish)


def run_task(
    group: nuke.Group,
    title: str,
    work: Callable[[Progress], Any],
    finish: Callable[[nuke.Group, Any], None],
    live: bool = False,
) -> None:
    """Run `work` in a thread, then `finish` in the main thread if the node still exists.

    A task of the user takes the place of a `live` one; the error of a live one goes to the node's notes.
    """
    shot, label = text(group, names.ID), f"{group.name()}: {title}"

    def finished(answer: Any) -> None:
        again = by_id(shot)
        if again is not None:
            finish(again, answer)
            _ended(again)

    def failed(sentence: str) -> None:
        again = by_id(shot)
        if again is not None:
            if live and sentence:
                set_quietly(again, names.NOTES, sentence)
            _ended(again)
        if not live:
            say(f"{label}: {sentence}")

    if not nuke.GUI:
        # A terminal session has no event loop that would run a thread's callback in the main thread.
        finished(work(lambda done, total: True))
        return
    TASKS.start(shot, group.name(), Task(label, work, finished, failed, live))
    refresh(group, LEDGER, title.lower())


def _ended(group: nuke.Group) -> None:
    refresh(group, LEDGER)
    for follower in followers:
        follower(group)


def record_frames(group: nuke.Group, request: RenderRequest, knobs: str) -> None:
    """Record the frames that a request has rendered, and show them."""
    shot = ledger_key(group)
    for entry in request.frames:
        if os.path.isfile(entry.path):
            LEDGER.rendered(shot, entry.frame, knobs)
            note_frame(entry.path, knobs)
    reload_result(group)


def _picked(group: nuke.Group, faces: list[dict[str, Any]], target: str, x: float, y: float) -> None:
    for face in faces:
        left, top, width, height = face["box"]
        if left <= x <= left + width and top <= y <= top + height:
            choose(group["target"], target)
            return
    say(f"There is no face under the point; the frame shows {len(faces) or 'none'}.")


def _with_track(state: Any, group: nuke.Group) -> Any:
    path = text(group, names.TRACK)
    if not path:
        raise HostError("no-track", f"{group.name()} has no track file; name one on its Face tab.")
    return replace(state, track=path)


def by_id(shot: str) -> nuke.Group | None:
    """Return the node of a shot, or None: it may have been renamed or deleted while the thread ran."""
    return next((group for group in faceswaps() if text(group, names.ID) == shot), None)
