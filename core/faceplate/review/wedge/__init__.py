"""Wedges: one or two parameters over several values, rendered, measured and laid out side by side."""

from faceplate.review.wedge.axes import MOST_VARIANTS, Axis, Variant, parse_axes, variants_of
from faceplate.review.wedge.document import WedgeDocument, read_wedge
from faceplate.review.wedge.layout import lay_out
from faceplate.review.wedge.plan import WedgePlan, shot_with
from faceplate.review.wedge.renderers import WedgeRenderers
from faceplate.review.wedge.takes import TakeDone, default_jobs, render_takes

__all__ = [
    "MOST_VARIANTS",
    "Axis",
    "TakeDone",
    "Variant",
    "WedgeDocument",
    "WedgePlan",
    "WedgeRenderers",
    "default_jobs",
    "lay_out",
    "parse_axes",
    "read_wedge",
    "render_takes",
    "shot_with",
    "variants_of",
]
