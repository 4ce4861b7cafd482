"""Reads the command line, runs one command, and turns every refusal into one line."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from install.commands import COMMANDS, load
from install.errors import InstallError
from install.settings import read_settings

__all__ = ["main", "overview"]


def main(arguments: list[str]) -> int:
    """Runs `python3 install <arguments>`. Returns the exit code: 0 done, 1 failed, 2 a wrong request, 130 stopped."""
    _never_fail_to_print()
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
    """What a person reads without arguments: every command with its one line."""
    width = max(len(name) for name in COMMANDS)
    lines = [f"  python3 install {name:<{width}}   {load(name).SUMMARY}" for name in COMMANDS]
    return "\n".join(
        [
            "Faceplate: replaces a performer's face on a scene-linear film plate.",
            "",
            *lines,
            "",
            "Settings: FACEPLATE_ENV (the environment's folder), FACEPLATE_PIP_ARGS (for pip); see docs/install.md.",
        ]
    )


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        raise InstallError(f"there is no command '{name}'; there are: {', '.join(COMMANDS)}.", exit_code=2)
    root = Path(__file__).resolve().parent.parent
    return load(name).run(read_settings(root, os.environ), rest)


def _complain(sentence: str) -> None:
    sys.stdout.flush()
    print(f"install: {sentence}", file=sys.stderr, flush=True)


def _never_fail_to_print() -> None:
    """A path or an ellipsis that the terminal's encoding lacks becomes '?' rather than an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
