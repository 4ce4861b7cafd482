"""Plate space, working space and the way between them: one immutable `ColorConfig` around an OCIO config.

Pixels are float32 (h, w, 3) everywhere and are never changed in place. *Working space* is the config's `scene_linear`
role, the primaries in which pixels are mixed.
"""

from __future__ import annotations

import difflib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PyOpenColorIO

from faceplate.color.config_files import contents_mark
from faceplate.color.encoding import SHOULDER
from faceplate.errors import UsageError
from faceplate.plate.movie import MOVIE_SUFFIXES
from faceplate.system.user_paths import is_file

_ocio: Any = PyOpenColorIO  # a compiled module without stubs

__all__ = ["BUILTIN_CONFIG", "ColorConfig", "SpaceChoice"]

BUILTIN_CONFIG = "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3"
"""Used when nobody names a config; pinned, because `ocio://default` is another config in another release of OCIO.

It holds every space of the cg config of the same version, which is the newest that the hosts all load.
"""

_EXACT = _ocio.OPTIMIZATION_LOSSLESS
"""OCIO's default swaps log, exp and pow for fast approximations: ACEScg to sRGB and back errs 4e-5 with them, 7e-7
without, for less than half as much time again."""

_FLAGS_VARIABLE = "OCIO_OPTIMIZATION_FLAGS"
_OCIO_ERRORS = (_ocio.Exception, _ocio.ExceptionMissingFile)
_TEXTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_LINEAR_709 = "lin_rec709_scene"
_SRGB_TEXTURE = "srgb_rec709_scene"
_VIDEO = "g24_rec709_display"

_Y_OF_REC709 = (0.21263901, 0.71516868, 0.07219232)
"""Y of CIE XYZ (D65) of the linear Rec.709 primaries: chromaticities of ITU-R BT.709-6, white (0.3127, 0.3290)."""

_USUAL_NAMES: dict[str, tuple[str, ...]] = {
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

_CHROMATICITIES: dict[str, tuple[float, ...]] = {
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767),
    "lin_rec709_scene": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    "lin_p3d65_scene": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
    "lin_rec2020_scene": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    "lin_adobergb_scene": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290),
}
"""CIE xy of red, green, blue, white: AMPAS S-2014-004 (AP1), SMPTE ST 2065-1 (AP0), ITU-R BT.709-6, SMPTE EG 432-1
with a D65 white (P3-D65), ITU-R BT.2020-2, Adobe RGB (1998)."""


@dataclass(frozen=True)
class SpaceChoice:
    """The colour space that a file is read in, and one phrase that says why.

    `assumed` is True when nothing in the file, its name or the request said it: worth a line to the artist.
    """

    name: str
    reason: str
    assumed: bool = False


