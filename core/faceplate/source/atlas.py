"""The atlas: the skin and features of a person without light, on one layout of the mesh that all pictures vote on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.face.raster import MeshRaster, rasterise
from faceplate.face.shape import away_from, bare_skin, head_model
from faceplate.image.inpaint import fill
from faceplate.image.soft_steps import disc, ramp
from faceplate.image.window import Window
from faceplate.source.light import LUMINANCE
from faceplate.source.photograph import Photograph
from faceplate.source.texture import ViewTexture, inside_face

__all__ = [
    "SIDE",
    "Atlas",
    "Vote",
    "atlas_points",
    "cast_vote",
    "continued_skin",
    "make_atlas",
    "over_atlas",
    "upper_face",
    "weighted_median",
]

SIDE = 512
"""Width and height of the atlas in pixels."""

# Depth of the cylinder's axis behind the face, in units of the head model, and the border around the layout in pixels.
_AXIS, _BORDER = 1.25, 10.0
# Standard deviation that parts low from high frequencies, in pixels of the atlas.
_LOW_SIGMA = 9.0
# Difference of the low frequencies from the pictures' median, in natural logarithm, at which a vote falls to 1 / e.
_DISAGREE = 0.18
# The same for specks and strands, and the standard deviation within which they are looked for, in pixels of the atlas.
_SPECK, _SPECK_SIGMA = 0.25, 1.5
# Distance from what hides the face within which a picture does not vote, as a fraction of the face's size: there lie the finest
# strands and the shadow of what hides it, which every picture shows elsewhere.
_BESIDE = 0.012
# Distance in pixels of the atlas from a fringe within which a picture does not count on a forehead that all others hide.
_FRINGE_ROOM = 60.0
# Height above the brows on the head model within which that begins.
_BROW_EDGE = 0.08
# Power of a vote for the fine detail: pictures that are not aligned to the pixel blur each other, so the best one leads.
_DETAIL_POWER = 4
# Sum of the weights below which the mirror image helps, and below which nothing is known.
_ENOUGH, _NOTHING = 0.25, 0.02
# The most pictures that vote; more hardly change a median and take memory.
_VOTERS = 12
# Difference from the skin's mean, in natural logarithm, at which skin is hardly continued into what nobody saw.
_TYPICAL = 0.25
# Standard deviation in pixels of the atlas within which skin is read at the edge of what is known, the part of it that must be
# skin, and how much darker than the skin around, in natural logarithm, a brow or shadow is.
_REST_SIGMA, _HELD, _DARKER = 3.5, 0.25, (-0.35, -0.15)
# Distance in pixels of the atlas at which what skin differs from what is continued beside it fades to 1 / e.
_FADES = 60.0
# Side in pixels of the piece of skin whose fine texture stands in where nobody saw skin, and the points it can lie at.
_PIECE, _PIECES = 56, (50, 280, 151, 205, 425)


@dataclass(frozen=True)
class Atlas:
    """A person's albedo.

    Attributes
    ----------
    log : np.ndarray
        float32 (SIDE, SIDE, 3), logarithm of the albedo over the skin's mean; defined everywhere.
    coverage : np.ndarray
        float32 (SIDE, SIDE), 0..1, how well the pictures saw each place; what is below a quarter is mirrored or filled.
    uv : np.ndarray
        float64 (478, 2), positions of the mesh's points in the atlas, continuous coordinates.
    """

    log: np.ndarray
    coverage: np.ndarray
    uv: np.ndarray


@dataclass(frozen=True)
class Vote:
    """One picture on the atlas.

    Attributes
    ----------
    log : np.ndarray
        float32 (SIDE, SIDE, 3), its texture.
    weight : np.ndarray
        float32 (SIDE, SIDE), how much it counts.
    clean : np.ndarray
        float32 (SIDE, SIDE), 0..1, how far it shows the face itself.
    """

    log: np.ndarray
    weight: np.ndarray
    clean: np.ndarray


@cache
def atlas_points() -> np.ndarray:
    """Return the layout, float64 (478, 3): the mean head unrolled from a cylinder, mirror-symmetric; z for the order."""
    head = head_model().reference
    depth = _AXIS - head[:, 2]
    around = np.arctan2(head[:, 0], depth)
    half = float(np.abs(around).max())
    top, bottom = head[:, 1].min(), head[:, 1].max()
    room = SIDE - 2 * _BORDER
    u = SIDE / 2 + around / half * room / 2
    v = _BORDER + (head[:, 1] - top) / (bottom - top) * room
    return np.column_stack([u, v, -np.hypot(head[:, 0], depth) * SIDE / 3])


@cache
def _raster() -> MeshRaster:
    return rasterise(atlas_points(), topology().closed, Window(0, 0, SIDE, SIDE), SIDE)


def over_atlas(values: np.ndarray) -> np.ndarray:
    """Interpolate values (478,) over the atlas, float32 (SIDE, SIDE); 0 beyond the mesh."""
    return _raster().interpolate(values[:, None])[..., 0] * _raster().covered


def cast_vote(photograph: Photograph, texture: ViewTexture, merit: float) -> Vote:
    """Unroll a picture's texture to the atlas.

    `merit` weighs the picture as a whole. A place counts by the square of the cosine at which it was seen, and as far as it
    is clean; the inside of mouth and eyes as far as they are open.
    """
    window, face = photograph.window, photograph.face
    scale = min(1.0, 1.25 * SIDE / face.size)
    size = (max(round(window.width * scale), 1), max(round(window.height * scale), 1))
    parts = (texture.log, texture.clean, photograph.to_picture(_beside(photograph, texture)))
    small = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in parts]
    factors = (size[0] / window.width, size[1] / window.height)
    places = _raster().interpolate((face.points[:, :2] - (window.x, window.y)) * factors - 0.5)
    x, y = (np.ascontiguousarray(places[..., axis]) for axis in (0, 1))
    log = cv2.remap(small[0], x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    clean, beside = (
        cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0) for part in small[1:]
    )
    counted = photograph.geometry.seen**2 * _openness(photograph)
    weight = _raster().interpolate(counted[:, None])[..., 0] * np.clip(1.25 * (clean - beside) - 0.25, 0, 1) ** 2
    return Vote(log, (weight * merit * _raster().covered).astype(np.float32), clean)


def _beside(photograph: Photograph, texture: ViewTexture) -> np.ndarray:
    """Draw where the picture's grid shows what hides the face, and what lies close beside it, float32 (gh, gw) in 0..1."""
    hidden = np.clip(inside_face(photograph) - photograph.to_grid(texture.clean), 0, 1)
    return cv2.dilate(hidden, disc(_BESIDE * photograph.cells))


