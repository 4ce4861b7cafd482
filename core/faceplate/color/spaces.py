"""Colour spaces by name: interop ids, the names that configs use for them, and the primaries of linear spaces."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import PyOpenColorIO

from faceplate.errors import UsageError

_ocio: Any = PyOpenColorIO  # a compiled module without stubs

__all__ = [
    "CHROMATICITIES",
    "OCIO_ERRORS",
    "USUAL_NAMES",
    "all_spaces",
    "find_space",
    "is_linear_space",
    "resolve_space",
    "space_of_chromaticities",
]

OCIO_ERRORS = (_ocio.Exception, _ocio.ExceptionMissingFile)
"""What OCIO raises for a config, or a file that it names, that cannot be used."""

USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "lin_ap1_scene": ("ACEScg", "lin_ap1", "ACES - ACEScg"),
    "lin_ap0_scene": ("ACES2065-1", "lin_ap0", "ACES - ACES2065-1", "aces2065_1"),
    "lin_rec709_scene": (
        "Linear Rec.709 (sRGB)",
        "lin_rec709",
        "lin_rec709_srgb",
        "lin_srgb",
        "Utility - Linear - Rec.709",
        "Utility - Linear - sRGB",
        "Linear Rec.709",
        "Linear BT.709",
    ),
    "lin_p3d65_scene": (
        "Linear P3-D65",
        "lin_p3d65",
        "lin_displayp3",
        "Utility - Linear - P3-D65",
        "Linear DCI-P3 D65",
    ),
    "lin_rec2020_scene": ("Linear Rec.2020", "lin_rec2020", "Utility - Linear - Rec.2020"),
    "lin_adobergb_scene": ("Linear AdobeRGB", "lin_adobergb", "Utility - Linear - Adobe RGB"),
    "lin_ciexyzd65_scene": ("CIE XYZ-D65 - Scene-referred", "cie_xyz_d65_scene"),
    "srgb_rec709_scene": (
        "sRGB - Texture",
        "sRGB Encoded Rec.709 (sRGB)",
        "srgb_tx",
        "srgb_texture",
        "Utility - sRGB - Texture",
        "sRGB",
    ),
    "g22_rec709_scene": ("Gamma 2.2 Rec.709 - Texture", "Gamma 2.2 Encoded Rec.709", "g22_rec709", "g22_rec709_tx"),
    "g18_rec709_scene": ("Gamma 1.8 Rec.709 - Texture", "Gamma 1.8 Encoded Rec.709", "g18_rec709", "g18_rec709_tx"),
    "srgb_ap1_scene": ("sRGB Encoded AP1 - Texture", "sRGB Encoded AP1", "srgb_ap1", "srgb_encoded_ap1_tx"),
    "g22_ap1_scene": ("Gamma 2.2 AP1 - Texture", "Gamma 2.2 Encoded AP1", "g22_ap1", "g22_ap1_tx"),
    "srgb_p3d65_scene": ("sRGB Encoded P3-D65 - Texture", "sRGB Encoded P3-D65", "srgb_p3d65", "srgb_displayp3"),
    "g22_adobergb_scene": ("Gamma 2.2 Encoded AdobeRGB", "g22_encoded_adobergb", "adobergb"),
    "srgb_rec709_display": ("sRGB - Display", "srgb_display"),
    "g24_rec709_display": ("Rec.1886 Rec.709 - Display", "rec1886_rec709_display"),
    "g22_rec709_display": ("Gamma 2.2 Rec.709 - Display",),
    "srgb_p3d65_display": ("Display P3 - Display", "displayp3_display"),
    "pq_p3d65_display": ("ST2084-P3-D65 - Display", "st2084_p3d65_display"),
    "pq_rec2020_display": ("Rec.2100-PQ - Display", "rec2100_pq_display"),
    "hlg_rec2020_display": ("Rec.2100-HLG - Display", "rec2100_hlg_display"),
    "g26_p3d65_display": ("Gamma 2.6 P3-D65 - Display", "P3-D65 - Display", "p3d65_display"),
    "data": ("Raw", "Utility - Raw", "Non-Color", "none"),
}
"""Ids of the ASWF Color Interop Forum ("Color Space Encodings for Texture Assets and CG Rendering", and its list for
displays) and what configs that do not know the ids call these spaces, commonest first."""

CHROMATICITIES: dict[str, tuple[float, ...]] = {
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767),
    "lin_rec709_scene": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    "lin_p3d65_scene": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
    "lin_rec2020_scene": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    "lin_adobergb_scene": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290),
}
"""CIE xy of red, green, blue, white: AMPAS S-2014-004 (AP1), SMPTE ST 2065-1 (AP0), ITU-R BT.709-6, SMPTE EG 432-1
with a D65 white (P3-D65), ITU-R BT.2020-2, Adobe RGB (1998)."""


def is_linear_space(config: Any, name: str) -> bool:
    """Return whether the space `name` is scene-linear; False where its transform cannot be read."""
    try:
        return config.isColorSpaceLinear(name, _ocio.REFERENCE_SPACE_SCENE)
    except OCIO_ERRORS:  # its transform names a file that is missing
        return False


def all_spaces(config: Any) -> Iterator[Any]:
    """Yield every colour space of a config, active or not."""
    return iter(config.getColorSpaces(_ocio.SEARCH_REFERENCE_SPACE_ALL, _ocio.COLORSPACE_ALL))


def find_space(config: Any, name: str) -> str | None:
    """Return the canonical name for a name, alias, role or interop id, or None. The config counts before the table."""
    wanted = name.strip()
    if not wanted:
        return None
    if space := config.getColorSpace(wanted):
        return space.getName()
    folded = wanted.casefold()
    for space in all_spaces(config):
        interop_id = getattr(space, "getInteropID", str)()  # OCIO 2.5 and newer
        if interop_id and interop_id.casefold() == folded:
            return space.getName()
    for interop_id, usual in USUAL_NAMES.items():
        if folded in (interop_id, *(each.casefold() for each in usual)):
            candidates = (config.getColorSpace(each) for each in (interop_id, *usual))
            return next((space.getName() for space in candidates if space), None)
    return None


def resolve_space(config: Any, name: str) -> str:
    """Return the canonical name as `find_space` does.

    Raises
    ------
    UsageError
        `unknown-space`; the message names the nearest spaces.
    """
    if found := find_space(config, name):
        return found
    if name.strip().casefold() == "unknown":
        raise UsageError("unknown-space", "The colour space is 'unknown': name the space that the pixels are in.")
    near = _nearest(config, name)
    hint = f"nearest: {', '.join(near)}" if near else "use one of its names, aliases or roles"
    raise UsageError("unknown-space", f"The OCIO config has no colour space '{name}'; {hint}.")


def _nearest(config: Any, name: str, count: int = 5) -> list[str]:
    """Return the canonical names of the spaces whose name or alias is most like `name`, best first."""
    wanted = name.strip().casefold()
    scores: dict[str, float] = {}
    for space in all_spaces(config):
        labels = [each.casefold() for each in (space.getName(), *space.getAliases())]
        ratios = [difflib.SequenceMatcher(None, wanted, each).ratio() for each in labels]
        best = max(ratios)
        inside = 0.5 + 0.5 * best if len(wanted) > 2 and any(wanted in each for each in labels) else 0.0
        scores[space.getName()] = max(inside, best)
    near = sorted((each for each in scores if scores[each] >= 0.5), key=lambda each: -scores[each])
    return near[:count]


def space_of_chromaticities(values: tuple[float, ...]) -> str | None:
    """Return the interop id of the linear space with these primaries, within 0.001, or None.

    Parameters
    ----------
    values : tuple of float
        CIE xy of red, green, blue and white.
    """
    if len(values) != 8:
        return None
    for interop_id, known in CHROMATICITIES.items():
        if max(abs(value - expected) for value, expected in zip(values, known, strict=True)) <= 1e-3 + 1e-9:
            return interop_id
    return None
