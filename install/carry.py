"""Puts a copy of the client into an adapter, and writes down where the engine's Python is."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from install.errors import InstallError
from install.settings import Settings

__all__ = ["carry_client", "forget_engine", "note_engine"]

_CLIENT = "faceplate_client"


def carry_client(settings: Settings, target: Path) -> Path:
    """Copies the client, its parameter list and the engine's place into `target`/faceplate_client; answers that folder.

    What was there is replaced in one step, so that a host that starts meanwhile finds the old or the new one. Raises
    `InstallError`.
    """
    source, final = settings.root / "core" / _CLIENT, target / _CLIENT
    part = target / f".{_CLIENT}.{secrets.token_hex(4)}.part"
    try:
        target.mkdir(parents=True, exist_ok=True)
        part.mkdir()
        for path in sorted(source.iterdir()):
            if path.suffix == ".py" or path.name == "parameters.json":
                shutil.copyfile(path, part / path.name)
        _write(part / "engine.json", _program(settings))
        _replace(part, final)
    except OSError as error:
        raise InstallError(f"{final} could not be written ({error.strerror or error}).") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return final


def note_engine(settings: Settings) -> Path:
    """Writes the user's own engine.json, where every client looks that carries none."""
    path = _noted(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, _program(settings))
    except OSError as error:
        raise InstallError(f"{path} could not be written ({error.strerror or error}).") from None
    return path


def forget_engine(settings: Settings) -> None:
    """Removes the user's engine.json when it names the Python of these settings."""
    path = _noted(settings)
    try:
        if json.loads(path.read_text("utf-8")).get("python") == str(settings.python):
            path.unlink()
    except (OSError, ValueError, AttributeError):
        return


def _program(settings: Settings) -> dict[str, str]:
    return {"python": str(settings.python)}


def _noted(settings: Settings) -> Path:
    paths = _client_module(settings, "paths")
    return Path(paths.program_file(paths.user_folder(os.environ)))


def _client_module(settings: Settings, name: str) -> Any:
    """A module of the client by its file: the folder that holds it is not one to import from here."""
    path = settings.root / "core" / _CLIENT / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"_carried_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write(path: Path, value: dict[str, str]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
    part.replace(path)


def _replace(part: Path, final: Path) -> None:
    """A folder cannot be renamed over another one, so the old one steps aside first."""
    old = part.with_suffix(".old")
    if final.exists():
        final.rename(old)
    try:
        part.rename(final)
    except OSError:
        if old.exists():
            old.rename(final)
        raise
    shutil.rmtree(old, ignore_errors=True)
