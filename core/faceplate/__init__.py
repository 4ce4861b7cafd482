"""Faceplate replaces a performer's face on a scene-linear film plate."""

import os

from faceplate_client.version import __version__

# NumPy's OpenBLAS reads this when it is loaded. The engine's matrices have about a hundred rows: more threads wait for each other
# longer than they work, and their number, that of the machine's cores, would decide in which order sums are rounded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

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
