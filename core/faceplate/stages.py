"""The stages that put one face on one picture, in their order.

    crop → encode → generate → decode → light → blend → matte → change → grain → element → plate space

Everything up to the change happens on the generator's crop; the change is carried onto the plate's own pixels, so that what
nobody changed stays as it was shot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from faceplate.color import ColorConfig, Encoding, Exposure, Shoulder, ViewEncoding
from faceplate.comp import (
    REGIONS,
    HullEdges,
    enhance_detail,
    gradient_blend,
    hull_matte,
    hull_outline,
    match_light,
    multiband_blend,
    region_matte,
    skin_weight,
)
from faceplate.comp import layers as face_layers
from faceplate.comp.grain import Grain, match_grain, measure_grain, split_detail
from faceplate.comp.occlusion import occlusion_matte
from faceplate.errors import UsageError
from faceplate.face import Face
from faceplate.face.align import apply, invert, resample, scale_of
from faceplate.frame import Frame
from faceplate.params import Parameters
from faceplate.pyramid import heal
from faceplate.swap import Crop, Framing, Generated, Generator
from faceplate.window import Window

__all__ = [
    "LAYERS",
    "InputMattes",
    "Swapped",
    "keep_regions",
    "layer_names",
    "network_encoding",
    "nothing_swapped",
    "reach",
    "swap_face",
]

# What the parameter `layers` can ask for; `parts` are the mattes that the matte is made of.
LAYERS = ("matte", "parts", "raw", "stmap", "depth", "confidence", "id")

# What a spline through the hull's points may bulge past them, in parts of the face's size.
_BULGE = 0.02
# How far around the face the plate's grain is measured, in parts of its size: hair and skin alone would mislead.
_GRAIN_REACH = 0.5


@dataclass(frozen=True)
class InputMattes:
    """Mattes from outside, float32 (h, w) on the picture's window: where the plate stays in front, where the face may be."""

    hold_out: np.ndarray | None = None
    garbage: np.ndarray | None = None


@dataclass(frozen=True)
class Swapped:
    """A face put on a plate, in the plate's own colour space `space`, on `window` of it.

    `over` float32 (h, w, 3) is the plate with the face in it, bit for bit the plate's where nothing changed; `element`
    float32 (h, w, 4) the face alone, premultiplied; `matte` float32 (h, w); `layers` whatever else was asked for, by
    name, each (h, w) or (h, w, c), with the `attributes` that explain them. `notes` are worth a line to the artist.
    """

    window: Window
    space: str
    over: np.ndarray
    element: np.ndarray
    matte: np.ndarray
    layers: Mapping[str, np.ndarray] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def element_on(self, window: Window) -> Swapped:
        """The element, matte and layers on a larger `window`, nothing outside the face; `over` stays as it is."""

        def padded(pixels: np.ndarray) -> np.ndarray:
            result = np.zeros((window.height, window.width, *pixels.shape[2:]), np.float32)
            if not self.window.empty:
                result[self.window.slices(window)] = pixels
            return result

        layers = {name: padded(layer) for name, layer in self.layers.items()}
        return replace(self, window=window, element=padded(self.element), matte=padded(self.matte), layers=layers)


def swap_face(
    picture: Frame,
    face: Face,
    generator: Generator,
    parameters: Parameters,
    *,
    frame: int | None = None,
    inputs: InputMattes | None = None,
    name: str = "face",
    weight: float = 1.0,
) -> Swapped:
    """Puts the generator's face on `picture` (the plate, or the part of it that `reach` names).

    NaN and infinite pixels are healed first. What lies outside `Swapped.window` is not touched. `frame` is the shot's
    frame number, for pins and grain, `name` what the id layer calls the person,
    `weight` 0..1 a fade of the whole matte. Raises `UsageError` for parameters that name what does not exist.
    """
    framing = generator.frame(face, picture.pixel_aspect)
    region = _hull_window(face, parameters).intersect(picture.window)
    healed, bad = heal(picture.pixels)
    plate = picture.with_pixels(healed)
    working = plate.working()
    crop = _Cropped.of(working, plate, framing, face, frame)
    shown, generated = crop.generated(plate.color, generator, network_encoding(parameters, plate.color))
    inside = region.slices(picture.window)
    part = plate.region(region).with_pixels(plate.pixels[inside])
    hidden = occlusion_matte(
        working[inside], face, region, plate.color, sensitivity=parameters.occlusion, pixel_aspect=plate.pixel_aspect
    )
    mattes = _mattes(face, region, crop, generated, hidden, parameters, inputs, picture.window)
    if weight != 1.0:
        mattes["matte"] = mattes["matte"] * np.float32(weight)
    matched = _match(generated, shown, crop, crop.from_plate(hidden, region), parameters)
    grain = _plate_grain(working, picture.window, face, parameters)
    changed = _face_on_plate(working[inside], region, crop, matched - shown, mattes["matte"], grain, frame, parameters)
    layers, attributes = _layers(face, region, crop, generated, mattes, name, plate.pixel_aspect, parameters)
    notes = _healed_note(bad[inside] & (mattes["matte"] > 0)) + _resolution_note(generator, face)
    return _in_plate_space(part, working[inside], changed, mattes["matte"], layers, attributes, notes)


