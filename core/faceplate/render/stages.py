"""The stages that put one face on one picture, in their order.

    look: heal, working space, crop
    generate: encode, generate, decode
    matte: hull, coverage, occlusion, kept regions, input mattes
    match: detail, light, blend
    element: change, grain, layers, plate space

Each is a function of the ones before and of the parameters, so that a stage can be run again, or on another thread, by
itself. Everything up to the change happens on the generator's crop; the change is carried onto the plate's own pixels,
so that what nobody changed stays as it was shot. With a `Memo` a stage whose key a cache knows is taken from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from faceplate.cache import NO_CACHE, StageCache
from faceplate.color import ColorConfig, Encoding, Exposure, Shoulder, ViewEncoding
from faceplate.comp import (
    REGIONS,
    HullEdges,
    calm_highlights,
    enhance_detail,
    gradient_blend,
    hull_matte,
    hull_outline,
    light_between,
    lit_by,
    multiband_blend,
    region_matte,
    skin_weight,
)
from faceplate.comp import layers as face_layers
from faceplate.comp.grain import GRAIN_REACH, Grain, match_grain, measure_grain, split_detail
from faceplate.comp.matte_networks import KEEPABLE, Parsed, hidden_by
from faceplate.comp.occlusion import occlusion_matte, occlusion_window
from faceplate.comp.outline_warp import REACH, OutlineWarp, follow_outline
from faceplate.errors import UsageError
from faceplate.face import Face
from faceplate.face.align import apply, invert, resample, scale_of
from faceplate.generators import Crop, CropTransform, Generated, Generator, Reshaping
from faceplate.generators.restorers import Restored
from faceplate.image.frame import Frame
from faceplate.image.inpaint import heal
from faceplate.image.window import Window
from faceplate.models import Network
from faceplate.shot.parameters import Parameters

__all__ = [
    "KINDS",
    "LAYERS",
    "CompositeResult",
    "FrameCache",
    "GeneratorResult",
    "InputMattes",
    "MatteNetworks",
    "Mattes",
    "PreparedPlate",
    "element",
    "generate",
    "keep_regions",
    "layer_names",
    "look",
    "match",
    "matte",
    "network_encoding",
    "nothing_swapped",
    "reach",
    "swap_face",
]

# What the parameter `layers` can ask for; `parts` are the mattes that the matte is made of.
LAYERS = ("matte", "parts", "raw", "stmap", "depth", "confidence", "id")

# What a spline through the hull's points may bulge past them, in parts of the face's size.
_BULGE = 0.02
# How far outside the plate's face its new shape can lie, in parts of its size.
_RESHAPED = 0.15
# How readily something counts as in front where the plate is moved: whatever the parameter says, it must not be torn.
_FIRM = 0.5
# What is worth the disk: slow to make and small. The rest is quick, or as large as the plate.
_ON_DISK = ("generate", "inner", "hidden", "parsed", "grain")
# The parts of the matte that say where the plate stays.
# Inside the plate's own face, what is in front stays as it was shot; over this part of its size it fades to what moves along.
_OWN_FEATHER = 0.03
SUBTRACTIVE_MATTES = ("keep", "hold_out", "occlusion", "hairline")


@dataclass(frozen=True)
class InputMattes:
    """Mattes from outside, float32 (h, w) on the picture's window: where the plate stays in front, where the face may be."""

    holdout: np.ndarray | None = None
    garbage: np.ndarray | None = None


@dataclass(frozen=True)
class MatteNetworks:
    """Networks of the user's own for mattes: `occluder` says what hides the face, `parser` names its regions."""

    occluder: Network | None = None
    parser: Network | None = None


@dataclass(frozen=True)
class CompositeResult:
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

    def element_on(self, window: Window) -> CompositeResult:
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
    networks: MatteNetworks | None = None,
    grain: Grain | None = None,
    name: str = "face",
    weight: float = 1.0,
) -> CompositeResult:
    """Puts the generator's face on `picture` (the plate, or the part of it that `reach` names): every stage in order.

    NaN and infinite pixels are healed first. What lies outside `Swapped.window` is not touched. `frame` is the shot's
    frame number, for pins and grain, `grain` the plate's where a track knows it (else it is measured), `name` what the
    id layer calls the person, `weight` 0..1 a fade of the whole matte. Raises `UsageError` for parameters that name
    what does not exist.
    """
    looked = look(picture, face, generator, parameters, frame=frame, grain=grain, weight=weight)
    made = generate(looked, generator, parameters)
    mattes = matte(looked, made, parameters, inputs=inputs, networks=networks, weight=weight)
    matched = match(looked, made, mattes, parameters)
    return element(looked, made, mattes, matched, parameters, grain=grain, name=name)


