"""What is asked for: shot, parameters, curves, shot files and show files."""

from faceplate.shot.curves import Curve
from faceplate.shot.document import (
    VERSION,
    ShotDocument,
    ShowDocument,
    dump,
    first_fault,
    parse_document,
    read_document,
    schema,
    write_document,
)
from faceplate.shot.edit import changes, new_document, record_take, restore_take, set_key, set_values
from faceplate.shot.edit_faces import remove_face, set_face, set_face_key
from faceplate.shot.load import Setting, explain, is_shot_file, load_shot
from faceplate.shot.parameters import PARAMETERS, Parameters
from faceplate.shot.path_rules import PathRule, read_rules
from faceplate.shot.shot import Override, Policy, Shot, ShotFace

__all__ = [
    "PARAMETERS",
    "VERSION",
    "Curve",
    "Override",
    "Parameters",
    "PathRule",
    "Policy",
    "Setting",
    "Shot",
    "ShotDocument",
    "ShotFace",
    "ShowDocument",
    "changes",
    "dump",
    "explain",
    "first_fault",
    "is_shot_file",
    "load_shot",
    "new_document",
    "parse_document",
    "read_document",
    "read_rules",
    "record_take",
    "remove_face",
    "restore_take",
    "schema",
    "set_face",
    "set_face_key",
    "set_key",
    "set_values",
    "write_document",
]
