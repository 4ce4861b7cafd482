"""The embedded generator: the leading picture of the source, without its light, warped onto the plate's mesh.

It needs no swap network, so the landmarker's licence is the only one. It works on the plate's own pixel grid in the
working space: every texture is sampled once, directly at the plate's pixels, and the result needs no further resampling.

What the leader does not show comes from other views (mouth and eyes) and from the source's atlas (the rest). Textures have no
light, so their borders show no edge. The leader's light is added again, for the comp to replace by the plate's.

Modules: `generator` (the order of the steps), `texture_layers` (which textures are used, with their shares), `texture_sizes`,
`warp`, `mouth_warp` (teeth stay rigid), `mouth_eyes` (the plate's own mouth and eyes), `pins`, `settings` and `grid`.
"""

from faceplate.generators.mesh.generator import MeshGenerator
from faceplate.generators.mesh.pins import parse_pins
from faceplate.generators.mesh.settings import MeshSettings

__all__ = ["MeshGenerator", "MeshSettings", "parse_pins"]
