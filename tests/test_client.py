"""The client: on every Python that is here, without a package, starting engines, following jobs, and helping adapters."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faceplate
import faceplate_client
from engines import FACE, settings, state_of, until
from faceplate.errors import FaceplateError
from faceplate.hosts import copy_client
from faceplate.plate import Sequence
from faceplate.shot.parameters import describe
from faceplate_client import Background, Engine, EngineError, find, job, places, wire
from faceplate_client import engine as engine_module
from faceplate_client.exr import header
from plates import read_file, write_plate

ROOT = Path(__file__).parents[1]
CLIENT = Path(faceplate_client.__file__).parent
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter with its copy of the client."""
    target = tmp_path_factory.mktemp("adapter ü")
    copy_client(target)
    return target


def find_python(version: str) -> str | None:
    """A Python of this version that starts: on PATH, or where pyenv keeps them."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}*/bin/python"))
    for name in (*map(str, kept), f"/usr/bin/python{version}", f"/usr/local/bin/python{version}", f"python{version}"):
        path = shutil.which(name)
        if path is None:
            continue
        done = subprocess.run([path, "-IS", "-c", "import sys; print(sys.version)"], capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.startswith(version + "."):
            return path
    return None


HOST = """
import json, sys
sys.path.insert(0, sys.argv[1])
import faceplate_client as client
assert not [name for name in sys.modules if name.startswith(("numpy", "pydantic", "faceplate."))]
engine = client.connect(start=False)
shot = engine.open_shot(json.loads(sys.argv[2]), sys.argv[3])
events = []
done = engine.render(shot, [1, 2], output=sys.argv[4], pixels="shared").wait(events.append)
entry = done["frames"]["1"]
pixels = client.shared_bytes(entry)
background = client.Background(lambda: engine)
background.ask("node", lambda engine: engine.faces(shot, 2))
answers = []
while not [answer for answer in answers if answer.event is None]:
    answers += background.answers()
background.close()
print(json.dumps({
    "version": sys.version_info[:2],
    "states": [event["event"] for event in events].count("state"),
    "state": done["state"],
    "bytes": len(pixels),
    "shape": entry["shared"]["shape"],
    "stale": client.stale_frames(engine, shot, [1], sys.argv[4]),
    "parameters": len(client.parameters()),
    "faces": answers[-1].result["result"],
    "loaded": [name for name in sys.modules if name.startswith("multiprocessing")],
}))
"""


@pytest.mark.parametrize("version", PYTHONS)
def test_every_python_without_packages(
    version: str, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], carried: Path, tmp_path: Path
) -> None:
    python = find_python(version)
    if python is None:
        said = f"Python {version} is not on this machine: the client was NOT tried on it."
        warnings.warn(said, stacklevel=1)
        pytest.skip(said)
    output = str(tmp_path / "o.####.exr")
    command = [python, "-I", "-S", "-c", HOST, str(carried), json.dumps(fast_document), str(fast_folder), output]
    with settings(Path(engine.folder)):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert f"{said['version'][0]}.{said['version'][1]}" == version
    assert said["state"] == "done" and said["states"] == 3 and said["faces"]["faces"]
    height, width, channels = said["shape"]
    assert said["bytes"] == height * width * channels * 4 and said["loaded"] == []
    assert said["parameters"] == len(describe())
    assert read_file(tmp_path / "o.0001.exr")[1].width == width


def test_imports_the_standard_library_alone() -> None:
    for path in CLIENT.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            wanted = {name.partition(".")[0] for name in names} - {"numpy"}
            assert wanted <= sys.stdlib_module_names, f"{path.name} imports {wanted}"
            if isinstance(node, ast.Import) and any(alias.name == "numpy" for alias in node.names):
                assert node.col_offset > 0, f"{path.name} imports numpy where no host may have it"


def test_belongs_to_this_release() -> None:
    """The client's version is the project's: pyproject.toml reads it from the client."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"] and "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "faceplate_client.version.__version__"}
    assert faceplate.__version__ == faceplate_client.__version__
    assert faceplate_client.parameters() == describe()


