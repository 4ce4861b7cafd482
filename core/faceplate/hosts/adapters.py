"""Locates the adapters' files: in a wheel they lie inside this package, in a clone in `plugins/`."""

from __future__ import annotations

from pathlib import Path

from faceplate.errors import RenderError, UsageError

__all__ = ["HOSTS", "adapter_folder", "licence_files", "page_file"]

HOSTS = ("nuke", "blender", "resolve")
"""The hosts that have an adapter."""

_LICENCES = ("LICENSE", "NOTICE")
# setup.py copies `plugins/` and the licence files here when it builds a wheel.
_IN_WHEEL = Path(__file__).with_name("plugins")
_CLONE = Path(__file__).parents[3]


def adapter_folder(host: str) -> Path:
    """Return the folder that holds the adapter of `host`.

    Raises `UsageError` `unknown-host`, `RenderError` `adapter-missing`.
    """
    if host not in HOSTS:
        raise UsageError("unknown-host", f"There is no adapter for '{host}'; there are: {', '.join(HOSTS)}.")
    for folder in (_IN_WHEEL / host, _CLONE / "plugins" / host):
        if folder.is_dir():
            return folder
    raise RenderError(
        "adapter-missing", f"The adapter for {host} is not in this installation; install Faceplate again."
    )


def page_file(host: str) -> Path:
    """Return the artists' page about a host, which an installed extension shows without a network."""
    folder = _IN_WHEEL if _IN_WHEEL.is_dir() else _CLONE / "docs"
    return folder / f"{host}.md"


def licence_files() -> tuple[Path, ...]:
    """Return LICENSE and NOTICE of the engine and its client, which an extension for Blender must carry."""
    folder = _IN_WHEEL if _IN_WHEEL.is_dir() else _CLONE
    return tuple(folder / name for name in _LICENCES)
