"""Client of the Faceplate engine: finds or starts it, and sends it requests. Standard library, Python 3.9 or later.

    from faceplate_client import connect

    engine = connect()
    shot = engine.open_shot("sh010.shot.json")
    for entry in engine.render(shot, [1001]).wait()["frames"].values():
        print(entry["path"])

Each host's plug-in holds a copy of this package, which imports nothing else.
"""

from .background import Answer, Background
from .choices import CHOSEN, Choice, choices_of, first_choices
from .curves import simplified_keys
from .engine import Engine, Shot, connect
from .errors import ClientError, EngineError, HostError
from .exr import frame_key
from .files import make_folder, read_text, write_json, write_text
from .frame_ranges import format_frames, frame_runs, parse_frames
from .issues import issue_line, next_issue
from .job import Job
from .job_progress import Progress, completed_job, follow_job, frame_path_of
from .parameter_list import FORMER_NAMES, parameters, with_current_names
from .pixels import shared_bytes, take_pixels
from .sequence import frame_path, frames_on_disk, is_pattern, with_padding
from .shot_cache import ShotCache
from .shot_document import changed_values, keyed, new_id, shot_document, write_document
from .shot_faces import faces_of_shot_file
from .shot_status import licence_notice, release_notice, stale_frames
from .version import __version__
from .view_plan import leading_view, with_pin, without_pins

__all__ = [
    "CHOSEN",
    "FORMER_NAMES",
    "Answer",
    "Background",
    "Choice",
    "ClientError",
    "Engine",
    "EngineError",
    "HostError",
    "Job",
    "Progress",
    "Shot",
    "ShotCache",
    "__version__",
    "changed_values",
    "choices_of",
    "completed_job",
    "connect",
    "faces_of_shot_file",
    "first_choices",
    "follow_job",
    "format_frames",
    "frame_key",
    "frame_path",
    "frame_path_of",
    "frame_runs",
    "frames_on_disk",
    "is_pattern",
    "issue_line",
    "keyed",
    "leading_view",
    "licence_notice",
    "make_folder",
    "new_id",
    "next_issue",
    "parameters",
    "parse_frames",
    "read_text",
    "release_notice",
    "shared_bytes",
    "shot_document",
    "simplified_keys",
    "stale_frames",
    "take_pixels",
    "with_current_names",
    "with_padding",
    "with_pin",
    "without_pins",
    "write_document",
    "write_json",
    "write_text",
]
