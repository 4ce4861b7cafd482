"""Holds a fake host against type stubs, and proves that pyright with those stubs finds mistakes in an adapter."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["Stubs", "errors_of", "problems", "read_stubs"]


class Stubs:
    """Classes with their methods and the keys of typed dictionaries, functions and names."""

    def __init__(self) -> None:
        self.bases: dict[str, list[str]] = {}
        self.methods: dict[str, dict[str, list[ast.FunctionDef]]] = {}
        self.keys: dict[str, set[str]] = {}
        self.functions: dict[str, list[ast.FunctionDef]] = {}

    def add(self, text: str) -> None:
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef):
                self._add_class(node)
            elif isinstance(node, ast.FunctionDef):
                self.functions.setdefault(node.name, []).append(node)

    def _add_class(self, node: ast.ClassDef) -> None:
        self.bases[node.name] = [ast.unparse(base) for base in node.bases]
        methods = self.methods.setdefault(node.name, {})
        for item in node.body:
            if isinstance(item, ast.FunctionDef):
                methods.setdefault(item.name, []).append(item)
            elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                self.keys.setdefault(node.name, set()).add(item.target.id)

    def method(self, cls: str, name: str) -> list[ast.FunctionDef]:
        """The method's declarations, also from the classes above."""
        found = self.methods.get(cls, {}).get(name)
        if found is not None:
            return found
        return next((above for base in self.bases.get(cls, []) if (above := self.method(base, name))), [])


def read_stubs(package: str) -> Stubs:
    """The stubs of an installed package of stubs: its folder, such as `fusionscript-stubs`."""
    stubs = Stubs()
    folder = next(path for entry in sys.path if (path := Path(entry) / package).is_dir())
    for file in sorted(folder.glob("*.pyi")):
        stubs.add(file.read_text(encoding="utf-8"))
    return stubs


def problems(module: ModuleType, stubs: Stubs, own: Iterable[str] = ()) -> list[str]:
    """What the public classes and functions of `module` have and the stubs have not, a line each; `own` is left out."""
    found: list[str] = []
    for name, member in vars(module).items():
        if name.startswith("_") or name in own or inspect.ismodule(member):
            continue
        if inspect.isclass(member):
            found += _of_class(name, member, stubs)
        elif inspect.isfunction(member):
            found += _of_function(name, member, stubs.functions.get(name, []))
    return found


def _of_class(name: str, cls: type, stubs: Stubs) -> list[str]:
    if name not in stubs.methods:
        return [f"class {name} is not in the stubs"]
    found: list[str] = []
    for attribute in dir(cls):
        member = getattr(cls, attribute)
        if not attribute.startswith("_") and inspect.isfunction(member):
            found += _of_function(f"{name}.{attribute}", inspect.unwrap(member), stubs.method(name, attribute))
    return found


def _of_function(name: str, function: Any, declared: list[ast.FunctionDef]) -> list[str]:
    if not declared:
        return [f"{name} is not in the stubs"]
    own = [item.name for item in inspect.signature(function).parameters.values() if item.name not in ("self", "cls")]
    for one in declared:
        names = [item.arg for item in one.args.args if item.arg not in ("self", "cls")]
        if own == names:
            return []
    wanted = " | ".join(f"({ast.unparse(one.args)})" for one in declared)
    return [f"{name}{inspect.signature(function)} is {wanted} in the stubs"]


def errors_of(folder: Path, python_version: str, extra_paths: Iterable[Path]) -> list[tuple[str, int, str]]:
    """pyright's errors in a folder: (file name, line from 1, rule)."""
    paths = [str(path) for path in extra_paths]
    config = folder / "pyrightconfig.json"
    config.write_text(json.dumps({"include": ["."], "extraPaths": paths, "pythonVersion": python_version}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return [
        (Path(item["file"]).name, item["range"]["start"]["line"] + 1, item.get("rule", ""))
        for item in json.loads(done.stdout)["generalDiagnostics"]
        if item["severity"] == "error"
    ]
