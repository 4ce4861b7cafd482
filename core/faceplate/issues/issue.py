"""A thing worth a look: a mark on one frame, and neighbouring marks of one kind as one issue."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["KINDS", "SEVERITIES", "Issue", "Mark", "merged_issues"]

KINDS = {
    "low-confidence": "the track is not sure of the face",
    "interpolated": "the face was not found in the frame, and is drawn through from the frames around",
    "unread": "the plate's frame could not be read while tracking",
    "flicker": "the tracked face, or its light, changes direction from frame to frame",
    "fast-turn": "the head turns far in one frame",
    "occlusion-begins": "something begins to hide a part of the face",
    "mouth-unsure": "the lips that were found differ from those that are rendered",
    "softness-jump": "the plate's sharpness at the face changes from one frame to the next",
    "source-does-not-cover": "no picture of the source shows the head turned as far",
    "note": "a note of the render",
    "failed": "the frame could not be rendered",
    "fault": "a fault that faceplate check found",
}
"""Every kind of issue, and its meaning."""

SEVERITIES = ("low", "medium", "high")
"""How far a value lies beyond its threshold: up to 1.5 times, up to 2.5 times, and more. A frame that failed is high."""

Severity = Literal["low", "medium", "high"]
_MEDIUM, _HIGH = 1.5, 2.5
_ALWAYS: dict[str, Severity] = {"failed": "high", "fault": "high", "unread": "high"}
# Marks of one kind on frames at most this far apart are one issue: an artist looks at them together.
_NEIGHBOURS = 3
# Kinds whose marks are told apart by their sentence; of the others the sentence of the worst frame is kept.
_BY_SENTENCE = ("note", "failed", "fault", "unread")

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Mark(BaseModel):
    """What one producer noticed on one frame.

    `face` is the person's name or the track's id of them, "" where it is about the whole frame. `value` passes `threshold`;
    both are None for what has no measure. `text` is one sentence for the artist.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    frame: int
    text: str
    face: str = ""
    value: Finite | None = None
    threshold: Finite | None = None

    @property
    def excess(self) -> float:
        """How many times the value is beyond its threshold, above or below; 1 without a measure."""
        if not self.value or not self.threshold:
            return 1.0
        ratio = abs(self.value / self.threshold)
        return max(ratio, 1.0 / ratio)


class Issue(BaseModel):
    """Neighbouring marks of one kind and face: `first` to `last`, with value and sentence of the `worst` frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    face: str
    first: int
    last: int
    worst: int
    severity: Severity
    value: float | None
    threshold: float | None
    text: str

    @property
    def frames(self) -> str:
        """The frames as text: `1010`, `1010-1014`."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def merged_issues(marks: Iterable[Mark]) -> tuple[Issue, ...]:
    """Join marks of one kind and face on neighbouring frames, and sort by frame, then kind, then face."""

    def name(mark: Mark) -> tuple[str, str, str]:
        return mark.kind, mark.face, mark.text if mark.kind in _BY_SENTENCE else ""

    found: list[Issue] = []
    for _, group in groupby(sorted(marks, key=lambda mark: (name(mark), mark.frame)), key=name):
        run: list[Mark] = []
        for mark in group:
            if run and mark.frame - run[-1].frame > _NEIGHBOURS:
                found.append(_issue(run))
                run = []
            run.append(mark)
        found.append(_issue(run))
    return tuple(sorted(found, key=lambda issue: (issue.first, issue.kind, issue.face, issue.text)))


def _issue(run: list[Mark]) -> Issue:
    worst = max(run, key=lambda mark: mark.excess)
    return Issue(
        kind=worst.kind,
        face=worst.face,
        first=run[0].frame,
        last=run[-1].frame,
        worst=worst.frame,
        severity=_ALWAYS.get(worst.kind) or _severity(worst.excess),
        value=worst.value,
        threshold=worst.threshold,
        text=worst.text,
    )


def _severity(excess: float) -> Severity:
    return "low" if excess < _MEDIUM else "medium" if excess < _HIGH else "high"
