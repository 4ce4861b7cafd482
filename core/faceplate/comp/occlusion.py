"""Occlusion: where something in front of the face (a hand, hair, a microphone) hides it, with its edge's true alpha.

Colour cannot tell a hand from a face, so a small network does that: it sees the face squared up by its own mesh, beside
the mesh's outline, eyes, brows, nose and lips, and says for every pixel whether the face is what shows there.
It ships with a card, `face_occlusion`; `tests/truth/make_occlusion.py` made it from invented faces and drawn occluders. It
decides at 320 pixels; the plate's own pixels then decide the edge, by the colours found on either side of it.

Everything is measured in parts of the face's own level in each channel, so exposure and white balance of the plate
change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from faceplate.color import ColorConfig, Exposure, encode
from faceplate.face import Face, topology
from faceplate.face.align import apply, compose, invert, resample, scale_of
from faceplate.image.inpaint import fill
from faceplate.image.window import Window
from faceplate.models import Network, embedded_store, open_network

__all__ = ["BLOCK", "NETWORK", "SIDE", "occlusion_matte", "occlusion_window"]

NETWORK = "face_occlusion"
"""The card of the network that ships."""

SIDE = 320
"""Side in pixels of the square that the network sees; the face's longer side fills 1 / 1.14 of it."""

BLOCK = 4
"""The network works on blocks of so many by so many pixels, and the mesh is drawn for it at that size."""

_FILL = 1.14
_Y_OF_REC709 = np.array((0.2126, 0.7152, 0.0722), np.float32)
# The face's size in pixels on the grid where edges are found: enough for a strand, and the cost stops growing there.
_FINE = 512.0
# A blur of so many pixels is worked out on every second one.
_COARSE = 4.0
_SUM = np.ones((1, 3), np.float32)
# An edge is looked for where the raised probability is above the first, and so many of the network's pixels around.
_DOUBT, _ROOM = 0.1, 20
# How far beside the face's outline that is looked for, in the network's pixels.
_BESIDE = 8
# Half the width, in the network's pixels, up to which something is a strand; and how much surer it is than it looks.
_STRAND, _SURER = 4.0, 3.0
# A spot is where something is surer than the first. It counts from nothing to all between the lengths of the second, in the
# network's pixels, and between the mean probabilities of the third.
_SEEN, _SPECK, _CERTAIN = 0.25, (14.0, 26.0), (0.18, 0.34)
# Highlights count up to this many times the face's level; log-odds of sure ends.
_HOT, _FAR = 8.0, 20.0
# MediaPipe's person network was trained on head and shoulders in a square: the face is a third of it.
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
) -> np.ndarray:
    """How far something in front hides the face, float32 (h, w) in 0..1 on `window`: 1 hidden, 0 the face shows.

    `plate` is float32 (h, w, 3), scene-linear working space of `color`, on the plate pixels `window`; pixels well beyond
    the face's outline count as not hidden. `sensitivity` 0..1: 0 finds nothing (exactly 0 everywhere), 0.5 goes by the
    network's even odds, 1 takes every doubt for an occluder. `person_network` (selfie_segmentation, or None) adds what
    it is sure belongs to nobody, a microphone say. Without `edges` it is the network's own word in its whole square:
    soft, and steadier from frame to frame. Time is linear in the pixels of `window`.
    """
    nothing = np.zeros((window.height, window.width), np.float32)
    if sensitivity <= 0.0 or window.empty:
        return nothing
    linear = color.to_linear709(plate)
    square = _square(face, pixel_aspect)
    seen = resample(linear, window, square, Window(0, 0, SIDE, SIDE))
    maps = _maps(apply(square, face.points[:, :2]))
    levels = _levels(seen, maps.hull)
    if not (levels > 0.0).all():
        return nothing
    odds = _odds(_network_view(seen, levels), maps.guide)
    if person_network is not None:
        level = float(levels @ _Y_OF_REC709)
        odds = np.maximum(odds, _not_a_person(linear, level, face, window, pixel_aspect, person_network))
    odds = odds + np.float32(_bias(sensitivity))
    if not edges:
        sure = _step(resample(_sigmoid(odds), Window(0, 0, SIDE, SIDE), invert(square), window), 0.4, 0.75)
        return sure.reshape(nothing.shape)
    return _on_plate(odds, maps.hull, linear, levels, face, window, square)


