"""What hides the face in a picture of the source, and where its skin and shadows are.

The occlusion network finds most of what lies in front. It is asked twice, once at even odds and once readily; the second
answer counts where the picture itself differs from the skin's light there. Where hair is likely, a strong difference
counts alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import cv2
import numpy as np

from faceplate.comp.occlusion.hair import hair_zone
from faceplate.face import topology
from faceplate.face.shape import away_from, bare_skin, head_model
from faceplate.image.soft_steps import disc, ramp
from faceplate.source.light import LUMINANCE, find_light, light_over_grid, sample_skin
from faceplate.source.photograph import Photograph
from faceplate.source.strands import find_cracks, find_gaps, find_holes, find_slits, find_streaks, find_under_fringe

__all__ = ["Maps", "find_maps", "wears_glasses"]

# Softness of a deviation, and the deviations in natural logarithm between which a place where hair is likely becomes hair.
_SOFT, _SKIN_LIKE, _HAIR_LIKE = 0.006, 0.38, 0.6
# The same where the network suspects something in front.
_DOUBT_LIKE = (0.08, 0.2)
# The same over a brow and at the temples, where hair counts that comes in from hair.
_OVER_BROW = (0.45, 0.7)
# The same for the dark strands of streaked hair on the cheek over what is around within this many face sizes: a shadow has none.
_ON_CHEEK, _STRAND = (0.1, 0.2), 0.012
# How much darker one side is above its brow than the other where hair lies across it, and the most of a free brow.
_ONE_SIDED, _FREE_BROW = 0.9, 0.9
# The same where this side is darker than any brow is: how dark, and how much darker than the other, from nothing to enough.
_COVERED_BROW, _COVERED_MORE = (1.0, 1.2), (0.3, 0.5)
# Mean cosine to the view of the brow and the skin above it below which that is not judged.
_LEAST_FACING = 0.6
# Widths of lines, as standard deviations in fractions of the face's size, and their contrasts in natural logarithm.
_LINES, _FAINT, _STRONG = (0.0025, 0.005, 0.009), 0.12, 0.25
# Shortest line, as a fraction of the face's size.
_SHORTEST = 0.05
# Distance around something in front within which its soft edge and shadow are left out too, as a fraction of the size.
_BESIDE = 0.014
# The same around a rim that lies before a brow.
_BESIDE_BROW = 0.008
# Share of the nose's bridge that must be hidden before a picture is taken to show glasses, and the share of each of its sides.
_BRIDGE, _BRIDGE_SIDE = 0.09, 0.075
# Side of the smallest object that counts on the lower face, as a fraction of the face's size.
_LEAST_HAND = 0.25
# Distances from brows and eyes, in units of the head model: on and near them only the network's own decision counts.
_BROW_MARGIN, _LID_MARGIN = 0.10, 0.13
# How far beside a brow the skin above it reaches, and how far above it and from the middle a fringe is looked for, in units of the
# head model; and the part of that which hair covers, from none to enough for a fringe.
_OVER_BESIDE, _ROOTS, _ROOTS_ACROSS, _FRINGE = 0.15, 0.35, 0.7, (0.5, 0.7)


@dataclass(frozen=True)
class Maps:
    """What a picture shows where, each float32 in 0..1, (gh, gw) on its grid or (h, w) on its pixels.

    Attributes
    ----------
    skin : np.ndarray
        Bare skin that nothing hides.
    hair : np.ndarray
        Hair or another object in front of the face.
    glasses : np.ndarray
        Frames of glasses; the lenses are not part of them.
    shadow : np.ndarray
        Shadow on the skin, 1 where it takes two thirds of the light.
    """

    skin: np.ndarray
    hair: np.ndarray
    glasses: np.ndarray
    shadow: np.ndarray

    @property
    def hidden(self) -> np.ndarray:
        """Hair and glasses together."""
        return np.minimum(self.hair + self.glasses, 1)

    def on_picture(self, photograph: Photograph) -> Maps:
        """Enlarge the maps from the picture's grid to its pixels."""
        return Maps(*(np.clip(photograph.to_picture(getattr(self, field.name)), 0, 1) for field in fields(self)))


