"""The plate's blur on the new face: how much of it the face lacks in a frame, and the blur of face and mattes.

What the generator keeps of the plate, and the plate's own detail beside it, carry the plate's blur already and are left alone. Data
layers (stmap, depth, confidence) are not pictures and stay sharp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from faceplate.comp.defocus import LEAST_SIGMA, defocused, defocused_by, focus_grid, sigmas_at
from faceplate.comp.edge_widths import (
    GRID_SIZE,
    SCALES,
    WITHOUT_GRAIN,
    EdgePlaces,
    EdgeWidths,
    blur_between,
    edge_places,
    feature_points,
    is_surely_soft,
    measure_edges_on,
    smear,
    softness,
)
from faceplate.comp.motion_blur import LEAST_PATH, MovementGrid, blur_along, movement_grid
from faceplate.comp.point_grid import SAME, PointGrid
from faceplate.face.align import scale_of
from faceplate.generators import Generated
from faceplate.image.soft_steps import smoothstep
from faceplate.image.weighting import is_same, times
from faceplate.image.window import Window
from faceplate.render.crop import PlateCrop
from faceplate.render.face_tones import expected_light
from faceplate.render.frame_cache import NO_FRAME_CACHE, FrameCache
from faceplate.render.generate import GeneratorResult
from faceplate.render.lens import REACH, WIDEST, defocus_asked, shutter_part
from faceplate.render.prepare import PreparedPlate
from faceplate.shot.parameters import Parameters

__all__ = ["FrameBlur", "blur_reach", "blurred_face", "blurred_mattes", "blurred_on_crop", "find_blur"]

# Matte from which a colour is read under the blur.
_LEAST_MATTE = 1e-3
# Width of a blur in pixels from which mattes are blurred at half their resolution.
_WIDE = 1.5
# Sum of the weights of the edges from which a face can be measured, and how far further measurements may change the blur.
_ENOUGH, _CHANGE = 2.0, (0.7, 1.4)
# Softness, as a fraction of the face's size, from where shading begins to change a measurement, and from where it does so in full:
# the plate's light is laid on the face first, and it is measured twice more. Softness grows with this power of so wide a blur.
_SHADED, _POWER = (4.0 / 400.0, 6.0 / 400.0), 1.4


@dataclass(frozen=True)
class FrameBlur:
    """The blur of one frame, in plate pixels.

    `path` (478, 2) is the way of each point while the shutter is open, `movement` the same for all pixels around the face; None
    where nothing moves. `sigma` is the standard deviation of the defocus, the greatest where it differs with depth: `focus` is then
    that of each pixel around the face, with its sign (`comp.defocus.sigmas_at`), and `least` the smallest.
    """

    path: np.ndarray | None
    sigma: float
    movement: MovementGrid | None = None
    focus: PointGrid | None = None
    least: float = 0.0

    @property
    def any(self) -> bool:
        """Whether it changes a picture."""
        return self.path is not None or self.sigma > 0

    def defocused(
        self, pixels: np.ndarray, window: Window, pixel_aspect: float, transform: np.ndarray = SAME
    ) -> np.ndarray:
        """Return `pixels` (h, w[, c]) on `window` out of focus; `transform` (2, 3) leads from the plate's pixels to them."""
        scale = scale_of(transform)
        if self.focus is None:
            return defocused(pixels, self.sigma * scale, pixel_aspect)
        return defocused_by(pixels, self.focus.on(window, transform) * np.float32(scale), pixel_aspect)


def find_blur(
    prepared: PreparedPlate, result: GeneratorResult, parameters: Parameters, cache: FrameCache = NO_FRAME_CACHE
) -> FrameBlur | None:
    """Return the blur that the new face lacks; None where it lacks none, as when the generator changes nothing.

    Raises `UsageError` with code `bad-shutter` or `bad-defocus`.
    """
    lens = prepared.lens
    part, fixed = shutter_part(parameters, lens), defocus_asked(parameters)
    moves = part > 0 and lens.movement is not None
    asked = lens.softness is not None if fixed is None else fixed > 0
    softens = parameters.defocus_amount > 0 and (asked or parameters.defocus_falloff != 0)
    if not (moves or softens) or is_same(result.generated.pixels, result.shown):
        return None
    found = cache.make("blur", lambda: _find(prepared, result.generated, part if moves else 0.0, fixed, parameters))
    return found if found.any else None


