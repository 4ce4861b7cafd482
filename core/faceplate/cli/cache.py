"""`faceplate cache`: shows the stage cache, and clears it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from faceplate.cache import NO_CACHE, StageCache, settings_from
from faceplate.render.cache_types import KINDS

__all__ = ["cache_command", "render_cache"]

# A run renders each frame once, so memory has to hold only what one frame needs twice.
_RUN_MEMORY = 256 << 20


def cache_command(clear: Annotated[bool, typer.Option("--clear", help="Clear the cache.")] = False) -> None:
    """Show the stage cache's location and size."""
    cache = StageCache.from_environment(kinds=KINDS)
    if clear:
        cache.clear(disk=True)
    disk = cache.state()["disk"]
    if disk["folder"] is None:
        print("Nothing is kept on disk (FACEPLATE_CACHE).")
        return
    print(f"{disk['folder']}: {disk['bytes'] / 2**20:.0f} of {disk['limit'] / 2**20:.0f} MiB")


def render_cache() -> StageCache:
    """Return the cache of `faceplate render`: the folder of `FACEPLATE_CACHE`, or no cache without it."""
    settings = settings_from(disk=False)
    if settings.folder is None:
        return NO_CACHE
    return StageCache(replace(settings, memory=min(settings.memory, _RUN_MEMORY)), KINDS)
