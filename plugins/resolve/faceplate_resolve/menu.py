"""The entries of Resolve's menu: `run(globals(), "preview")`, `swap`, `next`, `batch`, `next-issue`, `previous-issue`.

Every error becomes a message.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from faceplate_client import (
    CHOSEN,
    Choice,
    ClientError,
    Engine,
    EngineError,
    HostError,
    Shot,
    choices_of,
    connect,
    issue_line,
    licence_notice,
    next_issue,
    parameters,
    shot_document,
)

from .batch import batch, marked_items
from .clip import Clip, plate_frame, read_clip
from .dialog import GO, PREVIEW, Panel, SwapRequest, read_request, swap_panel
from .host import Host, from_menu
from .interface import Console, UserInterface
from .plates import choose_mode, plate_space
from .preview import FramePreview
from .settings import remember, remembered
from .swap import current_item, next_version, swap_clip
from .swap_record import load_shot, record_of
from .timing import frame_of_timecode, timecode_of_frame
from .ui_dialog import ResolveDialog

if TYPE_CHECKING:
    from fusionscript import TimelineItem

__all__ = ["COLOR", "interface_for", "run", "step_issue", "work"]

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
    return _swap(host, item, connected, interface, look_first=what == PREVIEW)


def _swap(
    host: Host, item: TimelineItem, connected: Callable[[], Engine], interface: UserInterface, look_first: bool
) -> str:
    """Ask, show previews of the frame under the playhead as often as wanted, then swap the clip.

    With `look_first` the project's settings of last time are shown at once, where a person was chosen then.
    """
    clip = read_clip(host, item)
    mode = choose_mode(clip, "auto")
    engine = connected()
    said, offered = _engine_notes(host, clip, mode.mode, engine)
    notes = (_where(host, clip, mode.mode, mode.reason), *said)
    request: SwapRequest | None = remembered(host)
    asked = not (look_first and request.source)
    values: dict[str, Any] = {}
    action = PREVIEW
    with FramePreview(host, item, clip, _place(host, clip), engine) as preview:
        while True:
            if asked:
                panel = swap_panel(
                    "Faceplate - Swap face in clip", notes, parameters(), values, request, _BUTTONS, offered
                )
                request, action = _asked(host, interface, panel)
            if request is None:
                return ""
            if action == PREVIEW:
                action = _look(preview, request, interface)
            if action == GO:
                break
            if not action:
                return ""
            values, asked = dict(request.values), True
    placed = swap_clip(host, item, request, engine, interface)
    kind, track = placed.GetTrackTypeAndIndex()
    return f"Done: {clip.name} on the {kind} track '{host.timeline.GetTrackName('video', track)}'."


_BUTTONS = ((PREVIEW, "Preview this frame"), (GO, "Swap the clip"))
_TWEAK = "tweak"


def _look(preview: FramePreview, request: SwapRequest, interface: UserInterface) -> str:
    """Show one frame; return what the user wants next: `_TWEAK`, `GO`, or an empty text."""
    try:
        picture = preview.picture(request, interface)
    except ClientError as error:
        interface.say(str(error))
        return _TWEAK
    said = "Plate, result and matte of this frame. The timeline is as it was."
    return interface.show(picture, said, ((_TWEAK, "Change values"), (GO, "Swap the clip")))


def _next(host: Host, item: TimelineItem, connected: Callable[[], Engine], interface: UserInterface) -> str:
    record = record_of(item)
    if record is None:
        raise HostError("no-memory", "The clip under the playhead was not made by Faceplate: use Swap face in clip.")
    document = load_shot(record)
    own = remembered(host)
    own = replace(
        own,
        source=document.get("source") or own.source,
        mode=record.mode,
        space="",
        purpose=document.get("purpose") or own.purpose,
        result=record.result,
    )
    notes = (f"{item.GetName()}: the last version is {record.take}.", *_faces_note(document))
    request, _ = _asked(
        host, interface, _panel("Faceplate - Next version", notes, document.get("parameters") or {}, own)
    )
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
        places.setdefault(plate_frame(clip, place), clip.start + place)
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
    request, _ = _asked(host, interface, _panel("Faceplate - Batch marked clips", notes, {}, remembered(host)))
    if request is None:
        return ""
    outcomes = batch(host, items, request, connected(), interface)
    failed = [outcome for outcome in outcomes if not outcome.done]
    lines = [f"{outcome.name}: {'done' if outcome.done else outcome.text}" for outcome in outcomes]
    return "\n".join([f"{len(outcomes) - len(failed)} of {len(items)} clips done.", *lines])


def _panel(title: str, notes: tuple[str, ...], values: dict[str, Any], own: SwapRequest) -> Panel:
    return swap_panel(title, notes, parameters(), values, own)


def _asked(host: Host, interface: UserInterface, panel: Panel) -> tuple[SwapRequest | None, str]:
    """Show the dialog until its values are valid; return the request and the button, or None when the user cancels."""
    while True:
        given = interface.ask(panel)
        if given is None:
            return None, ""
        try:
            request = read_request(panel, given)
        except HostError as error:
            interface.say(str(error))
            continue
        remember(host, request)
        return request, str(given.get("action") or GO)


def _where(host: Host, clip: Clip, mode: str, reason: str) -> str:
    first, last = (timecode_of_frame(frame, host.rate) for frame in (clip.start, clip.end - 1))
    how = "on its own media" if mode == "source" else f"on a render of its range, because {reason}"
    return f"{clip.name}: {first} to {last}, {clip.duration} frames, {how}."


def _engine_notes(host: Host, clip: Clip, mode: str, engine: Engine) -> tuple[tuple[str, ...], dict[str, list[Choice]]]:
    """Return the engine's notes on the media (colour space and reason, faces, licences of the weights), and its lists."""
    if mode == "render":
        name, _ = plate_space(host, clip, mode, "")
        return (f"Colour: the render is read as {name}.",), _offered(engine, {})
    space, _ = plate_space(host, clip, mode, "")
    shot = engine.open_shot(shot_document(clip.files.pattern, None, space=space))
    found = shot.info.get("space") or {}
    said = f"Colour: {found['name']}, {found['reason']}." if found else ""
    notes = [said + (" Choose another under Clip if that is wrong." if found.get("assumed") else "")]
    notes += [_faces(engine, shot, _playhead(host, clip)), licence_notice(shot.info)]
    return tuple(note for note in notes if note), _offered(engine, shot.info)


def _offered(engine: Engine, info: Mapping[str, Any]) -> dict[str, list[Choice]]:
    """Return what the dialog's lists offer: networks by their cards, people of a track."""
    models = engine.models()
    return {name: choices_of(name, models, info) for name in CHOSEN}


def _playhead(host: Host, clip: Clip) -> int:
    """Return the plate's frame under the playhead; the clip's first frame when Resolve does not report it."""
    return plate_frame(clip, _place(host, clip))


def _place(host: Host, clip: Clip) -> int:
    """Return the playhead's place in the clip, in record frames from its start."""
    try:
        record = frame_of_timecode(str(host.timeline.GetCurrentTimecode()), host.rate)
    except ValueError:
        record = clip.start
    return min(max(record - clip.start, 0), clip.duration - 1)


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
