"""The Nuke adapter and the fake Nuke against Foundry's stubs, and the adapter's imports."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from adapter_modules import ROOT, adapter_module
from faceplate_client import parameters
from fake_nuke import nuke
from fake_nuke.check import problems, read_stubs
from nuke_stage import PLUGIN
from pythons import find_python

ADAPTER = PLUGIN / "faceplate_nuke"

HOST_FREE = (
    "color_management",
    "coordinates",
    "engine_client",
    "file_patterns",
    "fingerprint",
    "names",
    "read_node",
    "render_request",
    "shot_state",
)
"""Modules that must work where there is no Nuke."""


def test_the_fake_has_no_name_and_no_argument_that_the_stubs_lack() -> None:
    assert problems(nuke, read_stubs()) == []


def test_the_check_of_the_fake_finds_what_is_wrong() -> None:
    wrong = ModuleType("nuke")

    class Knob:
        def getValueAt(self, time: float) -> float:
            return time

        def setValeu(self, val: float) -> None: ...

    class Knobb: ...

    def executeInMainThred(call: Any) -> None: ...

    def nodeCopy() -> None: ...

    for thing in (Knob, Knobb, executeInMainThred, nodeCopy):
        setattr(wrong, thing.__name__, thing)
    found = problems(wrong, read_stubs())
    assert len(found) == 5, found
    for word in ("Knob.getValueAt", "Knob.setValeu", "Knobb", "executeInMainThred", "nodeCopy"):
        assert any(word in line for line in found), (word, found)


def test_pyright_passes_the_adapter_and_catches_each_planted_mistake(tmp_path: Path) -> None:
    """One run over a copy for each mistake: pyright needs seconds to start."""
    planted = {
        "function": ("messages.py", "nuke.tprint(", "nuke.tprnt("),
        "method": ("nodes.py", "knob.clearAnimated()", "knob.clearAnimation()"),
        "count": ("nodes.py", "nuke.root()", 'nuke.root("here")'),
        "type": ("live_update.py", "nuke.executing()", 'nuke.executing("now")'),
        "class": ("nodes.py", "nuke.Precomp)", "nuke.PreComp)"),
        "knob": ("marks.py", "knob.fromScript(curve)", "knob.fromScrpt(curve)"),
    }
    for name in ("clean", *planted):
        shutil.copytree(ADAPTER, tmp_path / name / "faceplate_nuke", ignore=shutil.ignore_patterns("__pycache__"))
    for name, (module, right, wrong) in planted.items():
        file = tmp_path / name / "faceplate_nuke" / module
        text = file.read_text("utf-8")
        assert text.count(right) >= 1, (name, "the place to plant is gone")
        file.write_text(text.replace(right, wrong, 1), "utf-8")
    whole = (ROOT / "pyproject.toml").read_text("utf-8")
    mode = re.search(r'typeCheckingMode = "(\w+)"', whole)
    assert (
        mode
        and 'root = "plugins/nuke"' in whole
        and '"plugins/nuke"' in whole.split("[tool.pyright]")[1].splitlines()[1]
    )
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps(
            {"include": ["."], "pythonVersion": "3.9", "typeCheckingMode": mode[1], "extraPaths": [str(ROOT / "core")]}
        )
    )
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(tmp_path)]
    answer = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    assert answer["summary"]["filesAnalyzed"] > len(planted) * len(list(ADAPTER.glob("*.py")))
    found = {
        (Path(one["file"]).relative_to(tmp_path).parts[0], Path(one["file"]).name)
        for one in answer["generalDiagnostics"]
        if one["severity"] == "error"
    }
    assert found == {(name, module) for name, (module, _, _) in planted.items()}, answer["generalDiagnostics"]


def test_the_adapter_is_python_39_and_imports_the_standard_library_nuke_and_the_client() -> None:
    for file in [*ADAPTER.glob("*.py"), *PLUGIN.glob("*.py")]:
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 9))
        for node in ast.walk(tree):
            assert node.__class__.__name__ not in ("Match", "TryStar"), file
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names.append(node.module or "")
            for name in names:
                top = name.split(".")[0]
                assert top in sys.stdlib_module_names | {"nuke", "faceplate_client", "faceplate_nuke"}, (file, name)
                assert not (top == "nuke" and file.stem in HOST_FREE and file.parent == ADAPTER), file


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11"])
def test_the_parts_without_nuke_run_on_nukes_pythons(version: str) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version}")
    code = (
        "import sys, types; package = types.ModuleType('faceplate_nuke'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['faceplate_nuke'] = package; sys.path.insert(0, sys.argv[2])\n"
        f"import importlib; [importlib.import_module('faceplate_nuke.' + name) for name in {HOST_FREE!r}]\n"
        "from faceplate_nuke.read_node import ReadSettings; from faceplate_client import parse_frames\n"
        "print(parse_frames('1-3,7'), ReadSettings('Read1', 'a.####.exr', 1, 2).before)"
    )
    done = subprocess.run(
        [python, "-c", code, str(ADAPTER), str(ROOT / "core")], capture_output=True, text=True, check=False
    )
    assert done.stdout == "(1, 2, 3, 7) hold\n", done.stderr


def test_node_classes_and_knobs_are_written_down_with_their_page() -> None:
    from fake_nuke.classes import KNOBS
    from fake_nuke.pages import KNOBS_OF_EVERY_NODE, NODES

    known = {name for page in NODES.values() for name in page.knobs} | KNOBS_OF_EVERY_NODE
    own = {entry["name"] for entry in parameters()} | {
        value for value in vars(adapter_module("names")).values() if isinstance(value, str)
    }
    for file in ADAPTER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("nuke.nodes."):
                cls = ast.unparse(node.func).rpartition(".")[2]
                used = {word.arg for word in node.keywords if word.arg} - {"inputs"}
                assert used <= set(NODES[cls].knobs) | KNOBS_OF_EVERY_NODE, (file.name, cls, used)
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.slice, ast.Constant)
                and isinstance(node.slice.value, str)
            ):
                assert node.slice.value in known | own | _WORDS, (file.name, node.lineno, node.slice.value)
    for cls, page in NODES.items():
        assert set(page.knobs) <= set(KNOBS[cls]), cls
        assert page.url.startswith("https://learn.foundry.com/nuke/")


_WORDS = {"group", "type", "minimum", "maximum", "default", "choices", "label", "help", "animatable", "frames", "result"} | {
    "faces", "plate", "number", "box", "done", "total", "engine", "device", "jobs", "name", "parameters", "target"
}  # fmt: skip
"""Keys of the engine's documents and of the parameter list."""


def test_no_private_name_of_the_fake_is_used() -> None:
    text = "".join(file.read_text("utf-8") for file in ADAPTER.glob("*.py"))
    assert not re.findall(r"\b(?:node|knob|group|read|write)\._\w+", text)
