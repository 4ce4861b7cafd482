"""install/: the environment's whole life, offline and quick.

A clone of a tiny project stands in for Faceplate: its build backend is its own, its "packages" are one-line modules.
An outer Python stands in for the person's: an interpreter whose `-m venv`, `-m virtualenv` and `-m pip` are answered
by a hook that can pretend to lack any of them. The environment's pip is a stand-in too, and the real one where a test
asks for it. (The layout of the stand-ins is that of Linux and macOS.)
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from install import __main__ as door  # noqa: E402
from install import lock as lock_module  # noqa: E402
from install.children import clean_variables  # noqa: E402
from install.commands import COMMANDS  # noqa: E402
from install.environment import wanted_state  # noqa: E402
from install.errors import InstallError  # noqa: E402
from install.lock import Lock  # noqa: E402
from install.settings import Settings, read_settings  # noqa: E402
from install.words import get_pip, missing_library, pip_failure, system_families  # noqa: E402

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

# A stand-in for ruff, pyright and pytest: says its words, then ends as $ENDING_<NAME> asks.
TOOL = """
import os, sys
name = "{name}"
print(name, *sys.argv[1:])
if name == "pytest":
    print("3 passed, 1 skipped in 0.12s" if not os.environ.get("ENDING_PYTEST") else "1 failed, 2 passed in 0.12s")
    print(os.environ.get("LAST_WORDS", ""), end="")
sys.exit(int(os.environ.get("ENDING_" + name.upper(), "0")))
"""

# A stand-in for pip: installs the clone as a .pth, and finds no package in the whole world.
PIP = """
import sys, sysconfig, tomllib
from pathlib import Path
if "install" in sys.argv:
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
    elif module == "pip" and "install" in words:
        if "--python" in words and "pip --python" in LACKS:
            return "no such option: --python"
        if words[-1] == "pip" and "--python" in words:
            target = next((Path(words[words.index("--python") + 1]).parent.parent / "lib").iterdir()) / "site-packages"
        else:
            target = Path(words[words.index("--target") + 1])
            target.mkdir(exist_ok=True)
        (target / "virtualenv" if "virtualenv" in words else target / "pip").symlink_to(PIP)
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
        """The same, with a Python that lacks some of venv, ensurepip, virtualenv, pip, "pip --python"."""
        make_outer_python(self.python.parent.parent, self.pip, lacks)
        return self

    def with_real_pip(self) -> Stage:
        pip = next(Path(part) / "pip" for part in sys.path if (Path(part) / "pip" / "__main__.py").exists())
        make_outer_python(self.python.parent.parent, pip)
        return replace(self, pip=pip)

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


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Everything lies in folders with spaces, brackets and letters outside ASCII."""
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
    for tool in ("ruff", "pyright", "pytest"):
        (core / f"{tool}.py").write_text(TOOL.format(name=tool))
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


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def pip_runs(log: str) -> int:
    return len(re.findall(r"^\$ .* -m pip install .* -e ", log, re.MULTILINE))


# The command line


def test_no_words_and_help_print_every_command(stage: Stage) -> None:
    for words in ([], ["--help"], ["-h"]):
        done = stage.run(*words)
        assert done.returncode == 0
        assert all(f"python3 install {name} " in done.stdout for name in COMMANDS)
    assert not stage.env.exists()


def test_an_unknown_command_is_answered_with_the_list(stage: Stage) -> None:
    done = stage.run("dmeo")
    assert done.returncode == 2
    (line,) = lines(done.stderr)
    assert "'dmeo'" in line and all(name in line for name in COMMANDS)


@pytest.mark.parametrize("name", ["env", "clean"])
def test_words_that_a_command_does_not_take_are_refused(stage: Stage, name: str) -> None:
    done = stage.run(name, "--fast")
    assert (done.returncode, len(lines(done.stderr))) == (2, 1)
    assert "--fast" in done.stderr and not stage.env.exists()


def test_a_new_command_is_a_module_and_a_line(stage: Stage) -> None:
    table = stage.clone / "install" / "commands" / "__init__.py"
    table.write_text(table.read_text().replace("COMMANDS = {", 'COMMANDS = {\n    "nuke": "install.commands.nuke",'))
    module = (
        'SUMMARY = "put the plug-in there"\ndef run(settings, words):\n    print(settings.root, words)\n    return 7\n'
    )
    (stage.clone / "install" / "commands" / "nuke.py").write_text(module)
    done = stage.run("nuke", "14.0")
    assert done.returncode == 7
    assert done.stdout.strip() == f"{stage.clone} ['14.0']"
    assert "put the plug-in there" in stage.run().stdout


# The Python it starts on


def test_the_door_is_readable_for_an_old_python() -> None:
    source = (ROOT / "install" / "__main__.py").read_text()
    tree = ast.parse(source, feature_version=(3, 4))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Starred)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert functions and not any(f.returns or any(a.annotation for a in f.args.args) for f in functions)
    top = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    assert top == ["os", "subprocess", "sys"] and not [node for node in tree.body if isinstance(node, ast.ImportFrom)]


def test_the_door_and_the_project_agree_on_the_pythons() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (major, low), (_, high) = door.LOWEST, door.HIGHEST
    assert project["requires-python"] == f">={major}.{low},<{major}.{high + 1}"
    assert f"{major}.{low} to {major}.{high}" == door.RANGE
    assert [door.is_supported(v) for v in [(2, 7), (3, 10, 13), (3, low), (3, high, 9), (3, high + 1)]] == [
        False,
        False,
        True,
        True,
        False,
    ]


def as_python_3_8(stage: Stage, path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Starts the door as if this were 3.8.18, with only `path` to find a better one."""
    driver = (
        "import sys; sys.path.insert(0, sys.argv[1]); import install.__main__ as door; "
        "sys.argv = ['install', *sys.argv[2:]]; sys.version_info = (3, 8, 18); sys.exit(door.start())"
    )
    command = [str(stage.python), "-c", driver, str(stage.clone), *words]
    return subprocess.run(command, env=stage.variables({"PATH": str(path)}), capture_output=True, text=True)


