"""Cryptomatte: id mattes as ranked id and coverage pairs, after the public specification by Psyop."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np

__all__ = ["FACE_ID", "cryptomatte", "cryptomatte_id", "murmur3_32"]

FACE_ID = "faceplate_id"
"""Cryptomatte's name for the layer; its channels are `faceplate_id00.R` and so on; float."""


def cryptomatte(
    names_and_mattes: Sequence[tuple[str, np.ndarray]], layer: str = FACE_ID
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Encode mattes as Cryptomatte layers.

    A layer's channels are id, coverage, id, coverage, the largest coverage of a pixel first: two ranks a layer, as many
    layers as the names need. Pass every name in every frame (a matte of zeros for a person who is not visible), so that the
    number of layers does not change over a shot. Where the mattes add up to more than 1 they are scaled to 1; equal names
    become one matte. Ids must stay exact: the layers need 32 bits and a lossless compression. After "Cryptomatte
    Specification", github.com/Psyop/Cryptomatte/specification.

    Parameters
    ----------
    names_and_mattes : sequence of (str, np.ndarray)
        Mattes (h, w), 0..1.
    layer : str
        The layer's name.

    Returns
    -------
    layers : dict of str to np.ndarray
        float32 (h, w, 4) by layer name.
    metadata : dict of str to str
        The header attributes that belong to them.

    Raises
    ------
    ValueError
        When no matte is given or their sizes differ.
    """
    if not names_and_mattes:
        raise ValueError("a Cryptomatte needs at least one name")
    named: dict[str, np.ndarray] = {}
    for name, matte in names_and_mattes:
        named[name] = named.get(name, np.float32(0)) + np.clip(matte, 0, 1).astype(np.float32)
    covered = np.stack(list(named.values()))
    covered = covered / np.maximum(covered.sum(axis=0), 1)
    ids = np.array([cryptomatte_id(name) for name in named], np.float32)
    order = np.argsort(-covered, axis=0, kind="stable")
    ranked = np.take_along_axis(covered, order, axis=0)
    pairs = np.stack([np.where(ranked > 0, ids[order], np.float32(0)), ranked], axis=-1)
    if len(pairs) % 2:
        pairs = np.concatenate([pairs, np.zeros_like(pairs[:1])])
    layers = {
        f"{layer}{number:02d}": np.concatenate([pairs[2 * number], pairs[2 * number + 1]], axis=-1)
        for number in range(len(pairs) // 2)
    }
    return layers, _metadata(layer, named)


def cryptomatte_id(name: str) -> float:
    """Compute the pixel value for `name`: its hash's bits as a float, without zeros, infinities and NaN."""
    hashed = murmur3_32(name.encode())
    exponent = min(max(hashed >> 23 & 255, 1), 254)
    return float(np.uint32(hashed & 0x807FFFFF | exponent << 23).view(np.float32))


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """Compute MurmurHash3_x86_32 of `data`, an unsigned 32-bit number (A. Appleby, public domain, 2011)."""
    h, whole = seed, len(data) // 4 * 4
    for start in range(0, whole, 4):
        h = _rotate(h ^ _scramble(int.from_bytes(data[start : start + 4], "little")), 13) * 5 + 0xE6546B64 & 0xFFFFFFFF
    h ^= _scramble(int.from_bytes(data[whole:], "little")) ^ len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def _metadata(layer: str, names: Iterable[str]) -> dict[str, str]:
    manifest = {name: _hex(cryptomatte_id(name)) for name in sorted(names)}
    under = f"cryptomatte/{_hex(cryptomatte_id(layer))[:7]}"
    return {
        f"{under}/name": layer,
        f"{under}/hash": "MurmurHash3_32",
        f"{under}/conversion": "uint32_to_float32",
        f"{under}/manifest": json.dumps(manifest, separators=(",", ":")),
    }


def _hex(value: float) -> str:
    return f"{int(np.float32(value).view(np.uint32)):08x}"


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & 0xFFFFFFFF


def _scramble(block: int) -> int:
    return _rotate(block * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF
