"""Runs a job bundle on this machine with the Open Job Description runtime, as a node of a farm does."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from faceplate.errors import UsageError
from faceplate.farm.template_parts import PARAMETERS_FILE, TEMPLATE_FILE

__all__ = ["own_program", "run_bundle"]


def run_bundle(
    bundle: Path,
    parameters: Mapping[str, str] | None = None,
    mapping: Path | None = None,
    step: str = "",
    quiet: bool = False,
) -> int:
    """Run every step of a bundle, or `step` with those that it depends on, and return the runtime's exit code.

    `parameters` replace the bundle's own. `mapping` is a path mapping file (`pathmapping-1.0`). The steps use the
    `faceplate` program of this environment. Raises `UsageError` `no-farm`, `no-bundle`.
    """
    if importlib.util.find_spec("openjd") is None or importlib.util.find_spec("openjd.cli") is None:
        raise UsageError("no-farm", "Running a job needs the extra packages of faceplate[farm]; install them with pip.")
    template = bundle / TEMPLATE_FILE
    try:
        values = json.loads((bundle / PARAMETERS_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError("no-bundle", f"{bundle} is no job bundle of Faceplate: {error}.") from error
    values = {**values, "Faceplate": own_program(), **(parameters or {})}
    command = [sys.executable, "-m", "openjd", "run", str(template), "-p", json.dumps(values)]
    command += ["--path-mapping-rules", f"file://{mapping.absolute()}"] if mapping else []
    command += ["--step", step, "--run-dependencies"] if step else []
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, stdout=output, check=False).returncode


def own_program() -> str:
    """Return the `faceplate` program of this environment, else the one on PATH."""
    beside = Path(sys.executable).with_name("faceplate.exe" if sys.platform == "win32" else "faceplate")
    return str(beside.with_suffix("")) if beside.exists() else "faceplate"