def nothing_swapped(window: Window, parameters: Parameters, name: str) -> Swapped:
    """The swap of a frame that does not show the face: empty, with the layers that the other frames have."""
    channels = {"raw": 3, "stmap": 2}
    words = {"stmap": face_layers.STMAP, "depth": face_layers.DEPTH, "confidence": face_layers.CONFIDENCE}
    layers: dict[str, np.ndarray] = {}
    attributes: dict[str, str] = {}
    for word in sorted(layer_names(parameters) - {"parts", "id"}):
        shape = (0, 0, channels[word]) if word in channels else (0, 0)
        layers[words.get(word, word)] = np.zeros(shape, np.float32)
    if "id" in layer_names(parameters):
        ids, attributes = face_layers.cryptomatte([(name, np.zeros((1, 1), np.float32))])
        layers |= {key: value[:0, :0] for key, value in ids.items()}
    pixels = np.zeros((0, 0, 4), np.float32)
    return Swapped(window, "", pixels[..., :3], pixels, pixels[..., 0], layers, attributes, ("shows no face",))


def reach(framing: Framing, face: Face, parameters: Parameters) -> Window:
    """The plate pixels that a swap looks at: the crop's footprint with room for its filters, the hull, grain around it."""
    w = framing.window
    corners = np.array([[w.x, w.y], [w.right, w.y], [w.x, w.bottom], [w.right, w.bottom]], np.float64)
    room = 0.0 if _on_plate_grid(framing) else 4.0 * max(1.0, 1.0 / scale_of(framing.matrix))
    seen = Window.around(apply(invert(framing.matrix), corners), room).union(_hull_window(face, parameters))
    grainy = parameters.grain != 0 or parameters.plate_skin != 1.0
    return seen.union(face.window(_GRAIN_REACH)) if grainy else seen


def keep_regions(parameters: Parameters) -> tuple[str, ...]:
    """The parameter `keep` as region names. Raises `UsageError('bad-keep')`."""
    names = tuple(word.strip() for word in parameters.keep.split(",") if word.strip())
    unknown = [name for name in names if name not in REGIONS]
    if unknown:
        raise UsageError("bad-keep", f"'{unknown[0]}' cannot be kept; choose from {', '.join(REGIONS)}.")
    return names


def layer_names(parameters: Parameters) -> frozenset[str]:
    """The parameter `layers` as names. Raises `UsageError('bad-layers')`."""
    names = frozenset(word.strip() for word in parameters.layers.split(",") if word.strip())
    unknown = sorted(names - {*LAYERS, "all"})
    if unknown:
        raise UsageError("bad-layers", f"There is no layer '{unknown[0]}'; choose from {', '.join(LAYERS)}, or all.")
    return frozenset(LAYERS) if "all" in names else names


def network_encoding(parameters: Parameters, color: ColorConfig) -> Encoding:
    """How working-space pixels are shown to a network. Raises `UsageError` for a view that the config does not have."""
    if not parameters.network_view:
        return Shoulder()
    display, slash, view = parameters.network_view.rpartition("/")
    if not slash:
        raise UsageError("unknown-view", f"--network-view is '{view}'; write it as display/view.")
    return ViewEncoding(color, display, view)


