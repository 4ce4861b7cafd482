"""The user's own places on this machine, by each platform's custom."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["NOWHERE", "cache_folder", "data_folder"]

NOWHERE = ("off", "none", "0")
"""What a setting that names a folder says for none."""


def cache_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """For what can be made again: XDG_CACHE_HOME, Caches, or %LOCALAPPDATA%."""
    if platform == "win32":
        return _local(environ) / "cache"
    if platform == "darwin":
        return _home(environ) / "Library" / "Caches" / "Faceplate"
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else _home(environ) / ".cache") / "faceplate"


def data_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """For what the user brought: XDG_DATA_HOME, Application Support, or %LOCALAPPDATA%."""
    if platform == "win32":
        return _local(environ)
    if platform == "darwin":
        return _home(environ) / "Library" / "Application Support" / "Faceplate"
    base = environ.get("XDG_DATA_HOME")
    return (Path(base) if base else _home(environ) / ".local" / "share") / "faceplate"


def _local(environ: Mapping[str, str]) -> Path:
    base = environ.get("LOCALAPPDATA")
    return (Path(base) if base else _home(environ) / "AppData" / "Local") / "Faceplate"


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())
