"""The knobs of FaceSwap: those of the parameter list, and the adapter's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

import nuke

from faceplate_client import parameters

from . import names

__all__ = ["TABS", "add_knobs", "parameter_names", "tab_of"]

TABS = ("Face", "Source", "Expression", "Matte", "Light", "Output", "Engine")

_TAB_OF_GROUP = {"Detail": "Light", "Network": "Engine"}


def tab_of(parameter: Mapping[str, Any]) -> str:
    """Return the tab of a parameter; groups without a tab of their own are under Engine."""
    group = str(parameter["group"])
    tab = _TAB_OF_GROUP.get(group, group)
    return tab if tab in TABS else "Engine"


def parameter_names(animatable: bool) -> list[str]:
    """Return the names of the parameters that may be animated, or of those that may not."""
    return [str(item["name"]) for item in parameters() if bool(item["animatable"]) == animatable]


def add_knobs(group: nuke.Group) -> None:
    """Add the tabs to a new Group, every parameter at its default."""
    for tab in TABS:
        group.addKnob(nuke.Tab_Knob(tab.lower() + "_tab", tab))
        for knob in _BEFORE.get(tab, _nothing)():
            group.addKnob(knob)
        for parameter in parameters():
            if tab_of(parameter) == tab:
                group.addKnob(_parameter(parameter))
        for knob in _AFTER.get(tab, _nothing)():
            group.addKnob(knob)


def _parameter(parameter: Mapping[str, Any]) -> nuke.Knob:
    knob = _KINDS[str(parameter["type"])](parameter)
    knob.setTooltip(str(parameter["help"]))
    if not parameter["animatable"]:
        knob.setFlag(nuke.NO_ANIMATION)
    return knob


def _number(make: Callable[..., nuke.Array_Knob]) -> Callable[[Mapping[str, Any]], nuke.Knob]:
    def knob(parameter: Mapping[str, Any]) -> nuke.Knob:
        made = make(parameter["name"], parameter["label"])
        if parameter["minimum"] is not None and parameter["maximum"] is not None:
            made.setRange(parameter["minimum"], parameter["maximum"])
        made.setDefaultValue([parameter["default"]])
        made.setValue(parameter["default"])
        return made

    return knob


def _choice(parameter: Mapping[str, Any]) -> nuke.Knob:
    knob = nuke.Enumeration_Knob(parameter["name"], parameter["label"], list(parameter["choices"]))
    knob.setValue(parameter["default"])
    return knob


def _text(make: Callable[..., nuke.Knob]) -> Callable[[Mapping[str, Any]], nuke.Knob]:
    def knob(parameter: Mapping[str, Any]) -> nuke.Knob:
        made = make(parameter["name"], parameter["label"])
        if parameter["default"]:
            made.setValue(parameter["default"])
        return made

    return knob


_KINDS: dict[str, Callable[[Mapping[str, Any]], nuke.Knob]] = {
    "float": _number(nuke.Double_Knob),
    "int": _number(nuke.Int_Knob),
    "choice": _choice,
    "string": _text(nuke.String_Knob),
    "path": _text(nuke.File_Knob),
}


def _nothing() -> list[nuke.Knob]:
    return []


def _with_tip(knob: nuke.Knob, tooltip: str, *flags: int) -> nuke.Knob:
    knob.setTooltip(tooltip)
    for bits in flags:
        knob.setFlag(bits)
    return knob


def _button(name: str, label: str, tooltip: str, new_line: bool = False) -> nuke.Knob:
    knob = nuke.PyScript_Knob(name, label, f"import faceplate_nuke; faceplate_nuke.press('{name}')")
    return _with_tip(knob, tooltip, *([nuke.STARTLINE] if new_line else []))


def _file(name: str, label: str, tooltip: str) -> nuke.Knob:
    return _with_tip(nuke.File_Knob(name, label), tooltip, nuke.NO_ANIMATION)


def _before_face() -> list[nuke.Knob]:
    return [
        _hidden(nuke.Int_Knob(names.MARK, "Faceplate"), names.LAYOUT),
        _hidden(nuke.String_Knob(names.ID, "shot id"), ""),
        _hidden(nuke.String_Knob(names.RESULT_MADE, "frames made"), ""),
        _with_tip(
            nuke.String_Knob(names.STATUS, "frames"),
            "Frames that are rendered, and frames that are stale.",
            nuke.READ_ONLY,
        ),
        _button("track_shot", "Track", "Find the faces and track them over the range; writes the track file.", True),
        _button("render_frame", "Render frame", "Render the current frame."),
        _button(
            "render_range", "Render range", "Render the range of the Output tab; frames that are up to date are kept."
        ),
        _button("cancel", "Cancel", "Cancel this node's task; frames that are done stay."),
        _with_tip(
            nuke.Boolean_Knob(names.AUTO, "auto-update current frame", False),
            "Render the current frame again whenever a knob of this node changes.",
            nuke.STARTLINE,
        ),
        nuke.Text_Knob("face_divider", ""),
        _file(
            names.TRACK,
            "track file",
            "The tracked faces of the shot, written by Track; by default beside the script.",
        ),
        _with_tip(
            nuke.XY_Knob(names.PICK, "pick"),
            "Put this point on a face in the Viewer, then press Take picked face.",
            nuke.NO_ANIMATION,
        ),
        _button(
            "take_pick",
            "Take picked face",
            "Set target to this point, if there is a face under it at the current frame.",
        ),
    ]


def _before_source() -> list[nuke.Knob]:
    return [
        _file(
            names.SOURCE,
            "source",
            "A folder of pictures of the person put in, or one picture. A Read on the source input overrides it.",
        ),
        _with_tip(
            nuke.String_Knob(names.SOURCE_SPACE, "source colour space"),
            "Colour space of the source's pictures; empty: as the files state.",
            nuke.NO_ANIMATION,
        ),
        _file(
            names.FACES,
            "several faces",
            "A shot file whose faces are all swapped by this node, each with its own source, track and parameters; what a "
            "face does not set is this node's.",
        ),
    ]


def _before_output() -> list[nuke.Knob]:
    return [
        _with_tip(
            nuke.Enumeration_Knob(names.RESULT_MODE, "result", list(names.RESULT_MODES)),
            "The face over the plate, or the element alone: premultiplied RGBA and its layers.",
            nuke.NO_ANIMATION,
        ),
        _file(names.RESULT, "frames", "Where the engine writes the element; by default in a folder beside the script."),
        _with_tip(
            nuke.Int_Knob(names.RANGE_FIRST, "range"), "First frame of Track and Render range.", nuke.NO_ANIMATION
        ),
        _with_tip(
            nuke.Int_Knob(names.RANGE_LAST, ""),
            "Last frame of Track and Render range; 0 and 0: the project's range.",
            nuke.NO_ANIMATION,
        ),
        _with_tip(
            nuke.Boolean_Knob(names.USE_SEARCH, "search only in", False),
            "Search the face, and read or render the plate, only inside this box.",
            nuke.STARTLINE,
            nuke.NO_ANIMATION,
        ),
        _with_tip(nuke.BBox_Knob(names.SEARCH, "box"), "The box to search.", nuke.NO_ANIMATION),
        _button("fit_search", "Fit to track", "Set the box to the path of the tracked face, with a margin."),
        nuke.Text_Knob("output_divider", ""),
    ]


def _after_engine() -> list[nuke.Knob]:
    return [
        _with_tip(
            nuke.Boolean_Knob(names.NONCOMMERCIAL, "allow non-commercial weights", False),
            "Allow networks whose licence forbids commercial use.",
            nuke.STARTLINE,
            nuke.NO_ANIMATION,
        ),
        _with_tip(nuke.String_Knob(names.LICENCES, "weights in use"), "Networks of the last render.", nuke.READ_ONLY),
        _with_tip(
            nuke.String_Knob(names.NOTES, "notes"), "The source's release, and the engine's warnings.", nuke.READ_ONLY
        ),
        nuke.Text_Knob("engine_divider", ""),
        _button(
            "export_shot", "Export to shot file", "Write a .shot.json that renders these frames without Nuke.", True
        ),
        _button("track_nodes", "Create track nodes", "Tracker4, CornerPin2D and Transform of the tracked face."),
        _button(
            "comp_template",
            "Create comp template",
            "Merge the element over the plate, with grade and grain nodes to adjust.",
        ),
        _button(
            "contact_sheet", "Open contact sheet", "Show frames of the range side by side: plate above, result below."
        ),
        _button("stop_engine", "Stop engine", "End the engine's process; the next render starts it again.", True),
    ]


def _hidden(knob: nuke.Knob, value: object) -> nuke.Knob:
    knob.setValue(value)
    knob.setFlag(nuke.INVISIBLE)
    return knob


_BEFORE: dict[str, Callable[[], list[nuke.Knob]]] = {
    "Face": _before_face,
    "Source": _before_source,
    "Output": _before_output,
}
_AFTER: dict[str, Callable[[], list[nuke.Knob]]] = {"Engine": _after_engine}