@dataclass(frozen=True)
class FrameCache:
    """A cache with this frame's key of every stage that is kept; without them every stage is computed."""

    cache: StageCache = NO_CACHE
    keys: Mapping[str, str] = field(default_factory=dict)

    def make(self, stage: str, compute: Callable[[], Any]) -> Any:
        """What `compute` gives, from the cache where it has it."""
        if stage not in self.keys:
            return compute()
        return self.cache.make(stage, self.keys[stage], compute, keep=stage in _ON_DISK)


_NO_MEMO = FrameCache()


@dataclass(frozen=True)
class PreparedPlate:
    """The plate as the stages see it: what depends on the pixels, the face and its new shape alone.

    `plate` is `picture` healed, `bad` bool (h, w) where it had to be, `shot` float32 (h, w, 3) its pixels in the working
    space, `working` the same moved to meet a `face` of another shape, as `around` says (None where it keeps the plate's);
    `region` is the part of it that the swap may change, `crop` the generator's view, `own_face` the plate's as it was shot.
    """

    plate: Frame
    bad: np.ndarray
    shot: np.ndarray
    working: np.ndarray
    face: Face
    region: Window
    crop: _Cropped
    own_face: Face
    around: OutlineWarp | None = None

    @property
    def inside(self) -> tuple[slice, slice]:
        """Where `region` lies in the plate's arrays."""
        return self.region.slices(self.plate.window)

    def with_parameters(self, parameters: Parameters) -> PreparedPlate:
        """The same look with the region that these parameters change."""
        return replace(self, region=_changing(self.face, self.around, parameters, self.plate.window))


@dataclass(frozen=True)
class GeneratorResult:
    """What the generator was shown and what it made of it, both scene-linear working space on its crop's pixels."""

    shown: np.ndarray
    generated: Generated
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OcclusionMatte:
    """How far something in front hides the plate's face, float32 (h, w) in 0..1 on the plate's pixels `window`; 0 beyond.

    The window is the finder's own, so that the hull may be pushed about without looking again. Where the plate was moved to meet
    the new face, `matte` is of the moved plate, and `still` of the plate as it was shot; else that is None.
    """

    matte: np.ndarray
    window: Window
    still: np.ndarray | None = None

    def on(self, region: Window) -> np.ndarray:
        """The matte on another region, float32 (h, w)."""
        return self._placed(self.matte, region)

    def still_on(self, region: Window) -> np.ndarray:
        """What stays where it is on another region, float32 (h, w)."""
        return self._placed(np.zeros_like(self.matte) if self.still is None else self.still, region)

    def covering(self, region: Window, inside: np.ndarray | None) -> np.ndarray:
        """What takes away from the face's matte on `region`, float32 (h, w): `inside` (h, w) the plate's own face what stays
        where it is, around it what the moved plate shows.
        """
        moved = self.on(region)
        return moved if inside is None else moved + inside * (self.still_on(region) - moved)

    def _placed(self, matte: np.ndarray, region: Window) -> np.ndarray:
        placed = np.zeros((region.height, region.width), np.float32)
        both = region.intersect(self.window)
        placed[both.slices(region)] = matte[both.slices(self.window)]
        return placed


@dataclass(frozen=True)
class Mattes:
    """On the swap's region, float32 (h, w) each: `whole` and the `parts` that it is the product of; and what is `hidden`.

    `held` is what is in front of the face and stays as it was shot where the plate is moved; None where it is not.
    """

    whole: np.ndarray
    parts: Mapping[str, np.ndarray]
    hidden: OcclusionMatte
    region: Window
    held: np.ndarray | None = None


