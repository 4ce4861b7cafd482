"""The tabs of FaceSwap: the knobs of the parameter list, between the adapter's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

import nuke

from faceplate_client import CHOSEN, first_choices, parameters

from .own_knobs import AFTER, BEFORE
from .pulldowns import DEFAULT, words_of

__all__ = ["TABS", "add_knobs", "parameter_names", "tab_of"]

TABS = (
    "Face",
    "Track",
    "Source",
    "Faces",
    "Expression",
    "Matte",
    "Light",
    "Lens",
    "Output",
    "Export",
    "Engine",
    "About",
)

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
        for knob in BEFORE.get(tab, _nothing)():
            group.addKnob(knob)
        for parameter in parameters():
            if tab_of(parameter) == tab:
                group.addKnob(_parameter(parameter))
        for knob in AFTER.get(tab, _nothing)():
            group.addKnob(knob)


def _parameter(parameter: Mapping[str, Any]) -> nuke.Knob:
    pulldown = parameter["name"] in CHOSEN
    knob = _pulldown(parameter) if pulldown else _KINDS[str(parameter["type"])](parameter)
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


def _pulldown(parameter: Mapping[str, Any]) -> nuke.Knob:
    words = words_of(first_choices(str(parameter["name"])))
    knob = nuke.Enumeration_Knob(parameter["name"], parameter["label"], words)
    knob.setValue(parameter["default"] or DEFAULT)
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
