"""Occlusion: where an object in front of the face (a hand, hair, a microphone) hides it, with its edge's true alpha.

Colour alone cannot tell a hand from a face, so a small network does. It gets the face aligned by its own mesh, together
with the mesh's outline, eyes, brows, nose and lips, and decides for every pixel whether the face is visible. It ships
with a card, `face_occlusion`; `tests/truth/make_occlusion.py` trained it on invented faces and drawn occluders. It works at
320 pixels. Dense hair and the ends of a fringe, which it misses, are found by what hair looks like (`hair`); `edges` then
finds the edge in the plate's own pixels, and between the strands of a fringe the plate stays (`fringe`).

All values are relative to the face's own level in each channel, so the plate's exposure and white balance have no effect. A
grade of strong saturation can bring a channel of skin down to nothing, where such ratios mean nothing: the plate is seen with
less saturation then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from faceplate.color import ColorConfig, Exposure, encode
from faceplate.comp.occlusion.edges import edges_on_plate
from faceplate.comp.occlusion.fringe import fringe_veil
from faceplate.comp.occlusion.hair import with_hair
from faceplate.comp.occlusion.regions import steadied_odds, without_regions_inside
from faceplate.comp.occlusion.rims import found_around_eyes, with_rims
from faceplate.comp.occlusion.roots import needs_root
from faceplate.comp.occlusion.square import FILL, REC709_LUMINANCE, SIDE, SquareMesh, sigmoid
from faceplate.comp.occlusion.wrinkles import without_wrinkles
from faceplate.face import Face, topology
from faceplate.face.align import apply, compose, invert, resample
from faceplate.image.saturation import saturated
from faceplate.image.soft_steps import disc, smoothstep
from faceplate.image.window import Window
from faceplate.models import Network, embedded_store, open_network

__all__ = [
    "BLOCK",
    "COARSE_LIMIT",
    "COARSE_SIDE",
    "NETWORK",
    "SquareOdds",
    "coarse_odds",
    "edged_matte",
    "measure_odds",
    "mesh_maps",
    "occlusion_matte",
    "occlusion_window",
    "soft_matte",
    "square_matrix",
]

NETWORK = "face_occlusion"
"""The card of the network that ships."""

BLOCK = 4
"""The network works on blocks of this many pixels squared, and the mesh is drawn for it at that resolution."""

COARSE_SIDE = 40
"""Side in blocks of the coarse grid on which the odds are compared between frames."""

COARSE_LIMIT = 4.0
"""Log-odds on the coarse grid are clipped at plus and minus this value."""

# Least channel of a face's level over its luminance, in linear Rec.709: skin without a grade.
_LEAST_CHANNEL = 0.4
# Room around the landmarks of an eye for its lids and lashes, as a part of the eye's width.
_LASHES = 0.12

# MediaPipe's person network was trained on head and shoulders in a square; the face is a third of its side.
_PERSON_SIDE, _PERSON_FILL = 256, 3.0


def occlusion_matte(
    plate: np.ndarray,
    face: Face,
    window: Window,
    color: ColorConfig,
    person_network: Network | None = None,
    *,
    sensitivity: float = 0.5,
    pixel_aspect: float = 1.0,
    edges: bool = True,
    usual: np.ndarray | None = None,
) -> np.ndarray:
    """Compute how far an occluder hides the face, float32 (h, w) in 0..1 on `window`: 1 hidden, 0 the face is visible.

    Pixels well beyond the face's outline count as not hidden. Time is linear in the pixels of `window`.

    Parameters
    ----------
    plate : np.ndarray
        float32 (h, w, 3), scene-linear working space of `color`, on `window`.
    face : Face
        The face in plate pixels.
    window : Window
        The plate pixels of `plate`.
    color : ColorConfig
        Supplies the conversion to linear Rec.709.
    person_network : Network, optional
        MediaPipe's selfie_segmentation; adds regions that it confidently classifies as not a person, such as a
        microphone.
    sensitivity : float
        0..1: 0 finds nothing (exactly 0 everywhere), 0.5 uses the network's even odds, 1 counts every doubt as an occluder.
    pixel_aspect : float
        Width of a plate pixel over its height.
    edges : bool
        False returns the network's own result in its whole square: soft, and more stable from frame to frame.
    usual : np.ndarray, optional
        float32 (COARSE_SIDE, COARSE_SIDE): `coarse_odds` of the frames around, smoothed over time. What this frame alone shows,
        or lacks, is then corrected.
    """
    nothing = np.zeros((window.height, window.width), np.float32)
    if sensitivity <= 0.0 or window.empty:
        return nothing
    linear = color.to_linear709(plate)
    found = measure_odds(linear, face, window, usual=usual, pixel_aspect=pixel_aspect)
    if found is None:
        return nothing
    if person_network is not None:
        level = float(found.levels @ REC709_LUMINANCE)
        person = _not_person_odds(linear, level, face, window, pixel_aspect, person_network)
        found = replace(found, odds=np.maximum(found.odds, person))
    if not edges:
        return soft_matte(found, face, window, sensitivity, pixel_aspect)
    return edged_matte(found, linear, face, window, sensitivity=sensitivity, pixel_aspect=pixel_aspect)


@dataclass(frozen=True)
class SquareOdds:
    """The network's result in a face's square.

    `odds` float32 (SIDE, SIDE), log-odds of being hidden; `levels` float32 (3,), the face's level in each channel of linear
    Rec.709, and `saturation`, 0..1, with which it was seen. `roots` are the odds without the ends of hair, which move with the
    grain; None where they are the same. `around_eyes` is the part of the directions around the eyes in which something is found
    that is not dense hair, 0..1: much of it with glasses. `mesh` is the face's in the square, where it was drawn already.
    """

    odds: np.ndarray
    levels: np.ndarray
    roots: np.ndarray | None = None
    saturation: float = 1.0
    around_eyes: float = 0.0
    mesh: SquareMesh | None = None

    @property
    def firm(self) -> SquareOdds:
        """The odds by `roots`, for what must stand still."""
        return self if self.roots is None else replace(self, odds=self.roots, roots=None)


def measure_odds(
    linear: np.ndarray,
    face: Face,
    window: Window,
    *,
    usual: np.ndarray | None = None,
    pixel_aspect: float = 1.0,
    rims: bool = True,
) -> SquareOdds | None:
    """Run the network on a face; None where the face is black.

    `linear` float32 (h, w, 3) is the plate in linear Rec.709 on `window`; with `rims`, thin rims of glasses are completed, which a
    picture of a source does without: it has others to compare with. The other parameters are as in `occlusion_matte`.
    """
    if window.empty:
        return None
    square = square_matrix(face, pixel_aspect)
    seen = resample(linear, window, square, Window(0, 0, SIDE, SIDE))
    mesh = _mesh_in(square, face)
    points = mesh.points
    maps = mesh_maps(points[:, :2])
    levels = _levels(seen, maps.hull)
    if not levels @ REC709_LUMINANCE > 0.0:
        return None
    saturation = _usual_saturation(levels)
    seen, levels = (saturated(values, saturation, REC709_LUMINANCE) for values in (seen, levels))
    odds = _occlusion_odds(network_view(seen, levels), maps.guide)
    odds = without_regions_inside(odds, _eyes(points))
    around_eyes = found_around_eyes(odds, mesh)
    odds = without_wrinkles(odds, seen, levels, mesh, around_eyes)
    if rims:
        odds = with_rims(odds, seen, levels, mesh)
    hairless = odds
    roots, odds = with_hair(odds, seen, levels, mesh)
    if usual is not None:
        steady = steadied_odds(odds, _coarse(odds), usual, COARSE_LIMIT)
        hairless, roots, odds = hairless + (steady - odds), roots + (steady - odds), steady
    return SquareOdds(odds, levels, roots, saturation, found_around_eyes(hairless, mesh), mesh)


def soft_matte(
    found: SquareOdds,
    face: Face,
    window: Window,
    sensitivity: float,
    pixel_aspect: float = 1.0,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return the network's own result as a matte on `window`, without edges from the plate.

    float32 (h, w), or with as many columns and rows as `size` says.
    """
    odds = found.odds + np.float32(_sensitivity_bias(sensitivity))
    columns, rows = size or (window.width, window.height)
    across, down = columns / window.width, rows / window.height
    to_size = np.array([[across, 0, -window.x * across], [0, down, -window.y * down]], np.float64)
    matrix = compose(to_size, invert(square_matrix(face, pixel_aspect)))
    sure = smoothstep(resample(sigmoid(odds), Window(0, 0, SIDE, SIDE), matrix, Window(0, 0, columns, rows)), 0.4, 0.75)
    return sure.reshape(rows, columns)


