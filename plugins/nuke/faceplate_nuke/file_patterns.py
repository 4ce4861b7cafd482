"""File patterns that are derived from the pattern of a node's frames. Imports no `nuke`."""

from __future__ import annotations

import os

__all__ = ["HALF", "proxy_pattern", "sibling_pattern"]

HALF = 2
"""The proxy factor of previews."""


def sibling_pattern(pattern: str, stem: str) -> str:
    """Return a pattern in the same folder: `…/element.####.exr` and `plate` give `…/plate.####.exr`."""
    return os.path.dirname(pattern) + "/" + stem + ".####.exr"


def proxy_pattern(pattern: str, factor: int) -> str:
    """Return the pattern of a proxy: `…/element.####.exr` at 2 is `…/element.proxy2.####.exr`; at 1 the pattern."""
    if factor == 1:
        return pattern
    folder, name = os.path.split(pattern)
    head, _, tail = name.partition(".")
    return f"{folder}/{head}.proxy{factor}.{tail}"
