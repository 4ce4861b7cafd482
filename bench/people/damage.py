"""Damage of real plates: functions from a scene-linear frame, its face and its frame number to the damaged frame."""

from __future__ import annotations

from collections.abc import Callable

from faceplate.face import Face
from faceplate.image.frame import Frame

__all__ = ["DAMAGE"]

DAMAGE: dict[str, Callable[[Frame, Face, int], Frame]] = {}
