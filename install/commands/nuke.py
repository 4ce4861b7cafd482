"""`python3 install nuke`: puts the plug-in where Nuke looks, and one line into init.py that names its folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from install.carry import carry_client
from install.environment import ensure
from install.errors import InstallError
from install.settings import Settings

__all__ = ["LINE", "SUMMARY", "run"]

SUMMARY = "put the FaceSwap node into Nuke (--dir ~/.nuke, --remove)"

LINE = b'import nuke; nuke.pluginAddPath("./faceplate")  # Faceplate'
_MADE = b" made this file"
_FOLDER = "faceplate"
_PARTS = ("init.py", "menu.py", "render_faceplate.py", "faceplate_nuke", "icons")


def run(settings: Settings, arguments: list[str]) -> int:
    """With `--remove` takes both out again: init.py is then byte for byte what it was."""
    folder, remove = _read(arguments)
    if remove:
        _remove(folder)
        return 0
    if not folder.parent.is_dir():
        raise InstallError(f"there is no folder {folder.parent}; name Nuke's with --dir.", exit_code=2)
    ensure(settings)
    target = folder / _FOLDER
    try:
        _copy(settings.root / "plugins" / "nuke", target)
        carry_client(settings, target)
        _add_line(folder / "init.py")
    except OSError as error:
        raise InstallError(f"{error.filename or target} could not be written ({error.strerror or error}).") from None
    print(f"FaceSwap is in {target}; {folder / 'init.py'} names it.")
    print(f"For a whole studio: put {target} on NUKE_PATH instead.")
    return 0


def _read(arguments: list[str]) -> tuple[Path, bool]:
    folder, remove, words = Path.home() / ".nuke", False, list(arguments)
    while words:
        word = words.pop(0)
        if word == "--remove":
            remove = True
        elif word == "--dir" and words:
            folder = Path(words.pop(0)).expanduser()
        else:
            raise InstallError(f"'nuke' takes --dir FOLDER and --remove, and got: {word}.", exit_code=2)
    return Path(os.path.abspath(folder)), remove  # noqa: PTH100  (links in the person's path stay)


def _copy(source: Path, target: Path) -> None:
    """What is the plug-in's own is replaced; a `faceplate_client` that is there stays until it is replaced itself."""
    target.mkdir(parents=True, exist_ok=True)
    for name in _PARTS:
        new, part = source / name, target / f".{name}.part"
        shutil.rmtree(part, ignore_errors=True)
        if new.is_dir():
            shutil.copytree(new, part, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.rmtree(target / name, ignore_errors=True)
        else:
            shutil.copyfile(new, part)
        part.replace(target / name)


def _add_line(init: Path) -> None:
    """The line comes last. It ends as the file ended, and says when there was no file, so that `_without` can go back."""
    text = init.read_bytes() if init.exists() else None
    if text is None:
        _write(init, LINE + _MADE + b"\n")
    elif LINE not in text:
        _write(init, text + LINE + b"\n" if not text or text.endswith(b"\n") else text + b"\n" + LINE)


def _without(text: bytes) -> bytes | None:
    """What init.py held before; None when there was none."""
    if text == LINE + _MADE + b"\n":
        return None
    for whole in (LINE + _MADE + b"\n", LINE + b"\n"):
        if whole in text:
            return text.replace(whole, b"", 1)
    return text.removesuffix(b"\n" + LINE)


def _remove(folder: Path) -> None:
    init, target = folder / "init.py", folder / _FOLDER
    text = init.read_bytes() if init.exists() else b""
    if LINE not in text and not target.exists():
        print(f"FaceSwap is not in {folder}")
        return
    if LINE in text:
        before = _without(text)
        if before is None:
            init.unlink()
        else:
            _write(init, before)
    shutil.rmtree(target, ignore_errors=True)
    print(f"took FaceSwap out of {folder}")


def _write(path: Path, text: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(text)
    if path.exists():
        shutil.copymode(path, part)
    part.replace(path)
