"""The network space: from scene-linear Rec.709 to the display-referred 0..1 that networks were trained on, and back.

A face is first exposed to the level that networks know (`log_average`, `Exposure`), then sent through an invertible
curve (`Shoulder`): the sRGB encoding of IEC 61966-2-1 up to a knee, above it a logarithm, so that a highlight of 40
comes back as 40. Everything here is plain numpy; only `ViewEncoding` goes through a `ColorConfig`.

Sources: Reinhard, Stark, Shirley, Ferwerda, "Photographic Tone Reproduction for Digital Images", SIGGRAPH 2002, eq. 1
and 2 (log-average luminance and key); IEC 61966-2-1:1999 (sRGB).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from faceplate.errors import UsageError

__all__ = [
    "GAIN_RANGE",
    "KEY",
    "SHOULDER",
    "Encoding",
    "Exposure",
    "Shoulder",
    "ViewEncoding",
    "ViewSource",
    "decode",
    "encode",
    "log_average",
    "to_uint8",
]

KEY = 0.2
"""Linear level to which the log-average of a face is exposed.

Networks were trained on 8-bit sRGB portraits as cameras deliver them; over the middle of such faces, skin of many
tones with brows, eyes and mouth, the log-average luminance is about 0.2 (0.13 to 0.29), so they keep a gain near 1.
"""

GAIN_RANGE = (2.0**-6, 2.0**6)
"""Six stops either way: beyond that the level was measured on something that is not a lit face."""

_FLOOR = 1e-6  # keeps the logarithm finite on black; 17 stops below KEY, so it has no effect on a lit face
_STOPS_AROUND_MEDIAN = 4.0
_BLOCK = 1 << 15  # values per pass: three float32 scratch rows stay in a core's own cache
_FLOAT_MAX = float(np.finfo(np.float32).max)


class Encoding(Protocol):
    """An invertible conversion between linear Rec.709 and network space; `Shoulder` and `ViewEncoding` are the two."""

    def encode(self, linear709: np.ndarray, gain: float) -> np.ndarray:
        """Convert scene-linear Rec.709 float32 (h, w, 3), exposed by `gain`, to network space."""
        ...

    def decode(self, encoded: np.ndarray, gain: float) -> np.ndarray:
        """Convert network space back to scene-linear Rec.709 float32 (h, w, 3), exposure undone."""
        ...


def log_average(luminance: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the log-average of scene-linear luminance.

    Reinhard et al. 2002, eq. 1: exp(sum(w log l) / sum(w)), with three guards. NaN and infinite pixels do not count.
    Negative and zero ones count as the floor. Every pixel is clipped to four stops around the weighted median, so that
    neither a highlight of 1000 nor noise around black moves the level; because that range follows the median, the result
    still scales with the light.

    Parameters
    ----------
    luminance : numpy.ndarray
        Scene-linear (h, w).
    weight : numpy.ndarray, optional
        (h, w), 0 or more.

    Returns
    -------
    float
        The level; `KEY`, which means a gain of 1, where there is nothing to measure.
    """
    light = np.asarray(luminance, dtype=np.float64).ravel()
    weights = np.ones_like(light) if weight is None else np.asarray(weight, dtype=np.float64).ravel()
    if weights.shape != light.shape:
        raise ValueError(f"weight has {weights.size} values, luminance {light.size}")
    counts = np.isfinite(light) & np.isfinite(weights) & (weights > 0.0)
    light, weights = np.maximum(light[counts], _FLOOR), weights[counts]
    if light.size == 0:
        return KEY
    stops = np.log2(light)
    middle = _weighted_median(stops, weights)
    held = np.clip(stops, middle - _STOPS_AROUND_MEDIAN, middle + _STOPS_AROUND_MEDIAN)
    return float(2.0 ** (np.dot(held, weights) / weights.sum()))


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    running = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(running, 0.5 * running[-1])]])


@dataclass(frozen=True)
class Exposure:
    """The factor on scene-linear light that brings a face to the level that networks know."""

    gain: float = 1.0

    def __post_init__(self) -> None:
        """Check the gain."""
        _check_gain(self.gain)

    @classmethod
    def of_level(cls, level: float) -> Exposure:
        """Return the exposure of a face whose log-average is `level`: `KEY` / level, within `GAIN_RANGE`; 1 for no level."""
        if not (math.isfinite(level) and level > 0.0):
            return cls(1.0)
        return cls(min(max(KEY / level, GAIN_RANGE[0]), GAIN_RANGE[1]))


