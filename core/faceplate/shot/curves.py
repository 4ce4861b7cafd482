"""Keyed values: a number over frames, with hold, linear or smooth interpolation between keys.

The smooth segments are the monotone cubic Hermite interpolant of F. N. Fritsch and J. Butland, "A method for
constructing local monotone piecewise cubic interpolants", SIAM J. Sci. Stat. Comput. 5(2), 1984, in the form for uneven
spacing: exact at the keys, never beyond them, level where the keys turn.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Curve", "Interpolation", "Key"]

Interpolation = Literal["hold", "linear", "smooth"]
Number = Annotated[float, Field(allow_inf_nan=False)]
Frame = Annotated[int, Field(ge=-10_000_000, le=10_000_000)]


class Key(NamedTuple):
    """A key: its frame, its value, and the interpolation to the next key."""

    frame: Frame
    value: Number
    interpolation: Interpolation = "linear"


class Curve(BaseModel):
    """A curve of one or more keys, sorted by frame; the value is constant before the first and after the last key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: Annotated[tuple[Key, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Curve:
        frames = [key.frame for key in self.keys]
        for earlier, later in itertools.pairwise(frames):
            if later <= earlier:
                raise ValueError(f"the key at frame {later} comes after the one at {earlier}")
        return self

    def at(self, frame: float) -> float:
        """Return the value at `frame`, which never leaves the range of the two keys around it."""
        index = bisect_right([key.frame for key in self.keys], frame) - 1
        if index < 0:
            return self.keys[0].value
        start = self.keys[index]
        if index == len(self.keys) - 1 or start.interpolation == "hold" or frame == start.frame:
            return start.value
        end = self.keys[index + 1]
        t = (frame - start.frame) / (end.frame - start.frame)
        if start.interpolation == "linear":
            value = start.value + t * (end.value - start.value)
        else:
            value = _hermite(t, end.frame - start.frame, start.value, end.value, *self._slopes[index : index + 2])
        low, high = sorted((start.value, end.value))
        return min(max(value, low), high)  # a rounding may not leave the keys' range

    def with_key(self, key: Key) -> Curve:
        """Return the curve with `key` added, or replaced where its frame has a key already."""
        others = [item for item in self.keys if item.frame != key.frame]
        return Curve(keys=tuple(sorted([*others, key])))

    def without_key(self, frame: int) -> Curve | None:
        """Return the curve without the key at `frame`, or None when no key is left."""
        others = tuple(item for item in self.keys if item.frame != frame)
        return Curve(keys=others) if others else None

    @cached_property
    def _slopes(self) -> list[float]:
        """The tangent at each key, per frame: 0 at the ends and beside a hold, where the value does not move."""
        keys = self.keys
        widths = [later.frame - earlier.frame for earlier, later in itertools.pairwise(keys)]
        rises = [
            0.0 if earlier.interpolation == "hold" else (later.value - earlier.value) / width
            for earlier, later, width in zip(keys, keys[1:], widths, strict=False)
        ]
        inner = [_tangent(*pair) for pair in zip(rises, rises[1:], widths, widths[1:], strict=False)]
        return [0.0, *inner, 0.0]


def _tangent(before: float, after: float, width_before: float, width_after: float) -> float:
    """Fritsch and Butland's weighted harmonic mean of the two slopes, 0 where the curve turns or rests."""
    if before * after <= 0:
        return 0.0
    one, two = 2 * width_after + width_before, width_after + 2 * width_before
    return (one + two) / (one / before + two / after)


def _hermite(t: float, width: float, start: float, end: float, leave: float, arrive: float) -> float:
    """Evaluate the cubic Hermite segment at t in 0..1 of `width` frames; slopes are per frame."""
    u = 1 - t
    return start * u * u * (1 + 2 * t) + end * t * t * (3 - 2 * t) + width * t * u * (leave * u - arrive * t)
