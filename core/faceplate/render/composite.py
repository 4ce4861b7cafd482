"""The change carried onto the plate's own pixels: detail, grain, the warped surroundings, layers, and back to plate space.

Everything before happens on the generator's crop. Only the change is brought back, so that unchanged pixels stay
bit for bit as photographed, and the crop's resolution takes nothing from the plate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from faceplate.comp import layers as face_layers
from faceplate.comp.grain import MATCH_ROOM, Grain, match_grain, split_detail
from faceplate.comp.outline_warp import OutlineWarp
from faceplate.errors import UsageError
from faceplate.image.frame import Frame
from faceplate.image.weighting import times, toward
from faceplate.image.window import Window
from faceplate.render.frame_cache import NO_FRAME_CACHE, FrameCache
from faceplate.render.generate import GeneratorResult
from faceplate.render.matte import INPUT_MATTES, SUBTRACTIVE_MATTES, Mattes
from faceplate.render.plate_grain import grain_around_face, grain_is_used
from faceplate.render.prepare import PreparedPlate
from faceplate.shot.parameters import Parameters

__all__ = ["LAYERS", "CompositeResult", "composite", "empty_composite", "layer_names"]

LAYERS = ("matte", "parts", "raw", "stmap", "depth", "confidence", "id")
"""The layers that the parameter `layers` can ask for; `parts` are the mattes whose product is the matte."""

_LAYER_CHANNELS = {
    "stmap": face_layers.STMAP,
    "depth": face_layers.DEPTH,
    "confidence": face_layers.CONFIDENCE,
}


@dataclass(frozen=True)
class CompositeResult:
    """A face put on a plate, in the plate's own colour space `space`, on `window` of it.

    `over` float32 (h, w, 3) is the plate with the face in it, bit for bit the plate's where nothing changed; `element`
    float32 (h, w, 4) is the face alone, premultiplied; `matte` is float32 (h, w). `layers` holds the other layers asked for
    by name, each (h, w) or (h, w, c), `attributes` the header fields that explain them, `notes` sentences for the artist.
    `face_matte` is the part of `matte` that is the new face, without the plate that was moved around it; None where the
    result is of several faces.
    """

    window: Window
    space: str
    over: np.ndarray
    element: np.ndarray
    matte: np.ndarray
    layers: Mapping[str, np.ndarray] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    face_matte: np.ndarray | None = None

    def element_on(self, window: Window) -> CompositeResult:
        """Element, matte and layers on a larger `window`, 0 outside the face; `over` is left as it is."""

        def padded(pixels: np.ndarray) -> np.ndarray:
            larger = np.zeros((window.height, window.width, *pixels.shape[2:]), np.float32)
            if not self.window.empty:
                larger[self.window.slices(window)] = pixels
            return larger

        layers = {name: padded(layer) for name, layer in self.layers.items()}
        return replace(self, window=window, element=padded(self.element), matte=padded(self.matte), layers=layers)


def composite(
    prepared: PreparedPlate,
    result: GeneratorResult,
    mattes: Mattes,
    matched: np.ndarray,
    parameters: Parameters,
    *,
    grain: Grain | None = None,
    name: str = "face",
    cache: FrameCache = NO_FRAME_CACHE,
) -> CompositeResult:
    """Carry the change onto the plate, match its grain, make the layers and convert back to plate space.

    `matched` is the face of `match_face` on the crop; `grain` the plate's from the track, if known; `name` what the id layer
    calls the person.
    """
    plate_grain = _plate_grain(prepared, parameters, grain, cache)
    near, covers = _near_face(prepared, mattes), mattes
    face = _face_on_plate(
        prepared, result, mattes.whole[near.slices(mattes.region)], matched, near, plate_grain, parameters
    )
    if prepared.outline is not None:
        face, covers = _with_surround(prepared, face, near, mattes, prepared.outline)
    whole = prepared.working[prepared.inside].copy()
    whole[near.slices(prepared.region)] = face
    layers, attributes = _layers(prepared, result, covers, mattes.whole, name, parameters)
    healed = prepared.bad[prepared.inside] & (covers.whole > 0)
    done = _in_plate_space(
        prepared,
        whole,
        covers.whole,
        layers=layers,
        attributes=attributes,
        notes=_healed_note(healed) + result.notes + mattes.notes,
    )
    return replace(done, face_matte=mattes.whole)


def empty_composite(window: Window, parameters: Parameters, name: str) -> CompositeResult:
    """Return the result of a frame that does not show the face: no pixels, and the layers that the other frames have.

    The matte's parts are left out, because only a face says which there are.
    """
    channels = {"raw": 3, "stmap": 2}
    layers: dict[str, np.ndarray] = {}
    attributes: dict[str, str] = {}
    asked = layer_names(parameters)
    for word in sorted(asked - {"parts", "id"}):
        shape = (0, 0, channels[word]) if word in channels else (0, 0)
        layers[_LAYER_CHANNELS.get(word, word)] = np.zeros(shape, np.float32)
    if asked & {"stmap", "depth"}:
        layers[face_layers.STMAP_COVERAGE] = np.zeros((0, 0), np.float32)
    if "id" in asked:
        ids, attributes = face_layers.cryptomatte([(name, np.zeros((1, 1), np.float32))])
        layers |= {key: value[:0, :0] for key, value in ids.items()}
    pixels = np.zeros((0, 0, 4), np.float32)
    bare, matte = pixels[..., :3], pixels[..., 0]
    return CompositeResult(window, "", bare, pixels, matte, layers, attributes, ("shows no face",), matte)


def layer_names(parameters: Parameters) -> frozenset[str]:
    """Return the parameter `layers` as names. Raises `UsageError('bad-layers')`."""
    names = frozenset(word.strip() for word in parameters.layers.split(",") if word.strip())
    unknown = sorted(names - {*LAYERS, "all"})
    if unknown:
        raise UsageError("bad-layers", f"There is no layer '{unknown[0]}'; choose from {', '.join(LAYERS)}, or all.")
    return frozenset(LAYERS) if "all" in names else names


def _plate_grain(
    prepared: PreparedPlate, parameters: Parameters, known: Grain | None, cache: FrameCache
) -> Grain | None:
    """Return the plate's grain around the face, `known` where a track has it; None where no parameter asks for it."""
    if not grain_is_used(parameters):
        return None
    if known is not None:
        return known
    return cache.make("grain", lambda: grain_around_face(prepared.shot, prepared.plate, prepared.face))