@dataclass(frozen=True)
class Shoulder:
    """An invertible curve: sRGB up to display value `knee`, a logarithm above that reaches 1 at linear `white`.

    With x the exposed linear value, y the display value and (x_k, y_k) the knee:

        y = 12.92 x                                 x <= 0.0031307, where line and power meet
        y = 1.055 x^(1/2.4) - 0.055                 up to x_k                           (IEC 61966-2-1)
        y = y_k + a ln(1 + s (x - x_k) / a)         above; s is the sRGB slope at x_k, so value and slope are continuous

    and curve(-x) = -curve(x). `a` is solved so that curve(white) = 1. It rises strictly, never clips, and is finite for
    every finite float32; NaN stays NaN, infinity counts as the largest float. There and back errs less than 2e-5
    relative for |x| up to 1600 in float32. In the shoulder dx/dy = (x - x_k + a/s) / a, about 36 x: an error of 0.01
    that a network makes up there is a third of the light, so composite a network's *change*, not its picture.
    """

    knee: float = 0.8
    white: float = 64.0

    def __post_init__(self) -> None:
        """Check that the curve exists."""
        if not _TOE_Y < self.knee < 1.0 or self.slope * (self.white - self.knee_linear) <= 1.0 - self.knee:
            raise ValueError(f"no shoulder goes from knee {self.knee} to white {self.white}")

    @cached_property
    def knee_linear(self) -> float:
        """x_k: the linear value whose sRGB encoding is `knee`."""
        return ((self.knee + 0.055) / 1.055) ** 2.4

    @cached_property
    def slope(self) -> float:
        """s: the slope of the sRGB encoding at the knee."""
        return 1.055 / 2.4 * self.knee_linear ** (1.0 / 2.4 - 1.0)

    @cached_property
    def scale(self) -> float:
        """a: solves a ln(1 + s (white - x_k) / a) = 1 - knee; the left side rises with a, so bisection finds it."""
        reach = self.slope * (self.white - self.knee_linear)
        low, high = 1e-9, 1e9
        for _ in range(200):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if middle * math.log1p(reach / middle) < 1.0 - self.knee else (low, middle)
        return high

    def encode(self, linear709: np.ndarray, gain: float = 1.0) -> np.ndarray:
        """Return curve(gain · x) of scene-linear Rec.709, any shape, as a new float32 array; above 1 for x above `white`."""
        gain = _check_gain(gain)
        source, result = _flat_pair(linear709)
        for x, y in _blocks(source, result):
            self._encode_block(x, y, gain)
        return result.reshape(np.shape(linear709))

    def decode(self, encoded: np.ndarray, gain: float = 1.0) -> np.ndarray:
        """Invert `encode` with the same `gain`: scene-linear Rec.709, any shape, as a new float32 array."""
        gain = _check_gain(gain)
        source, result = _flat_pair(encoded)
        for y, x in _blocks(source, result):
            self._decode_block(y, x, gain)
        return result.reshape(np.shape(encoded))

    # Neither block has a branch: each piece of the curve is evaluated on values held inside its own range and is
    # neutral outside it. A sum, product or minimum of rising pieces rises, so rounding cannot make a step at a join.

    def _encode_block(self, x: np.ndarray, y: np.ndarray, gain: float) -> None:
        knee, steep = np.float32(self.knee_linear / gain), self.slope / self.scale * gain
        high = np.abs(x)
        low = np.minimum(high, knee)
        np.clip(high, knee, _FLOAT_MAX / max(2.0 * steep, 2.0), out=high)
        high -= knee
        high *= np.float32(steep)
        high += np.float32(1.0)
        np.log(high, out=high)
        high *= np.float32(self.scale)
        power = np.maximum(low, np.float32(_TOE_X / gain))
        np.log(power, out=power)
        power *= np.float32(1.0 / 2.4)
        power += np.float32(math.log(1.055) + math.log(gain) / 2.4)
        np.exp(power, out=power)
        power -= np.float32(0.055)
        low *= np.float32(12.92 * gain)
        np.minimum(low, power, out=low)
        low += high
        np.copysign(low, x, out=y)

    def _decode_block(self, y: np.ndarray, x: np.ndarray, gain: float) -> None:
        knee, steep = np.float32(self.knee), self.slope / self.scale * gain
        high = np.abs(y)
        power = np.clip(high, np.float32(_TOE_Y), knee)
        low = np.minimum(high, np.float32(_TOE_Y))
        ceiling = self.knee + self.scale * (88.0 + min(math.log(steep), 0.0))  # above it the light is no float32
        np.clip(high, knee, np.float32(ceiling), out=high)
        high -= knee
        high *= np.float32(1.0 / self.scale)
        np.exp(high, out=high)
        high -= np.float32(1.0)
        high *= np.float32(1.0 / steep)
        power += np.float32(0.055)
        np.log(power, out=power)
        power *= np.float32(2.4)
        power -= np.float32(2.4 * math.log(1.055) + math.log(_TOE_X))
        np.exp(power, out=power)  # how many times the toe's light: 1 inside the toe, so black stays exactly 0
        low *= np.float32(1.0 / (12.92 * gain))
        low *= power
        low += high
        np.copysign(low, y, out=x)


