"""The command line: reads it, runs one command, and turns every error into one line."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from install.children import call, environment_variables
from install.environment import ensure, remove
from install.settings import InstallError, Settings, read_project, read_settings
from install.training import add_torch

__all__ = ["COMMANDS", "main", "overview"]


def main(arguments: list[str]) -> int:
    """Run `python3 install <arguments>`. Return the exit code: 0 done, 1 failed, 2 a wrong request, 130 stopped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal lacks becomes '?', not an error
            stream.reconfigure(errors="replace")
    try:
        return _dispatch(arguments)
    except InstallError as error:
        _complain(str(error))
        return error.exit_code
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _complain(f"{error.strerror or error}{where}.")
        return 1
    except KeyboardInterrupt:
        _complain("stopped; the same command goes on from here.")
        return 130


def overview() -> str:
    """Return what a user reads without arguments: every command with its one line."""
    width = max(map(len, COMMANDS))
    lines = [f"  python3 install {name:<{width}}   {summary}" for name, (summary, _) in COMMANDS.items()]
    head = "Faceplate: replaces a performer's face on a scene-linear film plate."
    hosts = "Nuke, Blender, DaVinci Resolve: 'faceplate host install nuke|blender|resolve' in the environment."
    tail = "Settings: FACEPLATE_ENV (the environment's folder), FACEPLATE_PIP_ARGS (for pip); see docs/install.md."
    return "\n".join([head, "", *lines, "", hosts, tail])


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        raise InstallError(f"there is no command '{name}'; there are: {', '.join(COMMANDS)}.", exit_code=2)
    root = Path(__file__).resolve().parent.parent
    sys.path.append(str(root / "core"))  # for faceplate_client, which needs only the standard library
    return COMMANDS[name][1](read_settings(root, os.environ), rest)


def _demo(settings: Settings, arguments: list[str]) -> int:
    """Run `faceplate demo` in the user's folder; every argument goes to it."""
    # -P: a stray numpy.py in the user's folder must not be imported.
    command = [str(ensure(settings)), "-P", "-m", "faceplate.cli.main", "demo", *arguments]
    return call(command, None, environment_variables(settings, os.environ))


def _test(settings: Settings, arguments: list[str]) -> int:
    """Run `tests/checks.py` in the environment; every argument goes to pytest."""
    python = ensure(settings, ("test",))
    if "train" in read_project(settings.root)["project"].get("optional-dependencies", {}):
        add_torch(settings)
    command = [str(python), str(settings.root / "tests" / "checks.py"), *arguments]
    return call(command, settings.root, environment_variables(settings, os.environ))


def _env(settings: Settings, arguments: list[str]) -> int:
    """Make or update the environment; the arguments are extras. Standard output holds the folder alone, for scripts."""
    from faceplate_client.errors import HostError
    from faceplate_client.program import note_program

    extras = read_project(settings.root)["project"].get("optional-dependencies", {})
    if wrong := [word for word in arguments if word not in extras]:
        sentence = f"'env' takes names of extras ({', '.join(extras) or 'none'}), and got: {' '.join(wrong)}."
        raise InstallError(sentence, exit_code=2)
    ensure(settings, tuple(arguments))
    try:
        note_program(str(settings.python))
    except HostError as error:  # the environment is good all the same
        _complain(f"{error} Hosts find the engine by FACEPLATE_ENGINE={settings.python}.")
    print(settings.folder)
    return 0


def _clean(settings: Settings, arguments: list[str]) -> int:
    """Remove the environment, and the ones with Blender that tests/plugins/blender/bpy_modules.py made beside it."""
    from faceplate_client.program import forget_program

    if arguments:
        raise InstallError(f"'clean' takes no arguments, and got: {' '.join(arguments)}.", exit_code=2)
    forget_program(str(settings.python))
    print(f"removed {settings.folder}" if remove(settings) else f"there is no environment in {settings.folder}")
    for folder in settings.folder.parent.glob(f"{settings.folder.name}-bpy*"):
        if (folder / "faceplate-bpy.json").exists():
            shutil.rmtree(folder)
            print(f"removed {folder}")
    return 0


COMMANDS: dict[str, tuple[str, Callable[[Settings, list[str]], int]]] = {
    "demo": ("render the demo shot and say where it lies (--out FOLDER, --frames N)", _demo),
    "test": ("run every check of the project (further arguments go to pytest)", _test),
    "env": ("make or update the environment, print its folder; hosts then find the engine", _env),
    "clean": ("remove the environment", _clean),
}
"""Each command's line in the overview and its function, which returns the exit code and may raise InstallError."""


def _complain(sentence: str) -> None:
    sys.stdout.flush()
    print(f"install: {sentence}", file=sys.stderr, flush=True)
