"""The smallest shot document, and documents written as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BARE = {"faceplate_shot": 1, "plate": "plates/p.####.exr"}


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path
