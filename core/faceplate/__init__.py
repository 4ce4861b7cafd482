"""Faceplate replaces a performer's face on a scene-linear film plate."""

from faceplate_client.version import __version__

# isort: split
# The modules below import __version__ from this package, so it must be set before them.
from faceplate.api import FaceDetector, FaceEnhancer, FaceSwapper, open_frame
from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.flight import FrameDone, render_frames
from faceplate.render import Rendered, Renderer, render
from faceplate.shot import Shot
from faceplate.stages import Swapped, swap_face

__all__ = [
    "FaceDetector",
    "FaceEnhancer",
    "FaceSwapper",
    "FaceplateError",
    "FrameDone",
    "RenderError",
    "Rendered",
    "Renderer",
    "Shot",
    "Swapped",
    "UsageError",
    "__version__",
    "open_frame",
    "render",
    "render_frames",
    "swap_face",
]
