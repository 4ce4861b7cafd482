"""A frame in reading order, from the plate's file to the written result: begin with `renderer.py`."""

from faceplate.render.composite import CompositeResult
from faceplate.render.renderer import Renderer, render
from faceplate.render.result import GeneratedFrame, LoadedFrame, LocatedFrame, Rendered
from faceplate.render.swap import swap_face

__all__ = [
    "CompositeResult",
    "GeneratedFrame",
    "LoadedFrame",
    "LocatedFrame",
    "Rendered",
    "Renderer",
    "render",
    "swap_face",
]
