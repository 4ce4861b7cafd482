"""`python3 install env`: only the environment."""

from __future__ import annotations

import sys

from install.carry import note_engine
from install.environment import ensure
from install.errors import InstallError
from install.settings import Settings

__all__ = ["SUMMARY", "run"]

SUMMARY = "make or update the environment, print its folder; hosts then find the engine"


def run(settings: Settings, arguments: list[str]) -> int:
    """Standard output holds the folder alone, so that a script can take it."""
    if arguments:
        raise InstallError(f"'env' takes no more words, and got: {' '.join(arguments)}.", exit_code=2)
    ensure(settings)
    try:
        note_engine(settings)
    except InstallError as error:  # the environment is good all the same
        print(f"install: {error} Hosts find the engine by FACEPLATE_ENGINE={settings.python}.", file=sys.stderr)
    print(settings.folder)
    return 0
