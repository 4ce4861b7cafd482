"""Whether the file of a frame is whole, and made of what it would be made of now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceplate.plate.exr.container import DamagedExrError, read_chunks
from faceplate.render.renderer import Renderer
from faceplate_client.exr import header

__all__ = ["current_key", "is_current", "is_whole"]


def is_current(renderer: Renderer, frame: int, values: Mapping[str, Any] | None = None, proxy: int = 1) -> bool:
    """Say whether the file of `frame` is whole and made of what it would be made of now.

    `faceplate:key` answers without reading the plate. Where it differs, `faceplate:content` recognises a plate whose
    date alone changed (a copy on another machine). A format without Faceplate's header fields is never current. Raises
    what `Renderer.key` raises.
    """
    return bool(current_key(renderer, frame, values, proxy))


def is_whole(path: Path) -> bool:
    """Say whether every chunk of an OpenEXR file is there; no pixel is decoded."""
    try:
        read_chunks(path)
    except (DamagedExrError, OSError):
        return False
    return True


def current_key(renderer: Renderer, frame: int, values: Mapping[str, Any] | None, proxy: int) -> str:
    """Return the key of `frame` where its file is current, else ""."""
    path = renderer.output.path(frame)
    fields = header(str(path))
    if "faceplate:key" not in fields or not is_whole(path):
        return ""
    key = renderer.key(frame, values, proxy)
    if fields["faceplate:key"] == key:
        return key
    content = fields.get("faceplate:content")
    return key if content and content == renderer.key(frame, values, proxy, content=True) else ""
