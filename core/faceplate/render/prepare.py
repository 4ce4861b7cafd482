"""Prepare the plate for every later stage: heal it, convert it, warp it to the new outline, and cut the crop."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from faceplate.comp import FeatureTones, HullEdges, SkinTones, hull_outline
from faceplate.comp.grain import GRAIN_REACH, Grain
from faceplate.comp.occlusion import SquareOdds, measure_odds, occlusion_window, soft_matte
from faceplate.comp.outline_warp import REACH, OutlineWarp, follow_outline
from faceplate.comp.skin_tones import tone_places
from faceplate.face import Face, landmark
from faceplate.face.align import apply, compose, invert, scale_of, source_window
from faceplate.face.dials import Dials, dialled
from faceplate.face.expression import eye_openness, mouth_openness
from faceplate.face.find import region_of
from faceplate.face.shape import unsqueezed
from faceplate.generators import CropTransform, Generator, Reshaping
from faceplate.image.frame import Frame
from faceplate.image.inpaint import heal
from faceplate.image.window import Window
from faceplate.render.crop import PlateCrop, is_plate_grid
from faceplate.render.dials import dials_of, with_inner_dials, with_outer_dials
from faceplate.render.lens import REACH as SOFTENED
from faceplate.render.lens import WIDEST, PlateLens, most_reach
from faceplate.render.plate_grain import grain_around_face
from faceplate.shot.parameters import Parameters
from faceplate.track.look import Look

__all__ = ["PreparedPlate", "hull_edges", "placed", "prepare_plate", "region_of_interest"]

# What a spline through the hull's points may bulge past them, in parts of the face's size.
_BULGE = 0.02
# How far outside the plate's face its new shape can lie, in parts of its size.
_RESHAPED = 0.15
# Room for a shape between the plate's and the new one, in parts of the face's size.
_BETWEEN = 0.02
# Fixed occlusion sensitivity for the plate warp, so that occluders are not distorted whatever the parameter says.
_WARP_OCCLUSION_SENSITIVITY = 0.5
# Difference in natural logarithm from which the track's tones are those of another grade, the trust of the tones that are
# compared, and their least number.
_OTHER_GRADE, _TRUSTED, _ENOUGH = 0.15, 0.5, 8
# Pixels per face of the matte that the plate warp is given.
_WARP_CELLS = 256.0
# Room around a resampled crop for its filters, in pixels of the coarser of the two grids.
_FILTER_ROOM = 4.0


@dataclass(frozen=True)
class PreparedPlate:
    """The plate as all later stages see it.

    `plate` is the picture healed, in its own space; `bad` bool (h, w) marks the pixels that were healed. `shot` float32
    (h, w, 3) is `plate` converted to the working space, not warped; `working` is the same after the `outline` warp to the
    new face's shape (the same array where `outline` is None). `face` has the new shape, `shot_face` the photographed one,
    both in plate pixels. `region` is the part of the plate that the composite may change, `crop` the generator's input.
    `look` is what the track knows of the face's pixels; it has no tones and no features where the plate has another grade than
    the tracked one. `odds` are the photographed face's odds of being hidden, where the outline warp needed them. `lens` is
    what is known of the plate's lens and shutter. `performed` are the photographed face's points (478, 3) with the dials on
    them, as the landmarker would find them, in square pixels; None where no dial is turned.
    """

    plate: Frame
    bad: np.ndarray
    shot: np.ndarray
    working: np.ndarray
    face: Face
    shot_face: Face
    outline: OutlineWarp | None
    region: Window
    crop: PlateCrop
    look: Look | None = None
    odds: SquareOdds | None = None
    lens: PlateLens = field(default_factory=PlateLens)
    performed: np.ndarray | None = None

    @property
    def tones(self) -> SkinTones | None:
        """The plate's tones from the track, where it has them."""
        return None if self.look is None else self.look.tones

    @property
    def features(self) -> FeatureTones | None:
        """The plate's sclera and teeth from the track, where it has them."""
        return None if self.look is None else self.look.features

    @property
    def openings(self) -> tuple[float, float, float] | None:
        """How far mouth, right and left eye are open as photographed, over how far with the dials on; None without dials."""
        if self.performed is None:
            return None
        photographed = unsqueezed(self.shot_face.points, self.plate.pixel_aspect)
        before, after = ((mouth_openness(p), *eye_openness(p)) for p in (photographed, self.performed))
        mouth, right, left = (had / max(has, 1e-6) for had, has in zip(before, after, strict=True))
        return mouth, right, left

    @property
    def inside(self) -> tuple[slice, slice]:
        """Where `region` lies in the plate's arrays."""
        return self.region.slices(self.plate.window)

    def with_parameters(self, parameters: Parameters) -> PreparedPlate:
        """Return the same plate with the region that these parameters change; a cached plate serves all of them."""
        return replace(self, region=_changed_region(self.face, self.outline, parameters, self.plate.window))

    def grown(self, reach: int, parameters: Parameters) -> PreparedPlate:
        """Return the same plate with a region that also holds what a blur carries out of the hull, by up to `reach` pixels."""
        if reach == 0:
            return self
        hull = _hull_window(self.face, parameters).grow(reach).intersect(self.plate.window)
        return replace(self, region=self.region.union(hull))


