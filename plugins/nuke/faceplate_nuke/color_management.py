"""Nuke's colour management in the engine's terms. Imports no `nuke`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Callable

from faceplate_client import HostError

__all__ = ["LEGACY_LINEAR", "ColorSettings", "config_of", "is_linear", "plain_name", "space_of", "working_space"]

LEGACY_LINEAR = "Linear Rec.709 (sRGB)"
"""The space that Nuke's own colour management (no OCIO) calls `linear`. It has no primaries, so Rec.709's are used."""

_DEFAULT = re.compile(r"^default \((.*)\)$")
_LINEAR = re.compile(
    r"(^|[\s_-])lin(ear)?([\s_-]|$)|scene_linear|acescg|aces2065|compositing_linear|^rendering$|^reference$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ColorSettings:
    """The Root's colour knobs, `$OCIO`, and the folder of the configs that ship with Nuke."""

    management: str
    config: str = ""
    custom_path: str = ""
    working: str = ""
    environment: str = ""
    config_folder: str = ""

    @property
    def legacy(self) -> bool:
        """Whether Nuke manages colour without OCIO."""
        return self.management == "Nuke"


def plain_name(value: str) -> str:
    """Return a colour space without Nuke's `default (…)`: `default (ACES - ACEScg)` gives `ACES - ACEScg`."""
    found = _DEFAULT.match(value)
    return found[1] if found else value


def is_linear(name: str) -> bool:
    """Return whether a name is that of a scene-linear space.

    Only well-known names count: a space that is not recognised costs one render of the plate by the inner Write, a space
    that is wrongly taken for linear gives wrong pixels.
    """
    return _LINEAR.search(name) is not None


def config_of(settings: ColorSettings, exists: Callable[[str], bool] = os.path.isfile) -> str | None:
    """Return the OCIO config for the engine: a path or `ocio://…`; None for the engine's own. Raises HostError."""
    if settings.environment:
        return settings.environment
    if settings.legacy or settings.config == "nuke-default":
        return None
    if settings.config == "custom":
        if not settings.custom_path:
            raise HostError(
                "no-ocio-config",
                "The OCIO config is 'custom' but names no file; set it in the project settings.",
            )
        return settings.custom_path
    for form in ("{}/{}/config.ocio", "{}/{}.ocio"):
        path = form.format(settings.config_folder, settings.config)
        if exists(path):
            return path
    raise HostError(
        "no-ocio-config",
        f"The file of Nuke's OCIO config '{settings.config}' was not found; set OCIO, or choose a custom config in the project "
        "settings.",
    )


def working_space(settings: ColorSettings) -> str:
    """Return the colour space of pixels between Nuke's nodes."""
    if settings.legacy or (settings.config == "nuke-default" and not settings.environment):
        return LEGACY_LINEAR
    return plain_name(settings.working) or "scene_linear"


def space_of(settings: ColorSettings, space: str, raw: bool) -> str:
    """Return the colour space of a file that a Read with these knobs reads."""
    own = working_space(settings)
    if raw or (own == LEGACY_LINEAR and space in ("linear", "")):
        return own
    return space or own
