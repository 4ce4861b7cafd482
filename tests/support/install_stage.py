"""A stand-in project and a stand-in Python, so that the whole life of an environment is tested offline and quickly.

The clone of a tiny project stands in for Faceplate: its build backend is its own, its packages are one-line modules. The
outer Python stands in for the user's: an interpreter whose `-m venv`, `-m virtualenv` and `-m pip` are answered by a hook
that can pretend to lack any of them. The environment's pip is a stand-in too, and the real one where a test asks for it.
The layout of the stand-ins is that of Linux and macOS.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "faceplate"
version = "0.1"
"""

BACKEND = '''
"""Builds the editable wheel of the stand-in: a .pth to core/."""
import tomllib, zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    info = f"faceplate-{project['version']}.dist-info"
    metadata = f"Metadata-Version: 2.1\\nName: faceplate\\nVersion: {project['version']}\\nProvides-Extra: test\\n"
    metadata += "".join(f"Requires-Dist: {name}\\n" for name in project.get("dependencies", []))
    name = f"faceplate-{project['version']}-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        wheel.writestr("faceplate.pth", str(Path("core").resolve()) + "\\n")
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
'''

TALKER = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "cwd": os.getcwd(), "path": sys.path, "variables": dict(os.environ)}))
"""

# A stand-in for ruff, pyright, pytest and others: prints its words, then ends as $ENDING_<NAME> asks.
TOOL = """
import os, sys
name = "{name}"
print(name, *sys.argv[1:])
if name == "pytest":
    print("3 passed, 1 skipped in 0.12s" if not os.environ.get("ENDING_PYTEST") else "1 failed, 2 passed in 0.12s")
    print(os.environ.get("LAST_WORDS", ""), end="")
sys.exit(int(os.environ.get("ENDING_" + name.upper(), "0")))
"""

LINT_IMPORTS = """
import os, sys
def lint_imports_command():
    print("lint-imports", *sys.argv[1:])
    sys.exit(int(os.environ.get("ENDING_LINT_IMPORTS", "0")))
"""

# A stand-in for pip: installs the clone as a .pth, and finds no package in the whole world.
PIP = """
import os, sys, sysconfig, time, tomllib
from pathlib import Path
if "install" in sys.argv:
    time.sleep(float(os.environ.get("PIP_SLEEPS", "0")))
    wanted = tomllib.loads(Path("pyproject.toml").read_text())["project"].get("dependencies", [])
    if wanted:
        sys.exit("ERROR: No matching distribution found for " + wanted[0])
    (Path(sysconfig.get_path("purelib")) / "faceplate.pth").write_text(str(Path("core").resolve()))
"""

# Runs in the outer Python before anything else, and answers `-m venv`, `-m virtualenv` and `-m pip`.
HOOK = """
import os, sys
from pathlib import Path

PIP = {pip!r}
HOME = {home!r}
LACKS = {lacks!r}
ALONE = "include-system-site-packages = false\\n"

def interpreter(folder, pip):
    folder = Path(folder)
    packages = folder / "lib" / "python{{}}.{{}}".format(*sys.version_info) / "site-packages"
    packages.mkdir(parents=True, exist_ok=True)
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "python").symlink_to(HOME)
    (folder / "pyvenv.cfg").write_text("home = " + str(Path(HOME).parent) + "\\n" + ALONE)
    if pip:
        (packages / "pip").symlink_to(PIP)

def answer(module, words):
    if module in LACKS:
        return "No module named " + module
    if module == "venv":
        if "--without-pip" not in words and "ensurepip" in LACKS:
            return "The virtual environment was not created successfully because ensurepip is not available."
        interpreter(words[-1], "--without-pip" not in words)
    elif module == "pip" and words[:2] == ["config", "list"]:
        print(os.environ.get("PIP_CONF_SAYS", ""))
    elif module == "pip" and "install" in words:
        target = Path(words[words.index("--target") + 1])
        target.mkdir(exist_ok=True)
        (target / "virtualenv").symlink_to(PIP)
    elif module == "virtualenv":
        if not any((Path(part) / "virtualenv").exists() for part in os.environ.get("PYTHONPATH", "-").split(":")):
            return "No module named virtualenv"
        interpreter(words[-1], True)
    return ""

if "-m" in sys.orig_argv:
    at = sys.orig_argv.index("-m")
    if sys.orig_argv[at + 1] in ("venv", "pip", "virtualenv"):
        failure = answer(sys.orig_argv[at + 1], sys.orig_argv[at + 2 :])
        print(failure, flush=True)
        os._exit(1 if failure else 0)
