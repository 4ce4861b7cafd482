"""`python3 install test`: every check runs, and pytest's closing line is the last."""

from __future__ import annotations

import os
import subprocess

import pytest

from install_stage import Stage, lines, make_stage  # noqa: F401

PYTEST = f"pytest -n {min(len(os.sched_getaffinity(0)), 4)} --dist loadfile"
"""How pytest is called: with a process on each core."""


def test_test_runs_every_check_and_ends_with_pytests_line(stage: Stage) -> None:
    done = stage.run("test", "-k", "a b")
    assert done.returncode == 0, done.stdout + done.stderr
    out = lines(done.stdout)
    assert out[-1] == "3 passed, 1 skipped in 0.12s" and out.count(out[-1]) == 1
    assert {"ruff check .", "ruff format --check .", f"{PYTEST} -k a b"} <= set(out)
    assert f"pyright --pythonpath {stage.env / 'bin' / 'python'}" in out
    # These need a configuration, and this clone has none.
    assert not [line for line in out if line.startswith(("lint-imports", "codespell", "mkdocs"))]


def configure(stage: Stage) -> None:
    """Give the clone a configuration of every check."""
    stage.set_project('[tool.importlinter]\nroot_package = "faceplate"\n[tool.codespell]\nskip = ".git"\n')
    (stage.clone / "mkdocs.yml").write_text("site_name: Faceplate\n")


def test_the_checks_that_are_configured_run(stage: Stage) -> None:
    configure(stage)
    done = stage.run("test")
    assert done.returncode == 0, done.stdout + done.stderr
    out = lines(done.stdout)
    checks = [
        "ruff check:",
        "ruff format --check:",
        "lint-imports:",
        "codespell:",
        "pyright:",
        "mkdocs build --strict:",
    ]
    assert [line for line in out if line.endswith(":")] == [*checks, "pytest:"]
    made = stage.env / "checks"
    assert f"lint-imports --cache-dir {made / 'imports'}" in out and "codespell_lib" in out
    assert f"mkdocs build --strict --quiet --site-dir {made / 'site'}" in out


@pytest.mark.parametrize("words", ["leaked 2 instances", "leaked 2 instances\n - one\n"])
def test_pytests_line_is_last_even_if_a_library_talks_after_it(stage: Stage, words: str) -> None:
    done = stage.run("test", LAST_WORDS=words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "leaked 2 instances\n" in done.stdout
    assert lines(done.stdout)[-1] == "3 passed, 1 skipped in 0.12s"


@pytest.mark.parametrize("tool", ["ruff", "lint-imports", "codespell_lib", "mkdocs", "pyright", "pytest"])
def test_test_fails_when_one_fails_and_still_runs_the_others(stage: Stage, tool: str) -> None:
    configure(stage)
    done = stage.run("test", **{f"ENDING_{tool.upper().replace('-', '_')}": "1"})
    assert done.returncode == 1
    out = lines(done.stdout)
    assert out[-1] == ("1 failed, 2 passed in 0.12s" if tool == "pytest" else "3 passed, 1 skipped in 0.12s")
    assert out[-2].startswith("failed: ") and tool.removesuffix("_lib") in out[-2]
    assert {"ruff check .", PYTEST} <= set(out)


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
