"""The parts from which job templates are made: steps, commands and parameters, and the files of a bundle."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceplate.errors import UsageError
from faceplate.system.atomic import publish, temporary_beside, write_failed
from faceplate.system.user_paths import make_folder

__all__ = [
    "CANCEL",
    "GPU_NODES",
    "PARAMETERS_FILE",
    "TEMPLATE_FILE",
    "as_yaml",
    "command",
    "number_parameter",
    "path_parameter",
    "step",
    "text_parameter",
    "write_files",
]

TEMPLATE_FILE = "template.yaml"
PARAMETERS_FILE = "parameters.json"

CANCEL = {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 30}
"""How a task is told to stop: SIGTERM, and 30 seconds to end."""

GPU_NODES = {"amounts": [{"name": "amount.worker.gpu", "min": 1}]}
"""What a step requires of its nodes that needs a GPU."""


def write_files(files: Mapping[str, str], folder: Path) -> Path:
    """Write a bundle's files, by their path in it, and return the folder. Raises `RenderError` `output-unwritable`, `disk-full`."""
    for name, text in files.items():
        path = folder / name
        make_folder(path.parent, "bundle's folder")
        try:
            with temporary_beside(path) as part:
                part.write_text(text, encoding="utf-8")
                publish(part, path)
        except OSError as error:
            raise write_failed(path, error) from error
    return folder


def command(program: str, words: list[str]) -> dict[str, Any]:
    """Return the action that runs `faceplate` + `program` with `words`."""
    return {"command": "{{Param.Faceplate}}" + program, "args": words, "cancelation": CANCEL}


def step(
    name: str, action: dict[str, Any], after: tuple[str, ...] = (), space: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Return a step that runs `action` after the steps `after`, once or for each value of the parameters in `space`."""
    found: dict[str, Any] = {"name": name}
    if after:
        found["dependencies"] = [{"dependsOn": other} for other in after]
    if space:
        found["parameterSpace"] = {"taskParameterDefinitions": space}
    found["script"] = {"actions": {"onRun": action}}
    return found


def path_parameter(name: str, kind: str, flow: str, words: str, default: str | None = None) -> dict[str, Any]:
    """Return the definition of a path parameter: `kind` FILE or DIRECTORY, `flow` IN, OUT or INOUT."""
    found = {"name": name, "type": "PATH", "objectType": kind, "dataFlow": flow, "description": words}
    return found | ({} if default is None else {"default": default})


def text_parameter(name: str, words: str, default: str) -> dict[str, Any]:
    """Return the definition of a text parameter."""
    return {"name": name, "type": "STRING", "description": words, "default": default}


def number_parameter(name: str, words: str, default: int, least: int) -> dict[str, Any]:
    """Return the definition of a whole number of at least `least`."""
    return {"name": name, "type": "INT", "description": words, "default": default, "minValue": least}


def as_yaml(item: Any) -> str:
    """Return YAML text that reads well in a diff. Raises `UsageError('no-farm')` without the extra packages."""
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise UsageError(
            "no-farm", "A job bundle needs the extra packages of faceplate[farm]; install them with pip."
        ) from error

    class Plain(yaml.SafeDumper):
        """A dumper without YAML's anchors and aliases, which make a template harder to read."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    return yaml.dump(item, Dumper=Plain, sort_keys=False, width=120, allow_unicode=True)
