"""The dialog as data, made from the parameter list, the most used parameters first. Opens no window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

from faceplate_client import CHOSEN, Choice, HostError, first_choices

__all__ = [
    "ELEMENT",
    "ESSENTIALS",
    "GO",
    "OVER",
    "PREVIEW",
    "TAKE",
    "Field",
    "Panel",
    "SwapRequest",
    "read_request",
    "swap_panel",
]

ESSENTIALS = ("target", "generator", "light_luminance", "matte_feather", "grain", "occlusion")
"""The parameters on the first page; each group of the others has a page of its own."""

_MODES = ("auto", "source", "render")
_PURPOSES = ("preview", "final")

OVER, ELEMENT, TAKE = "over the plate", "element", "take of the clip"
"""Where the result goes: a track above, with the whole picture or the element alone, or into the clip below its grade."""

PREVIEW, GO = "preview", "go"
"""What a dialog's buttons ask for."""


@dataclass(frozen=True)
class Field:
    """One line of the dialog. `kind` is float, int, string, choice, list, flag, folder, file or note (text only).

    A list offers its choices and takes other text too, such as a place in the picture.
    """

    name: str
    kind: str
    label: str
    value: Any
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Panel:
    """A dialog: pages of fields, with `notes` above them. `actions` are its buttons beside Cancel: (name, label)."""

    title: str
    notes: tuple[str, ...]
    pages: tuple[tuple[str, tuple[Field, ...]], ...]
    actions: tuple[tuple[str, str], ...] = ((GO, "Go"),)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of all pages."""
        return tuple(field for _, fields in self.pages for field in fields)


@dataclass(frozen=True)
class SwapRequest:
    """What the user asked for: `values` are the parameters, the rest are the adapter's own settings."""

    source: str
    folder: str
    mode: str
    handles: int
    track: bool
    space: str
    values: Mapping[str, Any]
    purpose: str = "preview"
    result: str = OVER
    burn_grade: bool = False


def swap_panel(
    title: str,
    notes: tuple[str, ...],
    parameters: list[dict[str, Any]],
    values: Mapping[str, Any],
    own: SwapRequest,
    actions: tuple[tuple[str, str], ...] = ((GO, "Go"),),
    offered: Mapping[str, Sequence[Choice]] | None = None,
) -> Panel:
    """Return the dialog with `values` in place of defaults; a keyed value stays in the shot file and is shown as a note.

    `offered` is what the engine offers for the parameters that are lists; without it they have the values that need no engine.
    """

    def field(entry: dict[str, Any]) -> Field:
        return _field(entry, values, offered or {})

    first = [
        Field(
            "source", "folder", "Source", own.source, "Pictures, or a folder of pictures, of the person who is put in."
        ),
        *(field(entry) for entry in parameters if entry["name"] in ESSENTIALS),
    ]
    first.sort(key=lambda field: ESSENTIALS.index(field.name) if field.name in ESSENTIALS else -1)
    groups: dict[str, list[Field]] = {}
    for entry in parameters:
        if entry["name"] not in ESSENTIALS:
            groups.setdefault(entry["group"], []).append(field(entry))
    others = ((name, tuple(fields)) for name, fields in groups.items())
    return Panel(title, notes, (("Swap", tuple(first)), ("Clip", _clip_fields(own)), *others), actions)


def _clip_fields(own: SwapRequest) -> tuple[Field, ...]:
    """Return the page of the adapter's own settings."""
    return (
        Field(
            "mode", "choice", "Plate", own.mode, "auto, the clip's own media, or a render of its range.", choices=_MODES
        ),
        Field("handles", "int", "Handles", own.handles, "Frames beyond the cut at both ends.", 0, 1000),
        Field("track", "flag", "Track first", own.track, "Track the face through the clip before it is replaced."),
        Field(
            "space", "string", "Colour space", own.space, "The plate's OCIO colour space; empty: as the file states."
        ),
        Field(
            "purpose",
            "choice",
            "Purpose",
            own.purpose,
            "Without a release of the person on record, preview renders with a slate and final is refused.",
            choices=_PURPOSES,
        ),
        Field("folder", "folder", "Results", own.folder, "Folder of the frames and the shot file."),
        Field(
            "result",
            "choice",
            "Result",
            own.result,
            "The whole picture or the element with its matte on a track above, or a take of the clip itself. The grade "
            "stays on top of all three.",
            choices=(OVER, ELEMENT, TAKE),
        ),
        Field(
            "burn_grade",
            "flag",
            "Burn in the grade",
            own.burn_grade,
            "Where the clip's range is rendered: with its grade in the pictures, and none on the result.",
        ),
    )


DEFAULT = "default"
"""The word for a list's empty value: the shipped network, or none."""


def _field(entry: dict[str, Any], values: Mapping[str, Any], offered: Mapping[str, Sequence[Choice]]) -> Field:
    value = values.get(entry["name"], entry["default"])
    if isinstance(value, Mapping):
        return Field(entry["name"], "note", entry["label"], "keyed in the shot file", entry["help"])
    if entry["name"] in CHOSEN:
        found = offered.get(entry["name"]) or first_choices(entry["name"])
        words = [choice.value or DEFAULT for choice in found]
        told = [f"{choice.value or DEFAULT}: {choice.text}." for choice in found if choice.text]
        help_ = "\n".join([entry["help"], *told])
        return Field(entry["name"], "list", entry["label"], value or DEFAULT, help_, choices=tuple(words))
    kind = "file" if entry["type"] == "path" else entry["type"]
    choices = tuple(map(str, entry["choices"]))
    return Field(entry["name"], kind, entry["label"], value, entry["help"], entry["minimum"], entry["maximum"], choices)


_Given = Mapping[str, Union[str, int, float, bool]]


def read_request(panel: Panel, given: _Given) -> SwapRequest:
    """Return the request that a window's contents describe. Raises HostError `bad-value`, `no-source`."""
    read = {
        field.name: _read(field, given.get(field.name, field.value)) for field in panel.fields if field.kind != "note"
    }
    source = str(read.pop("source")).strip()
    if not source:
        raise HostError("no-source", "Choose the person: a picture, or a folder of pictures.")
    names = ("folder", "mode", "handles", "track", "space", "purpose", "result", "burn_grade")
    own = {name: read.pop(name) for name in names}
    return SwapRequest(source=source, values=read, **own)


def _read(field: Field, value: Any) -> Any:
    if field.kind == "flag":
        return bool(value)
    if field.kind == "choice" and field.choices:
        if str(value) not in field.choices:
            raise HostError("bad-value", f"{field.label} is one of {', '.join(field.choices)}.")
        return str(value)
    if field.kind == "list":
        text = str(value).strip()
        return "" if text == DEFAULT else text
    if field.kind not in ("int", "float"):
        return str(value).strip()
    try:
        number = int(value) if field.kind == "int" else float(str(value).replace(",", "."))
    except ValueError:
        raise HostError("bad-value", f"{field.label} is a number, not '{value}'.") from None
    low, high = field.minimum, field.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise HostError("bad-value", f"{field.label} can be {low:g} to {high:g}.")
    return number
