"""The entries of Resolve's menu: `run(globals(), "swap")`, `next`, `batch`, `next-issue`, `previous-issue`.

Every error becomes a message.
"""

from __future__ import annotations

import contextlib
import os
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from faceplate_client import (
    ClientError,
    Engine,
    EngineError,
    HostError,
    Shot,
    connect,
    issue_line,
    licence_notice,
    next_issue,
    parameters,
    shot_document,
    write_json,
)
from faceplate_client.paths import read_json, user_folder

from .clip import Clip, read_clip
from .dialog import Panel, SwapRequest, read_request, swap_panel
from .host import Host, from_menu
from .interface import Console, UserInterface
from .swap import batch, choose_mode, current_item, marked_items, next_version, plate_space, swap_clip
from .swap_record import load_shot, record_of
from .timing import frame_of_timecode, shown, timecode_of_frame
from .ui_dialog import ResolveDialog

if TYPE_CHECKING:
    from fusionscript import TimelineItem

__all__ = ["COLOR", "interface_for", "remembered", "run", "step_issue", "work"]

COLOR = "Fuchsia"
"""Colour of the marker, flag or clip by which "Batch marked clips" selects clips."""


_STEPS = {"next-issue": 1, "previous-issue": -1}


def run(names: dict[str, Any], what: str, connected: Callable[[], Engine] = connect) -> int:
    """Run one menu entry; return 0 when it was done or cancelled by the user, 1 when it failed."""
    interface: UserInterface | None = None
    try:
        host = from_menu(names)
        interface = interface_for(host)
        text = work(host, what, connected, interface)
        if text:
            interface.say("\n".join([text, *interface.notes]))
        return 0
    except ClientError as error:
        _tell(interface, str(error))
        return 1
    except Exception as error:  # Resolve shows no exception of a menu script
        traceback.print_exc()
        kind = type(error).__name__
        _tell(interface, f"Internal error ({kind}: {error}); Resolve's console shows the details.")
        return 1
    finally:
        if interface is not None:
            interface.close()


def interface_for(host: Host) -> UserInterface:
    """Return Resolve's own dialogs in Studio, else Tk's where Python has Tk and a display, else the console."""
    if host.ui is not None and host.dispatcher is not None:
        return ResolveDialog(host.ui, host.dispatcher, host.fusion)
    try:
        from .tk_dialog import TkDialog

        return TkDialog()
    except Exception:  # no Tk in this Python, or no display
        return Console()


def _tell(interface: UserInterface | None, text: str) -> None:
    print(f"Faceplate: {text}", flush=True)
    if interface is not None:
        interface.say(text)


def work(host: Host, what: str, connected: Callable[[], Engine], interface: UserInterface) -> str:
    """Run one menu entry; return the message, empty when the user cancelled. Raises ClientError."""
    if what == "batch":
        return _batch(host, connected, interface)
    item = current_item(host)
    if what in _STEPS:
        return step_issue(host, item, _STEPS[what], connected())
    if what == "next":
        return _next(host, item, connected, interface)
    clip = read_clip(host, item)
    mode = choose_mode(clip, "auto")
    engine = connected()
    notes = (_where(host, clip, mode.mode, mode.reason), *_engine_notes(host, clip, mode.mode, engine))
    request = _asked(interface, _panel("Faceplate - Swap face in clip", notes, {}, remembered()))
    if request is None:
        return ""
    placed = swap_clip(host, item, request, engine, interface)
    kind, track = placed.GetTrackTypeAndIndex()
    return f"Done: {clip.name} on the {kind} track '{host.timeline.GetTrackName('video', track)}'."


def _next(host: Host, item: TimelineItem, connected: Callable[[], Engine], interface: UserInterface) -> str:
    record = record_of(item)
    if record is None:
        raise HostError("no-memory", "The clip under the playhead was not made by Faceplate: use Swap face in clip.")
    document = load_shot(record)
    own = remembered()
    own = SwapRequest(document.get("source") or own.source, own.folder, record.mode, own.handles, own.track, "", {})
    own = replace(own, purpose=document.get("purpose") or own.purpose)
    notes = (f"{item.GetName()}: the last version is {record.take}.", *_faces_note(document))
    request = _asked(interface, _panel("Faceplate - Next version", notes, document.get("parameters") or {}, own))
    if request is None:
        return ""
    number = next_version(host, item, request, connected(), interface)
    return f"Done: {item.GetName()} shows its take {number}."


def _faces_note(document: dict[str, Any]) -> tuple[str, ...]:
    """Return a line on the faces of the shot file; empty for a shot of one."""
    people = [str(face.get("name")) for face in document.get("faces") or []]
    return (f"Several faces: {', '.join(people)}. Each has its own values in the shot file.",) if people else ()