def _near_face(prepared: PreparedPlate, mattes: Mattes) -> Window:
    """Return the part of the region that the new face covers, with room for what is measured around it."""
    if not prepared.crop.on_plate_grid:  # what the crop could not hold of the plate is filtered over all of it
        return mattes.region
    return Window.of_mask(mattes.whole > 0, mattes.region).grow(MATCH_ROOM).intersect(mattes.region)


def _face_on_plate(
    prepared: PreparedPlate,
    result: GeneratorResult,
    matte: np.ndarray,
    matched: np.ndarray,
    region: Window,
    grain: Grain | None,
    parameters: Parameters,
) -> np.ndarray:
    """Return the face at full strength on the plate's pixels `region`: plate + change, less detail, plus grain.

    float32 (h, w, 3). Where the change is 0 and every amount does nothing it is the plate, bit for bit. `matte` (h, w) is the
    new face's.
    """
    crop, generated = prepared.crop, result.generated
    plate = prepared.working[region.slices(prepared.plate.window)]
    face = plate + crop.on_plate(matched - result.shown, region)
    if parameters.plate_detail != 1.0 and not crop.on_plate_grid:
        beyond_crop = plate - crop.on_plate(crop.pixels, region)
        face = face - np.float32(1.0 - parameters.plate_detail) * beyond_crop
    own, kept = generated.noise, None if generated.kept is None else crop.on_plate(generated.kept, region)
    if parameters.plate_skin != 1.0 and grain is not None and not crop.on_plate_grid:
        detail = split_detail(plate, grain, crop.size_on_plate)
        beyond_crop = detail.skin - crop.on_plate(crop.from_plate(detail.skin, region), region)
        face = face - np.float32(parameters.plate_detail * (1.0 - parameters.plate_skin)) * beyond_crop
        # The face now holds the plate's grain, less the part removed with the skin; remaining skin detail is not grain.
        own, kept = Grain.none(), np.float32(parameters.plate_detail) * detail.grain_left(parameters.plate_skin)
    return match_grain(
        face,
        plate,
        matte,
        region,
        crop.frame or 0,
        parameters.grain,
        parameters.own_grain,
        size=crop.size_on_plate,
        grain=grain,
        own=own,
        kept=kept,
    )


