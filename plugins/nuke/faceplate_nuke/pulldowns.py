"""Pulldowns that the engine fills: networks by their cards, targets by the people of the track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import nuke

from faceplate_client import CHOSEN, Choice, parameters

from . import names

__all__ = ["DEFAULT", "choose", "fill", "value_of", "words_of"]

DEFAULT = "default"
"""The word for a parameter's empty value, which a pulldown cannot show."""


def words_of(choices: Sequence[Choice]) -> list[str]:
    """Return the lines of a pulldown."""
    return [choice.value or DEFAULT for choice in choices]


def value_of(knob: nuke.Knob) -> str:
    """Return the parameter's value that a text knob or a pulldown shows."""
    value = str(knob.value() or "")
    return "" if isinstance(knob, nuke.Enumeration_Knob) and value == DEFAULT else value


def choose(knob: nuke.Knob, value: str) -> None:
    """Set a pulldown, or the text knob of an older node, to a value; a pulldown that lacks it gets it as a line."""
    if isinstance(knob, nuke.Enumeration_Knob) and value not in knob.values():
        knob.setValues([*knob.values(), value])
    knob.setValue(value or DEFAULT if isinstance(knob, nuke.Enumeration_Knob) else value)


def fill(group: nuke.Group, offered: Mapping[str, Sequence[Choice]]) -> None:
    """Give the node's pulldowns the lines that the engine offers, without an undo step; what is chosen stays chosen."""
    helps = {str(entry["name"]): str(entry["help"]) for entry in parameters()}
    targets = [names.FACE_TARGET.format(n) for n in names.MORE_FACES]
    for name, parameter in [*((name, name) for name in CHOSEN), *((name, "target") for name in targets)]:
        knob, choices = group.knob(name), offered.get(parameter)
        if choices is None or not isinstance(knob, nuke.Enumeration_Knob):
            continue
        chosen, words = str(knob.value()), words_of(choices)
        words += [] if chosen in words else [chosen]
        if list(knob.values()) != words:
            nuke.Undo.disable()
            try:
                knob.setValues(words)
                knob.setValue(chosen)  # Nuke keeps the line's number, which may be another's now
            finally:
                nuke.Undo.enable()
        knob.setTooltip(helps[parameter] + _lines(choices))


def _lines(choices: Sequence[Choice]) -> str:
    told = [
        f"{_picture(choice)}<b>{escape(choice.value or DEFAULT)}</b>: {escape(choice.text)}"
        for choice in choices
        if choice.text
    ]
    return "<br><br>" + "<br>".join(told) if told else ""


def _picture(choice: Choice) -> str:
    """Return the choice's picture in the tooltip's rich text, which shows files of this machine."""
    return f'<img src="{escape(choice.picture)}" height="64"> ' if choice.picture else ""
