"""Names that saved scripts contain. Changing one breaks existing scripts."""

from __future__ import annotations

MARK = "faceplate"
"""The knob that makes a node with nodes inside (Group, Gizmo, LiveGroup) a FaceSwap; its value is the version of the group's
own layout."""

LAYOUT = 2
"""1: no marks in the picture. 2: marks, half-size preview, faces of its own."""

ID = "shot_id"
TRACK = "track"
SOURCE = "source"
SOURCE_SPACE = "source_space"
FACES = "faces_file"
MORE_FACES = (2, 3, 4)
"""The faces beside the node's own, which is the first."""

FACE_SOURCE = "face{}_source"
FACE_TARGET = "face{}_target"
PICK = "pick"
RESULT = "frames"
RESULT_MADE = "frames_made"
"""The digest of the path that the adapter chose; a path that the user typed has another digest."""

SCRIPT = "script_id"
"""The identity of the script in which the node was made. A node whose script has another one was pasted from elsewhere."""

ROOT_SCRIPT = "faceplate_script"
"""The knob of the root that holds the script's identity."""

STATE = "frame_state"
"""A hidden curve over the frames, of the values below. The marks in the picture follow it."""

CURRENT, NOT_RENDERED, STALE, HALF_SIZE, NOT_CHECKED = range(5)
STATE_TEXTS = (
    "",
    "NOT RENDERED: this is the plate",
    "STALE: knobs or inputs have changed",
    "HALF SIZE: the full size follows",
    "NOT CHECKED: rendered elsewhere",
)

SHOW_MARKS = "mark_frames"
RENDERING = "rendering"
"""On while a Write renders: the marks are for the Viewer alone."""

RESULT_MODE = "result_mode"
RANGE_FIRST = "range_first"
RANGE_LAST = "range_last"
AUTO = "auto_update"
SEARCH = "search"
USE_SEARCH = "use_search"
NONCOMMERCIAL = "allow_noncommercial"
STATUS = "status"
LICENCES = "licences"
NOTES = "notes"
ENGINE_STATE = "engine_state"
VERSION = "plugin_version"

RESULT_MODES = ("over the plate", "element")

PLATE_INPUT, MATTE_INPUT, SOURCE_INPUT = 0, 1, 2
INPUTS = ("plate", "matte", "source")

PLATE_OUT = "PlateOut"
MATTE_OUT = "MatteOut"
PLATE_CROP = "PlateCrop"
RESULT_READ = "Result"
PREVIEW_READ = "Preview"
HATCH = "Hatch"
MARK_TEXT = "MarkText"

STALE_COLOR = 0xC88020FF
"""Amber, for a stale node. A node that is up to date has Nuke's own colour, which is 0."""

LAYERS = (
    ("matte", "faceplate_matte", (("rgba.alpha", "alpha"),)),
    ("raw", "faceplate_raw", (("raw.red", "red"), ("raw.green", "green"), ("raw.blue", "blue"))),
    ("stmap", "faceplate_st", (("stmap.u", "u"), ("stmap.v", "v"))),
    ("depth", "faceplate_depth", (("depth.Z", "Z"),)),
)
"""For each layer: its name in the parameter `layers`, Nuke's layer, and (channel of the file, channel in Nuke) pairs."""