def find_maps(photograph: Photograph, hidden: np.ndarray, doubt: np.ndarray) -> Maps:
    """Find the maps of a picture, on its grid.

    Parameters
    ----------
    photograph : Photograph
        The picture.
    hidden, doubt : np.ndarray
        float32 (h, w), 0..1: the occlusion network's decision at even odds, and at a sensitivity that counts doubts.
    """
    zones = _zones().over_grid(photograph)
    sure, doubtful = photograph.to_grid(hidden), photograph.to_grid(doubt)
    skin = zones.bare * np.maximum(1 - np.maximum(sure, 0.7 * zones.likely * doubtful), 0.02)
    light = find_light(sample_skin(photograph, skin))
    apart = photograph.grid - light_over_grid(photograph, light.low)
    apart = cv2.GaussianBlur(apart, (0, 0), max(_SOFT * photograph.cells, 0.5))
    glasses = wears_glasses((sure + doubtful) / 2, (zones.bridge_right, zones.bridge_left), zones.above)
    network = (sure, doubtful * np.maximum(zones.temple, zones.band * glasses))
    front = _find_front(photograph, zones, apart, network, glasses)
    frames = front * np.clip(2 * zones.band, 0, 1) * glasses
    shadow = np.clip(-photograph.over_grid(light.shadow), 0, 1)
    maps = (zones.bare * (1 - front), front - frames, frames, shadow * zones.bare * (1 - front))
    return Maps(*(np.clip(part, 0, 1).astype(np.float32) for part in maps))


def _find_front(
    photograph: Photograph, zones: Zones, apart: np.ndarray, network: tuple[np.ndarray, np.ndarray], glasses: bool
) -> np.ndarray:
    """Find what lies in front of the face, float32 (gh, gw) in 0..1.

    `apart` (gh, gw, 3) is the picture over its low-order light. `network` is its decision and its doubts where they count. With
    `glasses`, a rim before a brow has no soft edge, and what shows between rims is no slit between strands.
    """
    sure, doubtful = (part * photograph.raster.covered for part in network)
    cells, free = photograph.cells, 1 - zones.guarded
    darker = _largest_channel(-apart)
    found = _without_wrinkles(_without_beard(sure, zones.low, cells), zones.likely, cells)
    doubted = doubtful * free * ramp(_largest_channel(np.abs(apart)), *_DOUBT_LIKE)
    doubted = _without_wrinkles(doubted, zones.likely, cells)
    found = np.maximum(found, _touching(doubted, np.maximum(found, zones.outline), cells))
    across = _open_brow(photograph, darker) * (1 - zones.eyes)
    streaks = find_streaks(photograph, apart, zones.bare * (1 - zones.temple) * (1 - zones.low))
    for more, seed in (
        (_without_wrinkles(zones.likely * free * streaks, zones.likely, cells), zones.outline),
        (zones.likely * free * ramp(darker, _SKIN_LIKE, _HAIR_LIKE), zones.outline),
        (zones.temple * free * ramp(darker, *_OVER_BROW), 0),
        (zones.cheek * free * streaks * ramp(_strands(darker, cells), *_ON_CHEEK), 0),
        (across * ramp(darker, *_OVER_BROW), 0),
        (_lines(photograph, zones.likely * free * photograph.raster.covered), zones.outline),
    ):
        found = np.maximum(found, _touching(more, np.maximum(found, seed), cells))
    found = _without_specks(found, cells)
    front = _widened(found, cells, _BESIDE)
    if glasses:
        front += zones.brow * (_widened(found, cells, _BESIDE_BROW) - front)
    covered = photograph.raster.covered
    front = np.maximum(front, find_gaps(front, np.maximum(zones.temple * free, across), covered, cells))
    front = np.maximum(front, find_slits(front, zones.forehead if glasses else zones.fringe, covered, cells))
    below = _below_fringe(photograph, front)
    front = np.maximum(front, find_under_fringe(front, zones.over * below, _brows(photograph), cells))
    front = np.maximum(front, find_cracks(front, zones.forehead * below, covered, cells))
    front = np.maximum(front, find_holes(front, covered, cells))
    return front * covered * (1 - zones.eyes)


def wears_glasses(hidden: np.ndarray, bridge: tuple[np.ndarray, np.ndarray], above: np.ndarray) -> bool:
    """Return whether something lies across the nose's bridge that does not hang down from the forehead.

    A turned nose hides its own far side, so that both sides must be crossed. `hidden`, the sides of the `bridge`, which share their
    middle, and what is `above` it between the brows are (gh, gw) in 0..1.
    """
    right, left, across, over = (
        float((hidden * part).sum()) / max(float(part.sum()), 1e-6) for part in (*bridge, np.maximum(*bridge), above)
    )
    return min(right, left) > _BRIDGE_SIDE and across > max(_BRIDGE, over)