def prepare_plate(
    picture: Frame,
    face: Face,
    generator: Generator,
    parameters: Parameters,
    *,
    frame: int | None = None,
    grain: Grain | None = None,
    weight: float = 1.0,
    look: Look | None = None,
    lens: PlateLens | None = None,
    shaped: Face | None = None,
) -> PreparedPlate:
    """Heal `picture`, convert it to the working space, warp it to meet the new outline and cut the generator's crop.

    `grain` is the plate's and `look` the face's from the track, if known, `weight` 0..1 the fade of the whole change, which the
    new shape follows. `lens` is what is known of the plate's lens and shutter, `shaped` the face in the shape that the generator
    gives it, where that was worked out already.
    """
    lens = lens or PlateLens()
    healed, bad = heal(picture.pixels)
    plate = picture.with_pixels(healed)
    shot = plate.working()
    dials = dials_of(parameters)
    wanted = _wanted_face(face, generator, dials, plate.pixel_aspect, shaped)
    outline, odds = _outline_warp(plate, shot, face, wanted, weight, look)
    working, new_face = shot, face
    if outline is not None:
        new_face = outline.face
        inside = outline.window.slices(plate.window)
        working = shot.copy()
        working[inside] = outline.plate(shot[inside], grain or grain_around_face(shot, plate, new_face))
    performed = None
    if dials.any:
        working, new_face = with_inner_dials(working, plate, new_face, dials, weight)
        performed = dialled(unsqueezed(face.points, plate.pixel_aspect), dials).seen
    # A network keeps its alignment to the photographed face, so that a dial does not shift or scale the crop.
    transform = generator.frame(new_face if isinstance(generator, Reshaping) else face, picture.pixel_aspect)
    return PreparedPlate(
        plate=plate,
        bad=bad,
        shot=shot,
        working=working,
        face=new_face,
        shot_face=face,
        outline=outline,
        region=_changed_region(new_face, outline, parameters, picture.window),
        crop=PlateCrop.cut(working, plate, transform, new_face, frame),
        look=_look_of_these_pixels(look, shot, plate.window, face),
        odds=odds,
        lens=lens,
        performed=performed,
    )


def region_of_interest(
    transform: CropTransform,
    face: Face,
    parameters: Parameters,
    grain_known: bool = False,
    lens: PlateLens | None = None,
    shaped: Face | None = None,
) -> Window:
    """Return the plate pixels that a frame reads: the crop's footprint with room for its filters, the hull, and its surroundings.

    No parameter of matte or match changes it, so that a plate read once serves every value of them: it has room for the blur of a
    shutter that is open all the time. `shaped` is the face in the shape that the generator gives it, where that is known: fewer
    rows are then read.
    """
    window, on_grid = transform.window, is_plate_grid(transform)
    corners = np.array([[x, y] for x in (window.x, window.right) for y in (window.y, window.bottom)], np.float64)
    room = 0.0 if on_grid else _FILTER_ROOM * max(1.0, 1.0 / scale_of(transform.matrix))
    seen = Window.around(apply(invert(transform.matrix), corners), room).union(_hull_window(face, parameters))
    turned = dials_of(parameters).any
    if on_grid or turned:  # the face may be given another shape
        reach = face.window(REACH + _RESHAPED)
        if shaped is not None and not (turned or parameters.occluder or parameters.parser):
            blurred = _hull_window(face, parameters).grow(int(np.ceil(SOFTENED * WIDEST * face.size)))
            reach = reach.intersect(_read_around(face, shaped, transform.pixel_aspect).union(blurred))
        seen = seen.union(reach)
    if lens is not None:
        seen = seen.grow(most_reach(lens))
    surroundings = not grain_known or parameters.occluder or parameters.parser
    return seen.union(face.window(GRAIN_REACH)) if surroundings else seen


