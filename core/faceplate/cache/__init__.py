"""Results of stages, kept in memory and on disk under a key of exactly what they depend on."""

from faceplate.cache.disk import DiskCache
from faceplate.cache.key import code_mark, content_mark, digest, file_mark
from faceplate.cache.memory import MemoryCache
from faceplate.cache.stages import NO_CACHE, CacheCounts, StageCache, settings_from

__all__ = [
    "NO_CACHE",
    "CacheCounts",
    "DiskCache",
    "MemoryCache",
    "StageCache",
    "code_mark",
    "content_mark",
    "digest",
    "file_mark",
    "settings_from",
]