def _open_brow(photograph: Photograph, darker: np.ndarray) -> np.ndarray:
    """Compute where hair can lie across a brow, float32 (gh, gw), 0..1: where it is dark above the brow.

    Brow and hair look alike, so the brow itself is given up only when the person's other brow is freer and can replace it;
    else only its margin is.
    """
    zones, above = _zones(), _above_brows()
    seen = photograph.at_points(darker) * above
    dark = [float(seen[side].sum() / above[side].sum()) for side in _sides()]
    # At the outline of a turned head the points lie on the hair or the surroundings beside it.
    square = [float((above * photograph.geometry.seen)[side].sum() / above[side].sum()) for side in _sides()]
    given = np.zeros(len(above))
    for side, mine, other, facing in zip(_sides(), dark, reversed(dark), square, strict=True):
        core = np.clip((mine - other - _ONE_SIDED) / 0.3, 0, 1) * (other < _FREE_BROW)
        covered = ramp(mine, *_COVERED_BROW) * ramp(mine - other, *_COVERED_MORE) * (facing > _LEAST_FACING)
        core = max(core, float(covered))
        margin = np.clip((mine - _FREE_BROW) / 0.3, 0, 1)
        given[side] = (core * zones.brow + (1 - core) * margin * zones.brow * (1 - zones.brow_core))[side]
    return photograph.over_grid(given)


def _brows(photograph: Photograph) -> np.ndarray:
    """Draw the brows on the grid, bool (gh, gw)."""
    drawn, points = np.zeros(photograph.raster.covered.shape, np.uint8), photograph.grid_points
    for loop in (topology().right_brow, topology().left_brow):
        cv2.fillConvexPoly(drawn, cv2.convexHull(np.round(points[loop]).astype(np.int32)), 1)
    return drawn > 0


def _below_fringe(photograph: Photograph, front: np.ndarray) -> np.ndarray:
    """Compute how far a fringe hangs over each half of the face, float32 (gh, gw) in 0..1."""
    hair, roots = photograph.at_points(front), _roots() * photograph.geometry.seen
    parts = [float((hair * roots)[side].sum()) / max(float(roots[side].sum()), 1e-6) for side in _sides()]
    below = np.full(len(roots), ramp(sum(parts) / 2, *_FRINGE))
    for side, part in zip(_sides(), parts, strict=True):
        below[side] = ramp(part, *_FRINGE)
    return photograph.over_grid(below)


def _strands(darker: np.ndarray, cells: float) -> np.ndarray:
    """Return how much darker the strands near each place are than what is around, float32 (gh, gw)."""
    fine = darker - cv2.GaussianBlur(darker, (0, 0), _STRAND * cells)
    return cv2.dilate(fine, disc(_STRAND * cells))


def _lines(photograph: Photograph, where: np.ndarray) -> np.ndarray:
    """Find thin dark and light lines that do not lie across the face as wrinkles do: float32 (gh, gw).

    A line is a ridge of the luminance (T. Lindeberg, "Edge detection and ridge detection with automatic scale
    selection", IJCV 1998): the larger second derivative, scaled, with hardly any along it.
    """
    luma = photograph.grid @ LUMINANCE
    level = _level_axis(photograph)
    best = np.zeros_like(luma)
    for width in _LINES:
        sigma = max(width * photograph.cells, 0.7)
        soft = cv2.GaussianBlur(luma, (0, 0), sigma)
        xx, yy, xy = (cv2.Sobel(soft, cv2.CV_32F, dx, dy, ksize=3) / 4 for dx, dy in ((2, 0), (0, 2), (1, 1)))
        half, root = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
        sign = np.where(half >= 0, root, -root)
        ridge = np.maximum(np.abs(half + sign) - 2 * np.abs(half - sign), 0) * (1.5 * sigma * sigma)
        # Second derivatives along the line between the eyes and across it tell which way the ridge runs.
        sideways = np.abs(level[0] ** 2 * xx + 2 * level[0] * level[1] * xy + level[1] ** 2 * yy)
        upright = np.abs(level[1] ** 2 * xx - 2 * level[0] * level[1] * xy + level[0] ** 2 * yy)
        best = np.maximum(best, ridge * ramp(sideways / np.maximum(sideways + upright, 1e-9), 0.2, 0.45))
    strength = best * np.clip(where, 0, 1)
    labels, stats = _parts(strength > _FAINT)
    long = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) > _SHORTEST * photograph.cells
    some = np.bincount(labels[strength > _STRONG], minlength=len(stats)) > 0.02 * photograph.cells
    return ((long & some)[labels] & (labels > 0)).astype(np.float32)


