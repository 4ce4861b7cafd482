"""Routes of the display: the config's views, and the shader that shows plate pixels through one of them."""

from __future__ import annotations

import base64
from typing import Any

from fastapi import APIRouter

from faceplate.color import ColorConfig
from faceplate.color.shader import FUNCTION, ShaderTexture, display_shader, displays
from faceplate.errors import UsageError
from faceplate.render import Renderer
from faceplate.service.shot_info import plate_space
from faceplate.workspace.desk import Desk

__all__ = ["display_router"]


def display_router(desk: Desk) -> APIRouter:
    """Return the routes of the display."""
    router = APIRouter()

    @router.get("/v1/ui/color")
    def color(shot: str) -> dict[str, Any]:
        """Return the config's displays and views, and the plate's colour space."""
        renderer = desk.renderer(shot)
        found, (display, view) = displays(renderer.color)
        return {
            "config": renderer.color.source,
            "space": _space(renderer),
            "working": renderer.color.working_space,
            "displays": [{"name": item.name, "views": list(item.views)} for item in found],
            "default": {"display": display, "view": view},
        }

    @router.get("/v1/ui/shader")
    def shader(shot: str, display: str, view: str, space: str | None = None) -> dict[str, Any]:
        """Return OCIO's shader from a colour space, by default the plate's, to a display and view."""
        renderer = desk.renderer(shot)
        return _shader(renderer.color, space or _space(renderer), display, view)

    return router


def _space(renderer: Renderer) -> str:
    """Return the space that the plate is read in; the working space where no frame says one."""
    try:
        found = plate_space(renderer, renderer.frames())
    except UsageError:
        found = None
    return found["name"] if found else renderer.color.working_space


def _shader(color: ColorConfig, space: str, display: str, view: str) -> dict[str, Any]:
    made = display_shader(color, color.resolve(space), display, view)
    return {
        "cache_id": made.cache_id,
        "language": "glsl_es_3.0",
        "function": FUNCTION,
        "shader": made.text,
        "uniforms": [
            {"name": item.name, "role": item.role, "type": "float", "default": item.default} for item in made.uniforms
        ],
        "textures": [_texture(texture) for texture in made.textures],
    }


def _texture(texture: ShaderTexture) -> dict[str, Any]:
    return {
        "sampler": texture.sampler,
        "dimensions": 3 if texture.depth > 1 else 2,
        "width": texture.width,
        "height": texture.height,
        "depth": texture.depth,
        "channels": texture.channels,
        "interpolation": texture.interpolation,
        "data": base64.b64encode(texture.values.astype("<f4").tobytes()).decode("ascii"),
    }