@dataclass(frozen=True)
class ColorConfig:
    """An OCIO config, the working space in it, and its exact CPU processors. Make one with `load`.

    `source` is what was loaded, for metadata. `cache_id` changes whenever a pixel could: it is OCIO's own hash of the
    config, and `$OCIO_OPTIMIZATION_FLAGS` when that is set, because OCIO then overrides the exact processors asked for
    here. Two configs are equal when `cache_id` and `working_space` are. Safe to use from many threads.
    """

    source: str = field(compare=False)
    working_space: str
    cache_id: str
    _config: Any = field(repr=False, compare=False)
    _processors: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False, compare=False)
    _resolved: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def load(
        cls, ocio: str | Path | None = None, environ: Mapping[str, str] | None = None, working: str | None = None
    ) -> ColorConfig:
        """The config `ocio` (a path or `ocio://…`), else `$OCIO`, else `BUILTIN_CONFIG`.

        `environ` stands in for the process environment; `working` replaces the `scene_linear` role. Raises UsageError
        'bad-ocio', 'no-working-space' or 'bad-working-space'.
        """
        variables = os.environ if environ is None else environ
        candidates = ((ocio, "--ocio"), (variables.get("OCIO"), "$OCIO"), (BUILTIN_CONFIG, "Faceplate"))
        source, origin = next((str(where), origin) for where, origin in candidates if where)
        config = _read_config(source, origin)
        flags = variables.get(_FLAGS_VARIABLE)
        cache_id = config.getCacheID() + (f":flags={flags}" if flags else "")
        if not source.startswith("ocio://") and (contents := contents_mark(config)):
            cache_id += f":files={contents}"
        return cls(source, _working_space(config, source, working), cache_id, config)

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical names of every colour space, active or not."""
        return tuple(space.getName() for space in _spaces(self._config))

    def resolve(self, name: str) -> str:
        """Canonical name for a name, alias or role in any case, or an interop id. Raises UsageError 'unknown-space'."""
        if (found := self._resolved.get(name)) is None:
            found = self._resolved[name] = _resolve(self._config, name)
        return found

    def is_linear(self, space: str) -> bool:
        """Whether `space` is scene-linear light; False for data and for display-referred spaces."""
        return _is_linear(self._config, self.resolve(space))

    def is_data(self, space: str) -> bool:
        """Whether `space` holds numbers that are no colour (masks, normals): they are never converted."""
        return self._config.getColorSpace(self.resolve(space)).isData()

    def space_of_file(
        self,
        path: str | Path,
        *,
        explicit: str | None = None,
        interop_id: str | None = None,
        chromaticities: tuple[float, ...] | None = None,
        is_integer: bool = False,
        requested: str | None = None,
    ) -> SpaceChoice:
        """The colour space in which to read `path`; the first that says something wins.

        `requested` (the user's --space); `explicit` (the file's colour space attribute); `interop_id` (its
        colorInteropID); `chromaticities` (rx ry gx gy bx by wx wy, floating-point files only, within 0.001 of known
        primaries); a file rule of the config. Failing all: the config's default rule for floating-point EXR, sRGB for
        8- and 16-bit JPEG, PNG and WebP, BT.1886 Rec.709 for movies. Raises UsageError 'unknown-space' for
        `requested`, 'space-needed' when nothing is known.
        """
        if requested:
            return SpaceChoice(self.resolve(requested), "asked for by name")
        notes: list[str] = []
        primaries = None if is_integer else chromaticities
        found = self._declared_space(explicit, interop_id, primaries, notes) or self._rule_space(path)
        found = found or self._customary_space(path, is_integer)
        if found is None:
            raise UsageError(
                "space-needed",
                f"Nothing says in which colour space {Path(path).name} is{_listed(notes)}: say it with --space.",
            )
        return SpaceChoice(found.name, found.reason + _listed(notes), found.assumed)

    def _declared_space(
        self, explicit: str | None, interop_id: str | None, primaries: tuple[float, ...] | None, notes: list[str]
    ) -> SpaceChoice | None:
        """What the file says about itself; what it says in vain goes into `notes`."""
        for label, name in (("colour space attribute", explicit), ("interop id", interop_id)):
            if not name:
                continue
            if found := _find(self._config, name):
                return SpaceChoice(found, f"the file's {label} '{name}'")
            notes.append(f"its {label} '{name}' is not in this config")
        if primaries:
            known = _space_of_chromaticities(primaries)
            if known and (found := _find(self._config, known)):
                return SpaceChoice(found, "the file's chromaticities")
            notes.append("its chromaticities belong to no space of this config")
        return None

    def _rule_space(self, path: str | Path) -> SpaceChoice | None:
        if self._config.filepathOnlyMatchesDefaultRule(str(path)):
            return None
        name, index = self._config.getColorSpaceFromFilepath(str(path))
        found = _find(self._config, name)
        return SpaceChoice(found, f"file rule '{self._config.getFileRules().getName(index)}'") if found else None

    def _customary_space(self, path: str | Path, is_integer: bool) -> SpaceChoice | None:
        suffix = Path(path).suffix.lower()
        if is_integer and suffix in _TEXTURE_SUFFIXES and (found := _find(self._config, _SRGB_TEXTURE)):
            return SpaceChoice(found, f"the custom for {suffix[1:].upper()} files", assumed=True)
        if suffix in MOVIE_SUFFIXES and (found := _find(self._config, _VIDEO)):
            return SpaceChoice(found, f"the custom for {suffix[1:].upper()} movies", assumed=True)
        if is_integer or suffix != ".exr":
            return None
        found = _find(self._config, self._config.getColorSpaceFromFilepath(str(path))[0])
        if found is None or self.is_data(found):  # a plate is colour: a default of Raw says nothing about it
            return None
        return SpaceChoice(found, "the config's default file rule", assumed=True)

    def convert(self, pixels: np.ndarray, src: str, dst: str) -> np.ndarray:
        """`pixels` float32 (h, w, 3) from space `src` to `dst`, as a new array; unclipped.

        A copy, bit for bit, when the two are one space or either is data. NaN and infinity stay in their own pixel.
        Raises UsageError 'unknown-space' or 'no-conversion'.
        """
        source, target = self.resolve(src), self.resolve(dst)

        def build() -> Any:
            return self._config.getProcessor(source, target)

        return self._apply(("space", source, target), build, pixels)

    def to_working(self, pixels: np.ndarray, space: str) -> np.ndarray:
        """`pixels` float32 (h, w, 3) in `space` to working space, as a new array."""
        return self.convert(pixels, space, self.working_space)

    def from_working(self, pixels: np.ndarray, space: str) -> np.ndarray:
        """Working-space `pixels` float32 (h, w, 3) to `space`, as a new array."""
        return self.convert(pixels, self.working_space, space)

    def to_linear709(self, pixels: np.ndarray) -> np.ndarray:
        """Working-space `pixels` float32 (h, w, 3) to scene-linear Rec.709, unclipped.

        Also where the config has no such space, as long as OCIO can tie it to ACES (its `aces_interchange` role or a
        space that OCIO recognises) or the working space has a usual name. Raises UsageError 'no-linear-rec709'.
        """
        return self._linear709(pixels, inverse=False)

    def from_linear709(self, pixels: np.ndarray) -> np.ndarray:
        """The inverse of `to_linear709`."""
        return self._linear709(pixels, inverse=True)

    def _linear709(self, pixels: np.ndarray, inverse: bool) -> np.ndarray:
        def build() -> Any:
            return _processor_709(self._config, self.working_space, inverse)

        return self._apply(("709", str(inverse)), build, pixels)

    def to_view(self, pixels: np.ndarray, display: str, view: str) -> np.ndarray:
        """Working-space `pixels` float32 (h, w, 3) as `view` of `display` shows them.

        Raises UsageError 'unknown-view', 'view-is-data' or 'no-conversion'.
        """
        return self._view(pixels, display, view, _ocio.TRANSFORM_DIR_FORWARD)

    def from_view(self, pixels: np.ndarray, display: str, view: str) -> np.ndarray:
        """The inverse of `to_view`; raises UsageError 'no-conversion' when the view has none."""
        return self._view(pixels, display, view, _ocio.TRANSFORM_DIR_INVERSE)

    def _view(self, pixels: np.ndarray, display: str, view: str, direction: Any) -> np.ndarray:
        def build() -> Any:
            _check_view(self._config, display, view)
            return self._config.getProcessor(self.working_space, display, view, direction)

        return self._apply(("view", display, view, str(direction)), build, pixels)

    def luminance(self, pixels: np.ndarray) -> np.ndarray:
        """Relative luminance float32 (h, w) of working-space `pixels` (h, w, 3): Y of CIE XYZ with a D65 white.

        The weights are measured through OCIO: working space to linear Rec.709, whose Y is published. (Straight to a
        config's CIE-XYZ-D65 would be the same matrix, but there that space is display-referred and a tone-mapping
        default view may stand between.) For ACEScg: 0.26768, 0.67434, 0.05799.
        """
        rgb = np.asarray(pixels, dtype=np.float32)
        red, green, blue = self._luminance_weights()
        # Written out: a matrix product may add in another order for another size, and a crop must equal the whole.
        return rgb[..., 0] * red + rgb[..., 1] * green + rgb[..., 2] * blue

    def _luminance_weights(self) -> tuple[np.float32, np.float32, np.float32]:
        with self._lock:
            known = self._processors.get(("luminance",))
        if known is None:
            rows = self.to_linear709(np.eye(3, dtype=np.float32)[None])[0].astype(np.float64)
            red, green, blue = rows @ np.array(_Y_OF_REC709)
            known = (np.float32(red), np.float32(green), np.float32(blue))
            with self._lock:
                self._processors[("luminance",)] = known
        return known

    def to_display(self, pixels: np.ndarray, gain: float = 1.0) -> np.ndarray:
        """Working-space `pixels` (h, w, 3), exposed by `gain`, as a plain picture: sRGB with the soft shoulder.

        For detectors and contact sheets. Float32, not clipped: `to_uint8` clips at the very end.
        """
        return SHOULDER.encode(self.to_linear709(pixels), gain)

    def _apply(self, key: tuple[str, ...], build: Callable[[], Any], pixels: np.ndarray) -> np.ndarray:
        result = np.array(pixels, dtype=np.float32, order="C", copy=True)
        if result.ndim == 0 or result.shape[-1] != 3:
            raise ValueError(f"pixels have shape {result.shape}, not (h, w, 3)")
        processor = self._processor(key, build)
        if processor is not None and result.size:
            processor.applyRGB(result)
        return result

    def _processor(self, key: tuple[str, ...], build: Callable[[], Any]) -> Any:
        """The CPU processor under `key`, built once; None where it changes nothing."""
        with self._lock:
            if key not in self._processors:
                try:
                    processor = build()
                    cpu = None if processor.isNoOp() else processor.getOptimizedCPUProcessor(_EXACT)
                except _OCIO_ERRORS as error:
                    way = " to ".join(f"'{part}'" for part in key[1:3])
                    raise UsageError(
                        "no-conversion", f"The OCIO config {self.source} has no way {way}: {_sentence(error)}."
                    ) from error
                self._processors[key] = cpu
            return self._processors[key]


def _read_config(source: str, origin: str) -> Any:
    try:
        if source.startswith("ocio://"):
            return _ocio.Config.CreateFromFile(source)
        path = Path(source).expanduser()
        if not is_file(path):
            raise UsageError("bad-ocio", f"There is no OCIO config {source}, which {origin} names: correct {origin}.")
        return _ocio.Config.CreateFromFile(str(path))
    except _OCIO_ERRORS as error:
        message = (
            f"The OCIO config {source}, which {origin} names, cannot be read ({_sentence(error)}): correct {origin}."
        )
        raise UsageError("bad-ocio", message) from error


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(". ")


def _working_space(config: Any, source: str, working: str | None) -> str:
    if working is None and not config.hasRole(_ocio.ROLE_SCENE_LINEAR):
        raise UsageError(
            "no-working-space",
            f"The OCIO config {source} has no scene_linear role: add it, or name the space to mix pixels in.",
        )
    name = _resolve(config, working or _ocio.ROLE_SCENE_LINEAR)
    if not _is_linear(config, name):
        raise UsageError("bad-working-space", f"'{name}' is not scene-linear, so pixels cannot be mixed in it.")
    return name


def _is_linear(config: Any, name: str) -> bool:
    try:
        return config.isColorSpaceLinear(name, _ocio.REFERENCE_SPACE_SCENE)
    except _OCIO_ERRORS:  # its transform names a file that is missing
        return False


def _spaces(config: Any) -> Iterator[Any]:
    return iter(config.getColorSpaces(_ocio.SEARCH_REFERENCE_SPACE_ALL, _ocio.COLORSPACE_ALL))


def _find(config: Any, name: str) -> str | None:
    """Canonical name for a name, alias, role or interop id, or None. The config's own word comes before the table."""
    wanted = name.strip()
    if not wanted:
        return None
    if space := config.getColorSpace(wanted):
        return space.getName()
    folded = wanted.casefold()
    for space in _spaces(config):
        interop_id = getattr(space, "getInteropID", str)()  # OCIO 2.5 and newer
        if interop_id and interop_id.casefold() == folded:
            return space.getName()
    for interop_id, usual in _USUAL_NAMES.items():
        if folded in (interop_id, *(each.casefold() for each in usual)):
            candidates = (config.getColorSpace(each) for each in (interop_id, *usual))
            return next((space.getName() for space in candidates if space), None)
    return None


