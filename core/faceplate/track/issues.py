"""Marks of what in a track is worth a look, and the file that keeps them beside it.

Thresholds and their reasons. The figures are those of invented people, printed by `python bench/people/measure_issues.py`;
`docs/issues.md` shows them. "Steady" are stills that move by warping, and performances whose frames were made one by one, which
are a little less steady than film.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from faceplate.cache import file_mark
from faceplate.errors import FaceplateError
from faceplate.issues import IssueFile, Mark, issues_path
from faceplate.track.steadiness import Series, series_of
from faceplate.track.track import Track

__all__ = ["keep_track_issues", "marks_of_series", "track_marks"]

LOWEST_CONFIDENCE = 0.5
"""Below it the track doubts the face more than it trusts it. Steady sequences stay at 0.9 and above."""

TREMBLE = 5.0
"""Thousandths of the face's size: one pixel of a face of 200. Warped stills stay under 1, performances under 4.5 but for one."""

LIGHT_FLICKER = 0.02
"""Stops, from frame to frame and back: about the 1 % that is seen on skin. Steady light stays under 0.01."""

FAST_TURN = 6.0
"""Degrees in one frame, 144 a second: the nose of a face of 400 pixels moves by 20. Performances stay under 5.1."""

OCCLUSION_BEGINS = 0.08
"""Part of the face that is hidden more than in the frames before: two fingers. Steady sequences, fringes too, stay under 0.05;
a bar that covers a third of the face rises by 0.21 to 0.28."""

MOUTH_UNSURE = 7.0
"""Thousandths of the face's size between the observed lips and the rendered ones: half a lip's height. Warped speech stays
under 2.5, performances under 6.2, and a bar that comes over a corner of the mouth reaches 5 to 34."""

SOFTNESS_JUMP = 1.5
"""Ratio of the plate's edge widths in neighbouring frames. A focus pull from 1 to 8 pixels over six frames has 1.41. Edges
narrower than a pixel count as one pixel wide, because no eye tells them apart."""


@dataclass(frozen=True)
class _Rule:
    """A series, the threshold that its values may not pass (`below`: fall under), and the sentence about one that does."""

    kind: str
    series: str
    threshold: float
    sentence: str
    below: bool = False


_RULES = (
    _Rule(
        "low-confidence", "confidence", LOWEST_CONFIDENCE, "The track is sure of the face by {0:.2f} only.", below=True
    ),
    _Rule("flicker", "tremble", TREMBLE, "The tracked face trembles by {0:.1f} thousandths of its size."),
    _Rule("flicker", "light", LIGHT_FLICKER, "The light on the face flickers by {0:.3f} stops."),
    _Rule("fast-turn", "turn", FAST_TURN, "The head turns by {0:.1f} degrees in one frame."),
    _Rule("occlusion-begins", "hidden", OCCLUSION_BEGINS, "Something begins to hide {0:.0%} of the face."),
    _Rule("mouth-unsure", "mouth", MOUTH_UNSURE, "The lips as found lie {0:.1f} thousandths of the face's size away."),
)


def track_marks(track: Track) -> tuple[Mark, ...]:
    """Return what is worth a look in a track, of every person; `face` is the person's id."""
    marks = [
        Mark(kind="unread", frame=item.frame, text=f"The plate's frame could not be read: {item.why.rstrip('.')}.")
        for item in track.sidecar.unread
    ]
    for person in track.people:
        marks += marks_of_series(series_of(track, person.id), person.id)
    return tuple(sorted(marks, key=lambda mark: (mark.frame, mark.kind, mark.face, mark.text)))


def marks_of_series(series: Series, face: str) -> Iterator[Mark]:
    """Yield a mark for every value of one person's series that passes its threshold."""
    # A fast turn also changes the head's direction, and smoothing rounds it off; that is one thing to look at, not three.
    turning = {frame + k for frame, turn in series.turn.items() if turn > FAST_TURN for k in range(-3, 4)}
    for rule in _RULES:
        values: Mapping[int, float] = getattr(series, rule.series)
        if rule.series in ("tremble", "mouth"):
            values = {frame: value for frame, value in values.items() if frame not in turning}
        for frame, value in sorted(values.items()):
            if (value < rule.threshold) if rule.below else (value > rule.threshold):
                yield _mark(rule.kind, face, frame, value, rule.threshold, rule.sentence.format(value))
    for frame in series.filled:
        text = "The face was not found in this frame and is drawn through from the frames around."
        yield Mark(kind="interpolated", face=face, frame=frame, text=text)
    for (_, before), (frame, after) in pairwise(sorted(series.softness.items())):
        ratio = max(before, after, 1.0) / max(min(before, after), 1.0)
        if ratio > SOFTNESS_JUMP:
            words = (
                f"The plate's edges in the face are {'wider' if after > before else 'narrower'} by {ratio:.1f} times."
            )
            yield _mark("softness-jump", face, frame, ratio, SOFTNESS_JUMP, words)


def keep_track_issues(track: Track) -> tuple[Mark, ...]:
    """Return the marks of a track on disk, kept beside it; they are made again where the track has changed since.

    Where they cannot be kept (a folder that is read only) they are returned all the same. Raises `UsageError('bad-issues')`
    for a damaged file, which is left as it is.
    """
    path = track.path
    if path is None:
        return track_marks(track)
    kept, mark = IssueFile(issues_path(path)), _mark_of(path)
    if mark and kept.track_mark == mark:
        return kept.marks("track")
    made = track_marks(track)
    with suppress(FaceplateError):
        kept.replace("track", made, track_mark=mark)
    return made


def _mark_of(path: Path) -> str:
    try:
        return file_mark(path)
    except OSError:
        return ""


def _mark(kind: str, face: str, frame: int, value: float, threshold: float, text: str) -> Mark:
    return Mark(kind=kind, face=face, frame=frame, value=round(value, 4), threshold=threshold, text=text)
