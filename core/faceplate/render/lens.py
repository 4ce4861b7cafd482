"""The plate's lens and shutter: what track and header know of them, and how far they blur a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from faceplate.errors import UsageError
from faceplate.shot.parameters import Parameters

__all__ = ["REACH", "WIDEST", "PlateLens", "defocus_asked", "header_shutter", "most_reach", "shutter_part"]

WIDEST = 0.05
"""Widest defocus, as a fraction of the face's size."""

REACH = 3.0
"""How far a Gaussian reaches, in standard deviations."""


@dataclass(frozen=True)
class PlateLens:
    """What is known of the plate's lens and shutter in one frame.

    Attributes
    ----------
    movement : np.ndarray, optional
        (478, 2), how far each point of the face moves from frame to frame, in pixels of the plate that is rendered.
    shutter : float, optional
        The fraction of a frame's time for which the shutter is open, as tracking measured it.
    header : float, optional
        The same as the plate file's header has it.
    softness : float, optional
        Standard deviation of the plate's edges, motion blur left out, as a fraction of the face's size.
    scale : float
        Pixels of the plate that is rendered for one of the full plate.
    """

    movement: np.ndarray | None = None
    shutter: float | None = None
    header: float | None = None
    softness: float | None = None
    scale: float = 1.0


def header_shutter(attributes: Mapping[str, Any]) -> float | None:
    """Return the fraction of a frame's time for which the shutter was open, from a plate's header; None where it says nothing.

    A field whose name ends with ShutterAngle holds degrees (DPX, and cameras' own fields in OpenEXR). OpenEXR's standard fields are
    `expTime`, seconds, and `framesPerSecond`.
    """
    for name, value in attributes.items():
        if name.replace("_", "").replace(" ", "").lower().endswith("shutterangle"):
            degrees = _number(value)
            if degrees is not None and 0 < degrees <= 360:
                return degrees / 360.0
    seconds, rate = _number(attributes.get("expTime")), _number(attributes.get("framesPerSecond"))
    if seconds is None or rate is None or not 0 < seconds * rate <= 1:
        return None
    return seconds * rate


def most_reach(lens: PlateLens) -> int:
    """Return how many plate pixels outward the shutter carries the face at most, whatever the parameters say."""
    return 0 if lens.movement is None else int(np.ceil(np.linalg.norm(lens.movement, axis=1).max() / 2))


def shutter_part(parameters: Parameters, lens: PlateLens) -> float:
    """Return the part of the movement over which the face is smeared, 0..1."""
    text = parameters.shutter.strip().lower()
    measured = lens.shutter or 0.0
    if text == "plate":
        part = measured if lens.header is None else lens.header
    elif text == "auto":
        part = measured
    else:
        part = _told(
            text, "bad-shutter", f"--shutter is '{parameters.shutter}'; it is auto, plate, or a number from 0 to 1."
        )
        if part > 1:
            raise UsageError(
                "bad-shutter", f"--shutter is {parameters.shutter}; the shutter is open for 0 to 1 of a frame."
            )
    return min(part * parameters.motion_blur, 1.0)


def defocus_asked(parameters: Parameters) -> float | None:
    """Return the standard deviation of the defocus in pixels of the full plate; None for the plate's own."""
    text = parameters.defocus.strip().lower()
    if text == "auto":
        return None
    return _told(text, "bad-defocus", f"--defocus is '{parameters.defocus}'; it is auto, or a number of pixels from 0.")


def _told(text: str, code: str, sentence: str) -> float:
    value = _number(text)
    if value is None or value < 0:
        raise UsageError(code, sentence)
    return value


def _number(value: Any) -> float | None:
    """Return a header's or an artist's value as a finite number; a pair is a fraction. None for anything else."""
    if isinstance(value, tuple):
        return value[0] / value[1] if len(value) == 2 and value[1] else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
