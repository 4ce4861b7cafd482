"""The matte: where the new face covers the plate, less what is in front of it, kept, or held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.comp import REGIONS, hull_matte, region_matte
from faceplate.comp.matte_networks import KEEPABLE, Parsed, hidden_by
from faceplate.comp.occlusion import edged_matte, measure_odds, occlusion_window
from faceplate.comp.outline_warp import OutlineWarp
from faceplate.comp.profile import fade_amount, profile_matte
from faceplate.errors import UsageError
from faceplate.face import Face
from faceplate.image.window import Window
from faceplate.models import Network
from faceplate.render.blur import FrameBlur, blurred_mattes
from faceplate.render.frame_cache import NO_FRAME_CACHE, FrameCache
from faceplate.render.generate import GeneratorResult
from faceplate.render.prepare import PreparedPlate, hull_edges, placed
from faceplate.shot.parameters import Parameters

__all__ = [
    "INPUT_MATTES",
    "SUBTRACTIVE_MATTES",
    "InputMattes",
    "MatteNetworks",
    "Mattes",
    "OcclusionMatte",
    "full_where_nearly",
    "keep_regions",
    "make_mattes",
]

SUBTRACTIVE_MATTES = ("keep", "hold_out", "occlusion", "hairline")
"""The subtractive parts of the matte: where they are 1 the plate stays. The names are EXR layer names and must not change."""

INPUT_MATTES = ("hold_out", "garbage")
"""The parts of the matte that come from an artist's files."""

_PROFILE_NOTE = (
    "the head is turned {:.0f}° from the nearest picture of the source; "
    "what no picture shows is faded by {:.0f} % (profile_fade)"
)

# Inside the plate's own face occluders stay as photographed; over this part of its size that fades to the warped plate's.
_SHOT_FACE_FEATHER = 0.03


@dataclass(frozen=True)
class InputMattes:
    """Mattes from an artist's files, float32 (h, w) on the picture's window.

    `holdout` is 1 where the plate stays in front, `garbage` is 1 where the face may be.
    """

    holdout: np.ndarray | None = None
    garbage: np.ndarray | None = None


@dataclass(frozen=True)
class MatteNetworks:
    """The user's own networks for mattes: `occluder` finds what hides the face, `parser` names its regions."""

    occluder: Network | None = None
    parser: Network | None = None


@dataclass(frozen=True)
class OcclusionMatte:
    """How far something in front hides the plate's face, float32 (h, w) in 0..1 on the plate's pixels `window`; 0 beyond.

    The window is the occlusion network's, larger than the hull, so that the hull may change without another run. Where the
    plate was warped to the new outline, `matte` is of the warped plate and `still` of the plate as photographed; else
    `still` is None.
    """

    matte: np.ndarray
    window: Window
    still: np.ndarray | None = None

    def on(self, region: Window) -> np.ndarray:
        """Return the matte on another region, float32 (h, w)."""
        return placed(self.matte, self.window, region)

    def still_on(self, region: Window) -> np.ndarray:
        """Return the photographed plate's matte on another region, float32 (h, w); 0 where the plate was not warped."""
        return placed(np.zeros_like(self.matte) if self.still is None else self.still, self.window, region)

    def covering(self, region: Window, shot_face: np.ndarray | None) -> np.ndarray:
        """Return the part to subtract from the face's matte on `region`, float32 (h, w).

        Inside the photographed face, `shot_face` (h, w), that is the photographed plate's matte, around it the warped one's.
        """
        moved = self.on(region)
        return moved if shot_face is None else moved + shot_face * (self.still_on(region) - moved)


@dataclass(frozen=True)
class Mattes:
    """All mattes on the composite's region, float32 (h, w) each.

    `whole` is the product of the `parts`, those of `SUBTRACTIVE_MATTES` inverted. `held`, None where the plate was not
    warped, is what is in front of the photographed face and stays where it is. `notes` are sentences for the artist. `sharp` is
    where the new face lies before it is blurred, hull times coverage; None where it is not blurred.
    """

    whole: np.ndarray
    parts: Mapping[str, np.ndarray]
    occlusion: OcclusionMatte
    region: Window
    held: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    sharp: np.ndarray | None = None


