"""No import circle inside a plug-in or the client, also none through an import within a function."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = [
    ROOT / "plugins" / "nuke" / "faceplate_nuke",
    ROOT / "plugins" / "blender" / "faceplate",
    ROOT / "plugins" / "resolve" / "faceplate_resolve",
    ROOT / "core" / "faceplate_client",
]


def imported_modules(package: Path, file: Path) -> set[str]:
    """The modules of `package` that a file of it imports at run time."""
    modules = {path.stem for path in package.glob("*.py")}
    tree = ast.parse(file.read_text("utf-8"))
    for_checking = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    unused = {id(inner) for node in for_checking for inner in ast.walk(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or id(node) in unused:
            continue
        module = node.module or ""
        if node.level == 0 and module.split(".")[0] == package.name:
            module = module.partition(".")[2]
        elif node.level != 1:
            continue
        found |= {module.split(".")[0]} if module else {alias.name for alias in node.names}
    return found & modules


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_no_import_circle(package: Path) -> None:
    graph = {file.stem: imported_modules(package, file) for file in package.glob("*.py")}
    assert any(graph.values())
    TopologicalSorter(graph).prepare()