"""


@dataclass(frozen=True)
class Stage:
    """A clone of the stand-in project, and an outer Python to install it with."""

    clone: Path
    python: Path
    pip: Path
    home: Path

    @property
    def env(self) -> Path:
        return self.clone / ".venv"

    @property
    def log(self) -> str:
        return (self.env / "install.log").read_text()

    def without(self, *lacks: str) -> Stage:
        """The same, with a Python that lacks some of venv, ensurepip, virtualenv, pip."""
        make_outer_python(self.python.parent.parent, self.pip, lacks)
        return self

    def with_real_pip(self) -> Stage:
        pip = next(Path(part) / "pip" for part in sys.path if (Path(part) / "pip" / "__main__.py").exists())
        make_outer_python(self.python.parent.parent, pip)
        return replace(self, pip=pip)

    def with_uv(self) -> str:
        """Put a stand-in for uv on a PATH, which is returned."""
        uv = self.python.parent.parent / "uv" / "uv"
        uv.parent.mkdir()
        uv.write_text(UV.format(python=self.python))
        uv.chmod(0o755)
        return f"{uv.parent}{os.pathsep}{os.environ['PATH']}"

    def variables(self, more: dict[str, str]) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "FACEPLATE_", "PYTHON"))
        }
        return {**kept, "HOME": str(self.home), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, **more}

    def command(self, *words: str) -> list[str]:
        return [str(self.python), str(self.clone / "install"), *words]

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = self.command(*words)
        return subprocess.run(
            command, cwd=self.home, env=self.variables(more), capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def set_project(self, more: str) -> None:
        (self.clone / "pyproject.toml").write_text(PYPROJECT + more)


def make_outer_python(folder: Path, pip: Path, lacks: tuple[str, ...] = ()) -> Path:
    """An interpreter with the hook, laid out by hand as `venv` would, so that this machine's own need not have venv."""
    base = Path(getattr(sys, "_base_executable", sys.executable))
    packages = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    packages.mkdir(parents=True, exist_ok=True)
    python = folder / "bin" / "python3"
    if not python.exists():
        python.parent.mkdir()
        python.symlink_to(base)
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
    (packages / "hook.py").write_text(HOOK.format(pip=str(pip), home=str(base), lacks=lacks))
    (packages / "hook.pth").write_text("import hook\n")
    return python


@pytest.fixture(name="stage")
def make_stage(tmp_path: Path) -> Stage:
    """Return the stand-ins, without an environment. Everything lies in folders with spaces, brackets and letters outside ASCII."""
    clone = tmp_path / "a clone [ü] 面"
    shutil.copytree(ROOT / "install", clone / "install", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / ".ci", clone / ".ci")
    core = clone / "core"
    shutil.copytree(
        ROOT / "core/faceplate_client", core / "faceplate_client", ignore=shutil.ignore_patterns("__pycache__")
    )
    (core / "faceplate" / "cli").mkdir(parents=True)
    for module in ("numpy", "cv2", "onnxruntime", "PyOpenColorIO", "OpenImageIO", "fileseq"):
        (core / f"{module}.py").write_text("")
    for tool in ("ruff", "codespell_lib", "mkdocs", "pyright", "pytest"):
        (core / f"{tool}.py").write_text(TOOL.format(name=tool))
    (core / "importlinter").mkdir()
    (core / "importlinter" / "cli.py").write_text(LINT_IMPORTS)
    (clone / "tests").mkdir()
    shutil.copyfile(ROOT / "tests" / "checks.py", clone / "tests" / "checks.py")
    (core / "faceplate" / "__init__.py").write_text("")
    (core / "faceplate" / "cli" / "main.py").write_text(TALKER)
    (clone / "backend.py").write_text(BACKEND)
    (clone / "pyproject.toml").write_text(PYPROJECT)
    home = tmp_path / "somewhere else"
    home.mkdir()
    pip = tmp_path / "parts" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").write_text("")
    (pip / "__main__.py").write_text(PIP)
    return Stage(clone, make_outer_python(tmp_path / "outer", pip), pip, home)


UV = """#!{python}
import os, subprocess, sys
print("uv", *sys.argv[1:])
if "UV_FAILS" in os.environ:
    sys.exit("error: uv cannot")
if sys.argv[1] == "venv":
    sys.exit(subprocess.call(["{python}", "-m", "venv", sys.argv[-1]]))
python = sys.argv[sys.argv.index("--python") + 1]
sys.exit(subprocess.call([python, "-m", "pip", "install"]))
"""


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def pip_runs(log: str) -> int:
    return len(re.findall(r"^\$ .* -m pip install .* -e ", log, re.MULTILINE))
