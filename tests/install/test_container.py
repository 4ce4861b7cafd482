"""The container: its recipe, its steps outside a container, and, with FACEPLATE_CONTAINER=1, the image built and used.

The build needs root, mmdebstrap, buildah and a network: `FACEPLATE_CONTAINER=1 pytest -s tests/install/test_container.py`.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faceplate import __version__
from install_stage import ROOT, Stage, make_stage  # noqa: F401

DOCKER = ROOT / "install" / "docker"
STEPS = DOCKER / "steps.sh"

posix = pytest.mark.skipif(os.name != "posix", reason="a shell script")


def instructions() -> list[tuple[str, str]]:
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    return [
        (word, rest) for word, _, rest in (line.partition(" ") for line in text if line and not line.startswith("#"))
    ]


def test_the_recipe() -> None:
    """Two bases from one file, no step but those of the script, nobody's weights inside, and not as root."""
    found = instructions()
    words = [word for word, _ in found]
    assert words[0] == "ARG" and [rest for word, rest in found if word == "FROM"] == ["${BASE} AS build", "${BASE}"]
    steps = {step for word, rest in found if word == "RUN" for step in re.findall(r"steps\.sh (\w+)", rest)}
    assert steps == {"system", "engine"}
    secrets = r"(--mount=type=secret,id=\w+ )*"
    for word, rest in found:
        if word == "RUN":
            assert re.fullmatch(rf"{secrets}sh \S*/steps\.sh \w+( && rm /tmp/steps\.sh)?|useradd .*", rest), rest
        if word == "COPY" and "--from" not in rest:
            assert (ROOT / rest.split()[0]).exists()
    assert "ADD" not in words
    users = [rest for word, rest in found if word == "USER"]
    assert users == ["faceplate"] and words.index("USER") < words.index("ENTRYPOINT")
    assert any("FACEPLATE_MODELS=/models" in rest for word, rest in found if word == "ENV")


def test_what_the_build_does_not_get() -> None:
    """What is left out is nothing that the package is built of."""
    left_out = (ROOT / ".dockerignore").read_text().split()

    def is_left_out(name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in left_out)

    assert all(map(is_left_out, (".git", ".venv", ".venv-bpy45", "core/__pycache__")))
    needed = ("core", "plugins", "install", "pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE")
    assert not any(map(is_left_out, needed))


@posix
def test_the_engine_step_with_stand_ins(stage: Stage) -> None:
    """It is the installation that every user has, with the extras for movies and for a farm."""
    stage.set_project("[project.optional-dependencies]\nmovies = []\nfarm = []\n")
    path = f"{stage.python.parent}{os.pathsep}{os.environ['PATH']}"
    command = ["sh", str(stage.clone / "install" / "docker" / "steps.sh"), "engine"]
    done = subprocess.run(command, env=stage.variables({"PATH": path}), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{stage.env}\n"), done.stderr
    assert ".[farm,movies]" in stage.log


@posix
@pytest.mark.skipif(not os.environ.get("FACEPLATE_LONG"), reason="makes a whole environment; FACEPLATE_LONG=1")
@pytest.mark.timeout(1800)
def test_the_engine_step(tmp_path: Path) -> None:
    """The image's own step, run here: it makes a new environment."""
    folder = tmp_path / "env"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
    variables = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "FACEPLATE_ENV": str(folder),
    }
    done = subprocess.run(["sh", str(STEPS), "engine"], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder)
    for program, said in (("faceplate", f"faceplate {__version__}"), ("faceplate-farm", "")):
        path = folder / "bin" / program
        word = "--version" if said else "--help"
        ran = subprocess.run([path, word], capture_output=True, text=True, check=False)
        assert ran.returncode == 0 and said in ran.stdout


@posix
def test_a_wrong_step() -> None:
    done = subprocess.run(["sh", str(STEPS), "else"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "system or engine" in done.stderr


# Started inside the container: the engine on demand, what it listens on, and its end.
SERVICE = """
import json, psutil
from faceplate_client import connect
engine = connect(parent=True)
status = engine.status()
found = psutil.Process(status["pid"]).net_connections(kind="inet")
listening = sorted({one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN})
print(json.dumps({"engine": status["engine"], "listening": listening}))
engine.stop()
"""
FARM = """
set -e
cd /show/demo
faceplate shot new sh010.shot.json plate=plate/plate.####.exr source=/opt/faceplate/core/faceplate/demo/people/bea \
  output=farm/swap.####.exr
faceplate farm bundle sh010.shot.json -o sh010.job --frames 1001-1003 --chunk 2
faceplate farm run sh010.job
"""


class Image:
    """The image that `build.sh` made in a folder, and one container of it with a mounted folder `show`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.show = folder / "show"
        self.show.mkdir()
        self.show.chmod(0o777)
        self.container = self.buildah("from", "localhost/faceplate").strip()

    def buildah(self, *words: str) -> str:
        command = [
            "buildah",
            "--storage-driver",
            "vfs",
            "--root",
            f"{self.folder}/storage",
            "--runroot",
            f"{self.folder}/run",
        ]
        variables = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
        done = subprocess.run([*command, *words], env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *words: str, user: str = "faceplate") -> str:
        """Run a command in the container and return what it printed on standard output; also print it."""
        said = self.buildah("run", "--user", user, "--volume", f"{self.show}:/show", self.container, "--", *words)
        print(f"$ {' '.join(words)}\n{said}")
        return said


@pytest.mark.skipif(not os.environ.get("FACEPLATE_CONTAINER"), reason="builds the image; FACEPLATE_CONTAINER=1")
@pytest.mark.timeout(3600)
def test_the_image(tmp_path: Path) -> None:
    """Built for real and used: not root, the demo, the service on loopback, an Open Job Description job in chunks."""
    if os.geteuid() != 0 or not shutil.which("buildah") or not shutil.which("mmdebstrap"):
        pytest.fail("FACEPLATE_CONTAINER=1 needs root, mmdebstrap and buildah")
    built = subprocess.run(["sh", DOCKER / "build.sh", tmp_path], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    print("\n".join(built.stdout.splitlines()[-3:]))
    try:
        image = Image(tmp_path)
        assert image.run("id", "-u").strip() == "10001"
        assert f"faceplate {__version__}" in image.run("faceplate", "--version")
        assert "3 frames: /show/demo/swap/swap.####.exr" in image.run(
            "faceplate", "demo", "--frames", "3", "--out", "/show/demo"
        )
        assert sorted(path.name for path in (image.show / "demo" / "swap").glob("*.exr")) == [
            f"swap.{frame}.exr" for frame in (1001, 1002, 1003)
        ]
        # Any user, as with docker run --user: the owner of the shots.
        assert "1 frame:" in image.run("faceplate", "demo", "--frames", "1", "--out", "/show/any", user="12345:12345")
        assert (image.show / "any" / "swap" / "swap.1001.exr").stat().st_uid == 12345
        (image.show / "service.py").write_text(SERVICE)
        answer = json.loads(image.run("python", "/show/service.py").splitlines()[-1])
        assert answer == {"engine": __version__, "listening": ["127.0.0.1"]}
        said = image.run("sh", "-c", FARM)
        assert "3 of 3 frames are right" in said and "Session ended successfully" in said
        assert len(list((image.show / "demo" / "farm").glob("swap.*.exr"))) == 3
    finally:
        for name in ("storage", "run"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        (tmp_path / "faceplate.tar").unlink(missing_ok=True)
