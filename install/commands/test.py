"""`python3 install test`: what a change must pass. pytest's closing line comes last, whatever happened before."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from install.blender_modules import ensure_modules
from install.children import call, environment_variables, wait
from install.environment import ensure
from install.settings import Settings

__all__ = ["SUMMARY", "run"]

SUMMARY = "ruff, pyright and pytest (further words go to pytest)"

_CLOSING = re.compile(
    r"\d+ (passed|failed|skipped|deselected|xfailed|xpassed|errors?|warnings?)\b.* in |^no tests ran|^=+ no tests ran"
)


def run(settings: Settings, arguments: list[str]) -> int:
    """Runs all four, also after a failure, so that one run shows everything. Returns 1 when one failed."""
    python = str(ensure(settings, ("test",)))
    if "--collect-only" not in arguments:
        ensure_modules(settings)
    # pyright's package otherwise tells about newer releases, over the network.
    variables = {**environment_variables(settings, os.environ), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    linters = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format --check": [python, "-m", "ruff", "format", "--check", "."],
        "pyright": [python, "-m", "pyright", "--pythonpath", python],
    }
    failed = []
    for name, command in linters.items():
        print(f"{name}:", flush=True)
        if call(command, settings.root, variables) != 0:
            failed.append(name)
    color = ["--color=yes"] if sys.stdout.isatty() else []
    return _pytest([python, "-m", "pytest", *color, *arguments], settings, variables, failed)


def _pytest(command: list[str], settings: Settings, variables: dict[str, str], failed: list[str]) -> int:
    print("pytest:", flush=True)
    with subprocess.Popen(
        command, cwd=settings.root, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as child:
        closing, last = _pass_on(child)
        code = wait(child)
    if code != 0:
        failed = [*failed, "pytest"]
    if failed:
        print(f"failed: {', '.join(failed)}")
    if closing and (failed or last != closing):
        print(closing)
    return 1 if failed else 0


def _pass_on(child: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Prints what the child prints, as it comes. Returns pytest's closing line and the last line that was not empty.

    They differ when a library talks while Python ends, as OpenImageIO's binding does on some Pythons.
    """
    assert child.stdout is not None
    closing = last = pending = ""
    while chunk := os.read(child.stdout.fileno(), 1 << 16):
        text = chunk.decode("utf-8", "replace")
        print(text, end="", flush=True)
        *lines, pending = (pending + text).split("\n")
        for line in filter(str.strip, lines):
            last = line.rstrip()
            if _CLOSING.search(re.sub(r"\x1b\[[\d;]*m", "", last)):
                closing = last
    if pending:
        print(flush=True)
    return closing, pending or last