def _with_surround(
    prepared: PreparedPlate, face: np.ndarray, near: Window, mattes: Mattes, outline: OutlineWarp
) -> tuple[np.ndarray, Mattes]:
    """Return the face over the warped plate, as one picture to lay over the photographed plate, and the mattes that cover both.

    `face` (h, w, 3) and the picture are on `near`; beyond it that picture is the warped plate alone. The mattes' parts then hold
    the `surround` too. Where the plate was not warped nothing differs from the face alone.
    """
    cover = outline.cover_on(mattes.region)
    if mattes.held is not None:
        cover = cover * (1 - mattes.held)
    for name, part in mattes.parts.items():
        if name in INPUT_MATTES:
            cover = cover * (1 - part if name in SUBTRACTIVE_MATTES else part)
    inner, moved = mattes.whole, cover > 0
    outer = np.where(moved, 1 - (1 - inner) * (1 - cover), inner)
    on_plate, on_region = near.slices(prepared.plate.window), near.slices(mattes.region)
    shot, warped = prepared.shot[on_plate], prepared.working[on_plate]
    change = toward(toward(shot, warped, cover[on_region]), face, inner[on_region])
    cv2.subtract(change, shot, dst=change)
    times(change, 1 / np.maximum(outer[on_region], np.float32(1e-6)), out=change)
    cv2.add(change, shot, dst=change)
    pixels = cv2.copyTo(change, moved[on_region].astype(np.uint8), face.copy())
    return pixels, replace(mattes, whole=outer, parts={**mattes.parts, "surround": cover})


def _layers(
    prepared: PreparedPlate,
    result: GeneratorResult,
    mattes: Mattes,
    face_matte: np.ndarray,
    name: str,
    parameters: Parameters,
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return the layers that the parameter `layers` asks for, and their header fields; `face_matte` is without the surround."""
    region, crop, generated = prepared.region, prepared.crop, result.generated
    asked = layer_names(parameters)
    layers = {"matte": mattes.whole} if "matte" in asked else {}
    if "parts" in asked:
        layers |= {f"matte_{part}": drawn for part, drawn in mattes.parts.items()}
    if "raw" in asked:
        layers["raw"] = crop.on_plate(generated.pixels, region)
    if asked & _LAYER_CHANNELS.keys():
        sure = None if generated.confidence is None else np.clip(crop.on_plate(generated.confidence, region), 0, 1)
        drawn = face_layers.face_layers(
            prepared.face,
            region,
            coverage=mattes.parts["coverage"],
            visibility=sure,
            pixel_aspect=prepared.plate.pixel_aspect,
        )
        layers |= {channel: drawn[channel] for word, channel in _LAYER_CHANNELS.items() if word in asked}
        if asked & {"stmap", "depth"}:
            layers[face_layers.STMAP_COVERAGE] = drawn[face_layers.STMAP_COVERAGE]
    attributes: dict[str, str] = {}
    if "id" in asked:
        ids, attributes = face_layers.cryptomatte([(name, face_matte)])
        layers |= ids
    return layers, attributes


def _in_plate_space(
    prepared: PreparedPlate,
    face: np.ndarray,
    matte: np.ndarray,
    *,
    layers: dict[str, np.ndarray],
    attributes: Mapping[str, str],
    notes: tuple[str, ...],
) -> CompositeResult:
    """Return the composite in the plate's own space, less the error of the conversion there and back.

    Where the composite equals the plate, the plate's pixels come back bit for bit.
    """
    plate: Frame = prepared.plate
    pixels, shot = plate.pixels[prepared.inside], prepared.shot[prepared.inside]
    is_working = plate.color.resolve(plate.space) == plate.color.working_space

    def to_plate_space(working: np.ndarray) -> np.ndarray:
        return working if is_working else plate.color.from_working(working, plate.space)

    if is_working:
        over, alone = toward(pixels, face, matte), face
    else:
        plate_again = to_plate_space(shot)
        over = pixels + (to_plate_space(toward(shot, face, matte)) - plate_again)
        alone = pixels + (to_plate_space(face) - plate_again)
    element = cv2.cvtColor(times(alone, matte), cv2.COLOR_RGB2RGBA)
    cv2.insertChannel(matte, element, 3)
    if "raw" in layers:
        layers = {**layers, "raw": to_plate_space(layers["raw"])}
    return CompositeResult(prepared.region, plate.space, over, element, matte, layers, attributes, notes)


def _healed_note(bad: np.ndarray) -> tuple[str, ...]:
    count = int(bad.sum())
    return (f"{count} NaN or infinite pixels inside the matte were healed",) if count else ()