class TestStart:
    """With stand-ins for the engine's program, which write down how they were started."""

    @pytest.fixture
    def program(self, tmp_path: Path) -> Path:
        """Notes its words and variables, says something, and fails."""
        path = tmp_path / "faceplate"
        path.write_text(
            f'#!/bin/sh\necho "$@" > {tmp_path}/words\nenv > {tmp_path}/variables\necho "libfoo is missing" >&2\nexit 3\n'
        )
        path.chmod(0o755)
        return path

    def test_a_clean_environment(self, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "OCIO", "DYLD_INSERT_LIBRARIES", "QT_PLUGIN_PATH"):
            monkeypatch.setenv(name, "/host")
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
        monkeypatch.setenv("FACEPLATE_ENGINE", str(program))
        monkeypatch.setenv("FACEPLATE_RUN", str(tmp_path / "run"))
        with pytest.raises(EngineError) as refused:
            faceplate_client.connect(wait=20)
        assert refused.value.code == "engine-not-started"
        assert "libfoo is missing" in refused.value.message and "exit code 3" in refused.value.message
        text = (tmp_path / "variables").read_text()
        assert "/host" not in text and "HTTPS_PROXY=http://proxy:3128" in text
        assert (tmp_path / "words").read_text().split() == ["serve", "--parent", str(os.getpid())]

    def test_an_engine_that_never_answers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / "faceplate"
        program.write_text("#!/bin/sh\necho loading\nexec sleep 3\n")
        program.chmod(0o755)
        monkeypatch.setenv("FACEPLATE_ENGINE", str(program))
        monkeypatch.setenv("FACEPLATE_RUN", str(tmp_path / "run"))
        with pytest.raises(EngineError, match=r"within 0\.5 s: loading"):
            faceplate_client.connect(wait=0.5)

    @pytest.mark.parametrize(
        ("named", "code"), [("/nowhere/python3", "engine-missing"), ("{tmp}/text", "engine-not-started")]
    )
    def test_programs_that_are_none(
        self, named: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "text").write_text("no program")
        monkeypatch.setenv("FACEPLATE_ENGINE", named.format(tmp=tmp_path))
        monkeypatch.setenv("FACEPLATE_RUN", str(tmp_path / "run"))
        with pytest.raises(EngineError) as refused:
            faceplate_client.connect(wait=5)
        assert refused.value.code == code and refused.value.message.endswith(".")

    def test_not_started_unless_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FACEPLATE_RUN", str(tmp_path / "run"))
        with pytest.raises(EngineError) as refused:
            faceplate_client.connect(start=False)
        assert refused.value.code == "engine-not-running"

    def test_what_a_dead_engine_left_is_passed_over(self, engine: Engine, tmp_path: Path) -> None:
        """A stale port, somebody else's file, a damaged one: none is believed, and the true one is found beside them."""
        state = state_of(Path(engine.folder)) or {}
        run = tmp_path / "run"
        run.mkdir(mode=0o700)
        own = Path(places.state_file(str(run), faceplate_client.__version__))
        for wrong in ({**state, "port": 1}, {**state, "token": "old"}, {**state, "api": 99}, {"api": 1}, []):
            write_private(own, json.dumps(wrong))
            assert find.find_engine(str(run)) is None
        write_private(own, json.dumps(state))
        own.chmod(0o644)
        assert find.find_engine(str(run)) is None
        write_private(run / "engine-9.9.9.json", json.dumps(state))
        found = find.find_engine(str(run))
        assert found is not None and found.port == state["port"]


def write_private(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


class TestFollow:
    def test_proxies_are_not_asked(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "")
        assert engine.status()["engine"]

    def test_asks_where_the_stream_does_not_work(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: Any) -> Any:
            raise wire.LostError("a virus scanner")

        monkeypatch.setattr(job, "events", broken)
        events: list[dict[str, Any]] = []
        done = engine.render(engine.open_shot(fast_document, str(fast_folder)), [2, 3]).wait(events.append)
        assert done["state"] == "done" and events[-1] == {"event": "state", "id": 0, "state": "done"}
        assert {event["frame"] for event in events if event["event"] == "frame"} == {2, 3}

    def test_gives_up_waiting_and_not_the_job(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        long = engine.render(shot, range(2, 3000), priority="batch")
        with pytest.raises(EngineError) as refused:
            long.wait(timeout=0.3)
        assert refused.value.code == "timeout" and long.poll()["state"] in ("waiting", "running")
        assert long.cancel()["state"] == "cancelled"

    def test_a_newer_request_supersedes(self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        old = engine.render(shot, range(2, 3000), supersede="node")
        new = engine.render(shot, [2], supersede="node")
        assert new.wait()["state"] == "done"
        with pytest.raises(EngineError) as refused:
            old.wait()
        assert refused.value.code == "superseded" and refused.value.job is not None

    def test_stale_frames(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        output = str(tmp_path / "o.####.exr")
        assert faceplate_client.stale_frames(engine, shot, [2, FACE], output) == [2, FACE]
        engine.render(shot, [FACE, 2], output=output).wait()
        assert faceplate_client.stale_frames(engine, shot, [2, FACE], output) == []
        assert faceplate_client.stale_frames(engine, shot, [FACE], output, values={"matte_feather": 0.3}) == [FACE]
        again = engine.render(shot, [FACE, 2, 3], output=output, skip_current=True).wait()
        assert [entry["cached"] for entry in again["frames"].values()] == [True, True, False]
        changed = engine.render(shot, [FACE], {"matte_feather": 0.3}, output=output, skip_current=True).wait()
        assert not changed["frames"]["1"]["cached"]


class _Job(job.Job):
    """A job that ends when the test says so."""

    def __init__(self, name: str) -> None:
        self.document = {"job": name, "state": "running"}
        self.gate = threading.Event()
        self.cancelled = False

    def wait(self, on_event: Any = None, timeout: float | None = None) -> dict[str, Any]:
        on_event({"event": "progress", "of": self.id})
        assert self.gate.wait(10)
        if self.cancelled:
            raise EngineError("cancelled", "It was cancelled.")
        return self.document

    def cancel(self) -> dict[str, Any]:
        self.cancelled = True
        self.gate.set()
        return self.document


class TestBackground:
    @pytest.fixture
    def background(self) -> Iterator[Background]:
        background = Background(lambda: None)  # type: ignore[arg-type, return-value]
        yield background
        background.close()

    def test_the_latest_wins(self, background: Background) -> None:
        jobs = [_Job(str(number)) for number in range(4)]
        background.ask("node", lambda _: jobs[0])
        until(background.answers)
        for wanted in jobs[1:]:
            began = time.monotonic()
            background.ask("node", lambda _, wanted=wanted: wanted)
            assert time.monotonic() - began < 1, "a window would have stood still"
        jobs[3].gate.set()
        answers = collected(background)
        assert [answer.result["job"] for answer in answers] == ["3"] and jobs[0].cancelled
        assert not background.busy("node")

    def test_others_are_left_alone(self, background: Background) -> None:
        first, second = _Job("first"), _Job("second")
        background.ask("one", lambda _: first)
        until(background.answers)
        background.ask("two", lambda _: second)
        assert not first.cancelled and background.busy("two")
        background.cancel("two")
        first.gate.set()
        assert [answer.name for answer in collected(background)] == ["one"]

    def test_errors_are_answers(self, background: Background) -> None:
        def refused(_: Engine) -> None:
            raise EngineError("no-face", "No face.")

        background.ask("a", refused)
        background.ask("b", lambda _: {}["missing"])
        until(lambda: not background.busy("a") and not background.busy("b"))
        codes = {answer.name: answer.error and answer.error.code for answer in background.answers()}
        assert codes == {"a": "no-face", "b": "host"}

    def test_close_ends_the_thread(self, background: Background) -> None:
        held = _Job("held")
        background.ask("node", lambda _: held)
        until(background.answers)
        background.close()
        assert background._thread is not None
        background._thread.join(5)
        assert not background._thread.is_alive() and held.cancelled and background.answers() == []


def collected(background: Background) -> list[Any]:
    """The final answers, once there is one."""
    found: list[Any] = []

    def some() -> bool:
        found.extend(answer for answer in background.answers() if answer.event is None)
        return bool(found)

    until(some)
    return found


class TestHelpers:
    @given(
        st.sampled_from(
            ["p.####.exr", "p.@@@.exr", "p.%04d.exr", "p.%d.exr", "p.$F4.exr", "a_###_b.exr", "p.#.exr", "still.exr"]
        ),
        st.integers(-50, 123456),
    )
    def test_sequences_are_the_engines(self, pattern: str, frame: int) -> None:
        assert faceplate_client.frame_path("/x/" + pattern, frame) == str(Sequence.parse("/x/" + pattern).path(frame))

    def test_frames_on_disk(self, tmp_path: Path) -> None:
        for name in ("p.1001.exr", "p.01002.exr", "p.1003.exr.part", "p.0005.exr", "q.1001.exr", "p.-003.exr"):
            (tmp_path / name).write_text("")
        pattern = str(tmp_path / "p.####.exr")
        assert faceplate_client.frames_on_disk(pattern) == [-3, 5, 1001] == list(Sequence.parse(pattern).on_disk())
        assert faceplate_client.frames_on_disk("/nowhere/p.####.exr") == []

    @pytest.mark.parametrize(
        ("path", "pattern"),
        [
            ("/a/p.1001.exr", "/a/p.####.exr"),
            ("p_1001.exr", "p_####.exr"),
            ("1001.dpx", "####.dpx"),
            ("/a/v2.exr", "/a/v2.exr"),
            ("still.exr", "still.exr"),
        ],
    )
    def test_a_files_pattern(self, path: str, pattern: str) -> None:
        assert faceplate_client.with_padding(path) == pattern

    def test_headers(self, tmp_path: Path) -> None:
        from faceplate.image.window import Window

        attributes: dict[str, Any] = {"faceplate:key": "ab12"}
        path = write_plate(
            tmp_path / "o.exr", np.zeros((4, 6, 3), np.float32), data=Window(-2, 3, 6, 4), display=Window(0, 0, 20, 10),
            **attributes,
        )  # fmt: skip
        found = header(str(path))
        assert found["faceplate:key"] == faceplate_client.frame_key(str(path)) == "ab12"
        assert found["dataWindow"] == (-2, 3, 6, 4) and found["displayWindow"] == (0, 0, 20, 10)
        whole = path.read_bytes()
        for count in (0, 3, 8, 40, 200):
            (tmp_path / "cut.exr").write_bytes(whole[:count])
            assert faceplate_client.frame_key(str(tmp_path / "cut.exr")) is None
        assert faceplate_client.frame_key(str(tmp_path / "none.exr")) is None

    def test_documents(self, tmp_path: Path) -> None:
        from faceplate.shot import load_shot

        curve = faceplate_client.keyed([(1020, 0.4, "linear"), (1001, 0.1, "hold")])
        values = {"matte_feather": curve, "occlusion": default("occlusion"), "nonsense": 1}
        made = faceplate_client.shot_document(
            "p.####.exr", values, name="sh010", source=None, id=faceplate_client.new_id()
        )
        assert made["parameters"] == {"matte_feather": curve} and "source" not in made
        path = faceplate_client.write_document(str(tmp_path / "new" / "sh010.shot.json"), made)
        shot = load_shot(path)
        assert shot.name == "sh010" and shot.at(1010).matte_feather == 0.1 and shot.at(1020).matte_feather == 0.4
        assert [item.name for item in (tmp_path / "new").iterdir()] == ["sh010.shot.json"]

    def test_licences(self) -> None:
        free = {"name": "yunet", "licence": "MIT", "commercial": True}
        bound = {"name": "swapper", "licence": "research only", "commercial": False}
        assert (
            faceplate_client.licence_notice({"weights": [free]})
            == "Weights: yunet (MIT). All may be used commercially."
        )
        assert faceplate_client.licence_notice({"weights": [free, bound]}).startswith("NOT FOR COMMERCIAL USE: swapper")

    def test_variables_of_a_shot(self, tmp_path: Path) -> None:
        (tmp_path / "faceplate.show.json").write_text('{"defaults": {"ocio": "$SHOW_OCIO/config.ocio"}}')
        (tmp_path / "sq").mkdir()
        (tmp_path / "sq" / "a.shot.json").write_text('{"plate": "${PLATES}/p.exr"}')
        texts = engine_module._texts(str(tmp_path / "sq" / "a.shot.json"))
        environ = {"PLATES": "/p", "SHOW_OCIO": "/o", "SECRET": "s", "OCIO": "ocio://x"}
        assert engine_module.variables(texts, environ) == {
            "PLATES": "/p",
            "SHOW_OCIO": "/o",
            "OCIO": "ocio://x",
        }

    @pytest.mark.parametrize(
        ("platform", "environ", "end"),
        [
            ("linux", {"XDG_RUNTIME_DIR": "{tmp}"}, "{tmp}/faceplate"),
            ("linux", {"XDG_CACHE_HOME": "/c"}, "/c/faceplate/run"),
            ("linux", {"FACEPLATE_RUN": "/r", "XDG_RUNTIME_DIR": "{tmp}"}, "/r"),
            ("darwin", {"XDG_RUNTIME_DIR": "{tmp}"}, "Library/Caches/Faceplate/run"),
            ("win32", {"LOCALAPPDATA": "/l"}, "/l/Faceplate/run"),
        ],
    )
    def test_run_folders(self, platform: str, environ: dict[str, str], end: str, tmp_path: Path) -> None:
        values = {name: value.format(tmp=tmp_path) for name, value in environ.items()}
        assert places.run_folder(values, platform).endswith(end.format(tmp=tmp_path))


def default(name: str) -> Any:
    return next(entry["default"] for entry in describe() if entry["name"] == name)


def test_every_code_is_documented() -> None:
    """docs/service.md lists each code that the service and the client can give by themselves."""
    text = (ROOT / "docs" / "service.md").read_text()
    codes: set[str] = set()
    for path in (*CLIENT.glob("*.py"), *(ROOT / "core/faceplate/server").glob("*.py")):
        source = path.read_text("utf-8")
        codes |= set(re.findall(r'(?:EngineError|UsageError|RenderError)\(\s*"([a-z-]+)"', source))
        codes |= set(re.findall(r'(?:return|=) (?:\()?4\d\d, "([a-z-]+)"', source))
    assert len(codes) > 20 and issubclass(FaceplateError, Exception)
    assert not {code for code in codes if f"`{code}`" not in text}
