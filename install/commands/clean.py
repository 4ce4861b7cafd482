"""`python3 install clean`: the environments go, the clone stays."""

from __future__ import annotations

import shutil

from install.blender_modules import STATE, VERSIONS, module_folder
from install.carry import forget_engine
from install.environment import remove
from install.errors import InstallError
from install.settings import Settings

__all__ = ["SUMMARY", "run"]

SUMMARY = "remove the environment"


def run(settings: Settings, arguments: list[str]) -> int:
    if arguments:
        raise InstallError(f"'clean' takes no more words, and got: {' '.join(arguments)}.", exit_code=2)
    forget_engine(settings)
    print(f"removed {settings.folder}" if remove(settings) else f"there is no environment in {settings.folder}")
    for version in VERSIONS:
        folder = module_folder(settings.folder, version)
        if (folder / STATE).exists():
            shutil.rmtree(folder)
            print(f"removed {folder}")
    return 0