def make_mattes(
    prepared: PreparedPlate,
    result: GeneratorResult,
    parameters: Parameters,
    *,
    inputs: InputMattes | None = None,
    networks: MatteNetworks | None = None,
    weight: float = 1.0,
    blur: FrameBlur | None = None,
    cache: FrameCache = NO_FRAME_CACHE,
) -> Mattes:
    """Where the new face covers the plate, and what hides the plate's face.

    `weight` 0..1 fades the whole matte. `blur` is the new face's, which the parts that move with it carry too.
    """
    occluder, parser = (networks.occluder, networks.parser) if networks else (None, None)
    parsed = None
    if parser is not None:
        parsed = cache.make("parsed", lambda: Parsed.of(parser, prepared.plate, prepared.face))
    reused = parsed if occluder is parser else None
    occlusion = cache.make("occlusion", lambda: _occlusion(prepared, parameters, occluder, reused))
    shot_face = None
    if occlusion.still is not None:
        shot_face = _shot_face(prepared, occlusion)
    parts = {
        **_face_parts(prepared, result, parameters, cache),
        **_front_parts(prepared, occlusion, shot_face, parameters, parsed),
        **_input_parts(prepared, inputs or InputMattes()),
    }
    notes: tuple[str, ...] = ()
    if (fade := _profile_fade(result, parameters)) > 0 and result.generated.covered is not None:
        covered = result.generated.covered
        parts["profile"] = profile_matte(prepared.face, prepared.region, covered.seen, fade)
        notes = (_PROFILE_NOTE.format(covered.turn, 100 * fade),)
    sharp = None if blur is None else parts["hull"] * parts["coverage"]
    if blur is not None and sharp is not None:
        parts |= _blurred_parts(parts, sharp, prepared, blur, parsed is None)
    whole = np.ones((prepared.region.height, prepared.region.width), np.float32)
    for name, part in parts.items():
        whole = whole * (1 - part if name in SUBTRACTIVE_MATTES else part)
    held = None if shot_face is None else shot_face * occlusion.still_on(prepared.region)
    return Mattes(
        (whole * np.float32(weight)).astype(np.float32), parts, occlusion, prepared.region, held, notes, sharp
    )


def _profile_fade(result: GeneratorResult, parameters: Parameters) -> float:
    """Return how far the fade of what no picture of the source shows is complete, 0..1."""
    covered = result.generated.covered
    return 0.0 if covered is None else fade_amount(covered.turn, parameters.profile_turn, parameters.profile_fade)


def keep_regions(parameters: Parameters) -> tuple[str, ...]:
    """Return the parameter `keep_regions` as region names. Raises `UsageError('bad-keep')`."""
    names = tuple(word.strip() for word in parameters.keep_regions.split(",") if word.strip())
    possible = dict.fromkeys((*REGIONS, *(KEEPABLE if parameters.parser else ())))
    unknown = [name for name in names if name not in possible]
    if unknown:
        how = "can be kept only with a parser" if unknown[0] in KEEPABLE else "cannot be kept"
        raise UsageError("bad-keep", f"'{unknown[0]}' {how}; choose from {', '.join(possible)}.")
    return names


def full_where_nearly(coverage: np.ndarray) -> np.ndarray:
    """Coverage in 0..1 that is exactly 1 where resampling left it within a rounding error of 1."""
    return np.clip(np.where(coverage > 1 - 1e-4, np.float32(1), coverage), 0, 1)


def _occlusion(
    prepared: PreparedPlate, parameters: Parameters, occluder: Network | None, parsed: Parsed | None
) -> OcclusionMatte:
    """Return the occlusion matte of the user's network, else of the embedded one.

    The embedded network runs once, on the photographed plate. Where the plate is warped, its matte is warped in the same way.
    """
    plate, sensitivity = prepared.plate, parameters.occlusion
    if occluder is not None:
        matte = hidden_by(occluder, plate, prepared.face, plate.window, sensitivity, parsed=parsed)
        return OcclusionMatte(matte, plate.window, None if prepared.outline is None else matte)
    aspect, face = plate.pixel_aspect, prepared.shot_face
    window = occlusion_window(face, aspect).intersect(plate.window)
    matte, odds = np.zeros((window.height, window.width), np.float32), prepared.odds
    if sensitivity <= 0:
        return OcclusionMatte(matte, window)
    linear = plate.color.to_linear709(prepared.shot[window.slices(plate.window)])
    if odds is None:
        usual = None if prepared.look is None else prepared.look.hidden
        odds = measure_odds(linear, face, window, usual=usual, pixel_aspect=aspect)
    if odds is not None:
        matte = edged_matte(odds, linear, face, window, sensitivity=sensitivity, pixel_aspect=aspect)
    if prepared.outline is None:
        return OcclusionMatte(matte, window)
    return OcclusionMatte(
        *_moved(matte, window, prepared.outline), placed(matte, window, window.union(prepared.outline.window))
    )


