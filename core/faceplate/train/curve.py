"""Network space without its shoulder: plain sRGB that goes on above 1, in which a difference looks alike in light and shadow.

Network space holds highlights on a shoulder (`color.encoding.Shoulder`), where a small difference is much light: at 0.88
an error of 0.03 is most of a stop. Light is changed and faces are compared in plain sRGB, where it is as much as it looks.
"""

from __future__ import annotations

import numpy as np

from faceplate.color.encoding import SHOULDER

__all__ = ["KNEE", "LIMIT", "SCALE", "network_of", "plain_of"]

KNEE = SHOULDER.knee
"""Up to here both are the same."""

SCALE = SHOULDER.scale
"""The shoulder's `a`."""

LIMIT = 0.93
"""Highlights above this value of network space, some stops above white, count as this value and a straight line."""


def plain_of(network: np.ndarray) -> np.ndarray:
    """Return network space as plain sRGB, float32 of any shape; a new array only where something is above the knee."""
    high = network > KNEE
    if not high.any():
        return network
    plain = network.copy()
    plain[high] = 1.055 * SHOULDER.decode(network[high]) ** (1 / 2.4) - 0.055
    return plain


def network_of(plain: np.ndarray) -> np.ndarray:
    """Return plain sRGB, which may be above 1, as network space; the inverse of `plain_of`."""
    high = plain > KNEE
    if not high.any():
        return plain
    network = plain.copy()
    network[high] = SHOULDER.encode(((plain[high] + 0.055) / 1.055) ** 2.4)
    return network