def blur_reach(blur: FrameBlur | None) -> int:
    """Return how many plate pixels outward a blur carries the face."""
    if blur is None:
        return 0
    moved = 0.0 if blur.path is None else float(np.linalg.norm(blur.path, axis=1).max()) / 2
    return int(np.ceil(moved + REACH * blur.sigma))


def _find(
    prepared: PreparedPlate, generated: Generated, part: float, fixed: float | None, parameters: Parameters
) -> FrameBlur:
    """Return the blur for a shutter that is open for `part` of a frame, and for a defocus of `fixed` pixels or the plate's own."""
    lens, size, aspect = prepared.lens, prepared.face.size, prepared.plate.pixel_aspect
    asked = fixed is None and lens.softness is not None and parameters.defocus_amount > 0
    softens, moves = asked and is_surely_soft(lens.softness or 0.0), lens.movement is not None and part > 0
    crop, own, path, edges = prepared.crop, 0.0, None, None
    if softens or (moves and not crop.on_plate_grid):
        edges = _Edges.of(prepared.plate.color.luminance(generated.pixels), crop)
    if lens.movement is not None and part > 0:
        movement = lens.movement[feature_points()].mean(axis=0) * (aspect, 1.0) / size
        if edges is not None and not crop.on_plate_grid:  # a network's answer may be smeared as its input was
            own = smear(edges.measured, movement)[0]
        path = lens.movement * np.sqrt(max(part**2 - own**2, 0.0))
        path = path if np.linalg.norm(path, axis=1).max() > LEAST_PATH else None
    sigma = (fixed or 0.0) * lens.scale
    if softens and edges is not None and lens.softness is not None:
        shaded = float(smoothstep(lens.softness, *_SHADED))
        if shaded > 0:
            light = expected_light(prepared, generated, edges.places.grid, GRID_SIZE)
            edges = edges if light is None else edges.lit(light**shaded)
        sigma = size * _defocus(edges, lens.softness, shaded)
    spread = None if path is None else movement_grid(prepared.face.points, path, size)
    return _with_focus(FrameBlur(path, 0.0, spread), prepared, sigma, parameters)


def _with_focus(blur: FrameBlur, prepared: PreparedPlate, sigma: float, parameters: Parameters) -> FrameBlur:
    """Return a blur with the defocus of `sigma` pixels at the eyes, times its amount, and with its fall-off."""
    widest, face = WIDEST * prepared.face.size, prepared.face
    sigma = min(sigma * parameters.defocus_amount, widest)
    falloff = parameters.defocus_falloff * prepared.lens.scale * parameters.defocus_amount
    if falloff == 0:
        return replace(blur, sigma=sigma if sigma >= LEAST_SIGMA else 0.0)
    sigmas = sigmas_at(face.points, sigma, falloff, widest, face.size)
    most, least = float(np.abs(sigmas).max()), float(np.abs(sigmas).min())
    if most < LEAST_SIGMA:
        return blur
    return replace(blur, sigma=most, focus=focus_grid(face.points, sigmas, face.size), least=least)


@dataclass(frozen=True)
class _Edges:
    """The edges of the new face: where they lie, its `pixels` float32 (h, w) on the grid of `places`, and what was `measured`."""

    places: EdgePlaces
    pixels: np.ndarray
    measured: EdgeWidths

    @classmethod
    def of(cls, light: np.ndarray, crop: PlateCrop) -> _Edges:
        """Measure the face on the crop, whose luminance is `light`."""
        window = crop.transform.window
        places = edge_places(window, crop.face, pixel_aspect=crop.transform.pixel_aspect)
        pixels = places.read(light, window)
        pairs = WITHOUT_GRAIN if crop.on_plate_grid else range(SCALES)  # a network's input had the plate's grain
        return cls(places, pixels, measure_edges_on(pixels, places, pairs))

    def lit(self, light: np.ndarray) -> _Edges:
        """Return the edges with `light`, a factor float32 (h, w) on the grid, on the face; `measured` is without it."""
        return replace(self, pixels=self.pixels * light)

    def blurred(self, blur: float) -> EdgeWidths:
        """Measure the edges under a blur, whose standard deviation is a fraction of the face's size."""
        return measure_edges_on(defocused(self.pixels, blur * GRID_SIZE), self.places, WITHOUT_GRAIN)


