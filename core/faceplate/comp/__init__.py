"""Matte, match, blend and the element: everything between the generator's face and the plate."""

from faceplate.comp.blend import gradient_blend
from faceplate.comp.detail import enhance_detail
from faceplate.comp.element import Comp, compose_change
from faceplate.comp.matte import hull_matte

__all__ = ["Comp", "compose_change", "enhance_detail", "gradient_blend", "hull_matte"]