def look(
    picture: Frame,
    face: Face,
    generator: Generator,
    parameters: Parameters,
    *,
    frame: int | None = None,
    grain: Grain | None = None,
    weight: float = 1.0,
) -> PreparedPlate:
    """Heals the picture, brings it to the working space, moves it to meet the new shape and cuts the generator's crop.

    `grain` is the plate's where it is known; `weight` the swap's fade, which the shape fades with.
    """
    healed, bad = heal(picture.pixels)
    plate = picture.with_pixels(healed)
    shot = plate.working()
    around = _surround(plate, shot, face, generator, weight)
    working, own_face = shot, face
    if around is not None:
        face = around.face
        inside = around.window.slices(plate.window)
        working = shot.copy()
        working[inside] = around.plate(np.ascontiguousarray(shot[inside]), grain or _measured(shot, plate, face))
    region = _changing(face, around, parameters, picture.window)
    crop = _Cropped.of(working, plate, generator.frame(face, picture.pixel_aspect), face, frame)
    return PreparedPlate(plate, bad, shot, working, face, region, crop, own_face, around)


def generate(
    looked: PreparedPlate, generator: Generator, parameters: Parameters, memo: FrameCache = _NO_MEMO
) -> GeneratorResult:
    """Shows the crop to the generator, in the encoding that it wants."""
    color = looked.plate.color

    def made() -> GeneratorResult:
        own = (
            generator.remembering(lambda run: memo.make("inner", run)) if isinstance(generator, Restored) else generator
        )
        shown, generated = looked.crop.generated(color, own, network_encoding(parameters, color))
        return GeneratorResult(shown, generated, _resolution_note(generator, looked.face))

    return memo.make("generate", made)


def matte(
    looked: PreparedPlate,
    made: GeneratorResult,
    parameters: Parameters,
    *,
    inputs: InputMattes | None = None,
    networks: MatteNetworks | None = None,
    weight: float = 1.0,
    memo: FrameCache = _NO_MEMO,
) -> Mattes:
    """Where the new face covers the plate, and what of the plate's face is hidden."""
    own = networks or MatteNetworks()
    parser, parsed = own.parser, None
    if parser is not None:
        parsed = memo.make("parsed", lambda: Parsed.of(parser, looked.plate, looked.face))
    same = parsed if own.occluder is own.parser else None
    hidden = memo.make("hidden", lambda: _hidden(looked, parameters, own.occluder, same))
    inside = None if hidden.still is None else _inside_own_face(looked)
    parts = _matte_parts(looked, made, hidden, inside, parameters, inputs, parsed, memo)
    whole = np.ones((looked.region.height, looked.region.width), np.float32)
    for name, part in parts.items():
        whole = whole * (1 - part if name in SUBTRACTIVE_MATTES else part)
    held = None if inside is None else inside * hidden.still_on(looked.region)
    return Mattes((whole * np.float32(weight)).astype(np.float32), parts, hidden, looked.region, held)


def match(
    looked: PreparedPlate, made: GeneratorResult, mattes: Mattes, parameters: Parameters, memo: FrameCache = _NO_MEMO
) -> np.ndarray:
    """The generated face in the plate's light and blended at the seam, float32 (h, w, 3) on the crop's pixels."""
    return memo.make("matched", lambda: _match(looked, made, mattes, parameters, memo))


def element(
    looked: PreparedPlate,
    made: GeneratorResult,
    mattes: Mattes,
    matched: np.ndarray,
    parameters: Parameters,
    *,
    grain: Grain | None = None,
    name: str = "face",
    memo: FrameCache = _NO_MEMO,
) -> CompositeResult:
    """Carries the change onto the plate's own pixels, matches grain, makes the layers and goes back to plate space."""
    plate, region, crop = looked.plate, looked.region, looked.crop
    beneath, shot = looked.working[looked.inside], looked.shot[looked.inside]
    plates_grain = _plate_grain(looked, parameters, grain, memo)
    change = matched - made.shown
    changed = _face_on_plate(beneath, region, crop, change, mattes.whole, plates_grain, made.generated, parameters)
    covers = mattes
    if looked.around is not None:
        changed, covers = _with_surround(shot, beneath, changed, mattes, looked.around)
    layers, attributes = _layers(looked, made, covers, mattes.whole, name, parameters)
    notes = _healed_note(looked.bad[looked.inside] & (covers.whole > 0)) + made.notes
    part = plate.region(region).with_pixels(plate.pixels[looked.inside])
    return _in_plate_space(part, shot, changed, covers.whole, layers, attributes, notes)


