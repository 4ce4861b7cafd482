"""Installs the Nuke adapter: a folder in Nuke's own folder, and one line in its init.py that adds it to the plug-in path."""

from __future__ import annotations

import shutil
from pathlib import Path

from faceplate.hosts.adapters import adapter_folder
from faceplate.hosts.client_copy import CLIENT, copy_client
from faceplate.hosts.files import IGNORED, existing_parent, unwritable, write_whole

__all__ = ["FOLDER", "LINE", "default_folder", "install", "remove"]

FOLDER = "faceplate"
LINE = b'import nuke; nuke.pluginAddPath("./faceplate")  # Faceplate'
# Added when there was no init.py, so that removal can delete the file again.
_MADE = b" made this file"


def default_folder() -> Path:
    """Return the folder where Nuke looks for a user's plug-ins."""
    return Path.home() / ".nuke"


def install(folder: Path) -> Path:
    """Put the adapter into `folder` (Nuke's) and name it in init.py; return the adapter's folder.

    Raises `UsageError` `no-folder`, `RenderError` `host-unwritable`.
    """
    existing_parent(folder)
    target = folder / FOLDER
    with unwritable(target):
        _copy(adapter_folder("nuke"), target)
        copy_client(target)
        _add_line(folder / "init.py")
    return target


def remove(folder: Path) -> bool:
    """Take the adapter out of `folder`; init.py is then byte for byte what it was. Return whether anything was there."""
    init, target = folder / "init.py", folder / FOLDER
    with unwritable(target):
        text = init.read_bytes() if init.exists() else b""
        if LINE not in text and not target.exists():
            return False
        if LINE in text:
            before = _without_line(text)
            if before is None:
                init.unlink()
            else:
                write_whole(init, before)
        if target.exists():
            shutil.rmtree(target)
    return True


def _copy(source: Path, target: Path) -> None:
    """Replace each part of the adapter; the client that is there stays until it is replaced itself."""
    target.mkdir(parents=True, exist_ok=True)
    for new in sorted(source.iterdir()):
        if new.name in ("__pycache__", CLIENT):
            continue
        part = target / f".{new.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        if new.is_dir():
            shutil.copytree(new, part, ignore=IGNORED)
            shutil.rmtree(target / new.name, ignore_errors=True)
        else:
            shutil.copyfile(new, part)
        part.replace(target / new.name)


def _add_line(init: Path) -> None:
    """Append the line in a way that `_without_line` can undo exactly: it ends as the file ended."""
    text = init.read_bytes() if init.exists() else None
    if text is None:
        write_whole(init, LINE + _MADE + b"\n")
    elif LINE not in text:
        write_whole(init, text + LINE + b"\n" if not text or text.endswith(b"\n") else text + b"\n" + LINE)


def _without_line(text: bytes) -> bytes | None:
    """Return what init.py held before; None if there was no file."""
    if text == LINE + _MADE + b"\n":
        return None
    for whole in (LINE + _MADE + b"\n", LINE + b"\n"):
        if whole in text:
            return text.replace(whole, b"", 1)
    return text.removesuffix(b"\n" + LINE)
