"""The environment: made, found again, updated, made again, removed; and what goes wrong on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from install.environment import wanted_state
from install.messages import get_pip, missing_library, pip_failure, system_families
from install.settings import InstallError, Settings, read_settings

from install_stage import PYPROJECT, Stage, lines, make_stage, pip_runs  # noqa: F401


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
    [("ensurepip",), ("venv",)],
    ids=["no ensurepip", "no venv"],
)
def test_a_python_that_lacks_parts_still_gets_its_environment(stage: Stage, lacks: tuple[str, ...]) -> None:
    done = stage.without(*lacks).run("env")
    assert done.returncode == 0, done.stderr + stage.log
    assert not (stage.env / "bootstrap").exists()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ending", ["", "1"], ids=["uv works", "uv fails"])
def test_uv_is_used_where_it_is_there_and_pip_where_it_fails(stage: Stage, ending: str) -> None:
    more = {"PATH": stage.with_uv(), "PIP_NO_INDEX": "", **({"UV_FAILS": "1"} if ending else {})}
    variables = {name: value for name, value in stage.variables(more).items() if name != "PIP_NO_INDEX"}
    command = [*stage.command("env")]
    done = subprocess.run(command, cwd=stage.home, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{stage.env}\n"), done.stderr + stage.log
    assert f"uv venv --seed --allow-existing --python {stage.python} {stage.env}" in stage.log
    words = "--no-progress --no-binary faceplate --only-binary :all: -e ."
    assert f"uv pip install --python {stage.env / 'bin' / 'python'} {words}" in stage.log
    assert pip_runs(stage.log) == len(ending)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PIP_INDEX_URL", "https://mirror.example/simple"), ("PIP_CONF_SAYS", "global.cert='/etc/ca.pem'")],
)
def test_uv_is_not_used_where_pip_has_settings(stage: Stage, variable: str, value: str) -> None:
    """uv reads neither PIP_INDEX_URL nor pip.conf, and would ask another index than the user's."""
    variables = stage.variables({"PATH": stage.with_uv(), variable: value})
    del variables["PIP_NO_INDEX"]
    done = subprocess.run(stage.command("env"), env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "uv venv" not in stage.log and pip_runs(stage.log) == 1


def test_ctrl_c_stops_with_one_line_and_the_next_run_starts_again(stage: Stage) -> None:
    process = subprocess.Popen(
        stage.command("env"),
        env=stage.variables({"PIP_SLEEPS": "60"}),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while not ((stage.env / "install.log").exists() and pip_runs(stage.log)) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert lines(said)[-1] == "install: stopped; the same command goes on from here." and "Traceback" not in said
    assert stage.run("env").returncode == 0


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
