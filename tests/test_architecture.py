"""docs/architecture.md names the rooms as they are, in the order of the import contract."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def documented_rooms() -> list[set[str]]:
    """The rooms of the page's table, one set per line, from the top."""
    table = PAGE.split("## Rooms", 1)[1].split("Beside the engine:", 1)[0]
    rows = re.findall(r"^\| (`.+?) \|", table, re.M)
    return [{name.removesuffix(".py") for name in re.findall(r"`([\w.]+)`", row)} for row in rows]


def test_the_rooms_are_those_of_the_import_contract_in_its_order() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert documented_rooms() == [set(re.findall(r"\w+", layer)) for layer in layers]


def test_every_folder_and_module_at_the_root_is_a_room() -> None:
    engine = ROOT / "core" / "faceplate"
    found = {path.stem for path in engine.glob("*.py")} | {path.parent.name for path in engine.glob("*/__init__.py")}
    assert found - {"__init__"} == set().union(*documented_rooms())


def test_the_tour_names_files_that_exist() -> None:
    tour = PAGE.split("five changes", 1)[1].split("\n## ", 1)[0]
    named = [name for name in re.findall(r"`([\w/]+(?:\.py|/))`", tour)]
    assert len(named) >= 8
    for name in named:
        assert (ROOT / "core" / "faceplate" / name).exists() or (ROOT / name).exists(), name