def step_issue(host: Host, item: TimelineItem, step: int, engine: Engine) -> str:
    """Move the playhead to the next issue of a placed result, or to the one before; return a line about it.

    Raises HostError `no-memory`, `no-issue`.
    """
    record = record_of(item)
    if record is None:
        raise HostError("no-memory", "The clip under the playhead was not made by Faceplate: it has no issues.")
    clip = read_clip(host, item)
    shot = engine.open_shot(record.shot)
    places: dict[int, int] = {}
    for place in range(clip.duration):
        places.setdefault(_plate_frame(clip, place), clip.start + place)
    issues = [issue for issue in engine.issues(shot) if issue["first"] in places]
    found = next_issue(issues, _playhead(host, clip), step)
    if found is None:
        raise HostError("no-issue", f"The clip has no issue {'after' if step > 0 else 'before'} the playhead.")
    host.timeline.SetCurrentTimecode(timecode_of_frame(places[found["first"]], host.rate))
    return issue_line(found)


def _batch(host: Host, connected: Callable[[], Engine], interface: UserInterface) -> str:
    items = marked_items(host, COLOR)
    if not items:
        raise HostError("no-clip", f"No clip is marked: give the clips to swap a {COLOR} marker, flag or clip colour.")
    notes = (f"{len(items)} clips: {', '.join(str(item.GetName()) for item in items)}.",)
    request = _asked(interface, _panel("Faceplate - Batch marked clips", notes, {}, remembered()))
    if request is None:
        return ""
    outcomes = batch(host, items, request, connected(), interface)
    failed = [outcome for outcome in outcomes if not outcome.done]
    lines = [f"{outcome.name}: {'done' if outcome.done else outcome.text}" for outcome in outcomes]
    return "\n".join([f"{len(outcomes) - len(failed)} of {len(items)} clips done.", *lines])


def _panel(title: str, notes: tuple[str, ...], values: dict[str, Any], own: SwapRequest) -> Panel:
    return swap_panel(title, notes, parameters(), values, own)


def _asked(interface: UserInterface, panel: Panel) -> SwapRequest | None:
    """Show the dialog until its values are valid; return the request, or None when the user cancels."""
    while True:
        given = interface.ask(panel)
        if given is None:
            return None
        try:
            request = read_request(panel, given)
        except HostError as error:
            interface.say(str(error))
            continue
        _remember(request)
        return request


def _where(host: Host, clip: Clip, mode: str, reason: str) -> str:
    first, last = (timecode_of_frame(frame, host.rate) for frame in (clip.start, clip.end - 1))
    how = "on its own media" if mode == "source" else f"on a render of its range, because {reason}"
    return f"{clip.name}: {first} to {last}, {clip.duration} frames, {how}."


def _engine_notes(host: Host, clip: Clip, mode: str, engine: Engine) -> tuple[str, ...]:
    """Return the engine's notes on the media: colour space and reason, faces, and licences of the weights."""
    if mode == "render":
        name, _ = plate_space(host, clip, mode, "")
        return (f"Colour: the render is read as {name}.",)
    space, _ = plate_space(host, clip, mode, "")
    shot = engine.open_shot(shot_document(clip.files.pattern, None, space=space))
    found = shot.info.get("space") or {}
    said = f"Colour: {found['name']}, {found['reason']}." if found else ""
    notes = [said + (" Choose another under Clip if that is wrong." if found.get("assumed") else "")]
    notes += [_faces(engine, shot, _playhead(host, clip)), licence_notice(shot.info)]
    return tuple(note for note in notes if note)


def _playhead(host: Host, clip: Clip) -> int:
    """Return the plate's frame under the playhead; the clip's first frame when Resolve does not report it."""
    try:
        record = frame_of_timecode(str(host.timeline.GetCurrentTimecode()), host.rate)
    except ValueError:
        record = clip.start
    return _plate_frame(clip, min(max(record - clip.start, 0), clip.duration - 1))


def _plate_frame(clip: Clip, k: int) -> int:
    """Return the plate's frame that the clip's k-th record frame shows."""
    if clip.files.kind == "still":
        return clip.files.first
    return (clip.files.first if clip.files.kind == "sequence" else 0) + shown(clip.offset, k, clip.ratio)


def _faces(engine: Engine, shot: Shot, frame: int) -> str:
    """Return how many faces there are to choose from; empty for one face, or when the engine cannot tell."""
    try:
        count = len(engine.faces(shot, frame).wait(timeout=60)["result"]["faces"])
    except EngineError:
        return ""
    if count == 1:
        return ""
    return f"{count or 'No'} faces under the playhead" + (
        "; enter the number from the left as Target." if count else "."
    )


def remembered() -> SwapRequest:
    """Return the answers of the last dialog; at first results go to the folder `Faceplate` in the user's home."""
    folder = os.path.join(os.path.expanduser("~"), "Faceplate")
    kept = read_json(_settings_file()) or {}
    try:
        return SwapRequest(
            str(kept["source"]), str(kept["folder"]), "auto", int(kept["handles"]), bool(kept["track"]), "", {}
        )
    except (ValueError, KeyError, TypeError):
        return SwapRequest("", folder, "auto", 8, True, "", {})


def _remember(request: SwapRequest) -> None:
    kept = {"source": request.source, "folder": request.folder, "handles": request.handles, "track": request.track}
    with contextlib.suppress(HostError):  # only a convenience
        write_json(_settings_file(), kept)


def _settings_file() -> str:
    return os.path.join(user_folder(os.environ), "resolve.json")
