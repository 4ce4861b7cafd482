"""Frame arithmetic: rates, timecode, which source frame a record frame shows, where a result is placed.

Ranges are half open, [first, end). A *record* frame is a frame of the timeline, a *source* frame one of a clip's media
counted from 0. `offset` is where in the media a clip begins, in source frames; with other rates on the timeline than in
the media it may lie between two. A record frame k frames after the clip's start shows source frame
floor(offset + k * ratio), where `ratio` is the media's rate over the timeline's.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

__all__ = [
    "Placement",
    "Rate",
    "Speed",
    "end_candidates",
    "frame_of_timecode",
    "parse_rate",
    "place",
    "relative_source",
    "shown",
    "speed_of",
    "timecode_of_frame",
    "used",
]

# Rates that are 1000/1001 of a whole number, as Resolve and others write them.
_PULLED = {23: 24, 29: 30, 47: 48, 59: 60, 119: 120}


@dataclass(frozen=True)
class Rate:
    """A frame rate as an exact fraction, and whether its timecode drops numbers."""

    exact: Fraction
    drop: bool = False

    @property
    def nominal(self) -> int:
        """Frame numbers per second of timecode."""
        return math.ceil(self.exact)

    def __str__(self) -> str:
        whole = self.exact.denominator == 1
        text = str(self.exact.numerator) if whole else f"{float(self.exact):.3f}".rstrip("0")
        return f"{text} DF" if self.drop else text


def parse_rate(text: object) -> Rate:
    """Parse a rate as Resolve writes it: `24`, `23.976`, `23.98`, `29.97 DF`, 59.94. Raises ValueError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(DF)?\s*", str(text))
    if match is None or float(match.group(1)) <= 0:
        raise ValueError(f"'{text}' is no frame rate")
    value = float(match.group(1))
    whole = round(value)
    if abs(value - whole) < 0.001:
        exact = Fraction(whole)
    elif int(value) in _PULLED and abs(value - _PULLED[int(value)] * 1000 / 1001) < 0.011:
        exact = Fraction(_PULLED[int(value)] * 1000, 1001)
    else:
        exact = Fraction(match.group(1))
    return Rate(exact, bool(match.group(2)))


def frame_of_timecode(text: str, rate: Rate) -> int:
    """Return the frame of a timecode (`01:00:00:00`, `01:00:00;00`). Raises ValueError for one that does not exist."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})", text.strip())
    if match is None:
        raise ValueError(f"'{text}' is no timecode")
    hours, minutes, seconds, frames = (int(match.group(index)) for index in (1, 2, 3, 5))
    if minutes > 59 or seconds > 59 or frames >= rate.nominal:
        raise ValueError(f"'{text}' is no timecode at {rate} frames a second")
    total = minutes + 60 * hours
    count = (total * 60 + seconds) * rate.nominal + frames
    if not rate.drop:
        return count
    dropped = _dropped(rate)
    if seconds == 0 and frames < dropped and minutes % 10:
        raise ValueError(f"'{text}' is dropped in drop-frame timecode")
    return count - dropped * (total - total // 10)


def timecode_of_frame(frame: int, rate: Rate) -> str:
    """Return the timecode of a frame that is not negative; drop-frame timecode has `;` before the frames."""
    if rate.drop:
        dropped = _dropped(rate)
        minute, ten = rate.nominal * 60 - dropped, rate.nominal * 600 - dropped * 9
        tens, rest = divmod(frame, ten)
        frame += dropped * 9 * tens + (dropped * ((rest - dropped) // minute) if rest >= dropped else 0)
    seconds, frames = divmod(frame, rate.nominal)
    mark = ";" if rate.drop else ":"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{frames:02d}"


def _dropped(rate: Rate) -> int:
    """Return the numbers dropped in each minute that is no tenth (SMPTE ST 12-1): two at 29.97, four at 59.94."""
    return rate.nominal // 15


def shown(offset: Fraction, k: int, ratio: Fraction) -> int:
    """Return the source frame that the clip's k-th record frame shows."""
    return math.floor(offset + k * ratio)


def used(offset: Fraction, duration: int, ratio: Fraction) -> range:
    """Return the source frames that a clip of `duration` record frames shows; empty for an empty clip."""
    if duration < 1:
        return range(0)
    return range(shown(offset, 0, ratio), shown(offset, duration - 1, ratio) + 1)


