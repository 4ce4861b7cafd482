"""Faceplate replaces a performer's face on a scene-linear film plate."""

from faceplate_client.version import __version__

# isort: split
# The modules below import __version__ from this package, so it must be set before them.
from faceplate.api import FaceDetector, FaceEnhancer, FaceSwapper, open_frame
from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.render import CompositeResult, Rendered, Renderer, render, swap_face
from faceplate.render.batch import FrameDone, render_frames
from faceplate.shot import Parameters, Shot

__all__ = [
    "CompositeResult",
    "FaceDetector",
    "FaceEnhancer",
    "FaceSwapper",
    "FaceplateError",
    "FrameDone",
    "Parameters",
    "RenderError",
    "Rendered",
    "Renderer",
    "Shot",
    "UsageError",
    "__version__",
    "open_frame",
    "render",
    "render_frames",
    "swap_face",
]