def nothing_swapped(window: Window, parameters: Parameters, name: str) -> CompositeResult:
    """The swap of a frame that does not show the face: empty, with the layers that the other frames have, but for the matte's
    parts, of which only a face says which there are.
    """
    channels = {"raw": 3, "stmap": 2}
    words = {"stmap": face_layers.STMAP, "depth": face_layers.DEPTH, "confidence": face_layers.CONFIDENCE}
    layers: dict[str, np.ndarray] = {}
    attributes: dict[str, str] = {}
    for word in sorted(layer_names(parameters) - {"parts", "id"}):
        shape = (0, 0, channels[word]) if word in channels else (0, 0)
        layers[words.get(word, word)] = np.zeros(shape, np.float32)
    if layer_names(parameters) & {"stmap", "depth"}:
        layers[face_layers.STMAP_COVERAGE] = np.zeros((0, 0), np.float32)
    if "id" in layer_names(parameters):
        ids, attributes = face_layers.cryptomatte([(name, np.zeros((1, 1), np.float32))])
        layers |= {key: value[:0, :0] for key, value in ids.items()}
    pixels = np.zeros((0, 0, 4), np.float32)
    return CompositeResult(window, "", pixels[..., :3], pixels, pixels[..., 0], layers, attributes, ("shows no face",))


def reach(framing: CropTransform, face: Face, parameters: Parameters, grain_known: bool = False) -> Window:
    """The plate pixels that a swap looks at: the crop's footprint with room for its filters, the hull, what is around it.

    No parameter that an artist turns changes it, so that what was read serves for every value.
    """
    w = framing.window
    corners = np.array([[w.x, w.y], [w.right, w.y], [w.x, w.bottom], [w.right, w.bottom]], np.float64)
    room = 0.0 if _on_plate_grid(framing) else 4.0 * max(1.0, 1.0 / scale_of(framing.matrix))
    seen = Window.around(apply(invert(framing.matrix), corners), room).union(_hull_window(face, parameters))
    if _on_plate_grid(framing):  # a generator that works there may give the face another shape
        seen = seen.union(face.window(REACH + _RESHAPED))
    around = not grain_known or parameters.occluder or parameters.parser
    return seen.union(face.window(GRAIN_REACH)) if around else seen


def keep_regions(parameters: Parameters) -> tuple[str, ...]:
    """The parameter `keep_regions` as region names. Raises `UsageError('bad-keep')`."""
    names = tuple(word.strip() for word in parameters.keep_regions.split(",") if word.strip())
    possible = dict.fromkeys((*REGIONS, *(KEEPABLE if parameters.parser else ())))
    unknown = [name for name in names if name not in possible]
    if unknown:
        how = "can be kept only with a parser" if unknown[0] in KEEPABLE else "cannot be kept"
        raise UsageError("bad-keep", f"'{unknown[0]}' {how}; choose from {', '.join(possible)}.")
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
    framing: CropTransform
    face: Face
    frame: int | None

    @property
    def size_on_plate(self) -> float:
        """The face's size in plate pixels."""
        return self.face.size / scale_of(self.framing.matrix)

    @classmethod
    def of(cls, working: np.ndarray, plate: Frame, framing: CropTransform, face: Face, frame: int | None) -> _Cropped:
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


def _hidden(
    looked: PreparedPlate, parameters: Parameters, occluder: Network | None, parsed: Parsed | None
) -> OcclusionMatte:
    """What hides the plate's face: the user's network's word, or that of the one that ships."""
    plate, face, amount, moved = looked.plate, looked.face, parameters.occlusion, looked.around is not None
    if occluder is not None:
        found = hidden_by(occluder, plate, face, plate.window, amount, parsed=parsed)
        return OcclusionMatte(found, plate.window, found if moved else None)
    window = occlusion_window(face, plate.pixel_aspect).intersect(plate.window)

    def found_in(picture: np.ndarray, mesh: Face) -> np.ndarray:
        beneath, aspect = picture[window.slices(plate.window)], plate.pixel_aspect
        return occlusion_matte(beneath, mesh, window, plate.color, sensitivity=amount, pixel_aspect=aspect)

    still = found_in(looked.shot, looked.own_face) if moved and amount > 0 else None
    return OcclusionMatte(found_in(looked.working, face), window, still)


