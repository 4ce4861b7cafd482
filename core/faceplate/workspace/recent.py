"""The shots that were opened last, in a file among the user's own."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from faceplate.errors import FaceplateError
from faceplate.system.atomic import write_bytes
from faceplate.system.paths import data_folder
from faceplate.system.user_paths import exists
from faceplate_client import paths

__all__ = ["recent_shots", "remember_shot"]

_MOST = 20
_lock = threading.Lock()


def recent_shots() -> list[dict[str, str]]:
    """Return path, name and time of the shots that were opened last and are still there, the newest first."""
    held = (paths.read_json(str(_file())) or {}).get("shots")
    shots = held if isinstance(held, list) else []
    known = [item for item in shots if isinstance(item, dict) and isinstance(item.get("path"), str)]
    return [
        {
            "path": item["path"],
            "name": Path(item["path"]).name.removesuffix(".shot.json"),
            "opened": str(item.get("opened", "")),
        }
        for item in known
        if exists(item["path"])
    ][:_MOST]


def remember_shot(path: Path) -> None:
    """Put a shot at the head of the list. A folder that cannot be written is no error."""
    with _lock:
        held = recent_shots()
        if held and held[0]["path"] == str(path):
            return
        rest = [item for item in held if item["path"] != str(path)]
        first = {"path": str(path), "opened": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        try:
            write_bytes(_file(), json.dumps({"shots": [first, *rest][:_MOST]}).encode())
        except FaceplateError:
            return


def _file() -> Path:
    return data_folder() / "recent_shots.json"
