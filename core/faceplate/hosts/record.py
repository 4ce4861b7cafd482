"""Records where adapters were installed, so that `faceplate host list` also finds folders named with --dir."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from faceplate.hosts.client_copy import CLIENT
from faceplate.hosts.files import write_whole
from faceplate_client import paths

__all__ = ["Entry", "Installation", "forget", "installations", "remember"]

_FILE = "hosts.json"
_VERSION = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A recorded installation. `folder` holds `faceplate_client`; `host_version` is empty where it is not known."""

    host: str
    folder: str
    host_version: str = ""


@dataclass(frozen=True)
class Installation:
    """An adapter found on disk: its version, and the engine's Python that it starts (empty if it names none)."""

    host: str
    folder: Path
    version: str
    engine: str
    host_version: str = ""


def remember(host: str, folder: Path, host_version: str = "") -> str:
    """Add an installation to the record, or update it. Return why that was not possible, or ""."""
    return _change(Entry(host, str(folder), host_version), keep=True)


def forget(host: str, folder: Path) -> str:
    """Remove an installation from the record. Return why that was not possible, or ""."""
    return _change(Entry(host, str(folder)), keep=False)


def installations(defaults: Iterable[tuple[str, Path]] = ()) -> list[Installation]:
    """Return the adapters on disk: the recorded ones, and those in `defaults`, pairs of a host and a folder.

    Recorded folders that no longer hold an adapter are left out.
    """
    recorded = {(entry.host, Path(entry.folder)): entry.host_version for entry in _read()}
    for pair in defaults:
        recorded.setdefault(pair, "")
    found = []
    for (host, folder), host_version in recorded.items():
        try:
            version = _VERSION.search((folder / CLIENT / "version.py").read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
        engine = (paths.read_json(str(folder / CLIENT / "engine.json")) or {}).get("python", "")
        found.append(Installation(host, folder, version[1] if version else "unknown", str(engine), host_version))
    return sorted(found, key=lambda one: (one.host, str(one.folder)))


def _path() -> Path:
    return Path(paths.user_folder(os.environ)) / _FILE


def _read() -> list[Entry]:
    found = (paths.read_json(str(_path())) or {}).get("installations")
    entries = []
    for item in found if isinstance(found, list) else ():
        try:
            entries.append(Entry(str(item["host"]), str(item["folder"]), str(item.get("host_version", ""))))
        except (KeyError, TypeError, AttributeError):
            continue
    return entries


def _change(changed: Entry, keep: bool) -> str:
    """Rewrite the record under a lock. A record that cannot be written does not undo an installation."""
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            others = [one for one in _read() if (one.host, one.folder) != (changed.host, changed.folder)]
            entries = [asdict(one) for one in ([*others, changed] if keep else others)]
            write_whole(path, (json.dumps({"installations": entries}, indent=2) + "\n").encode())
    except OSError as error:
        return f"{path} could not be written ({error.strerror or error}), so 'faceplate host list' may be incomplete."
    return ""
