"""The OpenFX plug-in in a small host that follows the same standard, with the real engine behind it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import FACE
from faceplate.demo import people_folder
from faceplate.plate import PlateFile
from faceplate.render import Renderer
from faceplate.shot import load_shot
from faceplate.shot.parameters import describe
from faceplate_client import Engine
from plugins.openfx import build

DTYPES = {"half": "<f2", "float": "<f4"}
SHOWN_ALPHA = 0.25
VALUES = {"generator": "mesh", "grain": 1.0, "occlusion": 0.0, "no_face": "pass"}


@dataclass(frozen=True)
class Session:
    """The built plug-in and host, a shot file, and the plate's picture."""

    host: Path
    plugin: Path
    shot: Path
    picture: np.ndarray
    renderer: Renderer
    run: str
    folder: Path

    def call(self, *words: str, dtype: str = "half", shot: bool = True, **environ: str) -> tuple[Any, np.ndarray]:
        """Render frame `FACE` in the host; the finished process, and the pixels of the output."""
        height, width = self.picture.shape[:2]
        pixels = np.full((height, width, 4), SHOWN_ALPHA, DTYPES[dtype])
        pixels[..., :3] = self.picture
        pixels.tofile(self.folder / "in.raw")
        command = [
            str(self.host), str(self.plugin), "--in", "in.raw", "--out", "out.raw", "--size", f"{width}x{height}",
            "--depth", dtype, "--frame", str(FACE), *([f"shot={self.shot}"] if shot else []), *words,
        ]  # fmt: skip
        environment = {**os.environ, "FACEPLATE_RUN": self.run, **environ}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        shown = np.fromfile(self.folder / "out.raw", DTYPES[dtype])
        return done, shown.reshape(pixels.shape) if shown.size == pixels.size else shown

    def rendered(self, **values: Any) -> np.ndarray:
        """The same frame rendered from the plate's file by the engine itself."""
        return self.renderer.over_picture(self.renderer.render(FACE, values=values))[..., :3]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if os.name != "posix" or build.compiler() is None:
        pytest.skip("NOT RUN: the OpenFX plug-in needs a C++ compiler, on Linux or macOS")
    folder = tmp_path_factory.mktemp("openfx")
    done = subprocess.run(
        [sys.executable, build.__file__, str(folder)], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, "")  # a warning of the compiler is a failure
    return build.bundle_of(folder), folder / "mini_host"


@pytest.fixture(scope="session")
def shot_file(fast_folder: Path, fast_document: dict[str, Any]) -> Path:
    document = {**fast_document, "source": str(people_folder() / "bea" / "front.jpg"), "parameters": VALUES}
    path = fast_folder / "openfx.shot.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="session")
def renderer(shot_file: Path) -> Renderer:
    return Renderer(load_shot(shot_file).model_copy(update={"track_first": False, "mode": "over"}))


@pytest.fixture
def session(built: tuple[Path, Path], engine: Engine, shot_file: Path, renderer: Renderer, tmp_path: Path) -> Session:
    picture = PlateFile.open(shot_file.with_name("plate.exr")).read_rgb()
    return Session(built[1], built[0], shot_file, picture, renderer, str(engine.folder), tmp_path)


def test_the_declared_parameters(built: tuple[Path, Path]) -> None:
    done = subprocess.run([built[1], built[0], "--describe"], capture_output=True, text=True, check=True, timeout=60)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    labels = {item["name"]: item["label"] for item in describe()}
    assert {name: label for name, _, label in rows if name != "shot"} == {name: labels[name] for name in build.SHOWN}
    assert len(rows) == 13 and ["shot", "OfxParamTypeString", "Shot file"] in rows


@pytest.mark.parametrize("dtype", ["half", "float"])
def test_the_engines_picture_is_shown(session: Session, dtype: str) -> None:
    done, shown = session.call("--padding", "48", dtype=dtype)
    assert (done.returncode, done.stderr) == (0, "")
    expected = session.rendered().astype(DTYPES[dtype])
    assert np.array_equal(shown[..., :3], expected)
    assert np.all(shown[..., 3] == np.array(SHOWN_ALPHA, DTYPES[dtype]))
    assert np.any(expected != session.picture.astype(DTYPES[dtype]))