def make_atlas(votes: list[Vote]) -> Atlas:
    """Combine the votes: low frequencies by agreement, fine detail from the best picture of each place."""
    votes = sorted(votes, key=lambda vote: -float(vote.weight.sum()))[:_VOTERS]
    weight = np.stack([vote.weight for vote in votes]) * _away_from_fringe(np.stack([vote.clean for vote in votes]))
    low = np.stack([_low_pass(vote.log, part) for vote, part in zip(votes, weight, strict=True)])
    fine = np.stack([vote.log for vote in votes]) - low
    agreed = weight * _agreement(low @ LUMINANCE, weight, _DISAGREE)
    coverage = np.clip(agreed.sum(axis=0), 0, 1)
    # A strand or a speck that one picture alone shows is an outlier at the scale of a few pixels.
    small = np.stack([cv2.GaussianBlur(part @ LUMINANCE, (0, 0), _SPECK_SIGMA) for part in fine])
    base = _weighted_mean(low, agreed)
    detail = _weighted_mean(fine, (agreed * _agreement(small, weight, _SPECK)) ** _DETAIL_POWER)
    known = np.clip((coverage - _NOTHING) / (_ENOUGH - _NOTHING), 0, 1)
    base, detail, known = _with_mirror(base, detail, known)
    log = _filled(base, detail, known)
    return Atlas(log, coverage.astype(np.float32), atlas_points()[:, :2].copy())


