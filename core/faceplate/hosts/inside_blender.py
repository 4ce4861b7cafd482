"""Runs inside Blender, or a Python with `bpy`: validates, builds and installs the extension, or uninstalls it.

    blender --background --python inside_blender.py -- install FOLDER REPOSITORY
    blender --background --python inside_blender.py -- remove faceplate REPOSITORY
    blender --background --python inside_blender.py -- package FOLDER ARCHIVE

The last line printed is JSON: {"done": true, "version": "5.0.1", "folder": "…"} or {"done": false, "error": "…"}.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# Not a plain import: the module is only in Blender, and stubs of it do not know every version's names.
bpy: Any = importlib.import_module("bpy")
LOWEST = (4, 2, 0)
# The module of 4.2 crashes when it reads preferences. It then has its factory settings, and they are not saved.
HAS_PREFERENCES = bpy.app.version >= (4, 3, 0) or bool(bpy.app.binary_path)


def main(words: list[str]) -> dict[str, Any]:
    """Carry out `words` (action, folder or identifier, repository) and return the answer to print."""
    version = ".".join(map(str, bpy.app.version))
    if bpy.app.version < LOWEST:
        return {
            "done": False,
            "version": version,
            "error": f"Blender {version} is older than 4.2 and has no extensions",
        }
    # The module starts with factory settings; saving those would undo the person's own.
    action, what, repository = words
    if action == "package":
        why = _built(Path(what), Path(repository))
        return {"done": not why, "version": version, "error": why, "folder": repository}
    if HAS_PREFERENCES:
        bpy.ops.wm.read_userpref()
    index = _repository(repository)
    if index is None:
        return {"done": False, "version": version, "error": f"Blender {version} has no repository '{repository}'"}
    if action == "remove":
        return {"version": version, **_remove(what, index, repository)}
    return {"version": version, **_install(Path(what), repository, index)}


def _install(folder: Path, repository: str, index: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        archive = Path(place) / "faceplate.zip"
        why = _built(folder, archive)
        if why:
            return {"done": False, "error": why}
        bpy.ops.extensions.package_install_files(
            filepath=str(archive), repo=repository, enable_on_install=True, overwrite=True
        )
    module = f"bl_ext.{repository}.faceplate"
    if module not in bpy.context.preferences.addons:
        return {"done": False, "error": "Blender did not switch the extension on; see its messages above"}
    if HAS_PREFERENCES:
        bpy.ops.wm.save_userpref()
    return {"done": True, "folder": str(Path(_folder(index)) / "faceplate")}


def _built(folder: Path, archive: Path) -> str:
    """Validate and build the extension with Blender's own tool, then validate the archive. Return why not, or ""."""
    tool = Path(bpy.utils.system_resource("SCRIPTS", path="addons_core/bl_pkg/cli")) / "blender_ext.py"
    for words in (
        ["validate", str(folder)],
        ["build", "--source-dir", str(folder), "--output-filepath", str(archive)],
        ["validate", str(archive)],
    ):
        done = subprocess.run([sys.executable, str(tool), *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()
            return f"{words[0]} failed: {' | '.join(lines[-3:])}"
    return ""


def _remove(name: str, index: int, repository: str) -> dict[str, Any]:
    place = Path(_folder(index)) / name
    if not place.is_dir():
        return {"done": False, "error": f"there is no {name} in {place.parent}"}
    bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id=name)
    if HAS_PREFERENCES:
        bpy.ops.wm.save_userpref()
    if place.exists():
        return {"done": False, "error": f"Blender left {place} where it is; remove that folder"}
    return {"done": True, "folder": str(place)}


def _repository(name: str) -> int | None:
    for index, item in enumerate(bpy.context.preferences.extensions.repos):
        if item.module == name:
            return index
    return None


def _folder(index: int) -> str:
    return bpy.context.preferences.extensions.repos[index].directory


if __name__ == "__main__":
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    try:
        answer = main(arguments)
    except Exception as error:  # the caller reads one line, not a traceback
        answer = {"done": False, "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
    # Some versions hang at their end while a handler is registered.
    os._exit(0 if answer["done"] else 1)
