"""The embedded generator: the source's face warped onto the plate's mesh, each part from the views that saw it best.

It needs no swap network, so the landmarker's licence is the only one. It works on the plate's own pixel grid in the
working space: every view is sampled once, directly at the plate's pixels, and the result needs no further resampling.

Views are mixed in a symmetric logarithm, each without its own low-frequency light on the skin, so that a view shot under
other light leaves no edge. The views' mean light is added again, for the comp to replace by the plate's.

Modules: `generator` (the order of the steps), `texture_layers` (which views are used, with their weights), `warp`,
`light_removal`, `mixing`, `mouth_eyes` (the plate's own mouth and eyes), `pins`, `settings` and `grid`.
"""

from faceplate.generators.mesh.generator import MeshGenerator
from faceplate.generators.mesh.pins import parse_pins
from faceplate.generators.mesh.settings import MeshSettings

__all__ = ["MeshGenerator", "MeshSettings", "parse_pins"]
