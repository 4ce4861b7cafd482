"""Finds the Blender programs on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import UsageError

__all__ = ["LOWEST", "Blender", "find_blenders", "programs"]

LOWEST = (4, 2)
"""The first Blender with extensions."""

_VERSION = re.compile(r"Blender (\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True)
class Blender:
    """A Blender that starts: its program (or a Python with `bpy`) and its version."""

    program: Path
    version: tuple[int, int, int]

    @property
    def name(self) -> str:
        """Return version and program, for messages."""
        return f"Blender {'.'.join(map(str, self.version))} ({self.program})"


def programs(variables: Mapping[str, str], platform: str = sys.platform, root: Path = Path("/")) -> list[Path]:
    """Return files that may be Blender, likeliest first: $BLENDER, PATH, and the usual places of each platform."""
    named = [Path(variables["BLENDER"])] if variables.get("BLENDER") else []
    on_path = shutil.which("blender", path=variables.get("PATH", ""))
    found = [*named, *([Path(on_path)] if on_path else [])]
    home = Path(variables.get("USERPROFILE" if platform == "win32" else "HOME") or Path.home())
    for folder, pattern in _places(platform, home, variables, root):
        if folder.is_dir():
            found += sorted(folder.glob(pattern), reverse=True)
    unique = {path.resolve(): path for path in reversed(found) if path.is_file()}
    return [path for path in dict.fromkeys(found) if path in unique.values()]


def _places(platform: str, home: Path, variables: Mapping[str, str], root: Path) -> Iterable[tuple[Path, str]]:
    if platform == "win32":
        for name in ("ProgramFiles", "ProgramW6432", "LOCALAPPDATA"):
            if variables.get(name):
                yield Path(variables[name]) / "Blender Foundation", "*/blender.exe"
        if variables.get("ProgramFiles(x86)"):
            yield Path(variables["ProgramFiles(x86)"]) / "Steam/steamapps/common/Blender", "blender.exe"
        return
    if platform == "darwin":
        for folder in (root / "Applications", home / "Applications"):
            yield folder, "Blender*.app/Contents/MacOS/Blender"
            yield folder, "*/Blender*.app/Contents/MacOS/Blender"
        yield home / "Library/Application Support/Steam/steamapps/common/Blender", "*.app/Contents/MacOS/Blender"
        return
    for folder in (
        root / "opt",
        root / "usr/local",
        home,
        home / "Applications",
        home / "Downloads",
        home / "software",
    ):
        yield folder, "[bB]lender*/blender"
    yield root / "snap/bin", "blender"
    yield root / "var/lib/flatpak/exports/bin", "org.blender.Blender"
    yield home / ".local/share/flatpak/exports/bin", "org.blender.Blender"
    yield home / ".steam/steam/steamapps/common/Blender", "blender"


def find_blenders(variables: Mapping[str, str], only: str | None = None) -> list[Blender]:
    """Return every Blender that starts, newest first, each version once; `only` is a version such as 5.0, or a program.

    Raises `UsageError` `blender-not-found`, `blender-too-old`.
    """
    named = Path(only).expanduser() if only and not re.fullmatch(r"\d+(\.\d+){0,2}", only) else None
    found: dict[tuple[int, int, int], Blender] = {}
    for program in [named] if named else programs(variables):
        version = _version(program)
        if version is not None:
            found.setdefault(version, Blender(program, version))
    if named is None and only:
        wanted = tuple(map(int, only.split(".")))
        found = {version: one for version, one in found.items() if version[: len(wanted)] == wanted}
    if not found:
        what = f"Blender {only}" if only else "Blender"
        raise UsageError(
            "blender-not-found",
            f"{what} was not found on PATH or in the usual places; name its program with --version /path/to/blender, or "
            "an extension repository with --dir.",
        )
    able = [found[version] for version in sorted(found, reverse=True) if version[:2] >= LOWEST]
    if not able:
        old = ", ".join(one.name for one in found.values())
        raise UsageError(
            "blender-too-old", f"{old} is older than 4.2, the first with extensions; install a newer Blender."
        )
    return able


def _version(program: Path) -> tuple[int, int, int] | None:
    """Return what `blender --version` says; for a Python, the version of its `bpy`. None if it does not start."""
    is_python = program.name.startswith("python")
    question = "import bpy, os; print('Blender', bpy.app.version_string, flush=True); os._exit(0)"
    command = [str(program), "-c", question] if is_python else [str(program), "--version"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
            env=dict(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None
