"""Finds Blender's installations, and puts the extension into one: staged here, checked and built by Blender itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from install.carry import carry_client
from install.errors import InstallError
from install.settings import Settings

__all__ = ["LOWEST", "Blender", "find_blenders", "install_into", "programs", "remove_from", "stage"]

LOWEST = (4, 2)
REPOSITORY = "user_default"
_VERSION = re.compile(r"Blender (\d+)\.(\d+)(?:\.(\d+))?")
_PATIENCE = 180


@dataclass(frozen=True)
class Blender:
    """A Blender that starts: its program, and its version."""

    program: Path
    version: tuple[int, int, int]

    @property
    def name(self) -> str:
        return f"Blender {'.'.join(map(str, self.version))} ({self.program})"


def programs(variables: Mapping[str, str], platform: str = sys.platform, root: Path = Path("/")) -> list[Path]:
    """Files that may be Blender, likeliest first: $BLENDER, PATH, and where installers and people put it."""
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
    """Every Blender that starts, newest first, each version once; `only` is a version such as 5.0, or a program.

    Raises `InstallError` when there is none, or none that has extensions.
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
        what = f"no Blender {only}" if only else "no Blender"
        raise InstallError(
            f"{what} was found on PATH or where it usually lies; name its program: --version /path/to/blender.",
            exit_code=2,
        )
    able = [found[version] for version in sorted(found, reverse=True) if version[:2] >= LOWEST]
    if not able:
        old = ", ".join(one.name for one in found.values())
        raise InstallError(f"{old} is older than 4.2, the first with extensions; install a newer Blender.", exit_code=2)
    return able


def stage(settings: Settings, folder: Path) -> Path:
    """The extension as Blender packs it, in `folder`: our files, the client, the place of the engine. Returns the folder."""
    source = settings.root / "plugins" / "blender" / "faceplate"
    shutil.copytree(
        source, folder, ignore=shutil.ignore_patterns("__pycache__", "faceplate_client"), dirs_exist_ok=True
    )
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(settings.root / name, folder / name)
    carry_client(settings, folder)
    return folder


def install_into(settings: Settings, blender: Blender) -> str:
    """Stages, validates, builds, installs and switches on. Returns the folder that Blender put it in."""
    with tempfile.TemporaryDirectory() as place:
        return _inside(settings, blender, ["install", str(stage(settings, Path(place) / "faceplate")), REPOSITORY])


def remove_from(settings: Settings, blender: Blender) -> str:
    """Takes the extension out again. Returns the folder that is gone."""
    return _inside(settings, blender, ["remove", "faceplate", REPOSITORY])


def _inside(settings: Settings, blender: Blender, words: list[str]) -> str:
    script = str(settings.root / "install" / "inside_blender.py")
    is_python = blender.program.name.startswith("python")
    start = (
        [str(blender.program), script]
        if is_python
        else [str(blender.program), "--background", "--python", script, "--"]
    )
    try:
        done = subprocess.run(
            [*start, *words], capture_output=True, text=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise InstallError(
            f"{blender.name} did not answer in {_PATIENCE} s; close its windows and try again."
        ) from None
    except OSError as error:
        raise InstallError(f"{blender.name} does not start ({error.strerror or error}).") from None
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            answer = json.loads(line)
            if answer["done"]:
                return answer["folder"]
            raise InstallError(f"{blender.name}: {answer['error']}.")
    tail = " | ".join((done.stdout + done.stderr).strip().splitlines()[-3:])
    raise InstallError(f"{blender.name} ended without an answer: {tail}.")


def _version(program: Path) -> tuple[int, int, int] | None:
    """What `blender --version` says; for a Python, the version of its `bpy`. None when it does not start."""
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
