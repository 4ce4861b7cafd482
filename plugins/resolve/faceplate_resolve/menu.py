"""What Resolve's menu scripts call: `run(globals(), "swap" | "next" | "batch")`. Nothing leaves it but a message."""

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
    licence_notice,
    parameters,
    shot_document,
    write_json,
)
from faceplate_client.paths import read_json, user_folder

from .clip import Clip, read_clip
from .dialog import Answer, Panel, panel_for, read_answer
from .host import Host, from_menu
from .interface import Console, UserInterface
from .swap import batch, choose_mode, current_item, marked_items, next_version, plate_space, swap_clip
from .swap_record import load_shot, record_of
from .timing import frame_of_timecode, shown, timecode_of_frame
from .ui_dialog import ResolveDialog

if TYPE_CHECKING:
    from fusionscript import TimelineItem

__all__ = ["COLOR", "interface_for", "remembered", "run", "work"]

COLOR = "Fuchsia"
"""Clips with a marker, a flag or a clip colour of this are what "Batch marked clips" does."""


def run(names: dict[str, Any], what: str, connected: Callable[[], Engine] = connect) -> int:
    """Runs one menu entry; 0 when it was done or given up by the person, 1 when it failed."""
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
    except Exception as error:  # nobody sees what a menu script raises
        traceback.print_exc()
        kind = type(error).__name__
        _tell(interface, f"Something went wrong that should not ({kind}: {error}); Resolve's console has more.")
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
    """One menu entry; answers what to tell, empty when the person gave up. Raises HostError, EngineError."""
    if what == "batch":
        return _batch(host, connected, interface)
    item = current_item(host)
    if what == "next":
        return _next(host, item, connected, interface)
    clip = read_clip(host, item)
    mode = choose_mode(clip, "auto")
    engine = connected()
    notes = (_where(host, clip, mode.mode, mode.reason), *_engine_notes(host, clip, mode.mode, engine))
    answer = _asked(interface, _panel("Faceplate - Swap face in clip", notes, {}, remembered()))
    if answer is None:
        return ""
    placed = swap_clip(host, item, answer, engine, interface)
    kind, track = placed.GetTrackTypeAndIndex()
    return f"Done: {clip.name} on the {kind} track '{host.timeline.GetTrackName('video', track)}'."


def _next(host: Host, item: TimelineItem, connected: Callable[[], Engine], interface: UserInterface) -> str:
    record = record_of(item)
    if record is None:
        raise HostError("no-memory", "The clip under the playhead was not made by Faceplate: use Swap face in clip.")
    document = load_shot(record)
    own = remembered()
    own = Answer(document.get("source") or own.source, own.folder, record.mode, own.handles, own.track, "", {})
    own = replace(own, purpose=document.get("purpose") or own.purpose)
    notes = (f"{item.GetName()}: the last version is {record.take}.",)
    answer = _asked(interface, _panel("Faceplate - Next version", notes, document.get("parameters") or {}, own))
    if answer is None:
        return ""
    number = next_version(host, item, answer, connected(), interface)
    return f"Done: {item.GetName()} shows its take {number}."


def _batch(host: Host, connected: Callable[[], Engine], interface: UserInterface) -> str:
    items = marked_items(host, COLOR)
    if not items:
        raise HostError("no-clip", f"No clip is marked: give those to swap a {COLOR} marker, flag or clip colour.")
    notes = (f"{len(items)} clips: {', '.join(str(item.GetName()) for item in items)}.",)
    answer = _asked(interface, _panel("Faceplate - Batch marked clips", notes, {}, remembered()))
    if answer is None:
        return ""
    outcomes = batch(host, items, answer, connected(), interface)
    failed = [outcome for outcome in outcomes if not outcome.done]
    lines = [f"{outcome.name}: {'done' if outcome.done else outcome.text}" for outcome in outcomes]
    return "\n".join([f"{len(outcomes) - len(failed)} of {len(items)} clips done.", *lines])


def _panel(title: str, notes: tuple[str, ...], values: dict[str, Any], own: Answer) -> Panel:
    return panel_for(title, notes, parameters(), values, own)


def _asked(interface: UserInterface, panel: Panel) -> Answer | None:
    """The answer, after as many tries as it takes; remembered for the next dialog."""
    while True:
        given = interface.ask(panel)
        if given is None:
            return None
        try:
            answer = read_answer(panel, given)
        except HostError as error:
            interface.say(str(error))
            continue
        _remember(answer)
        return answer


def _where(host: Host, clip: Clip, mode: str, reason: str) -> str:
    first, last = (timecode_of_frame(frame, host.rate) for frame in (clip.start, clip.end - 1))
    how = "on its own media" if mode == "source" else f"on a render of its range, because {reason}"
    return f"{clip.name}: {first} to {last}, {clip.duration} frames, {how}."


def _engine_notes(host: Host, clip: Clip, mode: str, engine: Engine) -> tuple[str, ...]:
    """What the engine says of the media: its colour space and why, and the licences of the weights."""
    if mode == "render":
        name, _ = plate_space(host, clip, mode, "")
        return (f"Colour: the render is read as {name}.",)
    space, _ = plate_space(host, clip, mode, "")
    shot = engine.open_shot(shot_document(clip.files.pattern, None, space=space))
    found = shot.info.get("space") or {}
    said = f"Colour: {found['name']}, {found['reason']}." if found else ""
    notes = [said + (" Say another under Clip if that is wrong." if found.get("assumed") else "")]
    notes += [_faces(engine, shot, _playhead(host, clip)), licence_notice(shot.info)]
    return tuple(note for note in notes if note)


def _playhead(host: Host, clip: Clip) -> int:
    """The plate's frame under the playhead; the clip's first where Resolve does not say."""
    try:
        record = frame_of_timecode(str(host.timeline.GetCurrentTimecode()), host.rate)
    except ValueError:
        record = clip.start
    if clip.files.kind == "still":
        return clip.files.first
    k = min(max(record - clip.start, 0), clip.duration - 1)
    return (clip.files.first if clip.files.kind == "sequence" else 0) + shown(clip.offset, k, clip.ratio)


def _faces(engine: Engine, shot: Shot, frame: int) -> str:
    """How many faces there are to choose from; nothing to say when there is one, or when nobody can tell yet."""
    try:
        count = len(engine.faces(shot, frame).wait(timeout=60)["result"]["faces"])
    except EngineError:
        return ""
    if count == 1:
        return ""
    return f"{count or 'No'} faces under the playhead" + ("; say the number from the left as Target." if count else ".")


def remembered() -> Answer:
    """Return the answers of the last dialog; at first results go to the folder `Faceplate` in the user's home."""
    folder = os.path.join(os.path.expanduser("~"), "Faceplate")
    kept = read_json(_settings_file()) or {}
    try:
        return Answer(
            str(kept["source"]), str(kept["folder"]), "auto", int(kept["handles"]), bool(kept["track"]), "", {}
        )
    except (ValueError, KeyError, TypeError):
        return Answer("", folder, "auto", 8, True, "", {})


def _remember(answer: Answer) -> None:
    kept = {"source": answer.source, "folder": answer.folder, "handles": answer.handles, "track": answer.track}
    with contextlib.suppress(HostError):  # only a convenience
        write_json(_settings_file(), kept)


def _settings_file() -> str:
    return os.path.join(user_folder(os.environ), "resolve.json")