def edged_matte(
    found: SquareOdds,
    linear: np.ndarray,
    face: Face,
    window: Window,
    *,
    sensitivity: float = 0.5,
    pixel_aspect: float = 1.0,
    photograph: bool = False,
) -> np.ndarray:
    """Return the matte of `found` with edges from the plate's pixels, float32 (h, w).

    `linear` float32 (h, w, 3) is the plate in linear Rec.709 on `window`, `face` the one of `found`. The matte of a `photograph` of
    the source keeps thin pieces that nothing connects with the outline, and skin that is seen between strands counts as seen. The
    other parameters are as in `occlusion_matte`.
    """
    odds = found.odds + np.float32(_sensitivity_bias(sensitivity))
    square = square_matrix(face, pixel_aspect)
    mesh = found.mesh or _mesh_in(square, face)
    hull = _filled(mesh.points[:, :2], ((topology().oval, 255),)) > 0
    needed = None if photograph else needs_root(hull, mesh, found.around_eyes)
    seen = saturated(linear, found.saturation, REC709_LUMINANCE)
    matte = edges_on_plate(odds, hull, needed, seen, found.levels, face, window, square)
    return matte if photograph else _with_fringe(matte, fringe_veil(odds, mesh), window, square)


def _with_fringe(matte: np.ndarray, veil: np.ndarray, window: Window, square: np.ndarray) -> np.ndarray:
    """Add the `veil` of a fringe, float32 (SIDE, SIDE), to a matte (h, w) on `window`; the same array where there is none."""
    rows, columns = np.nonzero(veil)
    if rows.size == 0:
        return matte
    low, high = np.array([columns.min(), rows.min()]) - 1.0, np.array([columns.max(), rows.max()]) + 2.0
    corners = np.array([low, high, (low[0], high[1]), (high[0], low[1])], np.float64)
    near = Window.around(apply(invert(square), corners)).intersect(window)
    if near.empty:
        return matte
    to_near = np.array([[1, 0, -near.x], [0, 1, -near.y]], np.float64)
    whole, part = Window(0, 0, SIDE, SIDE), Window(0, 0, near.width, near.height)
    shown = np.clip(resample(veil, whole, compose(to_near, invert(square)), part), 0.0, 1.0)
    there = matte[near.slices(window)]
    np.maximum(there, shown.reshape(there.shape), out=there)
    return matte


