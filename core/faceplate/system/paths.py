"""The user's own folders on this machine, as each platform places them (platformdirs)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from platformdirs.api import PlatformDirsABC
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

__all__ = ["NOWHERE", "cache_folder", "data_folder"]

NOWHERE = ("off", "none", "0")
"""Values of a setting that names a folder which mean "no folder"."""


def cache_folder(platform: str = sys.platform) -> Path:
    r"""Return the folder for files that can be made again.

    Linux: `$XDG_CACHE_HOME/faceplate`, else `~/.cache/faceplate`. macOS: `~/Library/Caches/Faceplate`. Windows:
    `%LOCALAPPDATA%\Faceplate\Cache`.

    Parameters
    ----------
    platform : str
        A value of `sys.platform`; the default is this machine's.
    """
    former = {"darwin": Path.home() / "Library" / "Caches" / "Faceplate", "win32": _local() / "Faceplate" / "cache"}
    return _existing_former(former.get(platform), _directories(platform).user_cache_path)


def data_folder(platform: str = sys.platform) -> Path:
    r"""Return the folder for files that the user brought, such as networks.

    Linux: `$XDG_DATA_HOME/faceplate`, else `~/.local/share/faceplate`. macOS: `~/Library/Application Support/Faceplate`.
    Windows: `%LOCALAPPDATA%\Faceplate`.

    Parameters
    ----------
    platform : str
        A value of `sys.platform`; the default is this machine's.
    """
    support = Path.home() / "Library" / "Application Support" / "Faceplate"
    former = {"darwin": support, "win32": _local() / "Faceplate"}
    return _existing_former(former.get(platform), _directories(platform).user_data_path)


def _directories(platform: str) -> PlatformDirsABC:
    if platform == "win32":
        return Windows("Faceplate", appauthor=False)
    return MacOS("Faceplate") if platform == "darwin" else Unix("faceplate")


def _local() -> Path:
    return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")


def _existing_former(former: Path | None, folder: Path) -> Path:
    """Return the folder of Faceplate 0.1 where only that one exists, so that no user loses a store or a cache.

    The two differ only where platformdirs follows XDG variables on macOS, or the known folder on Windows has moved.
    """
    return former if former is not None and former.is_dir() and not folder.is_dir() else folder
