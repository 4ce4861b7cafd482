"""Interpreters of other Python versions on this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["find_python"]


def find_python(version: str) -> str | None:
    """A Python of this version that starts: on PATH, or where pyenv keeps them."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}*/bin/python"))
    for name in (*map(str, kept), f"/usr/bin/python{version}", f"/usr/local/bin/python{version}", f"python{version}"):
        path = shutil.which(name)
        if path is None:
            continue
        done = subprocess.run([path, "-IS", "-c", "import sys; print(sys.version)"], capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.startswith(version + "."):
            return path
    return None
