"""The environment: made once, brought up to date when the project's dependencies change, made again when broken.

A state file in it says how far it came. It is written before anything is touched and after everything is done, so that
an interrupted installation is recognized.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from install.check import MODULES
from install.children import Log, environment_variables
from install.creation import create, empty
from install.errors import InstallError
from install.lock import Lock
from install.settings import Settings
from install.words import missing_library, pip_failure

__all__ = ["State", "ensure", "read_state", "remove", "wanted_state"]

STATE = "faceplate-environment.json"
LOG = "install.log"
LOCK = "install.lock"
_IGNORE = ".gitignore"
_KEEP = frozenset({STATE, LOG, LOCK, _IGNORE})


@dataclass(frozen=True)
class State:
    """What an environment holds.

    `step`: "making", "installed" (not yet checked) or "ready". `origin`: the Python, machine, clone and folder it was
    made for; an environment cannot be moved. `project`: a hash of what pyproject.toml says about the package.
    """

    step: str
    origin: str
    project: str
    extras: tuple[str, ...]

    def covers(self, wanted: State) -> bool:
        """Whether an environment that got through `step` in this state has what `wanted` asks for."""
        same = self.origin == wanted.origin and self.project == wanted.project
        return same and set(wanted.extras) <= set(self.extras)


def ensure(settings: Settings, extras: tuple[str, ...] = ()) -> Path:
    """The environment's Python, after whatever it takes to have the project and `extras` in it.

    Takes no lock and starts nothing when all is well. Raises InstallError.
    """
    wanted = wanted_state(settings, extras)
    if _is_ready(settings, wanted):
        return settings.python
    _refuse_foreign(settings.folder)
    with Lock(settings.folder / LOCK, _say) as lock:
        if not _is_ready(settings, wanted):
            _bring_up(settings, wanted, Log(settings.folder / LOG, (lock.descriptor,)))
    return settings.python


def remove(settings: Settings) -> bool:
    """Removes the environment; False when there is none. Raises InstallError for a folder that is not one of ours."""
    if not settings.folder.exists():
        return False
    _refuse_foreign(settings.folder)
    lock = settings.folder / LOCK
    with Lock(lock, _say):
        empty(settings.folder, frozenset({LOCK}))
        if os.name != "nt":
            lock.unlink()
    if os.name == "nt":  # which cannot remove an open file
        lock.unlink(missing_ok=True)
    if not any(settings.folder.iterdir()):
        settings.folder.rmdir()
    return True


def wanted_state(settings: Settings, extras: tuple[str, ...]) -> State:
    """The state that this Python and this clone's pyproject.toml ask for. Raises InstallError when that is broken."""
    try:
        project = tomllib.loads((settings.root / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InstallError(f"pyproject.toml cannot be read ({error}); get the file back from git.") from None
    # The linters' settings live in the same file and must not cause an installation.
    package = [project.get("build-system"), project.get("project"), project.get("tool", {}).get("setuptools")]
    digest = hashlib.sha256(json.dumps(package, sort_keys=True, default=str).encode()).hexdigest()
    origin = f"{sys.implementation.cache_tag} {platform.machine()} {settings.root} {settings.folder}"
    return State("ready", origin, digest, tuple(sorted(extras)))


def read_state(folder: Path) -> State | None:
    """The state written in `folder`, or None when there is none that can be understood."""
    try:
        values = json.loads((folder / STATE).read_text("utf-8"))
        return State(str(values["step"]), str(values["origin"]), str(values["project"]), tuple(values["extras"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_ready(settings: Settings, wanted: State) -> bool:
    state = read_state(settings.folder)
    return state is not None and state.step == "ready" and state.covers(wanted) and settings.python.exists()


def _bring_up(settings: Settings, wanted: State, log: Log) -> None:
    state = read_state(settings.folder)
    usable = state is not None and state.step != "making" and state.origin == wanted.origin and settings.python.exists()
    if state is None or not usable:
        _write_state(settings.folder, replace(wanted, step="making"))
        (settings.folder / _IGNORE).write_text("*\n", "utf-8")
        _timed("making the environment", lambda: create(settings, log, _KEEP))
        installed = _install(settings, wanted, log)
    elif state.covers(wanted):
        installed = state
    else:
        installed = _update(settings, wanted, state, log)
    _check(settings, log)
    _write_state(settings.folder, replace(installed, step="ready"))


def _install(settings: Settings, wanted: State, log: Log) -> State:
    """pip installs the project; returns the state it wrote, "installed"."""
    target = f".[{','.join(wanted.extras)}]" if wanted.extras else "."
    command = [str(settings.python), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    # No compiler is asked for: a missing wheel is said at once. The project itself is exempt, it is a local folder.
    command += ["--only-binary", ":all:", *settings.pip_arguments, "-e", target]
    variables = environment_variables(settings, os.environ)

    def run() -> None:
        if not log.run(command, settings.root, variables):
            print(f"\n{log.tail()}", end="", file=sys.stderr)
            cause = pip_failure(log.tail(1000))
            raise InstallError(f"the packages could not be installed: {cause} (all of it: {log.path}).")

    _timed("installing Faceplate and its packages (the first time takes about a minute)", run)
    state = replace(wanted, step="installed")
    _write_state(settings.folder, state)
    return state


def _update(settings: Settings, wanted: State, state: State, log: Log) -> State:
    """Installs into a working environment. pip that refuses changes nothing, so then the old state holds again."""
    both = replace(wanted, extras=tuple(sorted({*state.extras, *wanted.extras})))
    _write_state(settings.folder, replace(both, step="making"))
    try:
        return _install(settings, both, log)
    except InstallError:
        _write_state(settings.folder, state)
        raise


def _check(settings: Settings, log: Log) -> None:
    """Loads every package once, in the environment's Python. Raises InstallError naming what is missing."""
    script = settings.root / "install" / "check.py"
    command = [str(settings.python), "-I", str(script), *MODULES]
    variables = environment_variables(settings, os.environ)
    done = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode == 0:
        return
    output = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    with log.path.open("a", encoding="utf-8") as file:
        file.write(f"\n$ {' '.join(command)}\n{output}\n")
    try:
        failure = json.loads(done.stdout)
    except ValueError:
        raise InstallError(
            f"the installed packages crash this Python (exit {done.returncode}); type 'python3 install clean', "
            f"then try again (all of it: {log.path})."
        ) from None
    raise InstallError(missing_library(failure["module"], failure["error"]))


def _write_state(folder: Path, state: State) -> None:
    part = folder / f"{STATE}.part"
    part.write_text(json.dumps(asdict(state), indent=2) + "\n", "utf-8")
    part.replace(folder / STATE)


def _refuse_foreign(folder: Path) -> None:
    """Never empty a folder that this program did not make."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InstallError(f"{folder} is a file; set FACEPLATE_ENV to a folder, or remove it.", exit_code=2)
    # Another run may be making it this moment. The state is the first file that it writes: so whatever stood here when the
    # folder was listed came after it, and it must be there now.
    names = {entry.name for entry in folder.iterdir()} - {f"{STATE}.part"}
    if not (names <= _KEEP or (folder / STATE).exists()):
        raise InstallError(
            f"{folder} holds something that Faceplate did not make; remove it, or set FACEPLATE_ENV to another folder.",
            exit_code=2,
        )


def _timed(what: str, work: Callable[[], None]) -> None:
    print(f"{what} …", end="", file=sys.stderr, flush=True)
    start = time.monotonic()
    try:
        work()
    except BaseException:
        print(file=sys.stderr)
        raise
    print(f" {time.monotonic() - start:.0f} s", file=sys.stderr)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