def occlusion_window(face: Face, pixel_aspect: float = 1.0) -> Window:
    """The plate pixels under the network's square: beyond them nothing counts as hidden."""
    corners = np.array([[0, 0], [SIDE, 0], [0, SIDE], [SIDE, SIDE]], np.float64)
    return Window.around(apply(invert(_square(face, pixel_aspect)), corners))


# The square that the network sees -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Maps:
    """The mesh drawn into the square: `hull` bool (SIDE, SIDE), `guide` float32 (SIDE/4, SIDE/4, 4) in 0..1."""

    hull: np.ndarray
    guide: np.ndarray


def _square(face: Face, pixel_aspect: float, side: int = SIDE, room: float = _FILL) -> np.ndarray:
    """Plate to square (2, 3): eyes level, the mesh's box in the middle, its longer side 1 / `room` of the square."""
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


def _maps(points: np.ndarray) -> _Maps:
    """What the mesh expects where: the outline; eyes and, by half, brows; lips and, by half, nose; the open mouth."""
    mesh = topology()
    loops = (
        ((mesh.oval, 255),),
        ((mesh.right_brow, 128), (mesh.left_brow, 128), (mesh.right_eye_loop, 255), (mesh.left_eye_loop, 255)),
        ((mesh.nose, 128), (mesh.lips_loop, 255)),
        ((mesh.mouth_loop, 255),),
    )
    drawn = np.zeros((len(loops), SIDE, SIDE), np.uint8)
    for plane, parts in zip(drawn, loops, strict=True):
        for loop, value in parts:
            cv2.fillPoly(plane, [np.round((points[loop] - 0.5) * 16).astype(np.int32)], value, shift=4)
    small = [cv2.resize(plane, (SIDE // BLOCK,) * 2, interpolation=cv2.INTER_AREA) for plane in drawn]
    return _Maps(drawn[0] > 0, np.stack(small, axis=-1).astype(np.float32) / 255)


def _levels(seen: np.ndarray, hull: np.ndarray) -> np.ndarray:
    """The median of each channel inside the hull, float32 (3,): it moves with the light, hardly with what hides it."""
    some = hull[::2, ::2]  # every second pixel of every second row tells as much
    return np.median(seen[::2, ::2][some], axis=0).astype(np.float32) if some.any() else np.zeros(3, np.float32)


def _network_view(seen: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Linear Rec.709 (SIDE, SIDE, 3) as the network knows it: half the stops from half the level, held within ±2."""
    ratio = np.maximum(seen, 0.0) / levels
    return (np.clip(np.log2(ratio + np.float32(0.03)) + 1.0, -4.0, 4.0) / 2).astype(np.float32)


def _bias(sensitivity: float) -> float:
    """What a sensitivity adds to the log-odds: 0 at 0.5, about -3.9 and +3.9 towards the ends."""
    held = min(max(sensitivity, 1e-6), 1.0)
    return float(np.log(held / (1.02 - held)) - np.log(0.5 / 0.52))


def _not_a_person(
    linear: np.ndarray, level: float, face: Face, window: Window, pixel_aspect: float, network: Network
) -> np.ndarray:
    """Log-odds float32 (SIDE, SIDE) that MediaPipe's person network sees nobody there; above 0 only when it is sure."""
    wide, whole = _square(face, pixel_aspect, _PERSON_SIDE, _PERSON_FILL), Window(0, 0, _PERSON_SIDE, _PERSON_SIDE)
    shown = np.clip(encode(resample(linear, window, wide, whole), Exposure.of_level(level).gain), 0.0, 1.0)
    person = next(iter(network.run(shown[None]).values())).reshape(_PERSON_SIDE, _PERSON_SIDE).astype(np.float32)
    matrix = compose(_square(face, pixel_aspect), invert(wide))
    person = resample(person, whole, matrix, Window(0, 0, SIDE, SIDE))
    return np.float32(60.0) * (np.float32(0.1) - np.clip(person, 0.0, 1.0))


# The network ----------------------------------------------------------------------------------------------------------


@cache
def _network() -> Network:
    """The network that ships (a U-Net of five levels: Ronneberger et al., "U-Net", MICCAI 2015; 832,788 numbers)."""
    return open_network(embedded_store(), NETWORK)


def _odds(view: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Log-odds float32 (SIDE, SIDE) of being hidden, for `view` (SIDE, SIDE, 3) and `guide` (SIDE/4, SIDE/4, 4)."""
    return _network().run(view[None], guide[None])["odds"][0, 0]


# The plate's own pixels -----------------------------------------------------------------------------------------------


def _on_plate(
    odds: np.ndarray,
    hull: np.ndarray,
    linear: np.ndarray,
    levels: np.ndarray,
    face: Face,
    window: Window,
    square: np.ndarray,
) -> np.ndarray:
    """The log-odds (SIDE, SIDE) as a matte on the plate's pixels, its edges where the plate's colours change.

    They are sought around what may hide the face inside its outline `hull` bool (SIDE, SIDE), and a little beyond.

    Edges are found on a grid that is the plate's own up to a face of 512 pixels; beyond that a guided filter carries
    the matte to the plate's pixels.
    """
    shrink = min(1.0, _FINE / face.size)
    fine = Window(0, 0, max(round(window.width * shrink), 1), max(round(window.height * shrink), 1))
    across, down = fine.width / window.width, fine.height / window.height
    to_fine = np.array([[across, 0, -window.x * across], [0, down, -window.y * down]], np.float64)
    found, from_square = _with_strands(odds), compose(to_fine, invert(square))
    near = _doubtful(found[..., 1] * cv2.dilate(hull.astype(np.float32), _disc(_BESIDE)), from_square).intersect(fine)
    matte = np.zeros((fine.height, fine.width), np.float32)
    if near.empty:
        return cv2.resize(matte, (window.width, window.height))
    seen = near if shrink == 1.0 else fine
    pixels = np.clip(resample(linear, window, to_fine, seen) / levels, 0.0, _HOT)
    hidden = np.clip(resample(found, Window(0, 0, SIDE, SIDE), from_square, near), 0.0, 1.0)
    part = _edges(hidden[..., 0], hidden[..., 1], pixels[near.slices(seen)], scale_of(from_square))
    matte[near.slices(fine)] = part
    if shrink == 1.0:
        return matte
    return _carried(matte, pixels, np.clip(linear / levels, 0.0, _HOT))


def _doubtful(sure: np.ndarray, from_square: np.ndarray) -> Window:
    """What the places of the square where `sure` (SIDE, SIDE) says anything cover on the grid of `from_square`, with room."""
    rows, columns = np.nonzero(sure > _DOUBT)
    if rows.size == 0:
        return Window(0, 0, 0, 0)
    low, high = (np.array([end(columns), end(rows)], np.float64) for end in (np.min, np.max))
    low, high = low - _ROOM, high + 1 + _ROOM
    return Window.around(apply(from_square, np.array([low, high, (low[0], high[1]), (high[0], low[1])])))


def _with_strands(odds: np.ndarray) -> np.ndarray:
    """The probability of the log-odds, as it is and with what is thin raised, (SIDE, SIDE, 2).

    A strand that fills a third of the network's pixel is hidden by a third there, and yet as sure as a hand.
    """
    hidden = _sigmoid(odds)
    hidden[[0, -1]] = hidden[:, [0, -1]] = 0.0  # beyond the square nothing is known, so nothing is hidden
    thin = hidden - cv2.morphologyEx(hidden, cv2.MORPH_OPEN, _disc(_STRAND))
    sure = np.minimum(hidden + _SURER * thin, 1.0)
    return np.stack([hidden, sure], axis=-1) * _without_doubts(hidden, sure)[..., None]


def _without_doubts(hidden: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """How far a spot of `sure` (SIDE, SIDE) counts, float32 in 0..1: less the smaller it is (a tooth is nothing in front of a
    face), and the less it is `hidden` on average (a wrinkle, a curl of beard). It fades, so that nothing pops
    from one frame to the next.
    """
    count, spots, sizes, _ = cv2.connectedComponentsWithStats((sure > _SEEN).astype(np.uint8), connectivity=8)
    if count == 1:
        return np.ones_like(sure)
    label = np.asarray(spots, np.int64)
    certain = np.bincount(label.ravel(), hidden.ravel(), minlength=count) / sizes[:, cv2.CC_STAT_AREA]
    length = sizes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    worth = (_step(length, *_SPECK) * _step(certain, *_CERTAIN)).astype(np.float32)
    worth[0] = 0.0
    each, beside = worth[label], cv2.dilate((label > 0).astype(np.uint8), _disc(2)) > 0
    # What lies right beside a spot goes with it; beside two, with the worthier.
    return np.where(label > 0, each, np.where(beside, cv2.dilate(each, _disc(2)), np.float32(1)))


def _edges(hidden: np.ndarray, sure: np.ndarray, pixels: np.ndarray, unit: float) -> np.ndarray:
    """The matte float32 (h, w) for the network's probability `hidden` (h, w) over `pixels` (h, w, 3).

    `sure` is `hidden` with strands raised; `unit` is the size of one of the network's pixels. Near the edge the face's
    colour and the occluder's are each carried on from where they are sure, and a pixel's alpha is its place on the line
    between the two; where these are alike the probability itself has the word.
    """
    near = cv2.dilate(sure, _disc(1.5 * unit))
    face = _surroundings(pixels, cv2.erode((sure < 0.15).astype(np.float32), _disc(0.7 * unit)), 4.0 * unit)
    away = _dot(pixels - face, pixels - face)
    front = _surroundings(pixels, sure**2 * (away + np.float32(0.01)), 3.0 * unit)
    line = front - face
    length = _dot(line, line)
    place = _dot(pixels - face, line) / np.maximum(length, np.float32(1e-6))
    trust = length / (length + np.float32(0.02) * _dot(face, face) + np.float32(1e-4))
    place = cv2.GaussianBlur(place, (0, 0), 0.6)
    # A strand's own colour is hardly ever seen unmixed, so less of it counts as all of it.
    whole = np.float32(0.7) - np.minimum(sure - hidden, np.float32(0.5))
    alpha = trust * _step(place, 0.1, whole) * _step(near, 0.2, 0.6) + (1 - trust) * _step(sure, 0.1, 0.3)
    return np.maximum(alpha, _step(hidden, 0.4, 0.75)).astype(np.float32)


def _surroundings(pixels: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """The weighted average of `pixels` (h, w, 3) around each pixel; where no weight is near, a smooth continuation."""
    height, width = weight.shape
    # What is this smooth needs no more than every second pixel.
    step = 2 if sigma >= _COARSE else 1
    size = (-(-width // step), -(-height // step))
    held, carried = weight, pixels * weight[..., None]
    if step > 1:
        held, carried = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (held, carried))
    held, carried = (cv2.GaussianBlur(part, (0, 0), sigma / step) for part in (held, carried))
    known = held > 1e-3
    filled = fill(carried / np.maximum(held, np.float32(1e-3))[..., None], known.astype(np.float32))
    return cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR) if step > 1 else filled


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The dot product of two pictures' colours, float32 (h, w)."""
    return cv2.transform(first * second, _SUM)


def _carried(matte: np.ndarray, pixels: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """`matte` (gh, gw), found on the small `pixels` (gh, gw, 3), on the `plate` (h, w, 3), float32 (h, w).

    K. He, J. Sun, "Fast Guided Filter", arXiv:1505.00996, 2015: locally the matte is a · guide + b; a and b are smooth,
    so they are enlarged, and the large guide puts the edge where it belongs.
    """
    size = (plate.shape[1], plate.shape[0])
    small, large = (np.sqrt(picture @ _Y_OF_REC709) for picture in (pixels, plate))

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (5, 5))

    mean_guide, mean_matte = mean(small), mean(matte)
    spread = mean(small * small) - mean_guide**2
    slope = (mean(small * matte) - mean_guide * mean_matte) / (spread + np.float32(1e-4))
    offset = mean_matte - slope * mean_guide
    slope, offset = (cv2.resize(mean(part), size, interpolation=cv2.INTER_LINEAR) for part in (slope, offset))
    plain = cv2.resize(matte, size, interpolation=cv2.INTER_LINEAR)
    # Where the matte is all or nothing there is no edge to place, and the filter's blur would only spoil it.
    solid = np.abs(2 * cv2.resize(mean_matte, size, interpolation=cv2.INTER_LINEAR) - 1) > 0.98
    return np.where(solid, plain, np.clip(slope * large + offset, 0.0, 1.0)).astype(np.float32)


def _disc(radius: float) -> np.ndarray:
    side = 2 * max(round(radius), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _step(values: np.ndarray, low: float, high: float | np.ndarray) -> np.ndarray:
    """Smoothstep: 0 up to `low`, 1 from `high`."""
    t = np.clip((values - np.float32(low)) / np.asarray(high - low, np.float32), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def _sigmoid(odds: np.ndarray) -> np.ndarray:
    return (1.0 / (1.0 + np.exp(-np.clip(odds, -_FAR, _FAR)))).astype(np.float32)
