"""Holds the fake against the stubs: every public class, method and function of the fake must be in them, and must take
no argument that they do not. `python -m fake_nuke.check` prints what is wrong; exit code 1 when something is."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["Stubs", "problems", "read_stubs"]


class Stubs:
    """Classes with their methods, functions and names out of `nuke-stubs`."""

    def __init__(self) -> None:
        self.bases: dict[str, list[str]] = {}
        self.methods: dict[str, dict[str, list[ast.FunctionDef]]] = {}
        self.functions: dict[str, list[ast.FunctionDef]] = {}
        self.names: set[str] = set()

    def add(self, text: str) -> None:
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef):
                self.bases[node.name] = [ast.unparse(base) for base in node.bases]
                methods = self.methods.setdefault(node.name, {})
                for item in node.body:
                    if isinstance(item, ast.FunctionDef):
                        methods.setdefault(item.name, []).append(item)
            elif isinstance(node, ast.FunctionDef):
                self.functions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self.names.add(node.target.id)

    def method(self, cls: str, name: str) -> list[ast.FunctionDef]:
        """The method's declarations, also from the classes above."""
        found = self.methods.get(cls, {}).get(name)
        if found is not None:
            return found
        return next((above for base in self.bases.get(cls, []) if (above := self.method(base, name))), [])


def read_stubs() -> Stubs:
    """The stubs of the package types-nuke."""
    stubs = Stubs()
    folder = next(path for entry in sys.path if (path := Path(entry) / "nuke-stubs").is_dir())
    for file in sorted(folder.glob("*.pyi")):
        stubs.add(file.read_text(encoding="utf-8"))
    return stubs


def problems(module: ModuleType, stubs: Stubs) -> list[str]:
    """What `module` has and the stubs have not, a line each."""
    found = []
    for name, member in vars(module).items():
        if name.startswith("_") or inspect.ismodule(member) or name in ("annotations", "Any", "Callable", "Path"):
            continue
        if inspect.isclass(member):
            found += _of_class(name, member, stubs)
        elif inspect.isfunction(member):
            found += _of_function(name, member, stubs.functions.get(name), name in stubs.functions)
        elif name not in stubs.names:
            found.append(f"name {name} is not in the stubs")
    return found


def _of_class(name: str, cls: type, stubs: Stubs) -> list[str]:
    if name not in stubs.methods:
        return [f"class {name} is not in the stubs"]
    found = []
    own_base = cls.__mro__[1].__name__
    if own_base not in ("object", *stubs.bases[name]) and not _is_above(own_base, name, stubs):
        found.append(f"class {name} is derived from {own_base}, in the stubs from {stubs.bases[name]}")
    for attribute, member in vars(cls).items():
        function = inspect.unwrap(member.__func__ if isinstance(member, classmethod) else member)
        if attribute.startswith("_") or not inspect.isfunction(function) or attribute in _OF_THE_FAKE:
            continue
        declared = stubs.method(name, attribute)
        found += _of_function(f"{name}.{attribute}", function, declared, bool(declared))
    return found


_OF_THE_FAKE = {"is_default", "reads", "everybody"}
"""What the fake needs for itself. The adapter must not use these; pyright, which sees only the stubs, makes sure."""


def _is_above(base: str, name: str, stubs: Stubs) -> bool:
    return any(above == base or _is_above(base, above, stubs) for above in stubs.bases.get(name, []))


def _of_function(name: str, function: Any, declared: list[ast.FunctionDef] | None, known: bool) -> list[str]:
    if not known or declared is None:
        return [f"{name} is not in the stubs"]
    own = [item for item in inspect.signature(function).parameters.values() if item.name not in ("self", "cls")]
    if any(_agree(own, one.args) for one in declared):
        return []
    wanted = " | ".join(f"({ast.unparse(one.args)})" for one in declared)
    return [f"{name}{inspect.signature(function)} is {wanted} in the stubs"]


def _agree(own: list[inspect.Parameter], declared: ast.arguments) -> bool:
    """The same names in the same order, none required that is not, none left out that is."""
    if declared.vararg is not None and declared.kwarg is not None:
        return True
    positional = [item for item in declared.args if item.arg not in ("self", "cls")]
    names = [item.arg for item in positional]
    mine = [item for item in own if item.kind is not inspect.Parameter.VAR_POSITIONAL]
    if [item.name for item in mine if item.kind is not inspect.Parameter.KEYWORD_ONLY] != names[: len(mine)]:
        return all(item.kind is inspect.Parameter.KEYWORD_ONLY for item in mine)
    required = len(names) - len(declared.defaults)
    return len(mine) >= required or declared.vararg is not None


def main() -> int:
    sys.path.insert(0, str(Path(__file__).parent.parent))
    assert importlib.util.find_spec("fake_nuke") is not None
    from fake_nuke import nuke

    found = problems(nuke, read_stubs())
    print("\n".join(found) or "the fake agrees with the stubs")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
