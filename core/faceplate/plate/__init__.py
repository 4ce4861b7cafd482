"""Frame sequences and picture files: plates in, elements and patched plates out."""

from faceplate.plate.given import GivenPixels, GivenPlate, given_plate
from faceplate.plate.reader import PlateFile, read_picture
from faceplate.plate.sequence import Sequence, missing_frames, parse_frames, same_target
from faceplate.plate.writer import Written, write_element, write_over

__all__ = [
    "GivenPixels",
    "GivenPlate",
    "PlateFile",
    "Sequence",
    "Written",
    "given_plate",
    "missing_frames",
    "parse_frames",
    "read_picture",
    "same_target",
    "write_element",
    "write_over",
]
