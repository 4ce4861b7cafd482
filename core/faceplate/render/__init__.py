"""A frame in reading order, from the plate's file to the written result."""

from faceplate.render.renderer import Generating, Loaded, Rendered, Renderer, render

__all__ = ["Generating", "Loaded", "Rendered", "Renderer", "render"]
