"""The commands, by name. A new one is a module here with `SUMMARY` and `run`, and one line in the table."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from install.settings import Settings

__all__ = ["COMMANDS", "Command", "load"]

COMMANDS = {
    "demo": "install.commands.demo",
    "test": "install.commands.test",
    "env": "install.commands.env",
    "resolve": "install.commands.resolve",
    "nuke": "install.commands.nuke",
    "blender": "install.commands.blender",
    "clean": "install.commands.clean",
}


class Command(Protocol):
    """What a command's module holds."""

    SUMMARY: str
    """One line for the overview."""

    def run(self, settings: Settings, arguments: list[str]) -> int:
        """Does it with the words after the command's name. Returns the exit code; may raise InstallError."""
        ...


def load(name: str) -> Command:
    """The command's module. Raises KeyError for a name that is not in the table."""
    return cast(Command, importlib.import_module(COMMANDS[name]))
