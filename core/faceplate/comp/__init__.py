"""Compositing: matte, light, blend, grain and layers, everything between the generator's face and the plate."""

from faceplate.comp.blend import gradient_blend, multiband_blend
from faceplate.comp.detail import enhance_detail
from faceplate.comp.highlights import calm_highlights
from faceplate.comp.light import light_between, lit_by, match_light
from faceplate.comp.matte import HullEdges, hull_matte, hull_outline
from faceplate.comp.outline_warp import OutlineWarp, follow_outline
from faceplate.comp.regions import REGIONS, region_matte, skin_weight

__all__ = [
    "REGIONS",
    "HullEdges",
    "OutlineWarp",
    "calm_highlights",
    "enhance_detail",
    "follow_outline",
    "gradient_blend",
    "hull_matte",
    "hull_outline",
    "light_between",
    "lit_by",
    "match_light",
    "multiband_blend",
    "region_matte",
    "skin_weight",
]
