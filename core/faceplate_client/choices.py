"""What a panel offers in place of free text: networks by the engine's model cards, and the people of a track as targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["CHOSEN", "Choice", "choices_of", "first_choices"]

_ROLES = {
    "generator": ("swap",),
    "detector": ("detector",),
    "landmarker": ("landmarks",),
    "recogniser": ("identity",),
    "restorer": ("restore",),
    "occluder": ("occlusion-matte", "person-matte"),
    "parser": ("face-parser",),
}
"""The roles of the cards (`Engine.models`) that each parameter may name."""

_TARGETS = ("auto", "largest", "leftmost", "rightmost")

CHOSEN = ("target", *_ROLES)
"""The parameters of type string that have a list of choices; all others are text."""


@dataclass(frozen=True)
class Choice:
    """One line of a pulldown: the parameter's value, and a sentence and a picture's file about it for the tooltip."""

    value: str
    text: str
    picture: str = ""


def first_choices(name: str) -> list[Choice]:
    """Return what the parameter `name` offers before the engine was asked: the values that need no network and no track."""
    if name == "target":
        return [Choice(value, "") for value in _TARGETS]
    if name == "generator":
        return [Choice("mesh", "shipped, for commercial use"), Choice("null", "changes nothing")]
    return [Choice("", "the shipped one, or none")]


def choices_of(
    name: str,
    models: Iterable[Mapping[str, Any]],
    info: Mapping[str, Any],
    pictures: Mapping[str, str] | None = None,
) -> list[Choice]:
    """Return what the parameter `name` offers.

    Parameters
    ----------
    name : str
        One of `CHOSEN`.
    models : iterable of mapping
        As `Engine.models` returns them; a network whose file is missing is not offered.
    info : mapping
        What the engine reported about the open shot (`Shot.info`): its `people` are the targets of a tracked shot.
    pictures : mapping, optional
        Pictures of these people, by their ids (`Engine.people_pictures`).
    """
    if name == "target":
        return first_choices(name) + [_person(person, pictures or {}) for person in info.get("people") or ()]
    roles = _ROLES[name]
    found = [card for card in models if card.get("role") in roles and card.get("present")]
    return first_choices(name) + [Choice(str(card["name"]), _licence(card)) for card in found]


def _person(person: Mapping[str, Any], pictures: Mapping[str, str]) -> Choice:
    value = str(person.get("name") or person["number"])
    first, last = person.get("first"), person.get("last")
    told = f"person {person['number']}, frames {first}-{last}, seen in {person.get('frames', 0)}"
    return Choice(value, told, pictures.get(str(person.get("id")), ""))


def _licence(card: Mapping[str, Any]) -> str:
    return f"{card['licence']}, {'' if card['commercial'] else 'NOT '}for commercial use"
