"""`faceplate parameters`: prints the list of parameters as JSON for a host, and writes the files generated from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from faceplate.errors import UsageError
from faceplate.shot.parameters import Stage, describe

__all__ = ["parameters_command", "parameters_json", "parameters_page", "write_reference"]

_ROOT = Path(__file__).resolve().parents[3]
_PAGE_OPENING = """# Parameters

After reading this page you can look up every parameter: its type, range, default and effect, and what is rendered again when it
changes.

Printed by `faceplate parameters --write` from `core/faceplate/shot/parameters.py`; change that file, not this page.

Every parameter is an option of `faceplate render` (`matte_feather` is `--matte-feather`), a key under `parameters` in a
[shot file](shot.md), and a control in every host. Lengths are fractions of the face's size, the longer side of the mesh's box.
*Keys* says whether the value can change over time. *From* names the first stage that runs again when the value changes; the
results of earlier stages are taken from the cache. The stages in order: {stages}.
"""


def parameters_json() -> str:
    """Return the list as `faceplate_client/parameters.json` holds it for the adapters."""
    entries = ",\n".join(f"    {json.dumps(entry, ensure_ascii=False)}" for entry in describe())
    return f'{{\n  "faceplate_parameters": 1,\n  "parameters": [\n{entries}\n  ]\n}}\n'


def parameters_page() -> str:
    """Return the reference page `docs/parameters.md`."""
    lines = [_PAGE_OPENING.format(stages=", ".join(Stage))]
    entries = sorted(describe(), key=lambda entry: _groups().index(entry["group"]))
    for group, members in groupby(entries, key=lambda entry: entry["group"]):
        lines += [f"## {group}", "", "| name | type | default | keys | from | |", "|---|---|---|---|---|---|"]
        lines += [_row(entry) for entry in members]
        lines.append("")
    return "\n".join(lines)


def write_reference() -> Iterator[Path]:
    """Write the files that are generated from the list, and yield each. Raises `UsageError('no-checkout')`."""
    if not (_ROOT / "docs").is_dir():
        raise UsageError("no-checkout", "The reference can only be written in a checkout of the project.")
    files = {
        _ROOT / "core" / "faceplate_client" / "parameters.json": parameters_json(),
        _ROOT / "docs" / "parameters.md": parameters_page(),
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
        yield path


def parameters_command(
    write: Annotated[bool, typer.Option("--write", help="Write the files that are generated from the list.")] = False,
) -> None:
    """Print every parameter as JSON: name, type, range, default, label, help, group, keys, first stage."""
    if not write:
        print(parameters_json(), end="")
        return
    for path in write_reference():
        print(path)


def _groups() -> list[str]:
    return list(dict.fromkeys(entry["group"] for entry in describe()))


def _row(entry: dict[str, Any]) -> str:
    kind = entry["type"]
    if entry["choices"]:
        kind = ", ".join(f"`{choice}`" for choice in entry["choices"])
    elif entry["minimum"] is not None:
        kind = f"{kind} {entry['minimum']:g} … {entry['maximum']:g}"
    default = "–" if entry["default"] == "" else f"`{entry['default']}`"
    keys = "yes" if entry["animatable"] else ""
    help_ = entry["help"].replace("|", "\\|")
    return (
        f"| `{entry['name']}` | {kind} | {default} | {keys} | {entry['invalidates']} | **{entry['label']}.** {help_} |"
    )
