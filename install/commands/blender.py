"""`python3 install blender`: the extension into every Blender that is found, or into one; `--remove` takes it out."""

from __future__ import annotations

import argparse
import os

from install.blender import find_blenders, install_into, remove_from
from install.environment import ensure
from install.errors import InstallError
from install.settings import Settings

__all__ = ["SUMMARY", "run"]

SUMMARY = "put the extension into Blender (--version 5.0 or a program, --remove)"


def run(settings: Settings, arguments: list[str]) -> int:
    """Prints a line for each Blender. Returns 1 when one of them failed."""
    wanted = _parser().parse_args(arguments)
    if not wanted.remove:
        ensure(settings)
    failed = 0
    for blender in find_blenders(os.environ, wanted.version):
        try:
            if wanted.remove:
                print(f"{blender.name}: removed from {remove_from(settings, blender)}")
            else:
                print(f"{blender.name}: installed in {install_into(settings, blender)}")
        except InstallError as error:
            failed += 1
            print(f"{error}")
    if not failed and not wanted.remove:
        print("In the compositor: Add > Faceplate > Face Swap; the panel is in the sidebar (N), tab Faceplate.")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 install blender", description=SUMMARY)
    parser.add_argument("--version", help="only this Blender: a version such as 5.0, or the path of its program")
    parser.add_argument("--remove", action="store_true", help="take the extension out again")
    return parser