def _level_axis(photograph: Photograph) -> tuple[float, float]:
    """Return the unit vector from the person's right eye to the left one in the picture."""
    right, left = photograph.face.five[:2]
    x, y = (left - right) / max(float(np.linalg.norm(left - right)), 1e-9)
    return float(x), float(y)


def _parts(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the connected parts of a bool mask: labels int32 (gh, gw), 0 outside, and OpenCV's statistics of each."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return labels, stats


def _touching(part: np.ndarray, seed: np.ndarray, cells: float) -> np.ndarray:
    """Keep the connected parts of `part` that come within a strand's width of `seed`: hair grows in from elsewhere."""
    labels, stats = _parts(part > 0.3)
    near = cv2.dilate((seed > 0.3).astype(np.uint8), disc(0.015 * cells)) > 0
    kept = np.bincount(labels[near], minlength=len(stats)) > 0
    kept[0] = False
    return part * kept[labels]


def _without_wrinkles(found: np.ndarray, likely: np.ndarray, cells: float) -> np.ndarray:
    """Remove wrinkles: thin parts that lie across the forehead."""
    labels, stats = _parts(found > 0.3)
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    # One wrinkle is thin; several together leave most of their box free.
    area = stats[:, cv2.CC_STAT_AREA]
    thin = (area < 0.055 * cells * width) | (area < 0.38 * width * height)
    forehead = np.bincount(labels.ravel(), (likely > 0.5).ravel(), len(stats)) > 0.6 * area
    wrinkle = thin & forehead & (height < 0.4 * width)
    wrinkle[0] = False
    return found * ~wrinkle[labels]


def _without_beard(sure: np.ndarray, low: np.ndarray, cells: float) -> np.ndarray:
    """Remove what is found on the lower face, unless it is as large as a hand: the network takes some beards for objects."""
    labels, stats = _parts(sure * low > 0.3)
    small = stats[:, cv2.CC_STAT_AREA] < (_LEAST_HAND * cells) ** 2
    small[0] = True
    return sure * (1 - low * small[labels])


def _without_specks(front: np.ndarray, cells: float) -> np.ndarray:
    """Remove parts that are smaller than the least piece of a strand."""
    labels, stats = _parts(front > 0.3)
    kept = stats[:, cv2.CC_STAT_AREA] > 2 * (0.012 * cells) ** 2
    kept[0] = False
    return front * cv2.dilate(kept[labels].astype(np.uint8), np.ones((3, 3), np.uint8))


def _widened(front: np.ndarray, cells: float, beside: float) -> np.ndarray:
    """Grow what lies in front by its soft edge and contact shadow, `beside` face sizes, with a soft border."""
    grown = cv2.dilate(ramp(front, 0.1, 0.45), disc(beside * cells))
    return np.clip(cv2.GaussianBlur(grown, (0, 0), max(0.3 * beside * cells, 0.5)) * 1.1 - 0.05, 0, 1)


def _largest_channel(values: np.ndarray) -> np.ndarray:
    """Return the largest channel of (gh, gw, 3); NumPy's max along a last axis of three takes ten times as long."""
    return np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2])


@dataclass(frozen=True)
class Zones:
    """Zones of the face, each float (478,) at the mesh's points or (gh, gw) on a picture's grid, in 0..1.

    Attributes
    ----------
    bare : np.ndarray
        Bare skin.
    likely : np.ndarray
        Where hair is likely: well above the brows, and beside the face down to the mouth.
    temple : np.ndarray
        The same, farther in from the outline down to the cheek bones.
    cheek : np.ndarray
        Farther still, below the eyes down to the cheek bones.
    band : np.ndarray
        The band in which glasses sit.
    bridge_right, bridge_left, above : np.ndarray
        The two sides of the nose's bridge with its middle, and the skin between the brows above it.
    guarded : np.ndarray
        Brows and lids with their margins, where only the network's own decision counts.
    brow, brow_core : np.ndarray
        The brows with their margins but without the lids, and the brows alone.
    over : np.ndarray
        The skin above the brows, with their upper edge.
    fringe, forehead : np.ndarray
        Where strands of a fringe hang: the forehead with brows and upper lids, and the temples; and its part above the brows.
    eyes : np.ndarray
        The eyes themselves.
    outline, low : np.ndarray
        The mesh's outline, and the lower face where a beard grows.
    """

    bare: np.ndarray
    likely: np.ndarray
    temple: np.ndarray
    cheek: np.ndarray
    band: np.ndarray
    bridge_right: np.ndarray
    bridge_left: np.ndarray
    above: np.ndarray
    guarded: np.ndarray
    brow: np.ndarray
    brow_core: np.ndarray
    over: np.ndarray
    fringe: np.ndarray
    forehead: np.ndarray
    eyes: np.ndarray
    outline: np.ndarray
    low: np.ndarray

    def over_grid(self, photograph: Photograph) -> Zones:
        """Draw the zones on a picture's grid; 0 beyond the mesh."""
        columns = np.column_stack([getattr(self, field.name) for field in fields(self)])
        return Zones(*np.moveaxis(photograph.raster.interpolate(columns), 2, 0))


