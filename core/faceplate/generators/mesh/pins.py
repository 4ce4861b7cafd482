"""Parsing of pinned views."""

from __future__ import annotations

from faceplate.errors import UsageError

__all__ = ["parse_pins"]


def parse_pins(text: str, names: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    """Parse `open.jpg@1010-1024, front.jpg@1030` into (name, first, last).

    Raises
    ------
    UsageError
        `bad-pin`.
    """
    pins = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, at, range_text = word.rpartition("@")
        first, dash, last = range_text.partition("-")
        if not at or not first.isdigit() or (dash and not last.isdigit()):
            raise UsageError(
                "bad-pin", f"'{word}' is not a pinned view; write picture@first-last, such as open.jpg@1010-1024."
            )
        if name not in names:
            raise UsageError("bad-pin", f"The source has no usable view '{name}'; it has {', '.join(names)}.")
        pins.append((name, int(first), int(last or first)))
    return tuple(pins)
