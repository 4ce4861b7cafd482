"""Installs the DaVinci Resolve adapter: a package in Resolve's Fusion folder, and one menu script for each entry."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from faceplate.errors import UsageError
from faceplate.hosts.adapters import adapter_folder
from faceplate.hosts.client_copy import copy_client
from faceplate.hosts.files import IGNORED, replaced_folder, unwritable, write_whole

__all__ = ["FOLDER", "MENU", "default_folder", "fusion_folder", "install", "remove", "scripts_folder"]

FOLDER = "Faceplate"
MENU = {
    "Faceplate - Preview this frame": "preview",
    "Faceplate - Swap face in clip": "swap",
    "Faceplate - Next version": "next",
    "Faceplate - Batch marked clips": "batch",
    "Faceplate - Next issue": "next-issue",
    "Faceplate - Previous issue": "previous-issue",
}
"""The menu's entries, and the argument of `faceplate_resolve.menu.run` for each."""

_PACKAGE = "faceplate_resolve"
# Resolve may run a menu script without __file__, so the package's folder is written into the script.
_SCRIPT = '''"""{title}"""

import sys

sys.path.insert(0, {folder!r})

from faceplate_resolve.menu import run  # noqa: E402

run(globals(), {what!r})
'''


def default_folder(all_users: bool = False) -> Path:
    """Return Resolve's Fusion folder on this machine. Raises `UsageError` `no-folder`."""
    return fusion_folder(sys.platform, os.environ, all_users)


def fusion_folder(platform: str, environ: Mapping[str, str], all_users: bool, opt: Path = Path("/opt/resolve")) -> Path:
    """Return Resolve's Fusion folder, of this user or of all users.

    Raises `UsageError` `no-folder` where the environment does not say.
    """
    if platform == "win32":
        base = environ.get("PROGRAMDATA" if all_users else "APPDATA")
        if not base:
            raise UsageError("no-folder", "Windows does not say where its application data lies; give --dir.")
        product = Path(base) / "Blackmagic Design" / "DaVinci Resolve"
        return (product if all_users else product / "Support") / "Fusion"
    home = Path(environ.get("HOME") or Path.home())
    if platform == "darwin":
        library = Path("/Library") if all_users else home / "Library"
        return library / "Application Support" / "Blackmagic Design" / "DaVinci Resolve" / "Fusion"
    return (opt if all_users else home / ".local" / "share" / "DaVinciResolve") / "Fusion"


def scripts_folder(fusion: Path) -> Path:
    """Return the folder whose scripts Resolve shows under Workspace > Scripts."""
    return fusion / "Scripts" / "Utility"


def install(fusion: Path) -> Path:
    """Put the adapter into the Fusion folder and return the adapter's folder.

    The package lies beside the scripts' folder, because every file in that folder becomes a menu entry. Raises
    `RenderError` `host-unwritable`.
    """
    scripts, package = scripts_folder(fusion), fusion / FOLDER
    source = adapter_folder("resolve")
    with unwritable(package):
        with replaced_folder(package) as part:
            shutil.copytree(source / _PACKAGE, part / _PACKAGE, ignore=IGNORED)
            shutil.copyfile(source / "faceplate-resolve.py", part / "faceplate-resolve.py")
            copy_client(part)
        scripts.mkdir(parents=True, exist_ok=True)
        for title, what in MENU.items():
            text = _SCRIPT.format(title=title, folder=str(package), what=what)
            write_whole(scripts / f"{title}.py", text.encode())
    return package


def remove(fusion: Path) -> list[Path]:
    """Remove what `install` wrote and nothing else; return what was removed. Raises `RenderError` `host-unwritable`."""
    package = fusion / FOLDER
    gone = [path for path in (scripts_folder(fusion) / f"{title}.py" for title in MENU) if path.is_file()]
    with unwritable(package):
        for path in gone:
            path.unlink()
        if (package / _PACKAGE).is_dir():
            shutil.rmtree(package)
            gone.append(package)
    return gone
