"""Renderers of a small plate whose takes carry a name, a production and a release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faceplate.face import FaceFinder
from faceplate.generators import NullGenerator
from faceplate.render import Renderer
from faceplate.shot import Shot


def marking_renderer(plate: Path, source: Path, output: Path, finder: FaceFinder, **changes: Any) -> Renderer:
    values: dict[str, Any] = {"name": "sh010", "production": "Glass", "space": "ACEScg", **changes}
    shot = Shot(plate=str(plate), source=source, output=str(output), **values)
    return Renderer(shot, finder, NullGenerator(side=128))