def coarse_odds(found: SquareOdds | None) -> np.ndarray:
    """Reduce the odds to one value for each block of the face's square, float32 (COARSE_SIDE, COARSE_SIDE), within ±COARSE_LIMIT.

    Where the face is black (None) the odds are the least.
    """
    if found is None:
        return np.full((COARSE_SIDE, COARSE_SIDE), -COARSE_LIMIT, np.float32)
    return _coarse(found.odds)


def occlusion_window(face: Face, pixel_aspect: float = 1.0) -> Window:
    """Compute the plate pixels under the network's square; beyond them nothing counts as hidden."""
    corners = np.array([[0, 0], [SIDE, 0], [0, SIDE], [SIDE, SIDE]], np.float64)
    return Window.around(apply(invert(square_matrix(face, pixel_aspect)), corners))


@dataclass(frozen=True)
class MeshMaps:
    """The mesh drawn into the square: `hull` bool (SIDE, SIDE), `guide` float32 (SIDE/4, SIDE/4, 4) in 0..1."""

    hull: np.ndarray
    guide: np.ndarray


def square_matrix(face: Face, pixel_aspect: float, side: int = SIDE, room: float = FILL) -> np.ndarray:
    """Compute plate to square (2, 3): eyes level, the mesh's box centred, its longer side 1 / `room` of the square."""
    unsqueeze = np.array([[pixel_aspect, 0, 0], [0, 1, 0]], np.float64)
    points = apply(unsqueeze, face.points[:, :2])
    eyes = points[473:478].mean(axis=0) - points[468:473].mean(axis=0)
    along = eyes / max(float(np.linalg.norm(eyes)), 1e-9)
    turn = np.array([[along[0], along[1]], [-along[1], along[0]]])
    level = points @ turn.T
    low, high = level.min(axis=0), level.max(axis=0)
    scale = side / (room * max(float(np.max(high - low)), 1e-6))
    upright = np.column_stack([turn * scale, side / 2 - scale * (low + high) / 2])
    return compose(upright, unsqueeze)


def _mesh_in(square: np.ndarray, face: Face) -> SquareMesh:
    """Return the face's mesh in its `square` (2, 3)."""
    return SquareMesh(np.column_stack([apply(square, face.points[:, :2]), face.points[:, 2]]))


