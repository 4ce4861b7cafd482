"""Names that saved scripts contain. Changing one breaks existing scripts."""

from __future__ import annotations

MARK = "faceplate"
"""The knob that makes a Group a FaceSwap; its value is the version of the group's own layout."""

LAYOUT = 1

ID = "shot_id"
TRACK = "track"
SOURCE = "source"
SOURCE_SPACE = "source_space"
FACES = "faces_file"
PICK = "pick"
RESULT = "frames"
RESULT_MADE = "frames_made"
"""The digest of the path that the adapter chose; a path that the user typed has another digest."""

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

RESULT_MODES = ("over the plate", "element")

PLATE_INPUT, MATTE_INPUT, SOURCE_INPUT = 0, 1, 2
INPUTS = ("plate", "matte", "source")

PLATE_OUT = "PlateOut"
MATTE_OUT = "MatteOut"
PLATE_CROP = "PlateCrop"
RESULT_READ = "Result"

STALE_COLOR = 0xC88020FF
"""Amber, for a stale node. A node that is up to date has Nuke's own colour, which is 0."""

LAYERS = (
    ("matte", "faceplate_matte", (("rgba.alpha", "alpha"),)),
    ("raw", "faceplate_raw", (("raw.red", "red"), ("raw.green", "green"), ("raw.blue", "blue"))),
    ("stmap", "faceplate_st", (("stmap.u", "u"), ("stmap.v", "v"))),
    ("depth", "faceplate_depth", (("depth.Z", "Z"),)),
)
"""For each layer: its name in the parameter `layers`, Nuke's layer, and (channel of the file, channel in Nuke) pairs."""
