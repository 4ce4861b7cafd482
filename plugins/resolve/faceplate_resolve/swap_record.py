"""The record of a swap in a project: a marker's custom data that names the shot file, and the shot file itself."""

from __future__ import annotations

import datetime
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faceplate_client import HostError, changed_values, with_current_names, write_document

from .media import short_name

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, TimelineItem

__all__ = ["SwapRecord", "folder_name", "load_shot", "record_of", "save_shot", "take_name", "take_of", "write_record"]

COLOR = "Pink"
NAME = "Faceplate"


@dataclass(frozen=True)
class SwapRecord:
    """A marker's custom data: path of the shot file, shot id, number of the take, mode (source or render), and result.

    `result` says where the result went (`dialog.OVER`, `ELEMENT`, `TAKE`).
    """

    shot: str
    id: str
    take: int
    mode: str
    result: str = "over the plate"

    def text(self) -> str:
        """Return the record as the marker stores it."""
        kept = {"shot": self.shot, "id": self.id, "take": self.take, "mode": self.mode, "result": self.result}
        return json.dumps({"faceplate": 1, **kept})

    @classmethod
    def parse(cls, text: str) -> SwapRecord | None:
        """Return the record in a marker's custom data; None for any other marker."""
        try:
            data = json.loads(text)
            if data["faceplate"] == 1:
                result = str(data.get("result") or cls.result)  # markers of version 0.2 have none
                return cls(str(data["shot"]), str(data["id"]), int(data["take"]), str(data["mode"]), result)
        except (ValueError, TypeError, KeyError):
            pass
        return None

    @classmethod
    def on(cls, thing: TimelineItem | MediaPoolItem | None) -> SwapRecord | None:
        """Return the record in the markers of an item or a medium; None where it has none."""
        for marker in (thing.GetMarkers() or {}).values() if thing else ():
            found = cls.parse(str(marker.get("customData") or ""))
            if found is not None:
                return found
        return None


def record_of(item: TimelineItem) -> SwapRecord | None:
    """Return the record of a placed result, from its media or the item; None for any other clip."""
    return SwapRecord.on(item.GetMediaPoolItem()) or SwapRecord.on(item)


def write_record(thing: TimelineItem | MediaPoolItem, frame: int, record: SwapRecord) -> None:
    """Store the record in a marker at a frame, replacing an older one. Raises HostError `not-marked`."""
    for at, marker in dict(thing.GetMarkers() or {}).items():
        if SwapRecord.parse(str(marker.get("customData") or "")) is not None:
            thing.DeleteMarkerAtFrame(at)
    note = f"take {record.take}: {record.shot}"
    thing.AddMarker(frame, COLOR, NAME, note, 1, record.text())
    kept = thing.GetMarkerByCustomData(record.text())
    if not kept:
        raise HostError("not-marked", "Resolve did not keep the marker that names the shot file.")


def folder_name(text: str) -> str:
    """Return a clip's or project's name as a folder name: letters, digits, dot, dash and underscore."""
    return re.sub(r"[^\w.-]+", "_", short_name(text)).strip("._") or "clip"


def load_shot(record: SwapRecord) -> dict[str, Any]:
    """Return the shot document of a record. Raises HostError `shot-gone`, `shot-other`."""
    try:
        with open(record.shot, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError) as error:
        raise HostError("shot-gone", f"The shot file {record.shot} cannot be read ({error}).") from error
    if document.get("id") != record.id:
        raise HostError("shot-other", f"The shot file {record.shot} belongs to another shot than the clip.")
    return {**document, "parameters": with_current_names(document.get("parameters") or {})}


def take_name(name: str, take: int) -> str:
    """Return the name of a take as Resolve shows it, with version and date: `sh010 v002 2026-11-29 14:05`."""
    return f"{name} v{take:03d} {datetime.datetime.now().strftime('%Y-%m-%d %H:%M')}"


def take_of(document: dict[str, Any]) -> int:
    """Return the number of the next take."""
    return max([take["take"] for take in document.get("takes") or []], default=0) + 1


def save_shot(
    path: str, document: dict[str, Any], values: dict[str, Any], output: str, frames: str, note: str = ""
) -> dict[str, Any]:
    """Write the document with new values and a take for them, atomically. Returns the new document.

    Keyed values and the shot's faces are kept, as the dialog does not show them.
    """
    curves = {name: value for name, value in (document.get("parameters") or {}).items() if isinstance(value, dict)}
    changed = {**changed_values(values), **curves}
    made = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    take = {"take": take_of(document), "made": made, "output": output, "frames": frames, "parameters": changed}
    if document.get("faces"):
        take["faces"] = document["faces"]
    if note:
        take["note"] = note
    new = {**document, "parameters": changed, "output": output, "frames": frames}
    new["takes"] = [*(document.get("takes") or []), take]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write_document(path, new)
    return new