def _resolve(config: Any, name: str) -> str:
    if found := _find(config, name):
        return found
    if name.strip().casefold() == "unknown":
        raise UsageError("unknown-space", "'unknown' says that nobody knows the colour space: name one.")
    near = _nearest(config, name)
    hint = f"nearest: {', '.join(near)}" if near else "use one of its names, aliases or roles"
    raise UsageError("unknown-space", f"The OCIO config has no colour space '{name}'; {hint}.")


def _nearest(config: Any, name: str, count: int = 5) -> list[str]:
    """Canonical names of the spaces whose name or alias is most like `name`, best first."""
    wanted = name.strip().casefold()
    scores: dict[str, float] = {}
    for space in _spaces(config):
        labels = [each.casefold() for each in (space.getName(), *space.getAliases())]
        ratios = [difflib.SequenceMatcher(None, wanted, each).ratio() for each in labels]
        best = max(ratios)
        inside = 0.5 + 0.5 * best if len(wanted) > 2 and any(wanted in each for each in labels) else 0.0
        scores[space.getName()] = max(inside, best)
    near = sorted((each for each in scores if scores[each] >= 0.5), key=lambda each: -scores[each])
    return near[:count]


def _space_of_chromaticities(values: tuple[float, ...]) -> str | None:
    if len(values) != 8:
        return None
    for interop_id, known in _CHROMATICITIES.items():
        if max(abs(value - expected) for value, expected in zip(values, known, strict=True)) <= 1e-3 + 1e-9:
            return interop_id
    return None


