"""What was chosen last time, kept for each project in this user's folder."""

from __future__ import annotations

import contextlib
import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from faceplate_client import HostError, write_json
from faceplate_client.paths import read_json, user_folder

from .dialog import SwapRequest

if TYPE_CHECKING:
    from .host import Host

__all__ = ["remember", "remembered"]

_KEPT = ("source", "folder", "handles", "track", "space", "purpose", "result", "burn_grade")
"""Settings of a project. The pictures to use and the parameters belong to a clip, and are not kept."""

_MOST = 50


def remembered(host: Host | None = None) -> SwapRequest:
    """Return the settings of the host's project; those used last where it has none, or without a host.

    At first, results go to the folder `Faceplate` in the user's home.
    """
    plain = SwapRequest("", os.path.join(os.path.expanduser("~"), "Faceplate"), "auto", 8, True, "", {})
    projects = _projects()
    kept = projects.get(_key(host)) if host is not None else None
    if kept is None and projects:
        # Space and purpose are the show's: another project's are no good guess.
        last = list(projects.values())[-1]
        kept = {name: last[name] for name in ("source", "folder", "handles", "track") if name in last}
    defaults = {field.name: getattr(plain, field.name) for field in fields(SwapRequest)}
    same = {
        name: value for name, value in (kept or {}).items() if name in _KEPT and type(value) is type(defaults[name])
    }
    return SwapRequest(**{**defaults, **same})


def remember(host: Host, request: SwapRequest) -> None:
    """Keep a request's settings for the host's project; only a convenience, so a disk that refuses it is no error."""
    projects = _projects()
    projects.pop(_key(host), None)
    projects[_key(host)] = {name: getattr(request, name) for name in _KEPT}
    newest = dict(list(projects.items())[-_MOST:])
    with contextlib.suppress(HostError):
        write_json(_file(), {"projects": newest})


def _key(host: Host) -> str:
    return str(host.project.GetUniqueId() or host.project.GetName() or "")


def _projects() -> dict[str, dict[str, Any]]:
    found = (read_json(_file()) or {}).get("projects")
    return {key: value for key, value in found.items() if isinstance(value, dict)} if isinstance(found, dict) else {}


def _file() -> str:
    return os.path.join(user_folder(os.environ), "resolve.json")
