"""Which channels of a file are the picture: find red, green and blue among parts and layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import RenderError, UsageError
from faceplate.image.window import Window

__all__ = ["PlatePart", "choose_beauty"]

_NAMES = (("r", "red"), ("g", "green"), ("b", "blue"))
# Among several layers with a colour, these hold the beauty, the first of them first.
_USUAL_LAYERS = ("rgba", "rgb", "beauty", "combined")


@dataclass(frozen=True)
class PlatePart:
    """One part (subimage) of a picture file.

    Attributes
    ----------
    name : str
        The part's name, "" where it has none.
    channels, formats : tuple of str
        The channels as stored, and the sample format of each.
    data : Window
        The data window.
    tile : tuple of int, optional
        Tile width and height; None for scanlines.
    compression : str
        The compression's name, `none` where there is none.
    deep : bool
        Whether the samples are deep.
    """

    name: str
    channels: tuple[str, ...]
    formats: tuple[str, ...]
    data: Window
    tile: tuple[int, int] | None
    compression: str
    deep: bool


def choose_beauty(parts: tuple[PlatePart, ...], layer: str | None, path: Path) -> tuple[int, tuple[str, str, str]]:
    """Return the part that holds the picture, and its red, green and blue channels.

    The first that fits wins: the first part with plain R, G, B; then a layer with a usual name (rgba, rgb, beauty,
    combined); then the first layer with a colour; then a single channel, taken as grey: Y, or the only channel of a
    part.

    Parameters
    ----------
    parts : tuple of PlatePart
        The file's parts, in file order.
    layer : str or None
        A part's name or a channel prefix (`beauty` for `beauty.R`), in any case; None leaves the choice to the rules.
    path : Path
        The file, for messages.

    Returns
    -------
    index : int
        The part's index in `parts`.
    channels : tuple of str
        The names of its red, green and blue channel; three times the same for grey.

    Raises
    ------
    UsageError
        `no-rgb`: no part or layer holds a picture; the message names the channels.
    RenderError
        `plate-deep`: only a deep part fits.
    """
    chosen = _first(parts, lambda part: None if part.deep else _colour(part, layer)) or _first(
        parts, lambda part: None if part.deep else _grey(part, layer)
    )
    if chosen:
        return chosen
    if _first(parts, lambda part: _colour(part, layer) or _grey(part, layer)):
        raise RenderError("plate-deep", f"{path} holds the picture as deep samples: flatten it before it is read.")
    names = ", ".join(
        f"{part.name}: {channel}" if part.name else channel for part in parts for channel in part.channels
    )
    asked = f"no layer '{layer}' with a picture" if layer else "no red, green and blue channel"
    raise UsageError("no-rgb", f"{path} has {asked}; its channels are {names}.")


def _first(
    parts: tuple[PlatePart, ...], find: Callable[[PlatePart], tuple[int, tuple[str, str, str]] | None]
) -> tuple[int, tuple[str, str, str]] | None:
    """Return (part index, channels) of the find with the lowest rank, the first part among equals."""
    found = [(result[0], index, result[1]) for index, part in enumerate(parts) if (result := find(part))]
    return min(found, key=lambda item: item[:2])[1:] if found else None


def _colour(part: PlatePart, layer: str | None) -> tuple[int, tuple[str, str, str]] | None:
    """Return (rank, channels) of the best layer with a colour in a part."""
    layers: dict[str, dict[str, str]] = {}
    for channel in part.channels:
        prefix, _, suffix = channel.rpartition(".")
        layers.setdefault(prefix, {}).setdefault(suffix.lower(), channel)
    ranked = []
    for position, (prefix, channels) in enumerate(layers.items()):
        picked = [next((channels[name] for name in names if name in channels), None) for names in _NAMES]
        rank = _rank(part, prefix, layer)
        if rank is not None and all(picked):
            ranked.append((rank, position, (str(picked[0]), str(picked[1]), str(picked[2]))))
    return (min(ranked)[0], min(ranked)[2]) if ranked else None


def _grey(part: PlatePart, layer: str | None) -> tuple[int, tuple[str, str, str]] | None:
    """Return (rank, the same channel three times): Y before a part's only channel."""
    for channel in part.channels:
        prefix, _, suffix = channel.rpartition(".")
        rank = _rank(part, prefix, layer)
        alone = len(part.channels) == 1 or (layer is not None and _is(channel, layer))
        if rank is not None and suffix.lower() == "y" and not _is_vector(part, prefix):
            return rank, (channel, channel, channel)
        if alone and (layer is None or rank is not None or _is(channel, layer)):
            return 100, (channel, channel, channel)
    return None


def _is_vector(part: PlatePart, prefix: str) -> bool:
    """Return whether a layer's Y is the second axis of a position, a normal or a motion."""
    return any(_is(channel, f"{prefix}.x" if prefix else "x") for channel in part.channels)


def _rank(part: PlatePart, prefix: str, layer: str | None) -> int | None:
    """Return how well a layer fits what was asked; less is better, None is not at all."""
    own = prefix.rpartition(".")[2].lower()
    if layer is not None:
        if not prefix and _is(part.name, layer):
            return 0
        return 1 if _is(prefix, layer) else 2 if _is(part.name, layer) else None
    if not prefix:
        return 0
    return 1 + _USUAL_LAYERS.index(own) if own in _USUAL_LAYERS else 50


def _is(name: str, asked: str) -> bool:
    return name.lower() == asked.lower()
