"""The picture that stages hand on: pixels, the window of the plate that they cover, and filters on them."""

from faceplate.image.frame import Frame
from faceplate.image.window import Window

__all__ = ["Frame", "Window"]