@dataclass(frozen=True)
class _Cropped:
    """The plate on the generator's crop: working-space pixels `seen`, the face in crop coordinates."""

    seen: np.ndarray
    framing: Framing
    face: Face
    frame: int | None

    @property
    def size_on_plate(self) -> float:
        """The face's size in plate pixels."""
        return self.face.size / scale_of(self.framing.matrix)

    @classmethod
    def of(cls, working: np.ndarray, plate: Frame, framing: Framing, face: Face, frame: int | None) -> _Cropped:
        seen = resample(working, plate.window, framing.matrix, framing.window)
        points = apply(framing.matrix, face.points[:, :2])
        mapped = face.moved(np.column_stack([points, face.points[:, 2] * scale_of(framing.matrix)]))
        return cls(seen, framing, mapped, frame)

    def generated(self, color: ColorConfig, generator: Generator, encoding: Encoding) -> tuple[np.ndarray, Generated]:
        """The crop as the generator saw it, and what it made of it, both scene-linear working space."""
        if generator.encoding == "working":
            return self.seen, generator.generate(Crop(self.seen, self.framing, self.face, self.frame))
        gain = Exposure.of_level(self.face.level).gain
        encoded = encoding.encode(color.to_linear709(self.seen), gain)
        made = generator.generate(Crop(encoded, self.framing, self.face, self.frame))

        def decoded(pixels: np.ndarray) -> np.ndarray:
            return color.from_linear709(encoding.decode(pixels, gain))

        return decoded(encoded), Generated(decoded(made.pixels), made.coverage, made.confidence)

    def on_plate(self, pixels: np.ndarray, region: Window) -> np.ndarray:
        """Crop pixels (h, w[, c]) brought to the plate's `region`."""
        return resample(pixels, self.framing.window, invert(self.framing.matrix), region)

    def from_plate(self, pixels: np.ndarray, region: Window) -> np.ndarray:
        """Plate pixels (h, w[, c]) of `region` brought to the crop."""
        return resample(pixels, region, self.framing.matrix, self.framing.window)


def _mattes(
    face: Face,
    region: Window,
    crop: _Cropped,
    generated: Generated,
    hidden: np.ndarray,
    parameters: Parameters,
    inputs: InputMattes | None,
    window: Window,
) -> dict[str, np.ndarray]:
    """The matte on the plate's region and the parts it is the product of, each float32 (h, w)."""
    parts = {
        "hull": hull_matte(
            face, region, erode=parameters.matte_erode, feather=parameters.matte_feather, edges=_edges(parameters)
        ),
        "coverage": _whole(crop.on_plate(generated.coverage, region)),
    }
    if parameters.occlusion > 0:
        parts["occlusion"] = hidden
    if names := keep_regions(parameters):
        parts["keep"] = region_matte(face, region, names)
    if inputs is not None and inputs.hold_out is not None:
        parts["hold_out"] = np.clip(inputs.hold_out[region.slices(window)], 0, 1)
    if inputs is not None and inputs.garbage is not None:
        parts["garbage"] = np.clip(inputs.garbage[region.slices(window)], 0, 1)
    matte = np.ones((region.height, region.width), np.float32)
    for name, part in parts.items():
        matte = matte * (1 - part if name in ("keep", "hold_out", "occlusion") else part)
    return {"matte": matte.astype(np.float32), **parts}


def _match(
    generated: Generated,
    shown: np.ndarray,
    crop: _Cropped,
    hidden: np.ndarray,
    parameters: Parameters,
) -> np.ndarray:
    """The generated face sharpened as asked and brought to the plate's light, on the crop's pixels."""
    face, window = crop.face, crop.framing.window
    pixels = enhance_detail(generated.pixels, face.size, face.level, parameters.enhance)
    seen = _whole(generated.coverage) * (1 - np.clip(hidden, 0, 1))
    pixels = match_light(
        pixels,
        shown,
        skin_weight(face, window) * seen,
        size=face.size,
        level=face.level,
        luminance=parameters.light_luminance,
        color=parameters.light_color,
        scale=parameters.light_scale,
    )
    if parameters.blend == "none" or parameters.blend_amount == 0:
        return pixels
    hull = hull_matte(
        face, window, erode=parameters.matte_erode, feather=parameters.matte_feather, edges=_edges(parameters)
    )
    ramp = hull * seen
    if parameters.blend == "multiband":
        return multiband_blend(pixels, shown, ramp, face.level, parameters.blend_amount)
    seam = ((ramp > 0) & (ramp < 1)).astype(np.float32)
    reach = parameters.blend_reach * face.size
    return gradient_blend(pixels, shown, ramp >= 1, seam, face.level, parameters.blend_amount, reach)


def _face_on_plate(
    plate: np.ndarray,
    region: Window,
    crop: _Cropped,
    change: np.ndarray,
    matte: np.ndarray,
    grain: Grain | None,
    frame: int | None,
    parameters: Parameters,
) -> np.ndarray:
    """The face at full strength on the plate's own pixels, float32 (h, w, 3): plate + change, less detail, plus grain.

    Where the change is 0 and every amount does nothing it is the plate, bit for bit.
    """
    result = plate + crop.on_plate(change, region)
    if parameters.plate_detail != 1.0 and not _on_plate_grid(crop.framing):
        beyond = plate - crop.on_plate(crop.seen, region)
        result = result - np.float32(1.0 - parameters.plate_detail) * beyond
    if parameters.plate_skin != 1.0 and grain is not None and not _on_plate_grid(crop.framing):
        skin, _ = split_detail(plate, grain, crop.size_on_plate)
        beyond = skin - crop.on_plate(crop.from_plate(skin, region), region)
        result = result - np.float32(1.0 - parameters.plate_skin) * beyond
    return match_grain(
        result,
        plate,
        matte,
        region,
        frame or 0,
        parameters.grain,
        parameters.own_grain,
        size=crop.size_on_plate,
        grain=grain,
    )