def _away_from_fringe(clean: np.ndarray) -> np.ndarray:
    """Return how far each picture counts above the brows, float32 (n, h, w), by what is `clean` (n, h, w) in it.

    Where most pictures show a fringe, skin close to it in another one is likely to hold strands, or is their shadow.
    """
    shown = clean > 0.5
    lacking = (1.0 - shown.mean(axis=0)) * _above_brows()
    room = np.stack([cv2.distanceTransform(one.astype(np.uint8), cv2.DIST_L2, 3) for one in shown])
    wanted = _FRINGE_ROOM * lacking
    return np.where(wanted > 1.0, ramp(room / np.maximum(wanted, 1.0), 0.5, 1.0), 1.0).astype(np.float32)


@cache
def _above_brows() -> np.ndarray:
    """Return the forehead above the brows, float32 (SIDE, SIDE) in 0..1."""
    head, mesh = head_model().reference, topology()
    brows = head[np.concatenate([mesh.right_brow, mesh.left_brow]), 1].min()
    return over_atlas(np.clip((brows - head[:, 1]) / _BROW_EDGE + 1.0, 0.0, 1.0))


def _openness(photograph: Photograph) -> np.ndarray:
    """Return how much each point counts for its part's openness, float64 (478,): less inside a closed mouth or eye."""
    mesh, geometry = topology(), photograph.geometry
    counted = np.ones(len(photograph.face.points))
    counted[mesh.mouth_loop] = 0.15 + 0.85 * min(geometry.mouth / 0.1, 1.0)
    for loop, iris, openness in (
        (mesh.right_eye_loop, slice(468, 473), geometry.eyes[0]),
        (mesh.left_eye_loop, slice(473, 478), geometry.eyes[1]),
    ):
        counted[loop] = counted[iris] = 0.15 + 0.85 * min(openness / 0.2, 1.0)
    return counted