def test_an_old_python_says_which_one_is_needed(stage: Stage, tmp_path: Path) -> None:
    done = as_python_3_8(stage, tmp_path / "nothing here", "demo", "--frames", "2")
    assert done.returncode == 2
    sentence = (
        "Faceplate needs Python 3.11 to 3.13, this is 3.8.18; run it with e.g. python3.12 install demo --frames 2"
    )
    assert lines(done.stderr) == [sentence]


def test_an_old_python_goes_on_with_a_better_one(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "path"
    path.mkdir()
    scripts = {"python3.13": "exit 127", "python3.12": "echo 3 9", "python3.11": f'exec "{stage.python}" "$@"'}
    for name, script in scripts.items():
        (path / name).write_text(f"#!/bin/sh\n{script}\n")
        (path / name).chmod(0o755)
    done = as_python_3_8(stage, path, "nonsense word")
    assert done.returncode == 2
    first, second = lines(done.stderr)
    assert "3.8.18" in first and first.endswith("going on with python3.11")
    assert "'nonsense word'" in second


# Making the environment


def test_env_makes_it_and_prints_only_its_folder(stage: Stage) -> None:
    done = stage.with_real_pip().run("env")
    assert (done.returncode, done.stdout) == (0, f"{stage.env}\n"), done.stderr
    code = "import faceplate, sys; print(faceplate.__file__, sys.prefix)"
    shown = subprocess.run([stage.env / "bin" / "python", "-I", "-c", code], capture_output=True, text=True).stdout
    assert shown == f"{stage.clone / 'core/faceplate/__init__.py'} {stage.env}\n"


def test_a_second_run_starts_nothing(stage: Stage) -> None:
    assert stage.run("env").returncode == 0
    before = stage.log
    done = stage.without("venv", "pip", "virtualenv").run("env")
    assert (done.returncode, done.stderr, stage.log) == (0, "", before)


@pytest.mark.parametrize(
    "lacks",
    [("ensurepip", "virtualenv"), ("ensurepip", "pip --python", "virtualenv"), ("venv",)],
    ids=["no ensurepip", "no ensurepip and an old pip", "no venv"],
)
def test_a_python_that_lacks_parts_still_gets_its_environment(stage: Stage, lacks: tuple[str, ...]) -> None:
    done = stage.without(*lacks).run("env")
    assert done.returncode == 0, done.stderr + stage.log
    assert not (stage.env / "bootstrap").exists()
    assert "Traceback" not in done.stderr


def test_a_python_without_venv_and_pip_is_told_what_to_type(stage: Stage) -> None:
    done = stage.without("venv", "pip", "virtualenv").run("env")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert get_pip(system_families(), str(stage.python), f"3.{sys.version_info[1]}") in lines(done.stderr)[-1]


def test_the_environment_may_lie_elsewhere(stage: Stage, tmp_path: Path) -> None:
    elsewhere = tmp_path / "far away" / "env ß"
    done = stage.run("env", FACEPLATE_ENV=str(elsewhere))
    assert (done.returncode, done.stdout) == (0, f"{elsewhere}\n"), done.stderr
    assert not stage.env.exists()
    assert stage.run("clean", FACEPLATE_ENV=str(elsewhere)).returncode == 0
    assert not elsewhere.exists() and elsewhere.parent.exists()


@pytest.mark.parametrize("command", ["env", "clean"])
def test_a_folder_that_is_not_an_environment_is_never_touched(stage: Stage, tmp_path: Path, command: str) -> None:
    precious = tmp_path / "precious" / "plate.0001.exr"
    precious.parent.mkdir()
    precious.write_text("pixels")
    done = stage.run(command, FACEPLATE_ENV=str(precious.parent))
    assert (done.returncode, len(lines(done.stderr))) == (2, 1)
    assert [entry.name for entry in precious.parent.iterdir()] == ["plate.0001.exr"]


def test_clean_removes_the_environment_and_nothing_else(stage: Stage) -> None:
    stage.run("env")
    assert stage.run("clean").stdout == f"removed {stage.env}\n"
    assert not stage.env.exists() and (stage.clone / "core" / "faceplate").exists()
    done = stage.run("clean")
    assert done.returncode == 0 and "no environment" in done.stdout


# Staying up to date


def test_what_asks_for_a_new_installation(tmp_path: Path) -> None:
    def project(more: str) -> str:
        (tmp_path / "pyproject.toml").write_text(PYPROJECT + more)
        return wanted_state(Settings(tmp_path, tmp_path / ".venv"), ()).project

    plain = project("")
    assert project('\n[tool.ruff]\nline-length = 90\n[tool.pytest.ini_options]\naddopts = "-x"\n') == plain
    assert project('dependencies = ["numpy"]\n') != plain
    assert project('\n[tool.setuptools.packages.find]\nwhere = ["core"]\n') != plain


def test_extras_are_added_once_and_stay(stage: Stage) -> None:
    assert stage.run("env").returncode == 0
    assert stage.run("test").returncode == 0
    assert ".[test]" in stage.log
    before = stage.log
    assert stage.run("env").returncode == 0
    assert stage.run("test").returncode == 0
    assert stage.log == before
    stage.set_project('description = "changed"\n')
    assert stage.run("env").returncode == 0
    assert ".[test]" in stage.log


def test_a_changed_project_is_installed_into_the_same_environment(stage: Stage) -> None:
    stage.run("env")
    (stage.env / "witness").write_text("")
    stage.set_project('description = "changed"\n')
    done = stage.run("env")
    assert done.returncode == 0, done.stderr
    assert pip_runs(stage.log) == 1 and (stage.env / "witness").exists()


def test_an_interrupted_installation_is_redone_from_nothing(stage: Stage) -> None:
    stage.run("env")
    state = stage.env / "faceplate-environment.json"
    state.write_text(state.read_text().replace('"ready"', '"making"'))
    (stage.env / "half").mkdir()
    done = stage.run("env")
    assert done.returncode == 0, done.stderr
    assert pip_runs(stage.log) == 1 and not (stage.env / "half").exists()
    assert '"ready"' in state.read_text()


@pytest.mark.parametrize("damage", ["another Python", "moved", "broken state", "no interpreter"])
def test_an_environment_that_cannot_work_is_made_again(stage: Stage, damage: str) -> None:
    stage.run("env")
    state = stage.env / "faceplate-environment.json"
    (stage.env / "half").mkdir()
    if damage == "another Python":
        state.write_text(state.read_text().replace("cpython-3", "cpython-2"))
    elif damage == "moved":
        state.write_text(state.read_text().replace("a clone", "the clone"))
    elif damage == "broken state":
        state.write_text('{"step": "rea')
    else:
        (stage.env / "bin" / "python").unlink()
    done = stage.run("env")
    assert done.returncode == 0, done.stderr
    assert pip_runs(stage.log) == 1 and not (stage.env / "half").exists()


# What goes wrong


def test_a_failing_pip_gives_its_tail_and_one_sentence(stage: Stage) -> None:
    stage = stage.with_real_pip()
    stage.set_project('dependencies = ["faceplate-nothing-like-this>=1"]\n')
    done = stage.run("env")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert "faceplate-nothing-like-this" in done.stderr
    last = lines(done.stderr)[-1]
    assert last.startswith("install: the packages could not be installed: a package is not there")
    assert str(stage.env / "install.log") in last
    stage.set_project("")
    assert stage.run("env").returncode == 0


def test_a_failing_update_leaves_the_working_environment(stage: Stage) -> None:
    stage.run("env")
    (stage.env / "witness").write_text("")
    stage.set_project('dependencies = ["faceplate-nothing-like-this>=1"]\n')
    assert stage.run("env").returncode == 1
    stage.set_project("")
    before = stage.log
    done = stage.run("env")
    assert (done.returncode, done.stderr) == (0, "") and stage.log == before
    assert (stage.env / "witness").exists()


def test_a_missing_system_library_is_named_and_needs_no_second_installation(stage: Stage) -> None:
    broken = stage.clone / "core" / "cv2.py"
    broken.write_text('raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")\n')
    done = stage.run("env")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cv2" in lines(done.stderr)[-1] and lines(done.stderr)[-1].endswith("sudo apt install libgl1.")
    broken.write_text("")
    done = stage.run("env")
    assert done.returncode == 0 and pip_runs(stage.log) == 0


def test_packages_that_crash_python_are_one_sentence(stage: Stage) -> None:
    (stage.clone / "core" / "onnxruntime.py").write_text("import os\nos.abort()\n")
    done = stage.run("env")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "crash" in lines(done.stderr)[-1]


def test_a_broken_pyproject_is_one_sentence(stage: Stage) -> None:
    stage.set_project("[[[\n")
    done = stage.run("env")
    assert done.returncode == 1
    (line,) = lines(done.stderr)
    assert "pyproject.toml" in line


def test_the_variables_are_checked(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, {"FACEPLATE_PIP_ARGS": "--no-index --find-links '/a b'"})
    assert settings.folder == tmp_path / ".venv"
    assert settings.pip_arguments == ("--no-index", "--find-links", "/a b")
    with pytest.raises(InstallError, match="quotes"):
        read_settings(tmp_path, {"FACEPLATE_PIP_ARGS": "--find-links '/a b"})
    with pytest.raises(InstallError, match="FACEPLATE_ENV"):
        read_settings(tmp_path, {"FACEPLATE_ENV": f"/a{os.pathsep}b"})


def test_pip_arguments_reach_pip(stage: Stage) -> None:
    assert stage.run("env", FACEPLATE_PIP_ARGS="--find-links '/a b'").returncode == 0
    assert "--find-links /a b -e ." in stage.log


@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk"),
        (
            "NewConnectionError('Failed to establish a new connection')\nERROR: No matching distribution found",
            "network",
        ),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "PIP_CERT"),
        ("ERROR: No matching distribution found for numpy>=2", "package is not there"),
        ("something new", "own words"),
    ],
)
def test_pip_failures_have_their_clause(output: str, word: str) -> None:
    assert word in pip_failure(output)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ("libgomp.so.1: cannot open shared object file: No such file or directory", "sudo apt install libgomp1"),
        ("libodd-3.so.7: cannot open shared object file: No such file or directory", "apt-file search libodd-3.so.7"),
        ("DLL load failed while importing cv2", "Visual C++"),
        ("/lib/libc.so.6: version `GLIBC_2.28' not found", "newer system"),
        ("No module named 'x'", "does not load"),
    ],
)
def test_missing_libraries_have_their_sentence(error: str, word: str) -> None:
    assert word in missing_library("cv2", error)