def _inside_own_face(looked: PreparedPlate) -> np.ndarray:
    """Where the plate's own face is, as it was shot, float32 (h, w) on the region: there, what is in front stays where it is."""
    return hull_matte(looked.own_face, looked.region, erode=0.0, feather=_OWN_FEATHER)


def _matte_parts(
    looked: PreparedPlate,
    made: GeneratorResult,
    hidden: OcclusionMatte,
    inside: np.ndarray | None,
    parameters: Parameters,
    inputs: InputMattes | None,
    parsed: Parsed | None,
    memo: FrameCache,
) -> dict[str, np.ndarray]:
    """What the matte is the product of, each float32 (h, w) on the region; those of `_HOLES` take away."""
    face, region, window = looked.face, looked.region, looked.plate.window
    parts = {
        "hull": hull_matte(
            face, region, erode=parameters.matte_erode, feather=parameters.matte_feather, edges=_edges(parameters)
        ),
        "coverage": memo.make("coverage", lambda: _whole(looked.crop.on_plate(made.generated.coverage, region))),
    }
    if parameters.occlusion > 0:
        parts["occlusion"] = hidden.covering(region, inside)
    if names := keep_regions(parameters):
        parts["keep"] = _kept(face, region, names, parsed)
    if parsed is not None:
        parts["hairline"] = parsed.in_front(region)
    if inputs is not None and inputs.holdout is not None:
        parts["hold_out"] = np.clip(inputs.holdout[region.slices(window)], 0, 1)
    if inputs is not None and inputs.garbage is not None:
        parts["garbage"] = np.clip(inputs.garbage[region.slices(window)], 0, 1)
    return parts


def _kept(face: Face, region: Window, names: tuple[str, ...], parsed: Parsed | None) -> np.ndarray:
    """The regions `names` as one matte float32 (h, w): drawn by the parser what it knows, by the mesh the rest."""
    if parsed is None:
        return region_matte(face, region, names)
    known = [name for name in names if name in KEEPABLE]
    rest = tuple(name for name in names if name not in KEEPABLE)
    mattes = [parsed.kept(known, region)] if known else []
    return np.maximum.reduce([*mattes, *([region_matte(face, region, rest)] if rest else [])])


def _match(
    looked: PreparedPlate, made: GeneratorResult, mattes: Mattes, parameters: Parameters, memo: FrameCache
) -> np.ndarray:
    """The generated face sharpened as asked, in the plate's light and blended, on the crop's pixels."""
    crop, shown = looked.crop, made.shown
    face, window = crop.face, crop.framing.window
    pixels, seen = memo.make("lit", lambda: _lit(looked, made, mattes.hidden, parameters, memo))
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


def _lit(
    looked: PreparedPlate, made: GeneratorResult, hidden: OcclusionMatte, parameters: Parameters, memo: FrameCache
) -> tuple[np.ndarray, np.ndarray]:
    """The generated face, sharpened, in the plate's light; and how far each pixel shows it, float32 (h, w)."""
    face = looked.crop.face
    pixels = enhance_detail(made.generated.pixels, face.size, face.level, parameters.enhance)
    if parameters.light_luminance == 0 and parameters.light_color == 0 and parameters.light_highlights == 0:
        return pixels, _seen(looked, made, hidden)
    pixels, light, seen = memo.make("light", lambda: _light(looked, made, hidden, pixels, parameters))
    return lit_by(pixels, light, face.level, parameters.light_luminance, parameters.light_color), seen


