"""What a source lacks, as sentences that say which picture to take next."""

from __future__ import annotations

from functools import cache

import numpy as np

from faceplate.face import topology
from faceplate.face.shape import bare_skin, head_model
from faceplate.source.source import Source, SourceView

__all__ = ["missing_pictures"]

# Turn in degrees up to which a picture shows the front, and from which it shows a side; 30 degrees is asked for.
_FRONT, _SIDE = 12.0, 10.0
# Openness of mouth and eyes: from the first a mouth is open, below the second it is closed; eyes below the last.
_OPEN_MOUTH, _CLOSED_MOUTH, _CLOSED_EYES = 0.25, 0.05, 0.12
# Share of the face that frames cover in a picture with glasses.
_FRAMES = 0.01
# Coverage of a part of the skin below which it counts as not seen.
_SEEN = 0.3
# Height of a face in pixels and the light's fall-off (`PictureAnalysis.contrast`) that a good picture has.
_HEIGHT, _SOFT_LIGHT = 400.0, 0.9


def missing_pictures(source: Source) -> tuple[str, ...]:
    """List what no picture of the source shows, with the picture to take next; empty when nothing is missing."""
    views = source.views
    return tuple(
        [
            *_missing_sides([view.geometry.pose.angles[0] for view in views]),
            *_missing_expressions(views),
            *_hidden_everywhere(source),
            *_poor_everywhere(views),
        ]
    )


def _missing_sides(turns: list[float]) -> list[str]:
    lines = []
    if not any(abs(turn) <= _FRONT for turn in turns):
        lines.append("No picture shows the face from the front: take one with the head facing the camera.")
    for side, other, seen in (("right", "left", max(turns)), ("left", "right", -min(turns))):
        if seen < _SIDE:
            lines.append(
                f"No picture shows the {side} side of the face: take one with the head turned about 30 degrees to the "
                f"person's {other}."
            )
    return lines


def _missing_expressions(views: tuple[SourceView, ...]) -> list[str]:
    lines = []
    mouths = [view.geometry.mouth for view in views]
    if max(mouths) < _OPEN_MOUTH:
        lines.append("No picture shows an open mouth: take one with the mouth open and the teeth apart.")
    if min(mouths) > _CLOSED_MOUTH:
        lines.append("No picture shows a closed mouth: take one with the lips closed.")
    if min(max(view.geometry.eyes) for view in views) > _CLOSED_EYES:
        lines.append("No picture shows closed eyes: take one with the eyes closed.")
    return lines


def _hidden_everywhere(source: Source) -> list[str]:
    lines = []
    if all(_frames(view) > _FRAMES for view in source.views):
        lines.append("Every picture shows glasses: take one without them.")
    at = np.clip(source.atlas.uv.astype(int), 0, source.atlas.coverage.shape[0] - 1)
    coverage = source.atlas.coverage[at[:, 1], at[:, 0]]
    for name, points in _parts().items():
        if float(coverage[points].mean()) < _SEEN:
            lines.append(f"No picture shows the {name} uncovered: take one with the hair held back, seen from there.")
    return lines


def _poor_everywhere(views: tuple[SourceView, ...]) -> list[str]:
    lines = []
    largest = max(view.face.size for view in views)
    if largest < _HEIGHT:
        lines.append(
            f"The largest face is {round(largest)} pixels high: take pictures with at least {round(_HEIGHT)}, "
            "or as many as on the plate."
        )
    if min(view.analysis.contrast for view in views) > _SOFT_LIGHT:
        lines.append("Every picture is lit hard from one side: take one in soft, even light.")
    return lines


def _frames(view: SourceView) -> float:
    """Compute the share of the face's square that frames of glasses cover."""
    return float(view.grid_maps.glasses.sum()) / view.photograph.cells**2


@cache
def _parts() -> dict[str, np.ndarray]:
    """Return the points of the skin's larger parts, bool (478,) each, without the outline, where no picture shows only the face."""
    head, mesh = head_model().reference, topology()
    skin = (bare_skin() > 0) & ~np.isin(np.arange(len(head)), mesh.oval)
    brows = head[np.concatenate([mesh.right_brow, mesh.left_brow]), 1].min()
    right = np.sign(head[mesh.right_eye_loop, 0].mean())
    cheek = skin & (head[:, 1] > 0.2) & (head[:, 1] < 1.2) & (np.abs(head[:, 0]) > 0.55)
    return {
        "forehead": skin & (head[:, 1] < brows),
        "right cheek": cheek & (head[:, 0] * right > 0),
        "left cheek": cheek & (head[:, 0] * right < 0),
        "chin": skin & (head[:, 1] > head[mesh.lips_loop, 1].max()),
    }
