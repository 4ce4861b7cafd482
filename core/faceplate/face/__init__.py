"""The faces in one frame: detection, landmarks, alignment, identity, expression and shape."""

from faceplate.face.choose import choose_face, parse_target
from faceplate.face.face import Face, RestingShape, Topology, topology
from faceplate.face.find import FaceFinder
from faceplate.face.identity import likeness

__all__ = ["Face", "FaceFinder", "RestingShape", "Topology", "choose_face", "likeness", "parse_target", "topology"]
