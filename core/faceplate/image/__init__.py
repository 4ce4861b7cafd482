"""Pictures and regions of pictures that stages pass on: frames, windows, proxies, inpainting and filters."""

from faceplate.image.frame import Frame
from faceplate.image.window import Window

__all__ = ["Frame", "Window"]