def test_only_the_wanted_window_is_written(session: Session) -> None:
    done, shown = session.call("--window", "60,100,140,205")
    assert (done.returncode, done.stderr) == (0, "")
    expected = np.zeros_like(shown[..., :3])
    rows, columns = slice(0, 105), slice(60, 140)  # y counts up from the bottom
    expected[rows, columns] = session.rendered().astype("<f2")[rows, columns]
    assert np.array_equal(shown[..., :3], expected)


def test_a_changed_value_wins_over_the_shot_file(session: Session) -> None:
    done, shown = session.call("matte_feather=0.2", "mouth=plate")
    assert (done.returncode, done.stderr) == (0, "")
    expected = session.rendered(matte_feather=0.2, mouth="plate").astype("<f2")
    assert np.array_equal(shown[..., :3], expected)
    assert np.any(expected != session.rendered().astype("<f2"))


def test_one_node_renders_again_and_again(session: Session) -> None:
    times = session.folder / "times"
    done, shown = session.call("--turns", "2", "--tweak", "enhance=0.5,1.0", FACEPLATE_OFX_TIMES=str(times))
    assert (done.returncode, done.stderr, len(done.stdout.split())) == (0, "", 4)
    assert np.array_equal(shown[..., :3], session.rendered(enhance=1.0).astype("<f2"))
    assert all(json.loads(line)["engine"] > 0 for line in times.read_text().splitlines())


def test_a_value_that_needs_more_of_the_picture(session: Session) -> None:
    done, shown = session.call("--turns", "1", "--tweak", "forehead=1.5", "matte_feather=0.1")
    assert (done.returncode, done.stderr) == (0, "")
    assert np.array_equal(shown[..., :3], session.rendered(matte_feather=0.1, forehead=1.5).astype("<f2"))


def test_the_engines_memory_is_given_back(session: Session, engine: Engine) -> None:
    before = engine.call("GET", "/v1/status")["cache"]["shared"]["blocks"]
    assert session.call()[0].returncode == 0
    assert engine.call("GET", "/v1/status")["cache"]["shared"]["blocks"] == before


def test_without_a_shot_file_the_source_passes(session: Session) -> None:
    done, _ = session.call(shot=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "identity", "")


class TestRefusals:
    """Each is a message of the host with a code and a sentence, and a failed render; never a wrong picture."""

    def refused(self, done: Any, code: str, sentence: str) -> None:
        assert done.returncode == 1
        assert done.stderr.startswith(f"OfxMessageError {code}: ") and sentence in done.stderr

    def test_no_engine(self, session: Session, tmp_path: Path) -> None:
        self.refused(session.call(FACEPLATE_RUN=str(tmp_path))[0], "engine-not-running", "faceplate serve")

    def test_a_state_file_that_others_can_read(self, session: Session, tmp_path: Path) -> None:
        found = next(Path(session.run).glob("engine-*.json"))
        (tmp_path / found.name).write_text(found.read_text())
        (tmp_path / found.name).chmod(0o644)
        self.refused(session.call(FACEPLATE_RUN=str(tmp_path))[0], "engine-not-running", "does not run")

    def test_no_shot_file(self, session: Session, tmp_path: Path) -> None:
        done, _ = session.call(f"shot={tmp_path}/none.shot.json")
        self.refused(done, "no-shot", "cannot be read")

    def test_what_the_engine_refuses(self, session: Session) -> None:
        self.refused(session.call("target=nobody")[0], "bad-target", "nobody")

    def test_a_picture_of_another_size(self, session: Session) -> None:
        done, _ = session.call("--size", "100x100")
        self.refused(done, "other-size", "205 x 205")


def test_an_aborted_frame_is_no_error(session: Session) -> None:
    done, _ = session.call("--abort")
    assert (done.returncode, done.stderr) == (0, "")
