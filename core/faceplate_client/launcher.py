"""Start the engine's program, found by the record that the installation wrote, in a clean environment."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading

from . import paths
from .errors import EngineError

__all__ = ["clean_environment", "engine_command", "launch", "log_tail", "make_run_folder"]

_HOST = ("LD_LIBRARY_PATH", "LD_PRELOAD", "QT_PLUGIN_PATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
_HOST_STARTS = ("PYTHON", "DYLD_", "CONDA_")
_HERE = os.path.dirname(os.path.abspath(__file__))


def engine_command(environ=None):
    """Return the command that starts the engine's ``faceplate``, without arguments.

    Looked for in this order: ``$FACEPLATE_ENGINE`` (a Python or a ``faceplate``), ``engine.json`` in this package's
    folder, the user's ``engine.json``, ``faceplate`` on PATH.

    Raises
    ------
    EngineError
        ``engine-not-found``, ``engine-missing``.
    """
    values = os.environ if environ is None else environ
    named = values.get("FACEPLATE_ENGINE", "").strip()
    if named:
        path = os.path.abspath(os.path.expanduser(named))
        if not os.path.isfile(path):
            path = shutil.which(named) or path
        return _words(_existing(path, "FACEPLATE_ENGINE"))
    for folder in (_HERE, paths.user_folder(values)):
        file = paths.program_file(folder)
        python = (paths.read_json(file) or {}).get("python")
        if python:
            return _words(_existing(str(python), file), python=True)
    found = shutil.which("faceplate", path=values.get("PATH"))
    if found:
        return [found]
    raise EngineError(
        "engine-not-found",
        "Faceplate's engine was not found; run 'python3 install env' in the Faceplate folder, or name its Python in "
        "FACEPLATE_ENGINE.",
    )


def clean_environment(environ=None):
    """Return the environment variables for the engine.

    The host's Python, libraries and plug-ins are removed, and ``OCIO``, which is sent with each shot instead.
    """
    values = os.environ if environ is None else environ
    kept = {}
    for name, value in values.items():
        if name in _HOST or name == "OCIO" or name.upper().startswith(_HOST_STARTS):
            continue
        kept[name] = value
    kept["PYTHONNOUSERSITE"] = "1"
    return kept


def launch(arguments, folder, environ=None):
    """Start ``faceplate serve`` with `arguments`, detached from this process and its terminal.

    Its output goes to `paths.start_log`. Returns the `Popen`; a thread waits for it, so that an engine that ends leaves no
    zombie process in the host.

    Raises
    ------
    EngineError
        ``engine-not-started``.
    """
    command = [*engine_command(environ), "serve", *arguments]
    make_run_folder(folder)
    variables = clean_environment(environ)
    variables["FACEPLATE_RUN"] = folder
    # DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
    flags = 0x00000008 | 0x00000200 if os.name == "nt" else 0
    try:
        with open(paths.start_log(folder), "wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=variables,
                start_new_session=os.name != "nt",
                creationflags=flags,
            )
    except OSError as error:
        raise EngineError(
            "engine-not-started",
            f"The engine ({command[0]}) could not be started: {error.strerror or error}.",
        ) from None
    threading.Thread(target=process.wait, name="faceplate-engine", daemon=True).start()
    return process


def make_run_folder(folder):
    """Make the run folder, accessible to this user only. Raises `EngineError` ``run-folder`` when it is not safe."""
    try:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
    except OSError as error:
        raise EngineError("run-folder", f"The folder {folder} cannot be made: {error.strerror or error}.") from None
    why = paths.why_unsafe(folder)
    if why:
        raise EngineError(
            "run-folder",
            f"The folder {folder} {why}, so the engine's token would not be safe in it; chmod 700 it, or name another in "
            "FACEPLATE_RUN.",
        )


def log_tail(folder, lines=4):
    """Return the last lines that a starting engine printed, joined into one line."""
    for path in (paths.start_log(folder), paths.log_file(folder)):
        try:
            with open(path, "rb") as file:
                file.seek(max(os.path.getsize(path) - 4096, 0))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            continue
        kept = [line.strip() for line in text.splitlines() if line.strip()]
        if kept:
            return " | ".join(kept[-lines:])
    return ""


def _existing(path, where):
    if not os.path.isfile(path):
        raise EngineError(
            "engine-missing", f"The engine's program {path} (from {where}) is not there; install Faceplate again."
        )
    return path


def _words(path, python=False):
    name = os.path.basename(path).lower()
    if python or name.startswith(("python", "pypy")):
        return [path, "-I", "-m", "faceplate.cli.main"]
    return [path]