def _toe() -> tuple[float, float]:
    """Return where the sRGB line and power meet exactly, near (0.0031307, 0.040448).

    IEC 61966-2-1 prints 0.0031308, rounded; with that the two pieces would miss each other by 1e-8.
    """
    x = 0.0031308
    for _ in range(60):
        gap = 1.055 * x ** (1.0 / 2.4) - 0.055 - 12.92 * x
        x -= gap / (1.055 / 2.4 * x ** (1.0 / 2.4 - 1.0) - 12.92)
    return x, 12.92 * x


_TOE_X, _TOE_Y = _toe()


def _check_gain(gain: float) -> float:
    if not (math.isfinite(gain) and gain > 0.0):
        raise ValueError(f"exposure gain must be a positive number, not {gain}")
    return float(gain)


def _flat_pair(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    source = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
    return source, np.empty_like(source)


def _blocks(source: np.ndarray, result: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, source.size, _BLOCK):
        yield source[start : start + _BLOCK], result[start : start + _BLOCK]


SHOULDER = Shoulder()
"""The curve of the house: knee 0.8, white 64."""


def encode(linear709: np.ndarray, gain: float = 1.0) -> np.ndarray:
    """Convert scene-linear Rec.709 float32, any shape, to network space with the default curve `SHOULDER`."""
    return SHOULDER.encode(linear709, gain)


def decode(encoded: np.ndarray, gain: float = 1.0) -> np.ndarray:
    """Convert network space to scene-linear Rec.709 float32 with the default curve `SHOULDER`: the inverse of `encode`."""
    return SHOULDER.decode(encoded, gain)


def to_uint8(encoded: np.ndarray) -> np.ndarray:
    """Clip a display-encoded picture, any shape, to 0..1 and round it to 8 bits; NaN becomes black."""
    values = np.nan_to_num(np.asarray(encoded, dtype=np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    return (np.clip(values, 0.0, 1.0) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)


class ViewSource(Protocol):
    """The part of `ColorConfig` that a `ViewEncoding` needs."""

    def from_linear709(self, pixels: np.ndarray) -> np.ndarray:
        """Convert scene-linear Rec.709 float32 (h, w, 3) to working space."""
        ...

    def to_linear709(self, pixels: np.ndarray) -> np.ndarray:
        """Convert working-space float32 (h, w, 3) to scene-linear Rec.709."""
        ...

    def to_view(self, pixels: np.ndarray, display: str, view: str) -> np.ndarray:
        """Convert working-space float32 (h, w, 3) to what a view shows."""
        ...

    def from_view(self, pixels: np.ndarray, display: str, view: str) -> np.ndarray:
        """Convert what a view shows to working-space float32 (h, w, 3)."""
        ...


@dataclass(frozen=True)
class ViewEncoding:
    """Network space by a display and view of the OCIO config, in the place of the `Shoulder`.

    A tone-mapping view compresses and clips: highlights above its white and colours outside its gamut are lost in the crop.
    On greys and skin of 0.01 to 0.9 there and back must agree within 1 %, which is tested when it is made.

    Raises
    ------
    UsageError
        `unknown-view` (from the config), `view-without-inverse`.
    """

    config: ViewSource
    display: str
    view: str

    def __post_init__(self) -> None:
        """Check that the view can be inverted."""
        probe = _probe_colours()
        try:
            back = self.decode(self.encode(probe, 1.0), 1.0)
        except UsageError as error:
            if error.code != "no-conversion":
                raise
            raise self._no_inverse() from error
        if not np.all(np.abs(back - probe) <= 0.01 * probe.max(axis=-1, keepdims=True)):
            raise self._no_inverse()

    def encode(self, linear709: np.ndarray, gain: float = 1.0) -> np.ndarray:
        """Convert scene-linear Rec.709 float32 (h, w, 3), exposed by `gain`, through the view: a new float32 array."""
        exposed = np.asarray(linear709, dtype=np.float32) * np.float32(_check_gain(gain))
        return self.config.to_view(self.config.from_linear709(exposed), self.display, self.view)

    def decode(self, encoded: np.ndarray, gain: float = 1.0) -> np.ndarray:
        """Convert back through the inverse of the view, exposure undone: scene-linear Rec.709 float32 (h, w, 3)."""
        exposed = self.config.to_linear709(self.config.from_view(encoded, self.display, self.view))
        return exposed / np.float32(_check_gain(gain))

    def _no_inverse(self) -> UsageError:
        return UsageError(
            "view-without-inverse",
            f"The view '{self.view}' of display '{self.display}' has no inverse; choose another view, "
            "or leave the choice out.",
        )


def _probe_colours() -> np.ndarray:
    """Return greys of 0.01 to 0.9 and four skins in linear Rec.709, (1, n, 3), which a view must reproduce."""
    greys = np.geomspace(0.01, 0.9, 16, dtype=np.float32)[:, None].repeat(3, axis=1)
    skins = np.array([[0.60, 0.38, 0.29], [0.35, 0.19, 0.12], [0.12, 0.06, 0.04], [0.04, 0.02, 0.014]], np.float32)
    return np.concatenate([greys, skins])[None]
