"""What tracking measures of a face's pixels beside its place and shape: its look, stored in the track for every frame.

A look is measured on one frame alone. Assembly smooths the looks of a span over time, so that a render of any single frame
knows what its neighbours showed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceplate.comp.edge_energy import measure_energy
from faceplate.comp.edge_widths import EdgeWidths, edge_places, measure_edges_on
from faceplate.comp.feature_tones import FeatureTones, measure_features
from faceplate.comp.occlusion import (
    COARSE_LIMIT,
    COARSE_SIDE,
    coarse_odds,
    measure_odds,
    occlusion_window,
    soft_matte,
)
from faceplate.comp.skin_tones import SkinTones, measure_tones
from faceplate.comp.teeth import filled_with_teeth, open_enough
from faceplate.face import Face
from faceplate.face.expression import mouth_openness
from faceplate.face.eyelids import lids_of
from faceplate.face.shape import unsqueezed
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.track import mesh_codec
from faceplate.track.features import between_features, pack_features, smooth_features, unpack_features
from faceplate.track.sharpness import between_softness, pack_edges, unpack_edges
from faceplate.track.teeth import between_teeth, smooth_teeth, stored_teeth
from faceplate.track.tones import RAW, between_tones, pack_tones, smooth_tones, unpack_tones

__all__ = [
    "Look",
    "between_looks",
    "look_as_stored",
    "look_window",
    "measure_look",
    "pack_look",
    "smooth_looks",
    "unpack_look",
]

# Steps per unit of the log-odds in the track file.
_ODDS_STEPS = 2.0

# Standard deviation in frames of the Gaussian that follows the median, and of the longer one over frames whose log-odds are alike,
# with the standard deviation of what counts as alike.
_WIDTH, _LONG, _ALIKE = 0.7, 6.0, 2.0

# Fixed occlusion sensitivity: what hides the face has no tones of the face, whatever the render's parameter says.
_SENSITIVITY = 0.5

# How surely a mouth must show its teeth to tell how full it is of them; the frames beside tell it of a closed one.
_SHOWN = 0.5
# Decimals of the lids' openness in the track file.
_LIDS_DIGITS = 3


@dataclass(frozen=True)
class Look:
    """The look of one face in one frame.

    `hidden` float32 (COARSE_SIDE, COARSE_SIDE): the log-odds, within ±COARSE_LIMIT, that something in front hides that block of
    the face's square (`comp.occlusion.coarse_odds`). `tones` are the face's light and colour, `features` its
    sclera and teeth over the skin; both are None in a track of an earlier version. `edges` are the steepness of its edges as
    measured in the frame. `softness`, in a smoothed look, is the standard deviation of the face's edges, motion blur left out, as a
    fraction of its size. `lids` float64 (2,), how far the right and the left eye are open, as measured in the frame
    (`face.eyelids`). `teeth`, 0..1, is how far the open mouth is full of teeth (`comp.teeth`); None where it is
    closed.
    """

    hidden: np.ndarray
    tones: SkinTones | None = None
    features: FeatureTones | None = None
    edges: EdgeWidths | None = None
    softness: float | None = None
    lids: np.ndarray | None = None
    teeth: float | None = None


def look_window(face: Face, pixel_aspect: float) -> Window:
    """Return the plate pixels that `measure_look` reads."""
    return occlusion_window(face, pixel_aspect)


def measure_look(frame: Frame, face: Face) -> Look:
    """Measure the look of `face` on the pixels of `frame`, which cover `look_window` where the plate has pixels.

    The occlusion network runs once.
    """
    aspect = frame.pixel_aspect
    seen = frame.region(look_window(face, aspect))
    pixels = seen.working()
    odds = measure_odds(frame.color.to_linear709(pixels), face, seen.window, pixel_aspect=aspect)
    visible = None if odds is None else 1 - soft_matte(odds, face, seen.window, _SENSITIVITY, aspect)
    tones = measure_tones(pixels, seen.window, face, visible, aspect)
    features = measure_features(pixels, seen.window, face, tones, visible, aspect)
    places = edge_places(seen.window, face, visible, aspect)
    light = places.read(frame.color.luminance(pixels), seen.window)
    edges = replace(measure_edges_on(light, places), energy=measure_energy(light, places))
    lids = np.clip(np.round(lids_of(seen, face), _LIDS_DIGITS), 0.0, 1.0)
    shown = open_enough(mouth_openness(unsqueezed(face.points, aspect)))
    teeth = stored_teeth(filled_with_teeth(pixels, seen.window, face)) if shown >= _SHOWN else None
    return Look(coarse_odds(odds), tones, features, edges, lids=lids, teeth=teeth)


def pack_look(look: Look | None) -> str | None:
    """Encode a look's occlusion as the track file's text; `tones.pack_tones` and `features.pack_features` encode the rest."""
    return None if look is None else mesh_codec.pack_numbers(look.hidden.ravel(), _ODDS_STEPS)


def unpack_look(
    text: str | None,
    tones: SkinTones | None = None,
    features: FeatureTones | None = None,
    edges: EdgeWidths | None = None,
    softness: float | None = None,
    lids: Sequence[float] | None = None,
    teeth: float | None = None,
) -> Look | None:
    """Decode the text of `pack_look` and add what else is known of the face. Raises `ValueError` for invalid text."""
    if text is None:
        return None
    values = mesh_codec.unpack_numbers(text, COARSE_SIDE**2, _ODDS_STEPS)
    hidden = np.clip(values, -COARSE_LIMIT, COARSE_LIMIT).astype(np.float32)
    opened = None if lids is None else np.array(lids, np.float64)
    return Look(hidden.reshape(COARSE_SIDE, COARSE_SIDE), tones, features, edges, softness, opened, teeth)


def look_as_stored(look: Look | None) -> Look | None:
    """Round a measured look to the values that the track file stores."""
    if look is None:
        return None
    tones = unpack_tones(pack_tones(look.tones, RAW), RAW)
    features, edges = unpack_features(pack_features(look.features)), unpack_edges(pack_edges(look.edges))
    lids = None if look.lids is None else np.round(look.lids, _LIDS_DIGITS).tolist()
    return unpack_look(pack_look(look), tones, features, edges, lids=lids, teeth=stored_teeth(look.teeth))


def between_looks(first: Look | None, second: Look | None, part: float) -> Look | None:
    """Interpolate between two looks, `part` 0 at the first and 1 at the second; where one is None, return the other."""
    if first is None or second is None:
        return first or second
    hidden = first.hidden + np.float32(part) * (second.hidden - first.hidden)
    tones = between_tones(first.tones, second.tones, part)
    features = between_features(first.features, second.features, part)
    softness = between_softness(first.softness, second.softness, part)
    return Look(hidden, tones, features, softness=softness, teeth=between_teeth(first.teeth, second.teeth, part))


def smooth_looks(
    frames: Sequence[int], looks: Sequence[Look | None], wanted: Sequence[int], step: int
) -> list[Look | None]:
    """Smooth the looks of one span over time and return one for each of the `wanted` frames.

    The median of three frames removes what shows in one frame only and fills what is missing in one; it leaves the moment at
    which an occluder arrives or leaves where it is. A Gaussian of less than a frame then softens that moment. Both are centred,
    so there is no lag. Where the odds are doubtful for many frames, their mean over these frames stands in place of what each
    shows. Frames without a look are interpolated between their neighbours. Tones are smoothed by `tones.smooth_tones`, features by
    `features.smooth_features`, and how full the mouth is of teeth by `teeth.smooth_teeth`.

    Parameters
    ----------
    frames : sequence of int
        Ascending frames of `looks`.
    looks : sequence of Look or None
        As measured.
    wanted : sequence of int
        The frames to return.
    step : int
        Distance of neighbouring frames.
    """
    known = [(frame, look) for frame, look in zip(frames, looks, strict=True) if look is not None]
    if not known:
        return [None] * len(wanted)
    every = np.arange(known[0][0], known[-1][0] + 1, step)
    stack = _filled(np.array([frame for frame, _ in known]), np.stack([look.hidden for _, look in known]), every)
    padded = np.concatenate([stack[:1], stack, stack[-1:]])
    steady = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    beside = float(np.exp(-0.5 / _WIDTH**2))
    padded = np.concatenate([steady[:1], steady, steady[-1:]])
    soft = ((padded[:-2] + padded[2:]) * beside + padded[1:-1]) / (1 + 2 * beside)
    soft = _steadied(soft, stack, step)
    places = np.clip(np.searchsorted(every, wanted), 0, len(every) - 1)
    tones = smooth_tones(frames, [None if look is None else look.tones for look in looks], wanted, step)
    features = smooth_features(frames, [None if look is None else look.features for look in looks], wanted)
    teeth = smooth_teeth(frames, [None if look is None else look.teeth for look in looks], wanted, step)
    rows = zip(places, tones, features, teeth, strict=True)
    return [Look(soft[place].astype(np.float32), tone, feature, teeth=full) for place, tone, feature, full in rows]


def _steadied(soft: np.ndarray, odds: np.ndarray, step: int) -> np.ndarray:
    """Average the log-odds `odds` (n, h, w) over those frames around each whose values are like `soft` (n, h, w) there.

    A doubtful block's odds wander about 0 from frame to frame, and what they show would come and go; their mean over many frames
    stands. A hand that arrives changes the odds by much more, so that the frames before and after are not mixed (a bilateral
    filter in time: C. Tomasi and R. Manduchi, "Bilateral filtering for gray and color images", ICCV 1998).
    """
    reach = int(np.ceil(2.5 * _LONG / step))
    total, weights = soft.copy(), np.ones_like(soft)
    for apart in range(1, reach + 1):
        near = np.float32(np.exp(-0.5 * (apart * step / _LONG) ** 2))
        for here, there in ((slice(apart, None), slice(None, -apart)), (slice(None, -apart), slice(apart, None))):
            alike = near * np.exp(-0.5 * ((odds[there] - soft[here]) / np.float32(_ALIKE)) ** 2)
            total[here] += alike * odds[there]
            weights[here] += alike
    return total / weights


def _filled(frames: np.ndarray, values: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Interpolate `values` (n, ...) at `frames` linearly to `every` frame between the first and the last."""
    right = np.clip(np.searchsorted(frames, every), 0, len(frames) - 1)
    left = np.maximum(right - (frames[right] > every), 0)
    width = np.maximum(frames[right] - frames[left], 1)
    part = ((every - frames[left]) / width).astype(np.float32)[:, None, None]
    return values[left] * (1 - part) + values[right] * part
