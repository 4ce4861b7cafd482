"""`faceplate cache`: where results of stages are kept, how much lies there, and how to empty it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from faceplate.cache import NO_CACHE, StageCache, settings_from
from faceplate.render.cache_types import KINDS

__all__ = ["cache_command", "render_cache"]

# A run goes over each frame once: memory only has to hold what one frame asks for twice.
_RUN_MEMORY = 256 << 20


def cache_command(clear: Annotated[bool, typer.Option("--clear", help="Empty it.")] = False) -> None:
    """Print where the engine keeps results of stages on disk, and how much of the limit they take."""
    cache = StageCache.from_environment(kinds=KINDS)
    if clear:
        cache.clear(disk=True)
    disk = cache.state()["disk"]
    if disk["folder"] is None:
        print("Nothing is kept on disk (FACEPLATE_CACHE).")
        return
    print(f"{disk['folder']}: {disk['bytes'] / 2**20:.0f} of {disk['limit'] / 2**20:.0f} MiB")


def render_cache() -> StageCache:
    """The cache of `faceplate render`: the folder that `FACEPLATE_CACHE` names; without it nothing is kept."""
    settings = settings_from(disk=False)
    if settings.folder is None:
        return NO_CACHE
    return StageCache(replace(settings, memory=min(settings.memory, _RUN_MEMORY)), KINDS)
