"""What a contributor runs, each in an environment of its own: `python -m nox -s tests`, `lint`, `docs`, `bench`, `wheel`.

`python3 install test` does the first two in one environment and needs nothing installed; see CONTRIBUTING.md.
"""

from __future__ import annotations

from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
CONSTRAINTS = Path("install/constraints.txt")

nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests; further words go to pytest: `nox -s tests-3.11 -- tests/image/test_proxy.py`."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Run every check that reads the code without running it."""
    session.install("-e", ".[test]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("lint-imports")
    session.run("pyright")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """Build the documentation site into `site/`; any warning is an error."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(python="3.11")
def bench(session: nox.Session) -> None:
    """Run the benchmarks and print the tables of docs/performance.md."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "bench", *session.posargs)


@nox.session(python="3.11")
def wheel(session: nox.Session) -> None:
    """Build the wheel into `dist/`, install it into an empty environment and render the demo with it."""
    session.run("python", "-m", "pip", "wheel", ".", "--no-deps", "--wheel-dir", "dist", silent=True)
    built = max(Path("dist").glob("faceplate-*.whl"), key=lambda path: path.stat().st_mtime)
    session.install(str(built))
    outside = session.create_tmp()
    session.chdir(outside)
    session.run("faceplate", "--version")
    session.run("faceplate", "demo", "--out", "demo_out", "--frames", "2")


@nox.session(python="3.11")
def constraints(session: nox.Session) -> None:
    """Renew install/constraints.txt: versions and hashes for this platform, no addresses. Run on Linux x86-64."""
    session.install("pip-tools")
    header = "".join(line for line in CONSTRAINTS.read_text().splitlines(keepends=True) if line.startswith("#"))
    made = Path(session.create_tmp()) / "constraints.txt"
    session.run(
        *("pip-compile", "--quiet", "--generate-hashes", "--strip-extras", "--allow-unsafe"),
        *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-options"),
        *("--extra", "test", "--extra", "docs", "--output-file", str(made), "pyproject.toml"),
    )
    CONSTRAINTS.write_text(header + made.read_text())
