"""One grammar of frame ranges: the client's parser and the engine's accept and refuse the same text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import faceplate_client
from faceplate.errors import UsageError
from faceplate.plate import parse_frames as engine_frames
from faceplate_client import EngineError, format_frames, frame_runs

ACCEPTED = {
    "7": (7,),
    " 7 ": (7,),
    "0": (0,),
    "-7": (-7,),
    "01-03": (1, 2, 3),
    "1001-1004": (1001, 1002, 1003, 1004),
    "3-1": (3, 2, 1),
    "5-5": (5,),
    "-2-1": (-2, -1, 0, 1),
    "-5--3": (-5, -4, -3),
    "1--1": (1, 0, -1),
    "1001-1006x2": (1001, 1003, 1005),
    "1001-1006:2": (1001, 1003, 1005),
    "1-10x3": (1, 4, 7, 10),
    "1-10:3": (1, 4, 7, 10),
    "10-1x3": (10, 7, 4, 1),
    "10-1x-3": (10, 7, 4, 1),
    "1-5x10": (1,),
    "1-10y3": (2, 3, 5, 6, 8, 9),
    "10-1y3": (9, 8, 6, 5, 3, 2),
    "1005,1001,1003-1005": (1005, 1001, 1003, 1004),
    " 1 - 3 , 9": (1, 2, 3, 9),
    "1-3 x2": (1, 3),
    "1,\n2": (1, 2),
}
REFUSED = (
    *("", " ", ",", ",1", "1,", "1,,2", "abc", "1.5", "1e9", "+3", "--3", "1-", "1-2-3", "1001 1005", "1 2-3", "x2"),
    *("3x2", "1-10x", "1-10x0", "1-10y0", "1-10:0", "1-10x-2", "1-10:-2", "1-10X2", "1-10xx2", "1-10y1", "5-5y0"),
    *("1-99999999999", "1-10000001", "1-9000000,9000001-11000000"),
)


@pytest.mark.parametrize("text", ACCEPTED)
def test_both_parsers_read_the_same_frames(text: str) -> None:
    assert faceplate_client.parse_frames(text) == engine_frames(text) == ACCEPTED[text]


@pytest.mark.parametrize("text", REFUSED)
def test_both_parsers_refuse_the_same_text(text: str) -> None:
    with pytest.raises(EngineError) as by_client:
        faceplate_client.parse_frames(text)
    with pytest.raises(UsageError) as by_engine:
        engine_frames(text)
    assert by_client.value.code == by_engine.value.code == "bad-frames"
    assert by_client.value.message == by_engine.value.message
    assert text in by_client.value.message and "1001-1048x2" in by_client.value.message


@given(st.lists(st.integers(-200, 2000), min_size=1, max_size=40))
def test_formatted_frames_are_read_back(frames: list[int]) -> None:
    assert faceplate_client.parse_frames(format_frames(frames)) == tuple(sorted(set(frames)))


def test_runs_of_frames() -> None:
    assert frame_runs([-2, -1, 5, 3, 4, 9, 9]) == [(-2, -1), (3, 5), (9, 9)]
    assert format_frames([1001, 1002, 1003, 1005]) == "1001-1003,1005"
    assert frame_runs([]) == [] and format_frames([]) == ""