def _read_around(face: Face, shaped: Face, pixel_aspect: float) -> Window:
    """Return what outline warp, occlusion and expression match read of the plate around a face that gets another shape."""
    seen = occlusion_window(face, pixel_aspect)
    for either in (face, shaped):
        to_plate = np.array([[pixel_aspect, 0, 0], [0, 1, 0]], np.float64)
        view = compose(region_of(either.points, pixel_aspect).matrix(), to_plate)
        looked_at = source_window(view, Window(0, 0, landmark.SIDE, landmark.SIDE))
        seen = seen.union(either.window(REACH)).union(looked_at)
    return seen.grow(int(np.ceil(_BETWEEN * face.size)))


def hull_edges(parameters: Parameters) -> HullEdges:
    """Return the hull's edges as the parameters place them."""
    return HullEdges(parameters.forehead, parameters.edge_jaw, parameters.edge_right, parameters.edge_left)


def placed(matte: np.ndarray, window: Window, region: Window) -> np.ndarray:
    """`matte` float32 (h, w) on `window` put on `region`; 0 beyond the window."""
    result = np.zeros((region.height, region.width), np.float32)
    both = region.intersect(window)
    result[both.slices(region)] = matte[both.slices(window)]
    return result


def _wanted_face(
    face: Face, generator: Generator, dials: Dials, pixel_aspect: float, shaped: Face | None = None
) -> Face:
    """Return `face` in the shape that the generator gives it, with the dials that may move its outline; else the same face.

    `shaped` is that shape where it is known.
    """
    wanted = shaped
    if wanted is None:
        wanted = generator.reshaped(face, pixel_aspect) if isinstance(generator, Reshaping) else face
    return with_outer_dials(wanted, dials, pixel_aspect)


def _outline_warp(
    plate: Frame, shot: np.ndarray, face: Face, wanted: Face, weight: float, look: Look | None
) -> tuple[OutlineWarp | None, SquareOdds | None]:
    """Return how the plate moves to meet the `wanted` shape of the face, and the odds that occluders hide it.

    Both are None where the face keeps the plate's shape.
    """
    aspect = plate.pixel_aspect
    if wanted is face:
        return None, None
    wanted = face.moved(face.points + weight * (wanted.points - face.points))
    window = face.window(REACH).union(wanted.window(REACH)).intersect(plate.window)
    seen = occlusion_window(face, aspect).intersect(plate.window)
    beneath, usual = shot[seen.slices(plate.window)], None if look is None else look.hidden
    odds = measure_odds(plate.color.to_linear709(beneath), face, seen, usual=usual, pixel_aspect=aspect)
    # The warp is smooth, so its matte needs few pixels.
    scale = min(1.0, _WARP_CELLS / face.size)
    size = (max(round(window.width * scale), 1), max(round(window.height * scale), 1))
    matte = np.zeros(size[::-1], np.float32)
    if odds is not None:
        matte = soft_matte(odds.firm, face, window, _WARP_OCCLUSION_SENSITIVITY, aspect, size)
        _clear_beyond(matte, window, seen)
    return follow_outline(face, wanted, window, matte), odds


def _look_of_these_pixels(look: Look | None, shot: np.ndarray, window: Window, face: Face) -> Look | None:
    """Return `look` without tones and features where the pixels `shot` on `window` do not show them, as after a new grade.

    The pixels at the tones' places are compared by their median, which noise, texture and occluders hardly change.
    """
    if look is None or look.tones is None:
        return look
    column, row = (np.floor(tone_places(face)) - (window.x, window.y)).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < window.width) & (row < window.height)
    compared = inside & (look.tones.trust >= _TRUSTED)
    if compared.sum() < _ENOUGH:
        return look
    seen = np.maximum(shot[row[compared], column[compared]], 1e-6 * max(face.level, 1e-12))
    apart = np.median(np.log(seen) - look.tones.log[compared], axis=0)
    return replace(look, tones=None, features=None) if np.abs(apart).max() > _OTHER_GRADE else look


def _clear_beyond(matte: np.ndarray, window: Window, seen: Window) -> None:
    """Set `matte` (gh, gw), which covers `window` at any resolution, to 0 where its pixels lie beyond `seen`."""
    rows, columns = matte.shape
    x = window.x + (np.arange(columns) + 0.5) * window.width / columns
    y = window.y + (np.arange(rows) + 0.5) * window.height / rows
    matte[:, (x < seen.x) | (x > seen.right)] = 0
    matte[(y < seen.y) | (y > seen.bottom)] = 0


def _changed_region(face: Face, outline: OutlineWarp | None, parameters: Parameters, picture: Window) -> Window:
    """Return the plate pixels that the composite may change: the hull's, and those that the outline warp moves."""
    hull = _hull_window(face, parameters).intersect(picture)
    return hull if outline is None else hull.union(outline.window)


def _hull_window(face: Face, parameters: Parameters) -> Window:
    return Window.around(hull_outline(face, hull_edges(parameters)), _BULGE * face.size)
