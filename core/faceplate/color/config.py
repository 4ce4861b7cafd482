"""An OCIO config and its working space: one immutable `ColorConfig` converts between plate and working space.

Pixels are float32 (h, w, 3) everywhere and are never changed in place. *Working space* is the config's `scene_linear`
role, the primaries in which pixels are mixed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PyOpenColorIO

from faceplate.color.config_files import contents_mark
from faceplate.color.encoding import SHOULDER
from faceplate.color.spaces import (
    OCIO_ERRORS,
    all_spaces,
    find_space,
    is_linear_space,
    resolve_space,
    space_of_chromaticities,
)
from faceplate.errors import UsageError
from faceplate.plate.movie import MOVIE_SUFFIXES
from faceplate.system.user_paths import is_file

_ocio: Any = PyOpenColorIO  # a compiled module without stubs

__all__ = ["BUILTIN_CONFIG", "ColorConfig", "SpaceChoice", "check_display"]

BUILTIN_CONFIG = "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3"
"""Used when no config is given; pinned, because `ocio://default` is another config in another release of OCIO.

It holds every space of the cg config of the same version, which is the newest that the hosts all load.
"""

_EXACT = _ocio.OPTIMIZATION_LOSSLESS
"""OCIO's default swaps log, exp and pow for fast approximations: ACEScg to sRGB and back errs 4e-5 with them, 7e-7
without, for less than half as much time again."""

_FLAGS_VARIABLE = "OCIO_OPTIMIZATION_FLAGS"
_TEXTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_LINEAR_709 = "lin_rec709_scene"
_SRGB_TEXTURE = "srgb_rec709_scene"
_VIDEO = "g24_rec709_display"

_Y_OF_REC709 = (0.21263901, 0.71516868, 0.07219232)
"""Y of CIE XYZ (D65) of the linear Rec.709 primaries: chromaticities of ITU-R BT.709-6, white (0.3127, 0.3290)."""


@dataclass(frozen=True)
class SpaceChoice:
    """The colour space that a file is read in.

    Attributes
    ----------
    name : str
        The space's canonical name.
    reason : str
        One phrase that says why it was chosen.
    assumed : bool
        True when neither the file, its name nor the request states the space; callers should warn the artist.
    """

    name: str
    reason: str
    assumed: bool = False


@dataclass(frozen=True)
class ColorConfig:
    """An OCIO config, the working space in it, and its exact CPU processors. Made by `load`. Safe to use from many threads.

    Two configs are equal when `cache_id` and `working_space` are.

    Attributes
    ----------
    source : str
        What was loaded, for metadata.
    working_space : str
        The canonical name of the working space.
    cache_id : str
        Changes whenever a pixel could: OCIO's own hash of the config, and `$OCIO_OPTIMIZATION_FLAGS` when that is set,
        because OCIO then overrides the exact processors that are asked for here.
    """

    source: str = field(compare=False)
    working_space: str
    cache_id: str
    _config: Any = field(repr=False, compare=False)
    _processors: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False, compare=False)
    _resolved: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    _found: dict[str, str | None] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def load(
        cls, ocio: str | Path | None = None, environ: Mapping[str, str] | None = None, working: str | None = None
    ) -> ColorConfig:
        """Load a config: `ocio`, else `$OCIO`, else `BUILTIN_CONFIG`.

        Parameters
        ----------
        ocio : str or Path, optional
            A path or `ocio://…`.
        environ : mapping of str to str, optional
            Variables in the place of the process environment's.
        working : str, optional
            A scene-linear space in the place of the `scene_linear` role.

        Raises
        ------
        UsageError
            `bad-ocio`, `no-working-space`, `bad-working-space`, `unknown-space`.
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
    def config(self) -> Any:
        """OCIO's own config, for what this class does not convert itself."""
        return self._config

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical names of every colour space, active or not."""
        return tuple(space.getName() for space in all_spaces(self._config))

    def resolve(self, name: str) -> str:
        """Return the canonical name for a name, alias or role in any case, or an interop id.

        Raises
        ------
        UsageError
            `unknown-space`.
        """
        if (found := self._resolved.get(name)) is None:
            found = self._resolved[name] = resolve_space(self._config, name)
        return found

    def _find(self, name: str) -> str | None:
        """Return what `find_space` does; a name is looked for once, because that goes through every space of the config."""
        if name not in self._found:
            self._found[name] = find_space(self._config, name)
        return self._found[name]

    def is_linear(self, space: str) -> bool:
        """Return whether `space` is scene-linear light; False for data and for display-referred spaces."""
        return is_linear_space(self._config, self.resolve(space))

    def is_data(self, space: str) -> bool:
        """Return whether `space` holds numbers that are no colour (masks, normals), which are never converted."""
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
        """Choose the colour space in which to read a file; the first of the following that names one wins.

        `requested`; `explicit`; `interop_id`; `chromaticities`; a file rule of the config. Failing all: the config's default
        rule for floating-point EXR, sRGB for 8- and 16-bit JPEG, PNG and WebP, BT.1886 Rec.709 for movies.

        Parameters
        ----------
        path : str or Path
            The file.
        explicit : str, optional
            The file's colour space attribute.
        interop_id : str, optional
            The file's colorInteropID.
        chromaticities : tuple of float, optional
            rx ry gx gy bx by wx wy; they count for floating-point files only, within 0.001 of known primaries.
        is_integer : bool
            Whether the file's samples are integers.
        requested : str, optional
            The user's --space.

        Raises
        ------
        UsageError
            `unknown-space` for `requested`; `space-needed` when nothing names a space.
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
                f"The colour space of {Path(path).name} is unknown{_listed(notes)}: pass --space.",
            )
        return SpaceChoice(found.name, found.reason + _listed(notes), found.assumed)

    def _declared_space(
        self, explicit: str | None, interop_id: str | None, primaries: tuple[float, ...] | None, notes: list[str]
    ) -> SpaceChoice | None:
        """Return the space that the file names; add to `notes` what it names that the config does not have."""
        for label, name in (("colour space attribute", explicit), ("interop id", interop_id)):
            if not name:
                continue
            if found := self._find(name):
                return SpaceChoice(found, f"the file's {label} '{name}'")
            notes.append(f"its {label} '{name}' is not in this config")
        if primaries:
            known = space_of_chromaticities(primaries)
            if known and (found := self._find(known)):
                return SpaceChoice(found, "the file's chromaticities")
            notes.append("its chromaticities belong to no space of this config")
        return None

    def _rule_space(self, path: str | Path) -> SpaceChoice | None:
        if self._config.filepathOnlyMatchesDefaultRule(str(path)):
            return None
        name, index = self._config.getColorSpaceFromFilepath(str(path))
        found = self._find(name)
        return SpaceChoice(found, f"file rule '{self._config.getFileRules().getName(index)}'") if found else None

    def _customary_space(self, path: str | Path, is_integer: bool) -> SpaceChoice | None:
        suffix = Path(path).suffix.lower()
        if is_integer and suffix in _TEXTURE_SUFFIXES and (found := self._find(_SRGB_TEXTURE)):
            return SpaceChoice(found, f"the usual space of {suffix[1:].upper()} files", assumed=True)
        if suffix in MOVIE_SUFFIXES and (found := self._find(_VIDEO)):
            return SpaceChoice(found, f"the usual space of {suffix[1:].upper()} movies", assumed=True)
        if is_integer or suffix != ".exr":
            return None
        found = self._find(self._config.getColorSpaceFromFilepath(str(path))[0])
        if found is None or self.is_data(found):  # a plate is colour, so a default of Raw does not apply
            return None
        return SpaceChoice(found, "the config's default file rule", assumed=True)

    def convert(self, pixels: np.ndarray, src: str, dst: str) -> np.ndarray:
        """Convert `pixels` from space `src` to `dst`, unclipped, as a new array.

        Parameters
        ----------
        pixels : numpy.ndarray
            float32 (h, w, 3).
        src, dst : str
            Names of spaces, as `resolve` takes them.

        Returns
        -------
        numpy.ndarray
            float32 (h, w, 3): a copy, bit for bit, when the two are one space or either is data. NaN and infinity stay in
            their own pixel.

        Raises
        ------
        UsageError
            `unknown-space`, `no-conversion`.
        """
        source, target = self.resolve(src), self.resolve(dst)

        def build() -> Any:
            return self._config.getProcessor(source, target)

        return self._apply(("space", source, target), build, pixels)

    def to_working(self, pixels: np.ndarray, space: str) -> np.ndarray:
        """Convert `pixels` float32 (h, w, 3) from `space` to working space, as a new array. Raises what `convert` raises."""
        return self.convert(pixels, space, self.working_space)

    def from_working(self, pixels: np.ndarray, space: str) -> np.ndarray:
        """Convert working-space `pixels` float32 (h, w, 3) to `space`, as a new array. Raises what `convert` raises."""
        return self.convert(pixels, self.working_space, space)

    def to_linear709(self, pixels: np.ndarray) -> np.ndarray:
        """Convert working-space `pixels` float32 (h, w, 3) to scene-linear Rec.709, unclipped.

        This also works where the config has no such space, as long as OCIO can relate the config to ACES (its
        `aces_interchange` role or a space that OCIO recognises) or the working space has a usual name.

        Raises
        ------
        UsageError
            `no-linear-rec709`.
        """
        return self._linear709(pixels, inverse=False)

    def from_linear709(self, pixels: np.ndarray) -> np.ndarray:
        """Convert scene-linear Rec.709 `pixels` float32 (h, w, 3) to working space: the inverse of `to_linear709`."""
        return self._linear709(pixels, inverse=True)

    def _linear709(self, pixels: np.ndarray, inverse: bool) -> np.ndarray:
        def build() -> Any:
            return _processor_709(self._config, self.working_space, inverse)

        return self._apply(("709", str(inverse)), build, pixels)

    def to_view(self, pixels: np.ndarray, display: str, view: str) -> np.ndarray:
        """Convert working-space `pixels` float32 (h, w, 3) to what `view` of `display` shows.

        Raises
        ------
        UsageError
            `unknown-view`, `view-is-data`, `no-conversion`.
        """
        return self._view(pixels, display, view, _ocio.TRANSFORM_DIR_FORWARD)

    def from_view(self, pixels: np.ndarray, display: str, view: str) -> np.ndarray:
        """Convert what `view` of `display` shows to working space: the inverse of `to_view`.

        Raises
        ------
        UsageError
            `unknown-view`, `view-is-data`; `no-conversion`, also when the view has no inverse.
        """
        return self._view(pixels, display, view, _ocio.TRANSFORM_DIR_INVERSE)

    def _view(self, pixels: np.ndarray, display: str, view: str, direction: Any) -> np.ndarray:
        def build() -> Any:
            _check_view(self._config, display, view)
            return self._config.getProcessor(self.working_space, display, view, direction)

        return self._apply(("view", display, view, str(direction)), build, pixels)

    def luminance(self, pixels: np.ndarray) -> np.ndarray:
        """Return the relative luminance of working-space `pixels` (h, w, 3): Y of CIE XYZ with a D65 white, float32 (h, w).

        The weights are measured through OCIO: working space to linear Rec.709, whose Y is published. (Straight to a config's
        CIE-XYZ-D65 would be the same matrix, but there that space is display-referred and a tone-mapping default view may stand
        between.) For ACEScg: 0.26768, 0.67434, 0.05799.
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
        """Convert working-space `pixels` (h, w, 3), exposed by `gain`, to a plain picture: sRGB with the soft shoulder.

        For detectors and contact sheets. float32, not clipped: `to_uint8` clips at the very end.
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
        """Return the CPU processor under `key`, built once; None where it changes nothing."""
        with self._lock:
            if key not in self._processors:
                try:
                    processor = build()
                    cpu = None if processor.isNoOp() else processor.getOptimizedCPUProcessor(_EXACT)
                except OCIO_ERRORS as error:
                    way = " to ".join(f"'{part}'" for part in key[1:3])
                    raise UsageError(
                        "no-conversion", f"The OCIO config {self.source} cannot convert {way}: {_sentence(error)}."
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
    except OCIO_ERRORS as error:
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
    name = resolve_space(config, working or _ocio.ROLE_SCENE_LINEAR)
    if not is_linear_space(config, name):
        raise UsageError("bad-working-space", f"'{name}' is not scene-linear, so pixels cannot be mixed in it.")
    return name


def _listed(notes: list[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""


def _processor_709(config: Any, working: str, inverse: bool) -> Any:
    """Return the processor between working space and linear Rec.709.

    It comes from the config, from OCIO's relation to ACES, or from the space's usual name.
    """
    if name := find_space(config, _LINEAR_709):
        return config.getProcessor(name, working) if inverse else config.getProcessor(working, name)
    pinned = _ocio.Config.CreateFromBuiltinConfig(BUILTIN_CONFIG)
    linear709 = resolve_space(pinned, _LINEAR_709)
    try:
        if inverse:
            return _ocio.Config.GetProcessorFromBuiltinColorSpace(linear709, config, working)
        return _ocio.Config.GetProcessorToBuiltinColorSpace(config, working, linear709)
    except OCIO_ERRORS as error:
        usual = find_space(pinned, working)
        if usual is None or not is_linear_space(pinned, usual):
            raise UsageError(
                "no-linear-rec709",
                f"The primaries of the working space '{working}' are unknown: "
                "give the OCIO config the role aces_interchange or a linear Rec.709 space.",
            ) from error
        return pinned.getProcessor(linear709, usual) if inverse else pinned.getProcessor(usual, linear709)


def check_display(config: Any, display: str, view: str) -> None:
    """Check that a config has a display and view. Raises `UsageError('unknown-view')`."""
    displays = list(config.getDisplaysAll())
    if display not in displays:
        raise UsageError("unknown-view", f"The OCIO config has no display '{display}'; it has {', '.join(displays)}.")
    views = list(config.getViews(display))
    if view not in views:
        raise UsageError("unknown-view", f"Display '{display}' has no view '{view}'; it has {', '.join(views)}.")


def _check_view(config: Any, display: str, view: str) -> None:
    check_display(config, display, view)
    space = config.getColorSpace(config.getDisplayViewColorSpaceName(display, view))
    if space is not None and space.isData():
        raise UsageError("view-is-data", f"The view '{view}' of '{display}' shows raw numbers: choose another.")
