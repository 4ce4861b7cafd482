"""Network space without its shoulder: plain sRGB that goes on above 1, in which a difference looks alike in light and shadow.

Network space holds highlights on a shoulder (`color.encoding.Shoulder`), where a small difference is much light: at 0.88
an error of 0.03 is most of a stop. Light is changed and faces are compared in plain sRGB, where it is as much as it looks.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from faceplate.color.encoding import SHOULDER

__all__ = ["KNEE", "LIMIT", "SCALE", "network_of", "plain_of"]

KNEE = SHOULDER.knee
"""Up to here both are the same."""

SCALE = SHOULDER.scale
"""The shoulder's `a`."""

LIMIT = 0.93
"""Highlights above this value of network space, some stops above white, count as this value and a straight line."""


_HALVES = 1 << 16
_PER_UNIT, _MOST = 1024, 32  # steps of `_network_table` in one unit of plain sRGB, and its end
_HIGHEST = 1.1  # in network space, of a stored face; 27 in plain sRGB


def plain_of(network: np.ndarray) -> np.ndarray:
    """Return network space, float16 or float32 of any shape, as plain sRGB, float32.

    A new array only where the type is another or something is above the knee.
    """
    if network.dtype == np.float16:  # there are so few of them that a table is the fastest
        return np.take(_plain_table(), np.ascontiguousarray(network).view(np.uint16))
    high = network > KNEE
    if not high.any():
        return network
    plain = network.copy()
    plain[high] = _plain(network[high])
    return plain


def network_of(plain: np.ndarray) -> np.ndarray:
    """Return plain sRGB, float32 of any shape, as network space: the inverse of `plain_of`, within 1e-5.

    `plain` must be contiguous, and is changed itself.
    """
    flat = plain.reshape(-1)
    high = np.flatnonzero(flat > KNEE)
    if len(high):
        place = np.minimum(flat[high] * np.float32(_PER_UNIT), np.float32(_PER_UNIT * _MOST - 1))
        step = place.astype(np.intp)
        table, rise = _network_table()
        flat[high] = table[step] + (place - step.astype(np.float32)) * rise[step]
    return plain


def _plain(network: np.ndarray) -> np.ndarray:
    return 1.055 * SHOULDER.decode(network) ** (1 / 2.4) - 0.055


@cache
def _plain_table() -> np.ndarray:
    """Return `plain_of` of every float16 by its bits, float32; those below 0 and that are no numbers stay as they are."""
    table = np.arange(_HALVES, dtype=np.uint16).view(np.float16).astype(np.float32)
    high = np.flatnonzero((table > KNEE) & (table <= _HIGHEST))
    table[high] = _plain(table[high])
    return table


@cache
def _network_table() -> tuple[np.ndarray, np.ndarray]:
    """Return the network space of plain sRGB in even steps, and how far it rises to the next step, float32."""
    plain = np.arange(_PER_UNIT * _MOST + 1) / _PER_UNIT
    encoded = SHOULDER.encode((((plain + 0.055) / 1.055) ** 2.4).astype(np.float32))
    network = np.where(plain > KNEE, encoded, plain)
    return network[:-1].astype(np.float32), np.diff(network).astype(np.float32)
