"""Pages whose commands are typed: their `console` blocks, a session that types them, and what may differ in the output."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from faceplate.cli.main import app
from faceplate.errors import FaceplateError

__all__ = ["Block", "Session", "blocks", "normal", "rewritten"]

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One command of a page and the lines that the page says it prints."""

    command: str
    printed: tuple[str, ...]


def blocks(page: str) -> list[Block]:
    """Every command of a page's `console` blocks, in order."""
    found: list[Block] = []
    for body in _BLOCK.findall(page):
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, *lines = part.rstrip("\n").split("\n")
            found.append(Block(command, tuple(lines)))
    return found


def rewritten(page: str, printed: Iterator[list[str]]) -> str:
    """The page with the output of each command replaced by the next item of `printed`."""

    def block(match: re.Match[str]) -> str:
        lines: list[str] = []
        for part in re.split(r"^\$ ", match[1], flags=re.MULTILINE)[1:]:
            lines += [f"$ {part.splitlines()[0]}", *next(printed)]
        return "\n".join(["```console", *lines, "```"])

    return _BLOCK.sub(block, page)


def normal(line: str) -> str:
    """A line without what differs between sizes and machines: numbers, hashes, widths of columns."""
    line = re.sub(r"\b[0-9a-f]{16,}\b", "HASH", line)
    line = re.sub(r"(\bdevice: ).*", r"\1", line)
    line = re.sub(r"(Stages made \+ shared: ).*", r"\1", line)  # fewer are made where a cache has them
    line = re.sub(r"[-+]?\d+(\.\d+)?", "#", line)
    line = re.sub(r"#([-, x]*#)+", "#", line)
    return re.sub(r"\s+", " ", line).strip()


@dataclass
class Session:
    """A terminal in `folder`: `cd` and `export` hold for the commands after them.

    `faceplate` runs in this process, `python` in one of its own with this interpreter. `programs` are stand-ins for others.
    """

    folder: Path
    patch: Any
    root: Path = field(init=False)
    added: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Callable[[list[str]], list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.folder = self.folder.resolve()

    def type(self, command: str) -> list[str]:
        """Type a command, and return the lines of its standard output, and the sentence of a refusal."""
        command += self.added.get(command, "")
        words = shlex.split(command)
        self.patch.chdir(self.folder)
        if words[0] == "cd":
            self.folder = (self.folder / words[1]).resolve()
            assert self.folder.is_dir()
            return []
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.patch.setenv(name, value)
            return []
        if words[0] in self.programs:
            return self.programs[words[0]](words[1:])
        text = self._faceplate(words[1:]) if words[0] == "faceplate" else self._python(command, words)
        # The page stands in no folder of its own.
        return [
            line.rstrip().replace(f"{self.folder}/", "").replace(f"{self.root}/", "…/") for line in text.splitlines()
        ]

    def _faceplate(self, words: list[str]) -> str:
        done = CliRunner().invoke(app, words)
        if isinstance(done.exception, FaceplateError):
            return f"{done.stdout}faceplate: {done.exception}"
        # `release verify` says with its exit code what it printed.
        assert done.exit_code == 0 or words[:2] == ["release", "verify"], f"{shlex.join(words)}\n{done.output}"
        return done.stdout

    def _python(self, command: str, words: list[str]) -> str:
        assert words[0] == "python", command
        source = str(Path(__file__).parents[2] / "core")
        done = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": source},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout
