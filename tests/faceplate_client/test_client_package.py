"""The client as a package: on every Python that is here, without third-party packages, with documented error codes."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path
from typing import Any

import pytest
from install.carry import carry_client
from install.settings import Settings

import faceplate_client
from client_files import CLIENT, ROOT
from engines import settings
from faceplate.errors import FaceplateError
from faceplate.shot.parameters import describe
from faceplate_client import Engine
from plates import read_file
from pythons import find_python

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter with its copy of the client."""
    target = tmp_path_factory.mktemp("adapter ü")
    carry_client(Settings(ROOT, Path(sys.prefix)), target)
    return target


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
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert faceplate_client.__version__ == project["version"]
    assert faceplate_client.parameters() == describe()


def test_every_code_is_documented() -> None:
    """docs/service.md lists each code that the service and the client can give by themselves."""
    text = (ROOT / "docs" / "service.md").read_text()
    codes: set[str] = set()
    for path in (*CLIENT.glob("*.py"), *(ROOT / "core/faceplate/service").glob("*.py")):
        source = path.read_text("utf-8")
        codes |= set(re.findall(r'(?:EngineError|HostError|UsageError|RenderError)\(\s*"([a-z-]+)"', source))
        codes |= set(re.findall(r'(?:return|=) (?:\()?4\d\d, "([a-z-]+)"', source))
    assert len(codes) > 20 and issubclass(FaceplateError, Exception)
    assert not {code for code in codes if f"`{code}`" not in text}