def test_each_system_has_its_own_line(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n')
    assert system_families(release, "linux") == ["linuxmint", "ubuntu", "debian"]
    assert system_families(release, "darwin") == ["darwin"]
    assert "sudo apt install python3.12-venv python3-pip" in get_pip(["linuxmint", "ubuntu"], "python3", "3.12")
    assert "dnf" in get_pip(["rocky", "rhel", "fedora"], "python3", "3.12")
    assert "install pip" in get_pip(["plan9"], "python3", "3.12")


# Two at the same time

HOLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from install.lock import Lock
with Lock(Path(sys.argv[2]), lambda line: print("waits", flush=True)):
    print("has it", flush=True)
    sys.stdin.readline()
print("left", flush=True)
"""


@pytest.fixture
def lock_path(tmp_path: Path) -> Path:
    return tmp_path / "env" / "install.lock"


@pytest.fixture
def holder(lock_path: Path) -> Iterator[subprocess.Popen[str]]:
    with start_holder(lock_path) as process:
        assert read_line(process) == "has it"
        yield process
        process.kill()


def start_holder(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(ROOT), str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_second_waits_for_the_first(holder: subprocess.Popen[str], lock_path: Path) -> None:
    with start_holder(lock_path) as second:
        assert read_line(second) == "waits"
        holder.communicate("\n")
        assert read_line(second) == "has it"
        second.communicate("\n")


def test_the_lock_of_a_killed_process_holds_nobody_up(holder: subprocess.Popen[str], lock_path: Path) -> None:
    holder.kill()
    holder.wait()
    assert lock_path.read_text().strip() == str(holder.pid)
    told: list[str] = []
    with Lock(lock_path, told.append, patience=0.0):
        assert lock_path.read_text().strip() == str(os.getpid())
    assert told == []


def test_waiting_has_an_end_and_names_the_owner(holder: subprocess.Popen[str], lock_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(InstallError, match=f"process {holder.pid}"), Lock(lock_path, told.append, patience=0.0):
        pass
    assert len(told) == 1 and str(holder.pid) in told[0]


def test_a_lock_on_a_removed_file_is_not_taken_for_the_lock(lock_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`clean` removes the file that it holds; who had just opened that file must lock the new one instead."""
    take = lock_module.try_lock
    removals = iter([lock_path.unlink])

    def removed_meanwhile(descriptor: int) -> bool:
        next(removals, lambda: None)()
        return take(descriptor)

    monkeypatch.setattr(lock_module, "try_lock", removed_meanwhile)
    with Lock(lock_path, lambda line: None) as lock:
        assert os.path.samestat(os.fstat(lock.descriptor), lock_path.stat())


def test_two_installations_at_once_make_one_environment(stage: Stage) -> None:
    both = [
        subprocess.Popen(
            stage.command("env"),
            env=stage.variables({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert [out for out, _ in outputs] == [f"{stage.env}\n"] * 2
    assert sum("making the environment" in error for _, error in outputs) == 1
    assert pip_runs(stage.log) == 1


# The demo and the tests


def test_demo_runs_where_the_person_stands_with_clean_variables(stage: Stage) -> None:
    (stage.home / "json.py").write_text("raise SystemExit('a stray module of the person was imported')\n")
    done = stage.run("demo", "--out", "my folder", "--frames", "2", PYTHONPATH="/leak", PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["arguments"] == ["demo", "--out", "my folder", "--frames", "2"]
    assert told["cwd"] == str(stage.home) and "/leak" not in told["path"]
    variables = told["variables"]
    assert variables["PYTHONNOUSERSITE"] == "1" and variables["VIRTUAL_ENV"] == str(stage.env)
    assert not {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"} & set(variables)
    assert variables["PATH"].startswith(str(stage.env / "bin"))


def test_demo_ends_as_the_command_ends(stage: Stage) -> None:
    (stage.clone / "core" / "faceplate" / "cli" / "main.py").write_text("import sys\nsys.exit(3)\n")
    assert stage.run("demo").returncode == 3


def test_nothing_of_the_person_misleads_pip() -> None:
    kept = clean_variables(
        {"PIP_TARGET": "/x", "PIP_USER": "1", "PIP_INDEX_URL": "https://mirror.example/simple", "A": "b"}
    )
    assert "PIP_TARGET" not in kept
    assert (kept["PIP_USER"], kept["PIP_INDEX_URL"], kept["A"]) == ("0", "https://mirror.example/simple", "b")


def test_test_runs_all_four_and_ends_with_pytests_line(stage: Stage) -> None:
    done = stage.run("test", "-k", "a b")
    assert done.returncode == 0, done.stdout + done.stderr
    out = lines(done.stdout)
    assert out[-1] == "3 passed, 1 skipped in 0.12s" and out.count(out[-1]) == 1
    assert {"ruff check .", "ruff format --check .", "pytest -k a b"} <= set(out)
    assert f"pyright --pythonpath {stage.env / 'bin' / 'python'}" in out


@pytest.mark.parametrize("words", ["leaked 2 instances", "leaked 2 instances\n - one\n"])
def test_pytests_line_is_last_even_if_a_library_talks_after_it(stage: Stage, words: str) -> None:
    done = stage.run("test", LAST_WORDS=words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "leaked 2 instances\n" in done.stdout
    assert lines(done.stdout)[-1] == "3 passed, 1 skipped in 0.12s"


@pytest.mark.parametrize("tool", ["ruff", "pyright", "pytest"])
def test_test_fails_when_one_fails_and_still_runs_the_others(stage: Stage, tool: str) -> None:
    done = stage.run("test", **{f"ENDING_{tool.upper()}": "1"})
    assert done.returncode == 1
    out = lines(done.stdout)
    assert out[-1] == ("1 failed, 2 passed in 0.12s" if tool == "pytest" else "3 passed, 1 skipped in 0.12s")
    assert out[-2].startswith("failed: ") and tool in out[-2]
    assert {"ruff check .", "pytest"} <= set(out)


@pytest.mark.parametrize(("ending", "code"), [("0", 0), ("1", 1)])
def test_the_ci_script_passes_the_result_on(stage: Stage, ending: str, code: int) -> None:
    variables = stage.variables({"CI": "true", "ENDING_PYRIGHT": ending})
    variables["PATH"] = f"{stage.python.parent}{os.pathsep}{variables['PATH']}"
    script = stage.clone / ".ci" / "run"
    done = subprocess.run(
        [script], cwd=stage.home, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert lines(done.stdout)[-1] == "3 passed, 1 skipped in 0.12s"


def test_the_installer_needs_only_the_standard_library() -> None:
    code = textwrap.dedent(
        """
        import sys
        sys.path.insert(0, sys.argv[1])
        import install.app
        install.app.overview()
        ours = {name.partition(".")[0] for name in sys.modules}
        print(sorted(ours - set(sys.stdlib_module_names) - {"install", "__main__", "sitecustomize"}))
        """
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT)]
    assert subprocess.run(command, capture_output=True, text=True).stdout.strip() == "[]"