def _listed(notes: list[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""


def _processor_709(config: Any, working: str, inverse: bool) -> Any:
    """Between working space and linear Rec.709: by the config, by OCIO's tie to ACES, or by the space's usual name."""
    if name := _find(config, _LINEAR_709):
        return config.getProcessor(name, working) if inverse else config.getProcessor(working, name)
    pinned = _ocio.Config.CreateFromBuiltinConfig(BUILTIN_CONFIG)
    linear709 = _resolve(pinned, _LINEAR_709)
    try:
        if inverse:
            return _ocio.Config.GetProcessorFromBuiltinColorSpace(linear709, config, working)
        return _ocio.Config.GetProcessorToBuiltinColorSpace(config, working, linear709)
    except _OCIO_ERRORS as error:
        usual = _find(pinned, working)
        if usual is None or not _is_linear(pinned, usual):
            raise UsageError(
                "no-linear-rec709",
                f"Nothing ties the working space '{working}' to known primaries: "
                "give the OCIO config the role aces_interchange or a linear Rec.709 space.",
            ) from error
        return pinned.getProcessor(linear709, usual) if inverse else pinned.getProcessor(usual, linear709)


def _check_view(config: Any, display: str, view: str) -> None:
    displays = list(config.getDisplaysAll())
    if display not in displays:
        raise UsageError("unknown-view", f"The OCIO config has no display '{display}'; it has {', '.join(displays)}.")
    views = list(config.getViews(display))
    if view not in views:
        raise UsageError("unknown-view", f"Display '{display}' has no view '{view}'; it has {', '.join(views)}.")
    space = config.getColorSpace(config.getDisplayViewColorSpaceName(display, view))
    if space is not None and space.isData():
        raise UsageError("view-is-data", f"The view '{view}' of '{display}' shows raw numbers: choose another.")
