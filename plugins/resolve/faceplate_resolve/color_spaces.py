"""Resolve's colour space names and their names in OpenColorIO's ACES configs."""

from __future__ import annotations

from typing import Callable

__all__ = ["SPACES", "delivered_space", "is_managed", "ocio_space"]

SPACES = {
    "Rec.709 Gamma 2.4": "Rec.1886 Rec.709 - Display",
    "Rec.709 (Scene)": "Camera Rec.709",
    "Rec.709 Gamma 2.2": "Gamma 2.2 Rec.709 - Texture",
    "sRGB": "sRGB - Display",
    "sRGB (Linear)": "Linear Rec.709 (sRGB)",
    "Rec.2020 Gamma 2.4": "Rec.1886 Rec.2020 - Display",
    "Rec.2100 ST2084": "Rec.2100-PQ - Display",
    "Rec.2100 HLG": "Rec.2100-HLG - Display",
    "P3-D65 Gamma 2.6": "P3-D65 - Display",
    "P3-D65 ST2084": "ST2084-P3-D65 - Display",
    "Linear": "Linear Rec.709 (sRGB)",
    "ACEScg": "ACEScg",
    "ACEScct": "ACEScct",
    "ACEScc": "ACEScc",
    "ACES (AP0) Linear": "ACES2065-1",
    "ARRI LogC": "ARRI LogC3 (EI800)",
    "ARRI LogC3": "ARRI LogC3 (EI800)",
    "ARRI LogC4": "ARRI LogC4",
    "Blackmagic Design Film Gen 5": "BMDFilm WideGamut Gen5",
    "DaVinci WG": "DaVinci Intermediate WideGamut",
    "DaVinci WG Linear": "Linear DaVinci WideGamut",
    "Canon Cinema Gamut/Canon Log 2": "CanonLog2 CinemaGamut D55",
    "Canon Cinema Gamut/Canon Log 3": "CanonLog3 CinemaGamut D55",
    "Panasonic V-Gamut/V-Log": "V-Log V-Gamut",
    "REDWideGamutRGB/Log3G10": "Log3G10 REDWideGamutRGB",
    "S-Gamut3/S-Log3": "S-Log3 S-Gamut3",
    "S-Gamut3.Cine/S-Log3": "S-Log3 S-Gamut3.Cine",
}
"""Names of the same colour space on both sides. For other spaces the user must name the OCIO space."""

_SAYS_NOTHING = ("", "project", "same as project", "bypass", "none")


def ocio_space(name: object) -> str | None:
    """Return OCIO's name for one of Resolve's; None for a name that tells nothing or has no counterpart."""
    return SPACES.get(str(name or "").strip())


def is_managed(setting: Callable[[str], object]) -> bool:
    """Return whether the project is colour managed, so that each clip has an input colour space."""
    mode = str(setting("colorScienceMode") or "").lower()
    return "colormanaged" in mode or mode.startswith("aces")


def delivered_space(setting: Callable[[str], object]) -> tuple[str, str | None]:
    """Return the colour space of a render of the timeline: Resolve's name, and OCIO's (None where it is unknown)."""
    name = str(setting("colorSpaceOutput") or "").strip()
    if not is_managed(setting) or name.lower() in ("same as timeline", *_SAYS_NOTHING):
        name = str(setting("colorSpaceTimeline") or "").strip()
    return name, ocio_space(name)
