"""Installs the Blender extension: staged here, then validated, built and installed by Blender itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from faceplate.errors import RenderError, UsageError
from faceplate.hosts.adapters import adapter_folder, licence_files, page_file
from faceplate.hosts.blender_programs import Blender
from faceplate.hosts.client_copy import copy_client
from faceplate.hosts.files import IGNORED, existing_parent, replaced_folder, unwritable
from faceplate_client import __version__

__all__ = ["FOLDER", "build_package", "install_files", "install_into", "remove_files", "remove_from", "stage"]

FOLDER = "faceplate"
"""The extension's folder in a repository of extensions, which is also its identifier."""

_MANIFEST = "blender_manifest.toml"
_REPOSITORY = "user_default"
_TIMEOUT = 180  # seconds for a Blender that starts, installs and ends


def stage(folder: Path, website: str = "", python: str = sys.executable) -> Path:
    """Write the extension as Blender packs it into `folder`: the adapter, the client and the licences. Return `folder`.

    The extension is under GPL-3.0-or-later (LICENSE), the client in it under Apache-2.0 (LICENSES, NOTICE). `website` is the
    address in its manifest; `python` runs the engine, and is empty in a package for other machines.
    """
    shutil.copytree(adapter_folder("blender") / "faceplate", folder, ignore=IGNORED, dirs_exist_ok=True)
    manifest = folder / _MANIFEST
    text, count = re.subn(r'(?m)^version = ".*"$', f'version = "{__version__}"', manifest.read_text("utf-8"))
    if count != 1:
        raise RenderError("adapter-missing", f"{_MANIFEST} holds no version line; install Faceplate again.")
    if website:
        text = re.sub(r"(?m)^license = ", f"website = {json.dumps(website)}\nlicense = ", text, count=1)
    manifest.write_text(text, "utf-8")
    licence, notice = licence_files()
    (folder / "LICENSES").mkdir(exist_ok=True)
    shutil.copyfile(licence, folder / "LICENSES" / "Apache-2.0.txt")
    shutil.copyfile(notice, folder / notice.name)
    page = page_file("blender")
    if page.is_file():
        shutil.copyfile(page, folder / page.name)
    copy_client(folder, python)
    return folder


def build_package(blender: Blender, output: Path, website: str) -> Path:
    """Build the extension with Blender's own tool into the folder `output`, for Blender's platform. Return the archive.

    The archive names no engine of this machine. Raises `RenderError` `blender-failed`, `blender-timeout`.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = stage(Path(place) / FOLDER, website, "")
        return Path(_inside(blender, ["package", str(folder), str(output / f"faceplate-{__version__}.zip")]))


def install_into(blender: Blender) -> str:
    """Validate, build, install and enable the extension in Blender. Return the folder that Blender put it in.

    Raises `RenderError` `blender-failed`, `blender-timeout`.
    """
    with tempfile.TemporaryDirectory() as place:
        return _inside(blender, ["install", str(stage(Path(place) / FOLDER)), _REPOSITORY])


def remove_from(blender: Blender) -> str:
    """Uninstall the extension from Blender. Return the folder that was removed. Raises as `install_into`."""
    return _inside(blender, ["remove", FOLDER, _REPOSITORY])


def install_files(repository: Path) -> Path:
    """Write the extension into a repository folder without starting Blender. Return the extension's folder.

    The extension must then be enabled in Blender's preferences. Raises `UsageError` `no-folder`, `foreign-folder`,
    `RenderError` `host-unwritable`.
    """
    existing_parent(repository)
    target = repository / FOLDER
    _refuse_foreign(target)
    with unwritable(target), replaced_folder(target) as part:
        stage(part)
    return target


def remove_files(repository: Path) -> bool:
    """Remove what `install_files` wrote. Return whether anything was there. Raises as `install_files`."""
    target = repository / FOLDER
    if not target.exists():
        return False
    _refuse_foreign(target)
    with unwritable(target):
        shutil.rmtree(target)
    return True


def _refuse_foreign(target: Path) -> None:
    """Never replace or remove a folder that holds something else."""
    if target.exists() and not (target / _MANIFEST).is_file() and any(target.iterdir()):
        raise UsageError(
            "foreign-folder", f"{target} holds something other than the extension; name another with --dir."
        )


def _inside(blender: Blender, words: list[str]) -> str:
    """Run `inside_blender.py` in Blender with `words` and return the folder that it answers."""
    script = str(Path(__file__).with_name("inside_blender.py"))
    is_python = blender.program.name.startswith("python")
    start = [script] if is_python else ["--background", "--python", script, "--"]
    command = [str(blender.program), *start, *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise RenderError(
            "blender-timeout", f"{blender.name} did not answer in {_TIMEOUT} s; close its windows and try again."
        ) from None
    except OSError as error:
        raise RenderError("blender-failed", f"{blender.name} does not start ({error.strerror or error}).") from None
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            answer = json.loads(line)
            if answer["done"]:
                return answer["folder"]
            raise RenderError("blender-failed", f"{blender.name}: {answer['error']}.")
    tail = " | ".join((done.stdout + done.stderr).strip().splitlines()[-3:])
    raise RenderError("blender-failed", f"{blender.name} ended without an answer: {tail}.")
