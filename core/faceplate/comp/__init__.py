"""Compositing: matte, light, blend, grain and layers, everything between the generator's face and the plate."""

from faceplate.comp.beards import without_beard, without_plate_beard
from faceplate.comp.blend import gradient_blend, multiband_blend, seam_weight
from faceplate.comp.color_transform import ColorTransform, feature_matte, match_color, unsaturated_tones
from faceplate.comp.detail import enhance_detail
from faceplate.comp.feature_tones import FeatureTones, measure_features, skin_field
from faceplate.comp.highlights import calm_highlights
from faceplate.comp.light import LightMatch, match_light
from faceplate.comp.matte import HullEdges, hull_matte, hull_outline
from faceplate.comp.outline_warp import OutlineWarp, follow_outline
from faceplate.comp.regions import REGIONS, region_matte, skin_weight
from faceplate.comp.skin_tones import SkinTones, measure_tones

__all__ = [
    "REGIONS",
    "ColorTransform",
    "FeatureTones",
    "HullEdges",
    "LightMatch",
    "OutlineWarp",
    "SkinTones",
    "calm_highlights",
    "enhance_detail",
    "feature_matte",
    "follow_outline",
    "gradient_blend",
    "hull_matte",
    "hull_outline",
    "match_color",
    "match_light",
    "measure_features",
    "measure_tones",
    "multiband_blend",
    "region_matte",
    "seam_weight",
    "skin_field",
    "skin_weight",
    "unsaturated_tones",
    "without_beard",
    "without_plate_beard",
]