@dataclass(frozen=True)
class Placement:
    """How a result is placed on the timeline.

    `render` are the media's frames to make: those used, and handles. The result's own frame 0 is `render[0]`; the clip
    begins at its frame `start`, and shows the source's frames exactly at all `duration` record frames.
    """

    render: range
    start: int
    duration: int
    ratio: Fraction

    def shows(self, k: int) -> int:
        """Return the media's frame that the placed result shows at its k-th record frame."""
        return self.render[0] + shown(Fraction(self.start), k, self.ratio)


def place(offset: Fraction, duration: int, ratio: Fraction, handles: int, media_frames: int) -> Placement | None:
    """Return the placement in which a result shows, at every record frame, the frame that it replaces.

    A clip can only begin and end on a whole frame of the result, while the original may between two; where no whole frames
    keep every record frame in step and the length the same the answer is None. `media_frames` is how many the media has.
    Raises ValueError for a clip that is empty or reaches outside its media.
    """
    frames = used(offset, duration, ratio)
    if not frames or frames[0] < 0 or frames[-1] >= media_frames:
        raise ValueError(f"the clip shows frames {frames} of a media of {media_frames}")
    span = math.ceil(duration * ratio)
    if math.floor(span / ratio) != duration:
        return None
    for begin in (frames[0], frames[0] + 1):
        if all(shown(Fraction(begin), k, ratio) == shown(offset, k, ratio) for k in range(duration)):
            needed = begin + span
            first = max(0, frames[0] - handles)
            end = min(media_frames, max(needed, frames[-1] + 1 + handles))
            return Placement(range(first, end), begin - first, duration, ratio)
    return None


def end_candidates(placement: Placement) -> list[int]:
    """Return values for a clip's end, the most likely first; reading back shows which gives the right duration.

    Ends are exclusive, and a span of source frames becomes record frames by rounding down; some versions counted the
    last frame in.
    """
    exact = placement.start + math.ceil(placement.duration * placement.ratio)
    return [end for end in (exact, exact - 1, exact + 1) if placement.start <= end <= len(placement.render) + 1]


def relative_source(source: tuple[int, int], offset: Fraction, origins: tuple[int, ...]) -> tuple[int, int]:
    """Return `source` counted from the media's first frame.

    Resolve may count from 0 or from one of `origins` (the first number of a sequence, the start timecode). The exact
    `offset` tells which; a source that matches none is returned unchanged.
    """
    for origin in (0, *origins):
        if abs(source[0] - origin - offset) <= 2:
            return source[0] - origin, source[1] - origin
    return source


@dataclass(frozen=True)
class Speed:
    """A clip's speed: `kind` is normal, reversed, frozen, constant or unknown; `factor` where it has one."""

    kind: str
    factor: float | None = None

    def __str__(self) -> str:
        names = {
            "reversed": "it runs backwards",
            "frozen": "it is a freeze frame",
            "unknown": "its speed cannot be read",
        }
        if self.kind == "constant" and self.factor is not None:
            return f"it is retimed (about {self.factor:.0%})"
        return names.get(self.kind, "it runs at its own speed")


def speed_of(
    source: tuple[int, int], duration: int, ratio: Fraction, left: Fraction, right: Fraction, media_frames: int
) -> Speed:
    """Detect a retime, which the API does not report, from three values: the span of `source` (start, end) frames against the
    record duration; the start against `left`, which counts record frames and is warped by a retime; and all that the
    media could show, `left` + duration + `right`, against how long it is.

    Each may err by a frame (a start that reads one low, an end that counts or does not), so that a very small retime of
    a very short clip in a very short media is not told.
    """
    start, end = source
    expected = duration * ratio
    if start == 0 and end == 0 and expected > 2:
        return Speed("unknown")
    span = end - start
    if span < -1:
        return Speed("reversed", float(span / expected))
    if span <= 1 and expected > 3:
        return Speed("frozen", 0.0)
    off_span = abs(span - expected) > 2
    off_start = abs(left * ratio - start) > 2
    off_total = media_frames > 0 and abs((left + duration + right) * ratio - media_frames) > 1 + ratio
    if off_span or off_start or off_total:
        factor = span / expected if off_span else Fraction(media_frames) / ((left + duration + right) * ratio)
        return Speed("constant", float(factor))
    return Speed("normal", 1.0)
