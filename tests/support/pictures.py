"""Types of the fixtures that read committed pictures, and the file of measured landmarks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faceplate.face import Face
from faceplate.image.frame import Frame
from faceplate.source import Source

TRUTH = Path(__file__).parents[1] / "truth" / "landmarks.json"
"""Landmarks of the committed pictures, measured by another program."""

ReadPicture = Callable[[str], Frame]
"""Reads a committed picture by its name under `people/`, such as `ada/front.jpg`."""

FaceIn = Callable[[str], Face]
"""Finds the largest face of a committed picture."""

ReadSource = Callable[[str], Source]
"""Reads all pictures of a demo person by name, such as `ada`, once in the session."""
