"""Adds the adapters to a wheel; everything else about the package is in pyproject.toml.

An editable installation uses `plugins/` of the clone in place. A wheel has no clone beside it, so it carries a copy in
`faceplate/hosts/plugins`, where `faceplate.hosts.adapter_folder` finds it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HOSTS = ("nuke", "blender", "resolve")
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "faceplate_client")


class BuildWithAdapters(build_py):
    """Copies the adapters and the licence files as data of `faceplate.hosts`."""

    def run(self) -> None:
        """Build the package, then add the adapters and the licence files."""
        # A build folder that an earlier version left behind must not add its modules to this wheel.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "faceplate" / "hosts" / "plugins"
        shutil.rmtree(target, ignore_errors=True)
        for host in HOSTS:
            shutil.copytree(Path("plugins") / host, target / host, ignore=IGNORED)
        for name in ("LICENSE", "NOTICE"):
            shutil.copyfile(name, target / name)
        page = Path("docs") / "blender.md"
        if page.is_file():  # a container is built without the pages
            shutil.copyfile(page, target / page.name)


setup(cmdclass={"build_py": BuildWithAdapters})
