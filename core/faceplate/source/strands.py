"""Hair over the face that is not darker than the skin, and skin that shows between strands."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.image.soft_steps import disc, ramp
from faceplate.source.light import LUMINANCE
from faceplate.source.photograph import Photograph

__all__ = ["find_cracks", "find_gaps", "find_holes", "find_slits", "find_streaks", "find_under_fringe"]

# Standard deviations within which streaks are looked for and averaged, as fractions of the face's size.
_FINE, _AROUND = 0.008, 0.0105
# Contrast of streaks over that of the person's own bare skin, from nothing to enough, and the least contrast of skin in natural
# logarithm: make-up is smoother than any hair.
_STREAKED, _LEAST_CONTRAST = (2.8, 4.2), 0.02
# Deviation from the skin's light in natural logarithm, from nothing to enough: wrinkles and pores have less.
_UNLIKE = (0.12, 0.24)
# Radius of the thinnest skin between strands, and side of the least piece of skin, as fractions of the face's size.
_THIN, _LEAST_PIECE = 0.022, 0.1
# The same across and down where strands hang over a brow, which itself is wide and low.
_ACROSS, _DOWN, _LEAST_CORE = 0.05, 0.012, 0.03
# Radius of the least of a fringe, how far below and beside it no skin above a brow is the face's own, and the softness of that.
_FRINGE, _UNDER, _UNDER_BESIDE, _UNDER_SOFT = 0.02, 0.07, 0.02, 0.006
# Distances from a brow between which its margin becomes such skin, and between which the strip ends.
_BROW_KEEPS, _STRIP = (0.002, 0.016), (0.07, 0.085)
# Radius of the thinnest skin between what lies in front, as a fraction of the face's size.
_CRACK = 0.012
# Side of the largest hole in what lies in front that is no skin of its own, as a fraction of the face's size.
_HOLE = 0.07


def find_streaks(photograph: Photograph, apart: np.ndarray, calm: np.ndarray) -> np.ndarray:
    """Find hair of any colour by its streaks: float32 (gh, gw), 0..1.

    Blond and grey hair is about as bright as skin, but its luminance changes several times as much from strand to strand as the
    person's own skin does, and its colour is another.

    Parameters
    ----------
    photograph : Photograph
        The picture.
    apart : np.ndarray
        (gh, gw, 3), the picture over its low-order light, in natural logarithm.
    calm : np.ndarray
        (gh, gw), 0..1: bare skin without beard, which the streaks are compared with.
    """
    cells = photograph.cells
    luma = photograph.grid @ LUMINANCE
    fine = luma - cv2.GaussianBlur(luma, (0, 0), _FINE * cells)
    contrast = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), _AROUND * cells))
    skin = contrast[calm > 0.5]
    own = max(float(np.median(skin)) if len(skin) else 0.0, _LEAST_CONTRAST)
    away = np.abs(apart)
    away = np.maximum(np.maximum(away[..., 0], away[..., 1]), away[..., 2])
    unlike = cv2.GaussianBlur(away, (0, 0), _FINE * cells)
    return ramp(contrast / own, *_STREAKED) * ramp(unlike, *_UNLIKE)


def find_gaps(front: np.ndarray, zone: np.ndarray, covered: np.ndarray, cells: float) -> np.ndarray:
    """Find skin that shows only in thin or small pieces between what lies in front, float32 (gh, gw) in 0..1.

    Such skin is in the shadow of the hair around it and crossed by its finest strands, which are not found one by one.

    Parameters
    ----------
    front : np.ndarray
        float32 (gh, gw), 0..1, what lies in front.
    zone, covered : np.ndarray
        (gh, gw), 0..1: where hair is likely, and where the mesh is.
    cells : float
        The face's size in cells of the grid.
    """
    free = ((front < 0.3) & (covered > 0.5)).astype(np.uint8)
    core = cv2.erode(free, disc(_THIN * cells), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(core, connectivity=8)
    kept = stats[:, cv2.CC_STAT_AREA] > ((_LEAST_PIECE - 2 * _THIN) * cells) ** 2
    kept[0] = False
    whole = cv2.dilate(kept[np.asarray(labels, np.int32)].astype(np.uint8), disc(1.3 * _THIN * cells)) > 0
    beside = cv2.dilate((front > 0.3).astype(np.uint8), disc(2 * _THIN * cells)) > 0
    gaps = (free > 0) & beside & ~whole
    return (gaps * np.clip(2 * zone, 0, 1)).astype(np.float32)


def find_slits(front: np.ndarray, zone: np.ndarray, covered: np.ndarray, cells: float) -> np.ndarray:
    """Find skin and brow that show only in slits between strands that hang down, float32 (gh, gw) in 0..1.

    The parameters are those of `find_gaps`. A slit is narrow across the face; the brow between a fringe and a rim below it is wide.
    """
    free = ((front < 0.3) & (covered > 0.5)).astype(np.uint8)
    size = tuple(2 * max(round(radius * cells), 1) + 1 for radius in (_ACROSS, _DOWN))
    flat = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size)
    core = cv2.erode(free, flat, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(core, connectivity=8)
    kept = stats[:, cv2.CC_STAT_AREA] > (_LEAST_CORE * cells) ** 2
    kept[0] = False
    whole = cv2.dilate(kept[np.asarray(labels, np.int32)].astype(np.uint8), flat) > 0
    beside = cv2.dilate((front > 0.3).astype(np.uint8), disc(2 * _ACROSS * cells)) > 0
    slits = (free > 0) & beside & ~whole & (zone > 0.3)
    # With the soft border of the strands.
    return cv2.dilate(slits.astype(np.float32), disc(3)) * (slits | (front > 0.02))


def find_cracks(front: np.ndarray, zone: np.ndarray, covered: np.ndarray, cells: float) -> np.ndarray:
    """Find lines of skin between what lies in front that are left beside slits and gaps, float32 (gh, gw), 0 or 1.

    They are as thin as a strand. The parameters are those of `find_gaps`.
    """
    held = ((front > 0.3) | (covered < 0.5)).astype(np.uint8)
    # With the soft border of what lies around, in which the finest strands show.
    return (cv2.morphologyEx(held, cv2.MORPH_CLOSE, disc(_CRACK * cells)) * (zone > 0.3)).astype(np.float32)


def find_under_fringe(front: np.ndarray, over: np.ndarray, brows: np.ndarray, cells: float) -> np.ndarray:
    """Find the skin between a fringe and the brow just below it, float32 (gh, gw) in 0..1.

    It is a narrow strip, in the shadow of the fringe and crossed by the finest ends of its strands, which are not found one by one.

    Parameters
    ----------
    front : np.ndarray
        float32 (gh, gw), 0..1, what lies in front.
    over : np.ndarray
        (gh, gw), 0..1: the skin above the brows, with the upper edge of the brows.
    brows : np.ndarray
        bool (gh, gw), the brows themselves.
    cells : float
        The face's size in cells of the grid.
    """
    hanging = ((front > 0.5) & (over > 0.3) & ~brows).astype(np.uint8)
    hanging = cv2.morphologyEx(hanging, cv2.MORPH_OPEN, disc(_FRINGE * cells))
    size = tuple(2 * max(round(reach * cells), 1) + 1 for reach in (_UNDER_BESIDE, _UNDER))
    under = cv2.dilate(hanging, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size)).astype(np.float32)
    under = cv2.GaussianBlur(under, (0, 0), _UNDER_SOFT * cells)
    beyond = cv2.distanceTransform((~brows).astype(np.uint8), cv2.DIST_L2, 3) / cells
    strip = ramp(beyond, *_BROW_KEEPS) * (1 - ramp(beyond, *_STRIP))
    return (under * strip * np.clip(2 * over, 0, 1)).astype(np.float32)


def find_holes(front: np.ndarray, covered: np.ndarray, cells: float) -> np.ndarray:
    """Find small holes in what lies in front of the face, float32 (gh, gw), 0 or 1.

    Within a fringe they are brows or shaded skin between its strands, and alone they would be specks in the texture. The parameters
    are those of `find_gaps`.
    """
    free = ((front < 0.3) & (covered > 0.5)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(free, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < (_HOLE * cells) ** 2
    small[0] = False
    # With the soft border of what lies around.
    return cv2.dilate(small[np.asarray(labels, np.int32)].astype(np.float32), disc(2))
