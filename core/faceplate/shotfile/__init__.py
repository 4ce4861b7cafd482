"""Shot files and show defaults: what a shot is, as a file that people, hosts and farms hand to each other."""

from faceplate.shotfile.document import (
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
from faceplate.shotfile.edit import changes, new_document, record_take, restore_take, set_key, set_values
from faceplate.shotfile.load import Said, explain, is_shot_file, load_shot
from faceplate.shotfile.paths import PathRule, read_rules

__all__ = [
    "VERSION",
    "PathRule",
    "Said",
    "ShotDocument",
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
    "restore_take",
    "schema",
    "set_key",
    "set_values",
    "write_document",
]
