"""Paths of the engine's state file, logs, and program record.

The engine and the client both use this module, so that they agree. It imports nothing of this package, so that an
installer can load it alone.
"""

from __future__ import annotations

import json
import os
import stat
import sys

__all__ = [
    "API",
    "STATE_PREFIX",
    "log_file",
    "program_file",
    "read_json",
    "run_folder",
    "start_log",
    "state_file",
    "state_files",
    "user_folder",
    "why_unsafe",
]

STATE_PREFIX = "engine-"
# Incremented only when an older client can no longer use a newer engine.
API = 1


def run_folder(environ=None, platform=sys.platform):
    """Return the folder of the state file, the lock and the logs.

    ``$FACEPLATE_RUN``, else ``$XDG_RUNTIME_DIR/faceplate``, else a folder among the user's caches.
    """
    values = os.environ if environ is None else environ
    named = values.get("FACEPLATE_RUN", "").strip()
    if named:
        return os.path.abspath(os.path.expanduser(named))
    if platform == "win32":
        base = values.get("LOCALAPPDATA") or os.path.join(os.path.expanduser("~"), "AppData", "Local")
        return os.path.join(base, "Faceplate", "run")
    if platform == "darwin":
        return os.path.join(os.path.expanduser("~"), "Library", "Caches", "Faceplate", "run")
    runtime = values.get("XDG_RUNTIME_DIR", "")
    if runtime and os.path.isdir(runtime):
        return os.path.join(runtime, "faceplate")
    base = values.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "faceplate", "run")


def user_folder(environ=None, platform=sys.platform):
    """Return the folder of the user's Faceplate data: models, and ``engine.json``."""
    values = os.environ if environ is None else environ
    home = os.path.expanduser("~")
    if platform == "win32":
        return os.path.join(values.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local"), "Faceplate")
    if platform == "darwin":
        return os.path.join(home, "Library", "Application Support", "Faceplate")
    return os.path.join(values.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share"), "faceplate")


def program_file(folder):
    """Return the file in `folder` that names the engine's Python."""
    return os.path.join(folder, "engine.json")


def state_file(folder, version):
    """Return the file to which the engine of `version` writes its port and token."""
    return os.path.join(folder, STATE_PREFIX + version + ".json")


def state_files(folder, version):
    """Return every state file of `folder`: that of `version` first, then the newest."""
    own = state_file(folder, version)
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    paths = [os.path.join(folder, name) for name in names if name.startswith(STATE_PREFIX) and name.endswith(".json")]
    return sorted(paths, key=lambda path: (path != own, -_modified(path)))


def log_file(folder):
    """Return the engine's log file, which is rotated."""
    return os.path.join(folder, "engine.log")


def start_log(folder):
    """Return the file with what the engine printed before its log was open; it explains a failed start."""
    return os.path.join(folder, "engine-start.log")


def read_json(path):
    """Return the object in a JSON file; None when the file is missing or holds no object."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def why_unsafe(path):
    """Return why a token is not safe in `path`, as a clause; empty when only this user can access it."""
    if os.name != "posix":  # a Windows profile is its owner's alone
        return ""
    try:
        found = os.lstat(path)
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if stat.S_ISLNK(found.st_mode):
        return "is a link"
    if found.st_uid != os.getuid():
        return "belongs to another user"
    if found.st_mode & 0o077:
        return "can be opened by other users"
    return ""


def _modified(path):
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
