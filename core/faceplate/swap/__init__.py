"""Generators: what makes the new face. `mesh` is embedded; networks come beside it through the same interface."""

from faceplate.swap.generator import Crop, Encoding, Framing, Generated, Generator, Reshaping
from faceplate.swap.mesh import MeshGenerator, MeshSettings, parse_pins
from faceplate.swap.null import NullGenerator
from faceplate.swap.source import Source, SourceView, read_source

__all__ = [
    "Crop",
    "Encoding",
    "Framing",
    "Generated",
    "Generator",
    "MeshGenerator",
    "MeshSettings",
    "NullGenerator",
    "Reshaping",
    "Source",
    "SourceView",
    "parse_pins",
    "read_source",
]
