"""The least of the limits on OpenCV's threads holds, and the usual number comes back after the last one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import cv2
import pytest

from faceplate.system.opencv_threads import limited_opencv_threads


@pytest.fixture(autouse=True)
def _usual() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    yield
    cv2.setNumThreads(before)


def test_a_limit_holds_inside_and_the_usual_number_comes_back() -> None:
    with limited_opencv_threads(2):
        assert cv2.getNumThreads() == 2
    assert cv2.getNumThreads() == 4


def test_a_limit_never_adds_threads_and_leaves_at_least_one() -> None:
    with limited_opencv_threads(9):
        assert cv2.getNumThreads() == 4
    with limited_opencv_threads(0):
        assert cv2.getNumThreads() == 1


def test_limits_may_end_in_any_order() -> None:
    first, second = ExitStack(), ExitStack()
    first.enter_context(limited_opencv_threads(3))
    second.enter_context(limited_opencv_threads(1))
    assert cv2.getNumThreads() == 1
    first.close()
    assert cv2.getNumThreads() == 1
    second.close()
    assert cv2.getNumThreads() == 4


def test_an_error_inside_gives_the_threads_back() -> None:
    with pytest.raises(ValueError), limited_opencv_threads(1):
        raise ValueError
    assert cv2.getNumThreads() == 4