def _low_pass(log: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Blur what counts, and continue it into what does not, float32 (SIDE, SIDE, 3)."""
    held = cv2.GaussianBlur(weight, (0, 0), _LOW_SIGMA)
    carried = cv2.GaussianBlur(log * weight[..., None], (0, 0), _LOW_SIGMA)
    return np.where((held > 1e-5)[..., None], carried / np.maximum(held, 1e-9)[..., None], 0).astype(np.float32)


def _agreement(luminance: np.ndarray, weight: np.ndarray, scale: float) -> np.ndarray:
    """Return how well each picture agrees with the weighted median of all, float32 (n, h, w), 1e-3..1.

    `luminance` and `weight` are (n, h, w); a difference of `scale` gives 1 / e.
    """
    median = weighted_median(luminance, weight)
    return np.maximum(np.exp(-(((luminance - median) / scale) ** 2)), 1e-3).astype(np.float32)


def weighted_median(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the weighted median of `values` (n, h, w) over their first axis, (h, w)."""
    order = np.argsort(values, axis=0)
    ranked = np.cumsum(np.take_along_axis(weight + np.float32(1e-9), order, axis=0), axis=0)
    rank = (ranked >= ranked[-1] / 2).argmax(axis=0)[None]
    return np.take_along_axis(values, np.take_along_axis(order, rank, axis=0), axis=0)[0]


def _weighted_mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    total = weight.sum(axis=0)
    return np.einsum("nhwc,nhw->hwc", values, weight) / np.maximum(total, 1e-30)[..., None]


def _with_mirror(base: np.ndarray, detail: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take from the other side of the face what this side lacks, levelled to what is known around it."""
    other_known = np.ascontiguousarray(known[:, ::-1])
    other_base, other_detail = base[:, ::-1], detail[:, ::-1]
    both = known * other_known
    step = np.clip(_low_pass(base - other_base, both.astype(np.float32)), -0.4, 0.4)
    step = fill(step, (cv2.GaussianBlur(both, (0, 0), _LOW_SIGMA) > 1e-3).astype(np.float32))
    share = ((1 - known) * other_known)[..., None]
    whole = np.maximum(known[..., None] + share, 1e-6)
    mixed = [
        (mine * known[..., None] + other * share) / whole
        for mine, other in ((base, other_base + step), (detail, other_detail))
    ]
    return mixed[0], mixed[1], np.clip(known + share[..., 0], 0, 1)


def _filled(base: np.ndarray, detail: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Continue the skin around into what nobody saw, with the fine texture of a piece of the same skin."""
    skin = _raster().interpolate(bare_skin()[:, None])[..., 0]
    weight = np.where(known > 0.5, np.maximum(skin, 0.01) * known, 0)
    upper = fill(_raster().interpolate(upper_face()[:, None])[..., 0], _raster().covered)
    around = cv2.GaussianBlur(continued_skin(base, weight, upper), (0, 0), _LOW_SIGMA / 2)
    around += _rest(base + detail - around, known * _not_eyes_or_lips())
    stand_in = around + 0.8 * _skin_texture(detail, known)
    return (known[..., None] * (base + detail) + (1 - known[..., None]) * stand_in).astype(np.float32)


def _rest(step: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Continue the `step` (SIDE, SIDE, 3) that is left at the edge of what is `known`, fading out, so that no edge is left there.

    What is darker than the skin around is a brow or a shadow and is not continued.
    """
    skin = (known * ramp(step @ LUMINANCE, *_DARKER)).astype(np.float32)
    held = cv2.GaussianBlur(skin, (0, 0), _REST_SIGMA)
    if not (held > _HELD).any():
        return np.zeros_like(step)
    calm = cv2.GaussianBlur(step * skin[..., None], (0, 0), _REST_SIGMA) / np.maximum(held, 1e-6)[..., None]
    calm = cv2.GaussianBlur(fill(calm, (held > _HELD).astype(np.float32)), (0, 0), _REST_SIGMA)
    apart = cv2.distanceTransform((held <= _HELD).astype(np.uint8), cv2.DIST_L2, 3)
    return calm * np.exp(-apart / _FADES)[..., None].astype(np.float32)


@cache
def _not_eyes_or_lips() -> np.ndarray:
    """Return where skin and brows are, bool (SIDE, SIDE)."""
    mesh = topology()
    parts = np.concatenate([mesh.lips_loop, mesh.mouth_loop, mesh.right_eye_loop, mesh.left_eye_loop])
    away = away_from(parts)
    away[468:] = 0
    return over_atlas(np.clip(away / 0.09, 0, 1)) > 0.9


def continued_skin(log: np.ndarray, weight: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Continue a texture (h, w, 3) from where `weight` is above 0 into the rest.

    On the `upper` face (h, w), 0..1, what is far from the mean of the skin gives way to that mean, 0: the shadow beside a
    fringe does not spread over the forehead that the fringe hides. Below, a beard is continued.
    """
    typical = np.exp(-((log @ LUMINANCE / _TYPICAL) ** 2))
    typical = (1 - upper * (1 - typical)).astype(np.float32)
    spread = fill(np.dstack([log * typical[..., None], typical]).astype(np.float32), weight.astype(np.float32))
    return spread[..., :3] / (spread[..., 3:] + np.float32(0.05) * upper[..., None] + np.float32(1e-6))


@cache
def upper_face() -> np.ndarray:
    """Return the points above the mouth, float64 (478,), 1 above the nose's tip and 0 at the mouth."""
    head, mesh = head_model().reference, topology()
    nose, mouth = head[1, 1], head[mesh.lips_loop, 1].mean()
    return np.clip((mouth - head[:, 1]) / (mouth - nose), 0.0, 1.0)


def _skin_texture(detail: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Repeat a piece of bare skin's detail over the atlas, mirrored at its edges, (SIDE, SIDE, 3).

    Of the pieces that are known nearly as well as the best one, the calmest is taken: a strand or a beard would become a pattern.
    """
    centres = np.round(atlas_points()[list(_PIECES), :2] - _PIECE / 2).astype(int)
    pieces = [(slice(y, y + _PIECE), slice(x, x + _PIECE)) for x, y in centres]
    enough = 0.95 * max(float(known[piece].mean()) for piece in pieces)
    seen = [piece for piece in pieces if float(known[piece].mean()) >= enough]
    best = min(seen, key=lambda piece: float((detail[piece] @ LUMINANCE).std()))
    piece = np.clip(detail[best] * known[best][..., None], -0.15, 0.15)
    tile = np.concatenate(
        [np.concatenate([piece, piece[:, ::-1]], axis=1), np.concatenate([piece, piece[:, ::-1]], axis=1)[::-1]]
    )
    times = -(-SIDE // (2 * _PIECE))
    return np.tile(tile, (times, times, 1))[:SIDE, :SIDE]
