"""Makes the environment once, updates it when the project's dependencies change, and makes it again when it is broken.

A state file in the environment says how far the installation came. It is written before anything is touched and after
everything is done, so that an interrupted installation is recognized.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from install.children import Log, environment_variables
from install.creation import create, empty, find_uv
from install.lock import locked
from install.messages import missing_library, pip_failure
from install.settings import InstallError, Settings, read_project

__all__ = ["State", "ensure", "remove", "wanted_state"]

STATE = "faceplate-environment.json"
LOG = "install.log"
LOCK = "install.lock"
_IGNORE = ".gitignore"
_KEEP = frozenset({STATE, LOG, LOCK, _IGNORE})
_MODULES = ("numpy", "cv2", "onnxruntime", "PyOpenColorIO", "OpenImageIO", "fileseq", "faceplate")
# Run by the environment's Python: prints the first module that does not load, as JSON. A broken binary raises anything.
_CHECK = """
import importlib, json, sys
for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
    except Exception as error:
        print(json.dumps([module, f"{type(error).__name__}: {error}".splitlines()[0]]))
        sys.exit(1)
"""


@dataclass(frozen=True)
class State:
    """What an environment holds.

    `step`: "making", "installed" (not yet checked) or "ready". `origin`: the Python, machine, clone and folder it was
    made for; an environment cannot be moved. `project`: a hash of what the clone says about the package.
    """

    step: str
    origin: str
    project: str
    extras: tuple[str, ...]

    def covers(self, wanted: State) -> bool:
        """Return whether an environment in this state has what `wanted` asks for, apart from `step`."""
        same = self.origin == wanted.origin and self.project == wanted.project
        return same and set(wanted.extras) <= set(self.extras)


def ensure(settings: Settings, extras: tuple[str, ...] = ()) -> Path:
    """Bring the environment up with the project and `extras` in it; return its Python.

    Takes no lock and starts nothing if nothing has to be done. Raises InstallError.
    """
    wanted = wanted_state(settings, extras)
    if not _is_ready(settings, wanted):
        _refuse_foreign(settings.folder)
        with locked(settings.folder / LOCK, _say) as descriptor:
            if not _is_ready(settings, wanted):
                _bring_up(settings, wanted, Log(settings.folder / LOG, descriptor))
    return settings.python


def remove(settings: Settings) -> bool:
    """Remove the environment; return False if there is none. Raises InstallError for a folder that is not one of ours."""
    if not settings.folder.exists():
        return False
    _refuse_foreign(settings.folder)
    lock = settings.folder / LOCK
    with locked(lock, _say):
        empty(settings.folder, frozenset({LOCK}))
        if os.name != "nt":
            lock.unlink()
    if os.name == "nt":  # which cannot remove an open file
        lock.unlink(missing_ok=True)
    if not any(settings.folder.iterdir()):
        settings.folder.rmdir()
    return True


def wanted_state(settings: Settings, extras: tuple[str, ...]) -> State:
    """Return the state that this Python and this clone ask for. Raises InstallError for a damaged pyproject.toml."""
    project = read_project(settings.root)
    # The settings of linters are in the same file and must not cause an installation.
    package = [project.get("build-system"), project.get("project"), project.get("tool", {}).get("setuptools")]
    version = settings.root / "core" / "faceplate_client" / "version.py"
    package.append(version.read_text("utf-8") if version.is_file() else "")
    digest = hashlib.sha256(json.dumps(package, sort_keys=True, default=str).encode()).hexdigest()
    origin = f"{sys.implementation.cache_tag} {platform.machine()} {settings.root} {settings.folder}"
    return State("ready", origin, digest, tuple(sorted(extras)))


def _read_state(folder: Path) -> State | None:
    """Return the state written in `folder`, or None if there is none that can be read."""
    try:
        values = json.loads((folder / STATE).read_text("utf-8"))
        return State(str(values["step"]), str(values["origin"]), str(values["project"]), tuple(values["extras"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_ready(settings: Settings, wanted: State) -> bool:
    state = _read_state(settings.folder)
    return state is not None and state.step == "ready" and state.covers(wanted) and settings.python.exists()


def _bring_up(settings: Settings, wanted: State, log: Log) -> None:
    state = _read_state(settings.folder)
    usable = state is not None and state.step != "making" and state.origin == wanted.origin and settings.python.exists()
    if state is None or not usable:
        _write_state(settings.folder, replace(wanted, step="making"))
        (settings.folder / _IGNORE).write_text("*\n", "utf-8")
        uv = find_uv(settings)
        _say("making the environment …")
        create(settings, log, _KEEP, uv)
        installed = _install(settings, wanted, log, uv)
    elif state.covers(wanted):
        installed = state
    else:
        installed = _update(settings, wanted, state, log)
    _check(settings, log)
    _write_state(settings.folder, replace(installed, step="ready"))


def _install(settings: Settings, wanted: State, log: Log, uv: str | None) -> State:
    """Install the project with uv, or with pip where uv is not used or fails. Return the state it wrote, "installed"."""
    target = f".[{','.join(wanted.extras)}]" if wanted.extras else "."
    # No compiler is asked for: a missing wheel is reported at once. pip exempts a local folder, uv must be told.
    words = ["--only-binary", ":all:", *settings.pip_arguments, "-e", target]
    python = str(settings.python)
    ways = [[python, "-m", "pip", "install", "--no-input", "--progress-bar", "off", *words]]
    if uv:
        ways.insert(0, [uv, "pip", "install", "--python", python, "--no-progress", "--no-binary", "faceplate", *words])
    variables = environment_variables(settings, os.environ)
    _say("installing Faceplate and its packages (the first time takes about a minute) …")
    if not any(log.run(command, settings.root, variables) for command in ways):
        _say(log.tail())
        cause = pip_failure(log.tail(1000))
        raise InstallError(f"the packages could not be installed: {cause} (all of it: {log.path}).")
    state = replace(wanted, step="installed")
    _write_state(settings.folder, state)
    return state


def _update(settings: Settings, wanted: State, state: State, log: Log) -> State:
    """Install into a working environment. pip that refuses changes nothing, so then the old state is written again."""
    both = replace(wanted, extras=tuple(sorted({*state.extras, *wanted.extras})))
    _write_state(settings.folder, replace(both, step="making"))
    try:
        return _install(settings, both, log, find_uv(settings))
    except InstallError:
        _write_state(settings.folder, state)
        raise


def _check(settings: Settings, log: Log) -> None:
    """Load every package once, in the environment's Python. Raises InstallError naming what does not load."""
    command = [str(settings.python), "-I", "-c", _CHECK, *_MODULES]
    variables = environment_variables(settings, os.environ)
    done = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode == 0:
        return
    output = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    with log.path.open("a", encoding="utf-8") as file:
        file.write(f"\n$ loading {' '.join(_MODULES)}\n{output}\n")
    try:
        module, error = json.loads(done.stdout)
    except ValueError:
        raise InstallError(
            f"the installed packages crash this Python (exit {done.returncode}); type 'python3 install clean', "
            f"then try again (all of it: {log.path})."
        ) from None
    raise InstallError(missing_library(module, error))


def _write_state(folder: Path, state: State) -> None:
    part = folder / f"{STATE}.part"
    part.write_text(json.dumps(asdict(state), indent=2) + "\n", "utf-8")
    part.replace(folder / STATE)


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder that this program did not make, so that it is never emptied. Raises InstallError."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InstallError(f"{folder} is a file; set FACEPLATE_ENV to a folder, or remove it.", exit_code=2)
    # Another run may be making it at this moment. The state is the first file that a run writes, so if the folder held
    # anything else when it was listed, the state is there now.
    names = {entry.name for entry in folder.iterdir()} - {f"{STATE}.part"}
    if not (names <= _KEEP or (folder / STATE).exists()):
        sentence = (
            f"{folder} holds something that Faceplate did not make; remove it, or set FACEPLATE_ENV to another folder."
        )
        raise InstallError(sentence, exit_code=2)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
