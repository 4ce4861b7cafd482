"""Faceplate replaces a performer's face on a scene-linear film plate."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("faceplate")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0.0.0"

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
