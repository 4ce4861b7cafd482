"""Resolve's frame arithmetic: tables for what can be looked up, properties for the rest, and the fake timeline as witness."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from faceplate_resolve.clip import judge, read_clip
from faceplate_resolve.host import Host
from faceplate_resolve.rollback import Rollback
from faceplate_resolve.swap_record import SwapRecord
from faceplate_resolve.timeline_edit import place_result
from faceplate_resolve.timing import (
    Placement,
    Rate,
    end_candidates,
    frame_of_timecode,
    parse_rate,
    place,
    relative_source,
    shown,
    speed_of,
    timecode_of_frame,
    used,
)
from fake_resolve import MediaPoolItem, Project, Resolve, Timeline, World
from fake_resolve.timeline import TimelineItem

F = Fraction
RATES = ["23.976", "24", "25", "29.97", "29.97 DF", "30", "48", "50", "59.94", "59.94 DF", "60"]


@pytest.mark.parametrize(
    ("text", "exact", "drop", "nominal"),
    [
        ("23.976", F(24000, 1001), False, 24),
        ("23.98", F(24000, 1001), False, 24),
        (23.976, F(24000, 1001), False, 24),
        ("24", F(24), False, 24),
        ("24.0", F(24), False, 24),
        (25, F(25), False, 25),
        ("29.97", F(30000, 1001), False, 30),
        ("29.97 DF", F(30000, 1001), True, 30),
        ("47.952", F(48000, 1001), False, 48),
        ("59.94", F(60000, 1001), False, 60),
        ("59.94 DF", F(60000, 1001), True, 60),
        ("119.88", F(120000, 1001), False, 120),
        ("12.5", F(25, 2), False, 13),
    ],
)
def test_rates(text: object, exact: Fraction, drop: bool, nominal: int) -> None:
    rate = parse_rate(text)
    assert (rate.exact, rate.drop, rate.nominal) == (exact, drop, nominal)
    assert parse_rate(str(rate)) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-24", "24 fps", None])
def test_what_is_no_rate(text: object) -> None:
    with pytest.raises(ValueError, match="no frame rate"):
        parse_rate(text)


TIMECODES = [
    # rate, timecode, frame; drop-frame from SMPTE ST 12-1: 17982 frames in ten minutes of 29.97, 35964 of 59.94
    ("24", "00:00:00:00", 0),
    ("24", "01:00:00:00", 86400),
    ("23.976", "01:00:00:00", 86400),
    ("25", "01:00:00:00", 90000),
    ("25", "10:00:00:24", 900024),
    ("29.97", "01:00:00:00", 108000),
    ("29.97 DF", "00:00:59;29", 1799),
    ("29.97 DF", "00:01:00;02", 1800),
    ("29.97 DF", "00:02:00;02", 3598),
    ("29.97 DF", "00:09:59;29", 17981),
    ("29.97 DF", "00:10:00;00", 17982),
    ("29.97 DF", "01:00:00;00", 107892),
    ("59.94 DF", "00:01:00;04", 3600),
    ("59.94 DF", "00:10:00;00", 35964),
    ("59.94 DF", "01:00:00;00", 215784),
    ("59.94", "01:00:00:59", 216059),
]


@pytest.mark.parametrize(("rate", "timecode", "frame"), TIMECODES)
def test_timecodes(rate: str, timecode: str, frame: int) -> None:
    assert frame_of_timecode(timecode, parse_rate(rate)) == frame
    assert timecode_of_frame(frame, parse_rate(rate)) == timecode


@pytest.mark.parametrize(
    ("rate", "timecode"),
    [
        ("29.97 DF", "00:01:00;00"),
        ("59.94 DF", "00:01:00;03"),
        ("24", "00:00:00:24"),
        ("24", "00:60:00:00"),
        ("24", "x"),
    ],
)
def test_timecodes_that_do_not_exist(rate: str, timecode: str) -> None:
    with pytest.raises(ValueError, match="timecode"):
        frame_of_timecode(timecode, parse_rate(rate))


@given(st.sampled_from(RATES), st.integers(0, 24 * 3600 * 23))
def test_timecode_there_and_back(rate: str, frame: int) -> None:
    """Every frame has a timecode of its own, and drop-frame follows the clock to two frames."""
    exact = parse_rate(rate)
    text = timecode_of_frame(frame, exact)
    assert frame_of_timecode(text, exact) == frame
    if exact.drop:
        clock = frame / float(exact.exact)
        hours, minutes, seconds = (int(part) for part in text[:8].split(":"))
        assert abs(hours * 3600 + minutes * 60 + seconds + int(text[9:]) / exact.nominal - clock) < 0.1


SHOWN = [
    # clip rate, timeline rate, left offset in record frames, duration → first and last source frame, frames shown
    ("24", "24", 0, 10, (0, 9), 10),
    ("24", "24", 12, 48, (12, 59), 48),
    ("25", "24", 0, 24, (0, 23), 24),
    ("25", "24", 24, 25, (25, 50), 26),
    ("50", "25", 7, 10, (14, 32), 19),
    ("25", "50", 4, 10, (2, 6), 5),
    ("23.976", "24", 0, 1001, (0, 999), 1000),
    ("24", "23.976", 0, 1000, (0, 999), 1000),
    ("59.94", "29.97", 3, 4, (6, 12), 7),
    ("30", "24", 1, 4, (1, 5), 5),
]


@pytest.mark.parametrize(("clip", "timeline", "left", "duration", "ends", "count"), SHOWN)
def test_used_source_frames(
    clip: str, timeline: str, left: int, duration: int, ends: tuple[int, int], count: int
) -> None:
    ratio = parse_rate(clip).exact / parse_rate(timeline).exact
    frames = used(left * ratio, duration, ratio)
    assert (frames[0], frames[-1], len(frames)) == (*ends, count)


def test_an_empty_clip_uses_nothing() -> None:
    assert len(used(F(3), 0, F(1))) == 0


@pytest.mark.parametrize(
    ("offset", "duration", "ratio", "handles", "media", "render", "start"),
    [
        (F(10), 5, F(1), 0, 100, range(10, 15), 0),
        (F(10), 5, F(1), 8, 100, range(2, 23), 8),
        (F(3), 5, F(1), 8, 100, range(16), 3),  # the media begins before the handle is full
        (F(90), 10, F(1), 8, 100, range(82, 100), 8),  # or ends
        (F(0), 24, F(25, 24), 0, 26, range(25), 0),  # one more than shown, so that rounding down gives 24
        (F(20), 10, F(2), 4, 400, range(16, 43), 4),
        (F(20), 10, F(2), 0, 400, range(20, 40), 0),
    ],
)
def test_where_a_result_lies(
    offset: Fraction, duration: int, ratio: Fraction, handles: int, media: int, render: range, start: int
) -> None:
    placed = place(offset, duration, ratio, handles, media)
    assert placed is not None and (placed.render, placed.start) == (render, start)


def test_a_clip_that_begins_between_two_frames_is_not_placed_out_of_step() -> None:
    ratio = F(25, 24)
    assert place(F(25, 24), 96, ratio, 8, 500) is None  # in time one frame in 24 would be another
    assert place(F(0), 5, F(1, 2), 0, 100) is None  # five record frames are two and a half of the media
    short = place(F(25, 24), 12, ratio, 8, 500)
    assert short is not None and [short.shows(k) for k in range(12)] == [shown(F(25, 24), k, ratio) for k in range(12)]


@pytest.mark.parametrize(("offset", "duration", "media"), [(F(0), 0, 10), (F(-1), 3, 10), (F(8), 3, 10)])
def test_a_clip_outside_its_media_is_refused(offset: Fraction, duration: int, media: int) -> None:
    with pytest.raises(ValueError, match="shows frames"):
        place(offset, duration, F(1), 0, media)


def test_ends_to_try() -> None:
    assert end_candidates(Placement(range(20), 8, 4, F(1))) == [12, 11, 13]
    assert end_candidates(Placement(range(4), 0, 4, F(1))) == [4, 3, 5]
    assert end_candidates(Placement(range(1), 0, 1, F(1))) == [1, 0, 2]


SPEEDS = [
    # speed, duration, left offset at that speed → kind
    (F(1), 48, 100, "normal"),
    (F(1), 1, 0, "normal"),
    (F(1, 2), 48, 100, "constant"),
    (F(2), 48, 100, "constant"),
    (F(99, 100), 240, 300, "constant"),
    (F(-1), 48, 100, "reversed"),
    (F(0), 48, 100, "frozen"),
]


@pytest.mark.parametrize(
    ("clip", "timeline"), [("24", "24"), ("25", "24"), ("23.976", "24"), ("50", "25"), ("25", "50")]
)
@pytest.mark.parametrize(("speed", "duration", "offset", "kind"), SPEEDS)
def test_retimes_are_told_from_what_resolve_says(
    clip: str, timeline: str, speed: Fraction, duration: int, offset: int, kind: str
) -> None:
    world = World()
    project = Project(world, "p", timeline)
    track = Timeline(world, "t", timeline, 86400)
    media = MediaPoolItem(world, "m", "", 1000, clip)
    item = track._put(1, media, 86500, duration, offset=F(offset), speed=speed)
    project._timeline = track
    read = read_clip(Host.of(Resolve(world, project)), item)
    assert read.speed.kind == kind
    if kind == "constant" and abs(speed - 1) > F(1, 10):
        assert read.speed.factor == pytest.approx(float(speed), rel=0.15)


@pytest.mark.parametrize(
    ("source", "offset", "origins", "relative"),
    [
        ((20, 30), F(20), (1001,), (20, 30)),
        ((1021, 1031), F(20), (1001,), (20, 30)),  # counted by the files' numbers
        ((86419, 86430), F(20), (1001, 86400), (19, 30)),  # by timecode, and one low
        ((500, 510), F(20), (1001, 86400), (500, 510)),  # by nothing that is known: a retime, then
    ],
)
def test_whatever_source_frames_are_counted_from(
    source: tuple[int, int], offset: Fraction, origins: tuple[int, ...], relative: tuple[int, int]
) -> None:
    assert relative_source(source, offset, origins) == relative


def test_a_source_of_nothing_to_nothing_is_unknown_and_never_normal() -> None:
    assert speed_of((0, 0), 48, F(1), F(0), F(0), 48).kind == "unknown"
    assert speed_of((0, 0), 1, F(1), F(0), F(0), 1).kind == "normal"


@st.composite
def clips(draw: st.DrawFn) -> tuple[str, str, int, int, int, int, int, bool]:
    timeline, clip = draw(st.sampled_from(RATES)), draw(st.sampled_from(RATES))
    ratio = parse_rate(clip).exact / parse_rate(timeline).exact
    duration = draw(st.integers(1, 180))
    left = draw(st.one_of(st.just(0), st.integers(0, 400)))
    spare = draw(st.integers(0, 40))
    media = int(left * ratio + duration * ratio) + 2 + spare
    start = draw(st.sampled_from([0, 86400, 90000, 107892])) + draw(st.integers(0, 5000))
    return timeline, clip, left, duration, media, start, draw(st.integers(0, 24)), draw(st.booleans())


@given(clips())
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_round_trip_of_time(case: tuple[str, str, int, int, int, int, int, bool]) -> None:
    """Every placed frame shows the source frame that it replaces; a clip for which that cannot be is sent to a render."""
    timeline_rate, clip_rate, left, duration, frames, start, handles, inclusive = case
    world = World(inclusive=inclusive)
    project = Project(world, "p", timeline_rate)
    timeline = project._timeline = Timeline(world, "t", timeline_rate, 0)
    media = MediaPoolItem(world, "m", __file__, frames, clip_rate)
    media._properties["File Path"] = __file__[:-3] + ".mov"
    ratio = parse_rate(clip_rate).exact / parse_rate(timeline_rate).exact
    original = timeline._put(1, media, start, duration, offset=left * ratio)
    host = Host.of(Resolve(world, project))
    clip = read_clip(host, original)
    assert clip.speed.kind == "normal"
    placement = clip.placement(handles)
    if placement is None:
        event("between two frames")
        media._properties["File Path"] = __file__  # a file that is there
        assert judge(clip).mode in ("render", "refuse")
        return
    event("placed, other rate" if ratio != 1 else "placed")
    result: Any = MediaPoolItem(world, "r", "", len(placement.render), clip_rate)
    with Rollback() as steps:
        placed = place_result(host, steps, result, clip, placement, SwapRecord("s", "i", 1, "source"))
    assert isinstance(placed, TimelineItem)
    assert (placed._start, placed._end) == (original._start, original._end)
    for record in range(start, start + duration):
        assert placement.render[placed._shows(record)] == original._shows(record)


def test_the_handles_are_there_as_far_as_the_media_goes() -> None:
    rate = Rate(F(24))
    placed = place(F(50), 10, rate.exact / rate.exact, 12, 200)
    assert placed is not None and placed.render == range(38, 72)
