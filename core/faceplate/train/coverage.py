"""Coverage of a dataset: turn × nod × mouth × light of both people, and what only the double was seen doing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from faceplate.train.crops import FaceMeasures

__all__ = ["AXES", "Coverage", "Gap", "cell_of", "coverage_of"]

# Upper limits of all bins but the last: yaw and pitch in degrees, the openness of the mouth, the light's slope across.
_TURNS, _NODS, _MOUTHS, _LIGHTS = (-25.0, -8.0, 8.0, 25.0), (-7.0, 7.0), (0.08, 0.25), (-0.3, 0.3)

AXES: dict[str, tuple[str, ...]] = {
    "turn": ("far to the right", "to the right", "ahead", "to the left", "far to the left"),
    "nod": ("up", "level", "down"),
    "mouth": ("closed", "parted", "open"),
    "light": ("from the left", "even", "from the right"),
}
"""The four axes and their bins. A head turns to the person's own left or right; the light's side is the picture's."""

_LIMITS = (_TURNS, _NODS, _MOUTHS, _LIGHTS)
# Frames of the double in a cell, as a count and as a share of all, from which it matters that the actor has none there.
_LEAST, _LEAST_SHARE = 2, 0.004
# Sentences of advice, the most frequent gap first.
_SENTENCES = 12
_DEGREES = ("more than 25 degrees", "8 to 25 degrees", "", "8 to 25 degrees", "more than 25 degrees")


class Gap(BaseModel):
    """What the double does in `frames` frames and the actor in none.

    `turn` and `nod` are always given. `mouth` is None where the actor was never seen at that turn and nod at all, and `light` is
    None where they were never seen so with that mouth. `advice` is the sentence for the artist.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    turn: str
    nod: str
    mouth: str | None = None
    light: str | None = None
    frames: int
    advice: str


class Coverage(BaseModel):
    """How many faces of each person are in each cell.

    Attributes
    ----------
    axes : dict
        `AXES`.
    counts : dict
        For each person nested lists of counts: turn, nod, mouth, light.
    gaps : tuple of Gap
        What the double does that the actor was never seen doing, the most frequent first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    axes: dict[str, tuple[str, ...]] = AXES
    counts: dict[str, Any]
    gaps: tuple[Gap, ...]

    @property
    def advice(self) -> tuple[str, ...]:
        """The pictures to take, a sentence each; at most twelve."""
        return tuple(gap.advice for gap in self.gaps[:_SENTENCES])


def cell_of(seen: FaceMeasures) -> tuple[int, int, int, int]:
    """Return the cell of a face: its bin on each axis of `AXES`.

    Light that falls off to the picture's right comes from the left.
    """
    values = (seen.yaw, seen.pitch, seen.mouth, seen.light[0])
    turn, nod, mouth, light = (
        int(np.searchsorted(limits, value)) for limits, value in zip(_LIMITS, values, strict=True)
    )
    return turn, nod, mouth, light


def coverage_of(actor: Iterable[FaceMeasures], double: Iterable[FaceMeasures]) -> Coverage:
    """Count the faces of both people in all cells and list the gaps."""
    shape = tuple(len(bins) for bins in AXES.values())
    tables = []
    for faces in (actor, double):
        table = np.zeros(shape, int)
        for seen in faces:
            table[cell_of(seen)] += 1
        tables.append(table)
    return Coverage(counts={"actor": tables[0].tolist(), "double": tables[1].tolist()}, gaps=_gaps(*tables))


def _gaps(actor: np.ndarray, double: np.ndarray) -> tuple[Gap, ...]:
    """List the gaps on the coarsest level on which the actor has nothing: pose, then mouth, then light."""
    least = max(_LEAST, int(_LEAST_SHARE * double.sum()))
    found: list[Gap] = []
    done = np.zeros(actor.shape, bool)
    for axes in (2, 3, 4):
        rest = tuple(range(axes, 4))
        ours, theirs = actor.sum(axis=rest), np.where(done, 0, double).sum(axis=rest)
        for cell in np.argwhere((ours == 0) & (theirs >= least)):
            found.append(_gap(tuple(int(k) for k in cell), int(theirs[tuple(cell)])))
            done[tuple(cell)] = True
    return tuple(sorted(found, key=lambda gap: -gap.frames))


def _gap(cell: Sequence[int], frames: int) -> Gap:
    names = [bins[k] for bins, k in zip(AXES.values(), cell, strict=False)]
    known = dict(zip(AXES, names, strict=False))
    return Gap(**known, frames=frames, advice=_advice(cell, known, frames))


def _advice(cell: Sequence[int], known: dict[str, str], frames: int) -> str:
    side, degrees = known["turn"].removeprefix("far ").replace("to the", "to their own"), _DEGREES[cell[0]]
    head = f"the head turned {degrees} {side}" if degrees else "the head straight ahead"
    head += {"up": " and raised", "down": " and lowered", "level": ""}[known["nod"]]
    parts = [head]
    if "mouth" in known:
        parts.append(f"the mouth {known['mouth']}")
    if "light" in known:
        light = "even light" if known["light"] == "even" else f"light {known['light']} of the picture"
        parts.append(light)
    how = f"with {', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else f"speaking, {head}"
    return f"Film the actor {how}: the double does so in {frames} frames, the actor in none."
