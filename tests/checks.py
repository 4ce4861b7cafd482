"""Runs every check that a change must pass: `python3 install test`. pytest's closing line is printed last in any case.

Started by the environment's Python, with the environment's variables. Arguments go to pytest.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_CLOSING = re.compile(
    r"\d+ (passed|failed|skipped|deselected|xfailed|xpassed|errors?|warnings?)\b.* in |^no tests ran|^=+ no tests ran"
)
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command as main; main()"


def main(arguments: list[str]) -> int:
    """Run every check, also after a failure, so that one run shows everything. Return 1 if one failed."""
    # pyright's package otherwise reports newer releases, over the network; the site's theme otherwise prints an advertisement.
    os.environ["PYRIGHT_PYTHON_IGNORE_WARNINGS"] = "1"
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    modules = ROOT / "tests" / "plugins" / "blender" / "bpy_modules.py"
    if "--collect-only" not in arguments and modules.is_file():
        _call([str(modules)])
    failed = []
    for name, words in linters().items():
        print(f"{name}:", flush=True)
        if _call(words) != 0:
            failed.append(name)
    color = ["--color=yes"] if sys.stdout.isatty() else []
    return _pytest(["-m", "pytest", *color, *_processes(arguments), *arguments], failed)


def _processes(arguments: list[str]) -> list[str]:
    """Return pytest's words for a process on each core, at most four; a file's tests stay together, and `-n` overrides it.

    Few tests keep two cores busy, and every process holds the networks.
    """
    if any(word.startswith(("-n", "--collect-only", "-p")) for word in arguments):
        return []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ["-n", str(min(cores, 4)), "--dist", "loadfile"]


def linters() -> dict[str, list[str]]:
    """Return the checks before pytest: the arguments of Python by name.

    A check that needs a configuration is left out in a clone that has none.
    """
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8")).get("tool", {})
    made = Path(sys.prefix) / "checks"  # caches and the site, which do not belong into the clone
    every = {
        "ruff check": (True, ["-m", "ruff", "check", "."]),
        "ruff format --check": (True, ["-m", "ruff", "format", "--check", "."]),
        "lint-imports": ("importlinter" in tools, ["-c", _LINT_IMPORTS, "--cache-dir", str(made / "imports")]),
        "codespell": ("codespell" in tools, ["-m", "codespell_lib"]),
        "pyright": (True, ["-m", "pyright", "--pythonpath", sys.executable]),
        "mkdocs build --strict": (
            (ROOT / "mkdocs.yml").is_file(),
            ["-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(made / "site")],
        ),
    }
    return {name: words for name, (wanted, words) in every.items() if wanted}


def _call(words: list[str]) -> int:
    with subprocess.Popen([sys.executable, *words], cwd=ROOT) as child:
        return _wait(child)


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for `child`, also through Ctrl-C: the child gets it too and decides how to stop."""
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def _pytest(words: list[str], failed: list[str]) -> int:
    print("pytest:", flush=True)
    with subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as child:
        closing, last = _pass_on(child)
        code = _wait(child)
    if code != 0:
        failed = [*failed, "pytest"]
    if failed:
        print(f"failed: {', '.join(failed)}")
    if closing and (failed or last != closing):
        print(closing)
    return 1 if failed else 0


def _pass_on(child: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Print what the child prints, as it comes. Return pytest's closing line and the last line that was not empty.

    They differ when a library prints while Python ends, as OpenImageIO's binding does on some Pythons.
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