def mesh_maps(points: np.ndarray) -> MeshMaps:
    """Draw the mesh's features: outline; eyes and, at half value, brows; lips and, at half value, nose; the open mouth."""
    mesh = topology()
    loops = (
        ((mesh.oval, 255),),
        ((mesh.right_brow, 128), (mesh.left_brow, 128), (mesh.right_eye_loop, 255), (mesh.left_eye_loop, 255)),
        ((mesh.nose, 128), (mesh.lips_loop, 255)),
        ((mesh.mouth_loop, 255),),
    )
    drawn = [_filled(points, parts) for parts in loops]
    small = [cv2.resize(plane, (SIDE // BLOCK,) * 2, interpolation=cv2.INTER_AREA) for plane in drawn]
    return MeshMaps(drawn[0] > 0, np.stack(small, axis=-1).astype(np.float32) / 255)


def _filled(points: np.ndarray, parts: tuple[tuple[np.ndarray, int], ...]) -> np.ndarray:
    """Fill loops of the mesh with their values, uint8 (SIDE, SIDE); `points` (478, 2) are in the square."""
    plane = np.zeros((SIDE, SIDE), np.uint8)
    for loop, value in parts:
        cv2.fillPoly(plane, [np.round((points[loop] - 0.5) * 16).astype(np.int32)], value, shift=4)
    return plane


def _eyes(points: np.ndarray) -> np.ndarray:
    """Draw the eyes with their lids' edges, bool (SIDE, SIDE): shut lids and lashes look like a strand in front of the eye."""
    loops = (topology().right_eye_loop, topology().left_eye_loop)
    room = max(_LASHES * float(np.ptp(points[loop, 0])) for loop in loops)
    drawn = _filled(points[:, :2], tuple((loop, 1) for loop in loops))
    return cv2.dilate(drawn, disc(max(room, 1.0))) > 0


def _levels(seen: np.ndarray, hull: np.ndarray) -> np.ndarray:
    """Compute the median of each channel inside the hull, float32 (3,); it follows the light and hardly depends on occluders."""
    some = hull[::2, ::2]  # a quarter of the pixels is enough
    return np.median(seen[::2, ::2][some], axis=0).astype(np.float32) if some.any() else np.zeros(3, np.float32)


def _usual_saturation(levels: np.ndarray) -> float:
    """Return the saturation, 0..1, at which no channel of the face's level is further below its luminance than skin usually is."""
    luminance = float(levels @ REC709_LUMINANCE)
    lowest = float(levels.min()) / luminance
    return min(1.0, (1.0 - _LEAST_CHANNEL) / max(1.0 - lowest, 1e-6))


def network_view(seen: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Encode linear Rec.709 (SIDE, SIDE, 3) for the network: half the stops relative to half the level, clamped to ±2."""
    ratio = np.maximum(seen, 0.0) / levels
    return (np.clip(np.log2(ratio + np.float32(0.03)) + 1.0, -4.0, 4.0) / 2).astype(np.float32)


def _sensitivity_bias(sensitivity: float) -> float:
    """Compute the offset of the log-odds for a sensitivity: 0 at 0.5, about -3.9 and +3.9 towards the ends."""
    held = min(max(sensitivity, 1e-6), 1.0)
    return float(np.log(held / (1.02 - held)) - np.log(0.5 / 0.52))


def _not_person_odds(
    linear: np.ndarray, level: float, face: Face, window: Window, pixel_aspect: float, network: Network
) -> np.ndarray:
    """Compute log-odds float32 (SIDE, SIDE) that MediaPipe's person network finds nobody; above 0 only when it is sure."""
    wide, whole = (
        square_matrix(face, pixel_aspect, _PERSON_SIDE, _PERSON_FILL),
        Window(0, 0, _PERSON_SIDE, _PERSON_SIDE),
    )
    shown = np.clip(encode(resample(linear, window, wide, whole), Exposure.of_level(level).gain), 0.0, 1.0)
    person = next(iter(network.run(shown[None]).values())).reshape(_PERSON_SIDE, _PERSON_SIDE).astype(np.float32)
    matrix = compose(square_matrix(face, pixel_aspect), invert(wide))
    person = resample(person, whole, matrix, Window(0, 0, SIDE, SIDE))
    return np.float32(60.0) * (np.float32(0.1) - np.clip(person, 0.0, 1.0))


def _coarse(odds: np.ndarray) -> np.ndarray:
    """Reduce log-odds (SIDE, SIDE) to the coarse grid: the largest value of each block after a blur of 3 pixels.

    The maximum keeps a strand that fills only a part of a block.
    """
    block = SIDE // COARSE_SIDE
    calm = np.clip(cv2.blur(odds, (3, 3)), -COARSE_LIMIT, COARSE_LIMIT)
    rows = calm.reshape(COARSE_SIDE, block, SIDE).max(axis=1)
    return rows.reshape(COARSE_SIDE, COARSE_SIDE, block).max(axis=2).astype(np.float32)


@cache
def _network() -> Network:
    """Open the network that ships (a U-Net of five levels: Ronneberger et al., "U-Net", MICCAI 2015; 832,788 parameters).

    It runs on the thread that asks: two threads wait for each other and take one and a half times the processor's time, which
    the frames beside this one need.
    """
    return open_network(embedded_store(), NETWORK, threads=1)


def _occlusion_odds(view: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Compute log-odds float32 (SIDE, SIDE) of being hidden, for `view` (SIDE, SIDE, 3) and `guide` (SIDE/4, SIDE/4, 4)."""
    return _network().run(view[None], guide[None])["odds"][0, 0]