def _plate_grain(working: np.ndarray, window: Window, face: Face, parameters: Parameters) -> Grain | None:
    """The plate's grain around the face, or None when nothing asks for it.

    On the face alone skin would be taken for grain; the same surroundings are looked at whatever else was read.
    """
    if parameters.grain == 0 and parameters.plate_skin == 1.0:
        return None
    around = face.window(_GRAIN_REACH).intersect(window)
    part = np.ascontiguousarray(working[around.slices(window)])
    return measure_grain(part, np.ones(part.shape[:2], bool))


def _layers(
    face: Face,
    region: Window,
    crop: _Cropped,
    generated: Generated,
    mattes: dict[str, np.ndarray],
    name: str,
    pixel_aspect: float,
    parameters: Parameters,
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The layers that the parameter `layers` asks for, and the attributes that go with them."""
    asked = layer_names(parameters)
    layers = {"matte": mattes["matte"]} if "matte" in asked else {}
    if "parts" in asked:
        layers |= {f"matte_{part}": matte for part, matte in mattes.items() if part != "matte"}
    attributes: dict[str, str] = {}
    if "raw" in asked:
        layers["raw"] = crop.on_plate(generated.pixels, region)
    if asked & {"stmap", "depth", "confidence"}:
        sure = None if generated.confidence is None else np.clip(crop.on_plate(generated.confidence, region), 0, 1)
        made = face_layers.face_layers(
            face, region, coverage=mattes["coverage"], visibility=sure, pixel_aspect=pixel_aspect
        )
        wanted = {"stmap": face_layers.STMAP, "depth": face_layers.DEPTH, "confidence": face_layers.CONFIDENCE}
        layers |= {wanted[word]: made[wanted[word]] for word in wanted if word in asked}
        if asked & {"stmap", "depth"}:
            layers[face_layers.STMAP_COVERAGE] = made[face_layers.STMAP_COVERAGE]
    if "id" in asked:
        ids, attributes = face_layers.cryptomatte([(name, mattes["matte"])])
        layers |= ids
    return layers, attributes


def _in_plate_space(
    plate: Frame,
    working: np.ndarray,
    face: np.ndarray,
    matte: np.ndarray,
    layers: dict[str, np.ndarray],
    attributes: dict[str, str],
    notes: tuple[str, ...],
) -> Swapped:
    """The comp in the plate's own space, less what the way there and back does to the plate itself.

    Where the comp equals the plate the plate's pixels come back bit for bit.
    """

    def back(pixels: np.ndarray) -> np.ndarray:
        return plate.color.from_working(pixels, plate.space)

    came_back = back(working)
    over = plate.pixels + (back(working + matte[..., None] * (face - working)) - came_back)
    alone = plate.pixels + (back(face) - came_back)
    element = np.dstack([alone * matte[..., None], matte]).astype(np.float32)
    if "raw" in layers:
        layers["raw"] = back(layers["raw"])
    return Swapped(plate.window, plate.space, over, element, matte, layers, attributes, notes)


def _edges(parameters: Parameters) -> HullEdges:
    return HullEdges(parameters.forehead, parameters.edge_jaw, parameters.edge_right, parameters.edge_left)


def _hull_window(face: Face, parameters: Parameters) -> Window:
    return Window.around(hull_outline(face, _edges(parameters)), _BULGE * face.size)


def _whole(coverage: np.ndarray) -> np.ndarray:
    """Coverage in 0..1 that is exactly 1 where resampling left it within a rounding of it."""
    return np.clip(np.where(coverage > 1 - 1e-4, np.float32(1), coverage), 0, 1)


def _on_plate_grid(framing: Framing) -> bool:
    return np.array_equal(framing.matrix, np.eye(2, 3))


def _healed_note(bad: np.ndarray) -> tuple[str, ...]:
    count = int(bad.sum())
    return (f"{count} NaN or infinite pixels inside the matte were healed",) if count else ()


def _resolution_note(generator: Generator, face: Face) -> tuple[str, ...]:
    """What an artist should know when the source has fewer pixels than the plate asks for."""
    size = getattr(generator, "native_size", None)
    if size is None or size >= 0.8 * face.size:
        return ()
    return (f"the source's face has {size:.0f} pixels where the plate's has more; the new face will look softer",)