@cache
def _zones() -> Zones:
    """Compute the zones at the mesh's points."""
    head, mesh = head_model().reference, topology()
    across, down = np.abs(head[:, 0]), head[:, 1]
    brow_loops = np.concatenate([mesh.right_brow, mesh.left_brow])
    eye_loops = np.concatenate([mesh.right_eye_loop, mesh.left_eye_loop])
    brows = head[brow_loops, 1].mean()
    from_edge, from_brow, from_eye = away_from(mesh.oval), away_from(brow_loops), away_from(eye_loops)
    temple = np.clip((0.95 - from_edge) / 0.25, 0, 1) * np.clip((0.45 - down) / 0.15, 0, 1)
    band = np.clip((down - brows + 0.25) / 0.1, 0, 1) * np.clip((0.62 - down) / 0.1, 0, 1)
    band *= 1.0 - np.clip((0.22 - across) / 0.1, 0, 1) * np.clip((down - 0.35) / 0.1, 0, 1)
    bridge = (across < 0.2) & (down > -0.15) & (down < 0.3)
    brow, lid = (
        np.clip((reach - far) / 0.06 + 1, 0, 1) for reach, far in ((_BROW_MARGIN, from_brow), (_LID_MARGIN, from_eye))
    )
    lid[468:] = 1.0
    eyes = np.isin(np.arange(len(head)), [*eye_loops, *range(468, 478)])
    outline = np.clip((0.2 - from_edge) / 0.1, 0, 1)
    return Zones(
        bare=bare_skin(),
        likely=hair_zone(),
        temple=np.maximum(hair_zone(), temple),
        cheek=np.clip((1.25 - from_edge) / 0.2, 0, 1) * np.clip(np.minimum(down - 0.15, 0.65 - down) / 0.1, 0, 1),
        band=band,
        bridge_right=bridge & (head[:, 0] <= 0),
        bridge_left=bridge & (head[:, 0] >= 0),
        above=(across < 0.2) & (down > -0.3) & (down < -0.1),
        guarded=np.maximum(brow, lid),
        brow=brow * (1 - lid),
        brow_core=np.isin(np.arange(len(head)), brow_loops),
        over=_over_brows(),
        fringe=np.maximum((down < brows + 0.2) & ~eyes, temple),
        forehead=(down < brows) & (from_brow > 0.04),
        eyes=eyes,
        outline=outline,
        low=np.clip((down - 0.55) / 0.1, 0, 1) * (1 - outline),
    )


@cache
def _over_brows() -> np.ndarray:
    """Return the upper edge of the brows and the skin above them, float64 (478,), 0 or 1."""
    head, mesh = head_model().reference, topology()
    over = np.zeros(len(head))
    for loop in (mesh.right_brow, mesh.left_brow):
        x, y = head[loop, 0], head[loop, 1]
        line = np.polyfit(x, y, 2)
        beside = np.maximum(np.maximum(x.min() - head[:, 0], head[:, 0] - x.max()), 0)
        over[(head[:, 1] <= np.polyval(line, head[:, 0])) & (beside < _OVER_BESIDE)] = 1.0
    return over


@cache
def _roots() -> np.ndarray:
    """Return the points of the forehead from which a fringe hangs before the brows, float64 (478,), 0 or 1."""
    head, mesh = head_model().reference, topology()
    far = away_from(np.concatenate([mesh.right_brow, mesh.left_brow]))
    return _over_brows() * ((far > _BROW_MARGIN) & (far < _ROOTS) & (np.abs(head[:, 0]) < _ROOTS_ACROSS))


@cache
def _sides() -> tuple[np.ndarray, np.ndarray]:
    """Return the points of the two halves of the face, bool (478,) each."""
    across = head_model().reference[:, 0]
    return across < -0.1, across > 0.1


@cache
def _above_brows() -> np.ndarray:
    """Return the points on and just above the brows, float64 (478,), 0 or 1."""
    head, mesh = head_model().reference, topology()
    brows = np.concatenate([mesh.right_brow, mesh.left_brow])
    return ((away_from(brows) < 0.2) & (head[:, 1] < head[brows, 1].mean())).astype(np.float64)
