"""Two installations at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from install.lock import locked
from install.settings import InstallError

from install import lock as lock_module
from install_stage import ROOT, Stage, make_stage, pip_runs  # noqa: F401

HOLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from install.lock import locked
with locked(Path(sys.argv[2]), lambda line: print("waits", flush=True)):
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
    with locked(lock_path, told.append, patience=0.0):
        assert lock_path.read_text().strip() == str(os.getpid())
    assert told == []


def test_waiting_has_an_end_and_names_the_owner(holder: subprocess.Popen[str], lock_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(InstallError, match=f"process {holder.pid}"), locked(lock_path, told.append, patience=0.0):
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
    with locked(lock_path, lambda line: None) as descriptor:
        assert os.path.samestat(os.fstat(descriptor), lock_path.stat())


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
