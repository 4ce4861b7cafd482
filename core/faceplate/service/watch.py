"""Notices changes on disk of what the engine keeps open: model stores and OCIO configs."""

from __future__ import annotations

import threading
from pathlib import Path

from faceplate.color.config_files import forget_file_contents, ocio_files
from faceplate.models import ModelStore, default_store
from faceplate.models.store import EMBEDDED
from faceplate.system.user_paths import entries, fingerprint_of

__all__ = ["ConfigWatch", "StoreWatch"]


class StoreWatch:
    """The user's model store, read again when a file in one of its folders is added, removed or replaced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._store = default_store()
        self._state = self._on_disk()

    def current(self) -> tuple[ModelStore, str]:
        """Return the store as it is now, and a text that changes whenever its files do."""
        with self._lock:
            state = self._on_disk()
            if state != self._state:
                self._store, self._state = ModelStore(self._store.folders), state
            return self._store, self._state

    def _on_disk(self) -> str:
        folders = [folder for folder in self._store.folders if folder != EMBEDDED]
        files = [path for folder in folders for path in entries(folder) if not path.name.startswith(".")]
        return fingerprint_of(files)


class ConfigWatch:
    """The state on disk of OCIO configs and of the files that they read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, tuple[Path, ...]]] = {}

    def state(self, config: str | None) -> str:
        """Return a text that changes whenever `config`, or a LUT or CDL that it reads, changes; "" for a built-in config.

        The config is parsed again only after a change. OCIO's own cache of file contents is then emptied.
        """
        if not config or "://" in config:
            return ""
        with self._lock:
            known, files = self._known.get(config, ("", ()))
            state = fingerprint_of(files)
            if known and state == known:
                return state
            if known:
                forget_file_contents()
            files = _files(Path(config).expanduser())
            state = fingerprint_of(files)
            self._known[config] = (state, files)
            return state


def _files(config: Path) -> tuple[Path, ...]:
    """Return the files of a config; the config alone where it cannot be read, which opening it reports."""
    try:
        return ocio_files(config)
    except Exception:  # OCIO's exceptions have no common base class, and a path may be one that it refuses
        return (config,)
