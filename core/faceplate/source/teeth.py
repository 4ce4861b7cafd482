"""The teeth of a picture: the parts of its open mouth that another opening must not stretch."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.teeth import tooth_likeness
from faceplate.face import mouth
from faceplate.image.soft_steps import smoothstep
from faceplate.image.symmetric_log import to_log
from faceplate.image.window import Window
from faceplate.source.photograph import Photograph

__all__ = ["find_teeth"]

# Standard deviation within which pixels are read, as a fraction of the face's size.
_READ = 0.002
# The most by which teeth and dark are apart, in natural logarithm: side teeth in the shade are rigid as well.
_SHADED = 4.0
# Softness of the teeth on the chart: along the mouth, so that neighbouring teeth keep one row, and across it.
_ALONG, _ACROSS = 3.0, 1.0
# How rigid gums are between the teeth and their lip.
_GUMS = 0.8
# Openness from which a mouth shows teeth, and shows them surely.
_SHUT, _OPEN = 0.03, 0.08


def find_teeth(photograph: Photograph) -> np.ndarray:
    """Find the teeth of a picture on the mouth's chart, float32 (`mouth.ROWS`, `mouth.COLUMNS`): 1 on a tooth, 0 elsewhere.

    The upper half counts as upper teeth with their gums down to the last tooth, the lower half as lower teeth from the first one.
    A closed mouth has none.
    """
    face, places = photograph.face, mouth.chart(photograph.face.points)
    near = Window.around(places.reshape(-1, 2), 0.02 * face.size + 2).intersect(photograph.window)
    open_enough = float(smoothstep(photograph.geometry.mouth, _SHUT, _OPEN))
    if near.empty or open_enough == 0:
        return np.zeros((mouth.ROWS, mouth.COLUMNS), np.float32)
    x, y = cv2.split((places - (near.x + 0.5, near.y + 0.5)).astype(np.float32))
    log = to_log(photograph.pixels[near.slices(photograph.window)], face.level)
    soft = cv2.GaussianBlur(log, (0, 0), max(_READ * face.size, 0.5))
    tooth = tooth_likeness(cv2.remap(soft, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), _SHADED)
    tooth = cv2.GaussianBlur(tooth, (0, 0), _ALONG, sigmaY=_ACROSS, borderType=cv2.BORDER_REPLICATE)
    half = mouth.ROWS // 2
    upper_gum = np.maximum.accumulate(tooth[:half][::-1], axis=0)[::-1]
    lower_gum = np.maximum.accumulate(tooth[half:], axis=0)
    gums = np.float32(_GUMS) * np.concatenate([upper_gum, lower_gum])
    return np.float32(open_enough) * np.maximum(tooth, gums)
