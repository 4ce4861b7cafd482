"""`python3 install resolve`: the adapter where DaVinci Resolve looks for it."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from install.carry import carry_client
from install.environment import ensure
from install.errors import InstallError
from install.settings import Settings

__all__ = ["MENU", "SUMMARY", "fusion_folder", "run"]

SUMMARY = "put the adapter where DaVinci Resolve looks (--all-users, --folder FUSION, --remove)"

MENU = {
    "Faceplate - Swap face in clip": "swap",
    "Faceplate - Next version": "next",
    "Faceplate - Batch marked clips": "batch",
}
"""The menu's entries, and what `faceplate_resolve.menu.run` is told for each."""

_PACKAGE = "faceplate_resolve"
# Resolve may run a menu script without __file__, so that the place of the package is written into it.
_SCRIPT = '''"""{title}"""

import sys

sys.path.insert(0, {folder!r})

from faceplate_resolve.menu import run  # noqa: E402

run(globals(), {what!r})
'''


def run(settings: Settings, arguments: list[str]) -> int:
    """Prints what it wrote. The package lies beside the scripts' folder, because all that lies in it becomes menu entries."""
    fusion, remove = _asked(arguments)
    scripts, package = fusion / "Scripts" / "Utility", fusion / "Faceplate"
    if remove:
        return _remove(scripts, package)
    ensure(settings, ("movies",))
    try:
        _copy_package(settings, package)
        carry_client(settings, package)
        scripts.mkdir(parents=True, exist_ok=True)
        for title, what in MENU.items():
            _write(scripts / f"{title}.py", _SCRIPT.format(title=title, folder=str(package), what=what))
    except OSError as error:
        raise InstallError(f"{error.filename or package} could not be written ({error.strerror or error}).") from None
    print(f"scripts in {scripts}\nmodules in {package}")
    print("In Resolve: Workspace > Scripts. Studio, from outside: " + str(package / "faceplate-resolve.py"))
    return 0


def fusion_folder(platform: str, environ: Mapping[str, str], all_users: bool, opt: Path = Path("/opt/resolve")) -> Path:
    """Resolve's Fusion folder: of this user, or of all. Raises `InstallError` where the variables do not say."""
    if platform == "win32":
        base = environ.get("PROGRAMDATA" if all_users else "APPDATA")
        if not base:
            raise InstallError("Windows does not say where its application data lies; give --folder.", exit_code=2)
        product = Path(base) / "Blackmagic Design" / "DaVinci Resolve"
        return (product if all_users else product / "Support") / "Fusion"
    home = Path(environ.get("HOME") or Path.home())
    if platform == "darwin":
        library = Path("/Library") if all_users else home / "Library"
        return library / "Application Support" / "Blackmagic Design" / "DaVinci Resolve" / "Fusion"
    return (opt if all_users else home / ".local" / "share" / "DaVinciResolve") / "Fusion"


def _asked(arguments: list[str]) -> tuple[Path, bool]:
    words = list(arguments)
    remove, all_users = _take(words, "--remove"), _take(words, "--all-users")
    folder = None
    if "--folder" in words:
        index = words.index("--folder")
        if index + 1 >= len(words):
            raise InstallError("--folder needs a folder: Resolve's Fusion folder.", exit_code=2)
        folder = Path(words[index + 1]).expanduser().absolute()
        del words[index : index + 2]
    if words:
        raise InstallError(f"'resolve' does not know: {' '.join(words)}.", exit_code=2)
    return folder or fusion_folder(sys.platform, os.environ, all_users), remove


def _take(words: list[str], word: str) -> bool:
    if word not in words:
        return False
    words.remove(word)
    return True


def _copy_package(settings: Settings, target: Path) -> None:
    source = settings.root / "plugins" / "resolve"
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir(parents=True)
        shutil.copytree(source / _PACKAGE, part / _PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copyfile(source / "faceplate-resolve.py", part / "faceplate-resolve.py")
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _remove(scripts: Path, package: Path) -> int:
    """Takes out what `run` wrote, and nothing else; folders that were there stay."""
    gone = [path for path in (scripts / f"{title}.py" for title in MENU) if path.is_file()]
    try:
        for path in gone:
            path.unlink()
        if (package / _PACKAGE).is_dir():
            shutil.rmtree(package)
            gone.append(package)
    except OSError as error:
        raise InstallError(f"{error.filename} could not be removed ({error.strerror}).") from None
    print(f"removed {', '.join(map(str, gone))}" if gone else f"nothing of Faceplate lies in {scripts.parent.parent}")
    return 0


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, "utf-8")
    part.replace(path)
