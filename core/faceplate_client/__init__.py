"""Finds or starts Faceplate's engine and talks to it. Standard library only, Python 3.9 or later.

    from faceplate_client import connect

    engine = connect()
    shot = engine.open_shot("sh010.shot.json")
    for entry in engine.render(shot, [1001]).wait()["frames"].values():
        print(entry["path"])

A host's plug-in carries a copy of this package; it imports nothing beside it.
"""

from .background import Answer, Background
from .engine import Engine, Shot, connect
from .errors import EngineError
from .exr import frame_key
from .job import Job
from .parameter_list import parameters
from .pixels import shared_bytes, take_pixels
from .sequence import frame_path, frames_on_disk, is_pattern, with_padding
from .shot_document import changed_values, keyed, new_id, shot_document, write_document
from .shot_status import licence_notice, stale_frames
from .version import __version__

__all__ = [
    "Answer",
    "Background",
    "Engine",
    "EngineError",
    "Job",
    "Shot",
    "__version__",
    "changed_values",
    "connect",
    "frame_key",
    "frame_path",
    "frames_on_disk",
    "is_pattern",
    "keyed",
    "licence_notice",
    "new_id",
    "parameters",
    "shared_bytes",
    "shot_document",
    "stale_frames",
    "take_pixels",
    "with_padding",
    "write_document",
]
