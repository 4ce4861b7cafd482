"""Generators make the new face. `mesh` is embedded; networks implement the same interface."""

from faceplate.generators.interface import (
    CacheIdentity,
    Crop,
    CropTransform,
    Encoding,
    Generated,
    Generator,
    Reshaping,
    SourceCoverage,
)
from faceplate.generators.mesh import MeshGenerator, MeshSettings, parse_pins
from faceplate.generators.null import NullGenerator

__all__ = [
    "CacheIdentity",
    "Crop",
    "CropTransform",
    "Encoding",
    "Generated",
    "Generator",
    "MeshGenerator",
    "MeshSettings",
    "NullGenerator",
    "Reshaping",
    "SourceCoverage",
    "parse_pins",
]