def _defocus(edges: _Edges, wanted: float, shaded: float) -> float:
    """Return the blur, as a fraction of the face's size, that makes the new face as soft as `wanted`.

    The new face is measured as it is, with its source, its number of pixels and a network's own blur, and once more under the blur;
    twice more as far as the measurement is that of a `shaded` face, 0..1, where it is no more in proportion to the blur.
    """
    if edges.measured.weights.sum() < _ENOUGH:
        return 0.0
    first = blur = blur_between(softness(edges.measured), wanted)
    if blur == 0:
        return 0.0
    powers = (1.0 + shaded * (1 / _POWER - 1.0), shaded / _POWER)
    for power in powers if shaded > 0 else powers[:1]:
        again = edges.blurred(blur)
        if again.weights.sum() < _ENOUGH:
            return first
        blur *= (wanted / softness(again)) ** power
    return float(np.clip(blur, _CHANGE[0] * first, _CHANGE[1] * first))


def blurred_face(pixels: np.ndarray, crop: PlateCrop, blur: FrameBlur, matte: np.ndarray) -> np.ndarray:
    """Return the face `pixels` (h, w, 3) on the crop, blurred with its `matte` (h, w), so that nothing beyond it enters."""
    window = crop.transform.window
    near = _bounds(matte, window, blur, scale_of(crop.transform.matrix))
    inside = near.slices(window)
    cover, beneath = np.ascontiguousarray(matte[inside], np.float32), pixels[inside].copy()
    whole = cv2.cvtColor(times(beneath, cover), cv2.COLOR_RGB2RGBA)
    cv2.insertChannel(cover, whole, 3)
    whole = _blurred(whole, crop, near, blur)
    spread = cv2.extractChannel(whole, 3)
    face = times(cv2.cvtColor(whole, cv2.COLOR_RGBA2RGB), np.float32(1) / np.maximum(spread, np.float32(_LEAST_MATTE)))
    answer = pixels.copy()
    answer[inside] = cv2.copyTo(face, (spread > _LEAST_MATTE).astype(np.uint8), beneath)
    return answer


def blurred_on_crop(values: np.ndarray, crop: PlateCrop, blur: FrameBlur) -> np.ndarray:
    """Return `values` (h, w) on the crop with the blur of the face."""
    return np.clip(_blurred(values, crop, crop.transform.window, blur), 0.0, 1.0)


def blurred_mattes(
    mattes: Sequence[np.ndarray], region: Window, blur: FrameBlur, pixel_aspect: float
) -> list[np.ndarray]:
    """Return mattes (h, w) on `region` with the blur of the face.

    A matte under a wide blur has no detail, and is blurred at half its resolution.
    """
    path = 0.0 if blur.path is None else float(np.linalg.norm(blur.path, axis=1).max())
    step = 2 if max(blur.sigma if blur.focus is None else blur.least, 0.25 * path) >= _WIDE else 1
    small = Window(0, 0, -(-region.width // step), -(-region.height // step))
    scale = np.array([small.width / region.width, small.height / region.height])
    to_small = np.array([[scale[0], 0, -scale[0] * region.x], [0, scale[1], -scale[1] * region.y]])
    field = None if blur.movement is None else blur.movement.on(small, to_small)
    answers = []
    for matte in mattes:
        reduced = cv2.resize(matte, (small.width, small.height), interpolation=cv2.INTER_AREA) if step > 1 else matte
        if blur.focus is None:
            soft = defocused(reduced, blur.sigma / step, pixel_aspect)
        else:
            soft = blur.defocused(reduced, small, pixel_aspect, to_small)
        moved = soft if field is None else blur_along(soft, field, soft=True)
        whole = cv2.resize(moved, (region.width, region.height), interpolation=cv2.INTER_LINEAR) if step > 1 else moved
        answers.append(np.clip(whole, 0.0, 1.0))
    return answers


def _blurred(pixels: np.ndarray, crop: PlateCrop, window: Window, blur: FrameBlur) -> np.ndarray:
    """Blur `pixels` (h, w[, c]) on `window` of the crop."""
    matrix = crop.transform.matrix
    soft = blur.defocused(pixels, window, crop.transform.pixel_aspect, matrix)
    return soft if blur.movement is None else blur_along(soft, blur.movement.on(window, matrix))


def _bounds(matte: np.ndarray, window: Window, blur: FrameBlur, scale: float) -> Window:
    """Return the part of `window` that the blur of the `matte` on it can reach."""
    rows, columns = np.flatnonzero(matte.any(axis=1)), np.flatnonzero(matte.any(axis=0))
    if not rows.size:
        return Window(window.x, window.y, 1, 1)
    reach = int(np.ceil(scale * blur_reach(blur))) + 2
    held = Window(
        window.x + int(columns[0]),
        window.y + int(rows[0]),
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
    )
    return held.grow(reach).intersect(window)