def _light(
    looked: PreparedPlate, made: GeneratorResult, hidden: OcclusionMatte, pixels: np.ndarray, parameters: Parameters
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """The generated face `pixels`, highlights calmed; the light between it and the plate; how far each pixel shows it."""
    face, window = looked.crop.face, looked.crop.framing.window
    seen = _seen(looked, made, hidden)
    skin = skin_weight(face, window) * seen
    measured = {"size": face.size, "level": face.level, "scale": parameters.light_scale}
    calm = calm_highlights(pixels, made.shown, skin, **measured, amount=parameters.light_highlights)
    return calm, light_between(calm, made.shown, skin, **measured), seen


def _seen(looked: PreparedPlate, made: GeneratorResult, hidden: OcclusionMatte) -> np.ndarray:
    """How far each of the crop's pixels shows the new face, float32 (h, w): covered, and not hidden."""
    veiled = looked.crop.from_plate(hidden.matte, hidden.window) if hidden.matte.size else np.float32(0)
    return _whole(made.generated.coverage) * (1 - np.clip(veiled, 0, 1))


def _face_on_plate(
    plate: np.ndarray,
    region: Window,
    crop: _Cropped,
    change: np.ndarray,
    matte: np.ndarray,
    grain: Grain | None,
    made: Generated,
    parameters: Parameters,
) -> np.ndarray:
    """The face at full strength on the plate's own pixels, float32 (h, w, 3): plate + change, less detail, plus grain.

    Where the change is 0 and every amount does nothing it is the plate, bit for bit.
    """
    result = plate + crop.on_plate(change, region)
    if parameters.plate_detail != 1.0 and not _on_plate_grid(crop.framing):
        beyond = plate - crop.on_plate(crop.seen, region)
        result = result - np.float32(1.0 - parameters.plate_detail) * beyond
    own, kept = made.noise, None if made.kept is None else crop.on_plate(made.kept, region)
    if parameters.plate_skin != 1.0 and grain is not None and not _on_plate_grid(crop.framing):
        detail = split_detail(plate, grain, crop.size_on_plate)
        beyond = detail.skin - crop.on_plate(crop.from_plate(detail.skin, region), region)
        result = result - np.float32(parameters.plate_detail * (1.0 - parameters.plate_skin)) * beyond
        # The grain in the result is the plate's, less what went with the skin; what is left of the skin is none.
        own, kept = Grain.none(), np.float32(parameters.plate_detail) * detail.grain_left(parameters.plate_skin)
    return match_grain(
        result,
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


def _plate_grain(looked: PreparedPlate, parameters: Parameters, known: Grain | None, memo: FrameCache) -> Grain | None:
    """The plate's grain around the face, `known` where it is, or None when nothing asks for it.

    On the face alone skin would be taken for grain; the same surroundings are looked at whatever else was read.
    """
    if parameters.grain == 0 and parameters.plate_skin == 1.0:
        return None
    if known is not None:
        return known

    return memo.make("grain", lambda: _measured(looked.shot, looked.plate, looked.face))


def _measured(shot: np.ndarray, plate: Frame, face: Face) -> Grain:
    """The grain of `shot`, the plate's pixels in the working space, around the face."""
    around = face.window(GRAIN_REACH).intersect(plate.window)
    part = np.ascontiguousarray(shot[around.slices(plate.window)])
    return measure_grain(part)


def _surround(plate: Frame, shot: np.ndarray, face: Face, generator: Generator, weight: float) -> OutlineWarp | None:
    """How the plate moves to meet the shape that the generator gives the face; None where it keeps the plate's."""
    if not isinstance(generator, Reshaping):
        return None
    wanted = generator.reshaped(face, plate.pixel_aspect)
    if wanted is face:
        return None
    wanted = face.moved(face.points + weight * (wanted.points - face.points))
    window = face.window(REACH).union(wanted.window(REACH)).intersect(plate.window)
    looks = occlusion_window(face, plate.pixel_aspect).intersect(plate.window)
    beneath = shot[looks.slices(plate.window)]
    aspect = plate.pixel_aspect
    found = occlusion_matte(beneath, face, looks, plate.color, sensitivity=_FIRM, pixel_aspect=aspect, edges=False)
    return follow_outline(face, wanted, window, OcclusionMatte(found, looks).on(window))


def _with_surround(
    shot: np.ndarray, beneath: np.ndarray, face: np.ndarray, mattes: Mattes, around: OutlineWarp
) -> tuple[np.ndarray, Mattes]:
    """The face over the moved plate `beneath`, as one picture to lay over `shot`, and the mattes that cover both.

    Their parts then hold the `surround` too. Where the plate was not moved nothing differs from the face alone.
    """
    inner = mattes.whole
    cover = around.cover_on(mattes.region)
    if mattes.held is not None:
        cover = cover * (1 - mattes.held)
    for name, part in mattes.parts.items():
        if name in ("hold_out", "garbage"):
            cover = cover * (1 - part if name in SUBTRACTIVE_MATTES else part)
    outer = np.asarray(1 - (1 - inner) * (1 - cover), np.float32)
    over = shot + cover[..., None] * (beneath - shot)
    over = over + inner[..., None] * (face - over)
    alone = shot + (over - shot) / np.maximum(outer, np.float32(1e-6))[..., None]
    moved = cover > 0
    pixels = np.where(moved[..., None], alone, face)
    whole = np.where(moved, outer, inner)
    return pixels, replace(mattes, whole=whole, parts={**mattes.parts, "surround": cover})


def _layers(
    looked: PreparedPlate, made: GeneratorResult, mattes: Mattes, inner: np.ndarray, name: str, parameters: Parameters
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The layers that the parameter `layers` asks for, and the attributes that go with them; `inner` is the face's own matte."""
    face, region, crop, generated = looked.face, looked.region, looked.crop, made.generated
    asked = layer_names(parameters)
    layers = {"matte": mattes.whole} if "matte" in asked else {}
    if "parts" in asked:
        layers |= {f"matte_{part}": drawn for part, drawn in mattes.parts.items()}
    attributes: dict[str, str] = {}
    if "raw" in asked:
        layers["raw"] = crop.on_plate(generated.pixels, region)
    if asked & {"stmap", "depth", "confidence"}:
        sure = None if generated.confidence is None else np.clip(crop.on_plate(generated.confidence, region), 0, 1)
        drawn = face_layers.face_layers(
            face, region, coverage=mattes.parts["coverage"], visibility=sure, pixel_aspect=looked.plate.pixel_aspect
        )
        wanted = {"stmap": face_layers.STMAP, "depth": face_layers.DEPTH, "confidence": face_layers.CONFIDENCE}
        layers |= {wanted[word]: drawn[wanted[word]] for word in wanted if word in asked}
        if asked & {"stmap", "depth"}:
            layers[face_layers.STMAP_COVERAGE] = drawn[face_layers.STMAP_COVERAGE]
    if "id" in asked:
        ids, attributes = face_layers.cryptomatte([(name, inner)])
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
) -> CompositeResult:
    """The comp in the plate's own space, less what the way there and back does to the plate itself.

    Where the comp equals the plate the plate's pixels come back bit for bit.
    """

    there = plate.color.resolve(plate.space) == plate.color.working_space

    def back(pixels: np.ndarray) -> np.ndarray:
        return pixels if there else plate.color.from_working(pixels, plate.space)

    came_back = back(working)
    over = plate.pixels + (back(working + matte[..., None] * (face - working)) - came_back)
    alone = plate.pixels + (back(face) - came_back)
    element = np.empty((*matte.shape, 4), np.float32)
    np.multiply(alone, matte[..., None], out=element[..., :3])
    element[..., 3] = matte
    if "raw" in layers:
        layers["raw"] = back(layers["raw"])
    return CompositeResult(plate.window, plate.space, over, element, matte, layers, attributes, notes)


KINDS: tuple[type, ...] = (GeneratorResult, Generated, OcclusionMatte, Window, Face, Grain, Parsed)
"""What the cache's entries on disk are made of."""


def _edges(parameters: Parameters) -> HullEdges:
    return HullEdges(parameters.forehead, parameters.edge_jaw, parameters.edge_right, parameters.edge_left)


def _changing(face: Face, around: OutlineWarp | None, parameters: Parameters, picture: Window) -> Window:
    """The plate pixels that the swap may change: the hull's, and those that are moved to meet it."""
    hull = _hull_window(face, parameters).intersect(picture)
    return hull if around is None else hull.union(around.window)


def _hull_window(face: Face, parameters: Parameters) -> Window:
    return Window.around(hull_outline(face, _edges(parameters)), _BULGE * face.size)


def _whole(coverage: np.ndarray) -> np.ndarray:
    """Coverage in 0..1 that is exactly 1 where resampling left it within a rounding of it."""
    return np.clip(np.where(coverage > 1 - 1e-4, np.float32(1), coverage), 0, 1)


def _on_plate_grid(framing: CropTransform) -> bool:
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
