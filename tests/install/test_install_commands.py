"""`python3 install`: its commands, the Python it starts on, the demo and the checks."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from install.app import COMMANDS
from install.children import clean_variables

from install import __main__ as door
from install_stage import ROOT, Stage, lines, make_stage  # noqa: F401


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


def test_a_new_command_is_a_function_and_a_line(stage: Stage) -> None:
    module = stage.clone / "install" / "app.py"
    function = "def _show(settings, words):\n    print(settings.root, words)\n    return 7\n\n\n"
    text = module.read_text().replace("COMMANDS: dict", function + "COMMANDS: dict")
    module.write_text(text.replace('    "demo": (', '    "show": ("print the words", _show),\n    "demo": (', 1))
    done = stage.run("show", "14.0")
    assert done.returncode == 7, done.stderr
    assert done.stdout.strip() == f"{stage.clone} ['14.0']"
    assert "print the words" in stage.run().stdout


def test_env_installs_the_extras_that_are_named(stage: Stage) -> None:
    stage.set_project("[project.optional-dependencies]\nmovies = []\n")
    assert stage.run("env", "movies").returncode == 0
    assert ".[movies]" in stage.log


def test_env_works_where_the_note_for_hosts_cannot_be_written(stage: Stage) -> None:
    (stage.home / "data").write_text("")
    done = stage.run("env", XDG_DATA_HOME=str(stage.home / "data"))
    assert (done.returncode, done.stdout) == (0, f"{stage.env}\n")
    assert f"FACEPLATE_ENGINE={stage.env / 'bin' / 'python'}" in lines(done.stderr)[-1]


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