def _moved(matte: np.ndarray, window: Window, outline: OutlineWarp) -> tuple[np.ndarray, Window]:
    """Return the photographed plate's `matte` as the outline warp moves it, with its window, which covers both."""
    wide = window.union(outline.window)
    moved = placed(matte, window, wide)
    inside = np.ascontiguousarray(moved[outline.window.slices(wide)])
    hidden = Window.of_mask(inside > 0, outline.window)
    if hidden.empty:
        return moved, wide
    # Beyond the farthest shift, and what the filter reads beside it, the warp finds nothing.
    reached = hidden.grow(cv2.norm(outline.shift, cv2.NORM_INF) + 3).intersect(outline.window)
    part, here = reached.slices(outline.window), reached.slices(wide)
    warped = np.clip(outline.moved(inside, part), 0.0, 1.0)
    moved[here] = np.where(outline.cover[part] > 0, warped, moved[here])
    return moved, wide


def _shot_face(prepared: PreparedPlate, occlusion: OcclusionMatte) -> np.ndarray:
    """Return the photographed face's own matte on the region, float32 (h, w); 0 where no occluder needs it."""
    region = prepared.region
    if occlusion.matte.any() or (occlusion.still is not None and occlusion.still.any()):
        return hull_matte(prepared.shot_face, region, erode=0.0, feather=_SHOT_FACE_FEATHER)
    return np.zeros((region.height, region.width), np.float32)


def _face_parts(
    prepared: PreparedPlate, result: GeneratorResult, parameters: Parameters, cache: FrameCache
) -> dict[str, np.ndarray]:
    """Return the parts that say where the new face is."""
    region, edges = prepared.region, hull_edges(parameters)
    hull = hull_matte(
        prepared.face, region, erode=parameters.matte_erode, feather=parameters.matte_feather, edges=edges
    )
    coverage = cache.make(
        "coverage", lambda: full_where_nearly(prepared.crop.on_plate(result.generated.coverage, region))
    )
    return {"hull": hull, "coverage": coverage}


def _front_parts(
    prepared: PreparedPlate,
    occlusion: OcclusionMatte,
    shot_face: np.ndarray | None,
    parameters: Parameters,
    parsed: Parsed | None,
) -> dict[str, np.ndarray]:
    """Return the parts that keep the plate in front: occlusion, kept regions, and the hairline where a parser knows it."""
    parts = {}
    if parameters.occlusion > 0:
        parts["occlusion"] = occlusion.covering(prepared.region, shot_face)
    if names := keep_regions(parameters):
        parts["keep"] = _kept_regions(prepared.face, prepared.region, names, parsed)
    if parsed is not None:
        parts["hairline"] = parsed.in_front(prepared.region)
    return parts


def _blurred_parts(
    parts: Mapping[str, np.ndarray], sharp: np.ndarray, prepared: PreparedPlate, blur: FrameBlur, keep_is_drawn: bool
) -> dict[str, np.ndarray]:
    """Return the parts that move with the face, blurred; what comes from the plate's pixels has its blur already.

    The coverage is such that its product with the hull is their blurred product; `sharp` is their product.
    """
    hull, coverage = parts["hull"], parts["coverage"]
    whole = {"hull": hull, **({"profile": parts["profile"]} if "profile" in parts else {})}
    whole |= {"keep": parts["keep"]} if "keep" in parts and keep_is_drawn else {}
    covered = bool(np.all(coverage[hull > 0] >= 1))
    whole |= {} if covered else {"product": sharp}
    region, aspect = prepared.region, prepared.plate.pixel_aspect
    blurred = blurred_mattes(list(whole.values()), region, blur, aspect)
    soft = dict(zip(whole, blurred, strict=True))
    product = soft.pop("product", soft["hull"])
    share = np.minimum(product / np.maximum(soft["hull"], np.float32(1e-6)), np.float32(1))
    return {**soft, "coverage": np.where(soft["hull"] > 0, share, coverage)}


def _kept_regions(face: Face, region: Window, names: tuple[str, ...], parsed: Parsed | None) -> np.ndarray:
    """Return the regions `names` as one matte float32 (h, w): from the parser where it knows them, else drawn on the mesh."""
    if parsed is None:
        return region_matte(face, region, names)
    known = [name for name in names if name in KEEPABLE]
    rest = tuple(name for name in names if name not in KEEPABLE)
    mattes = [parsed.kept(known, region)] if known else []
    return np.maximum.reduce([*mattes, *([region_matte(face, region, rest)] if rest else [])])


def _input_parts(prepared: PreparedPlate, inputs: InputMattes) -> dict[str, np.ndarray]:
    """Return the parts that an artist drew."""
    mattes = dict(zip(INPUT_MATTES, (inputs.holdout, inputs.garbage), strict=True))
    return {name: np.clip(matte[prepared.inside], 0, 1) for name, matte in mattes.items() if matte is not None}
