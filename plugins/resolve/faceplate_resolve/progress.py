"""The line of a progress window: what is done, frames, and the time that is left."""

from __future__ import annotations

import time
from typing import Callable

__all__ = ["ProgressLine"]


class ProgressLine:
    """Measures the task that a window shows, and begins anew when another one comes. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = (0, clock())
        self._last = (0, -1)

    def text(self, title: str, done: int, total: int) -> str:
        """Return the line: `replacing the face: frame 12 of 48, 0:36 left`; no time while it is not known."""
        line = f"{title}: frame {done} of {total}"
        seconds = self._left(done, total)
        return line if seconds is None else f"{line}, {seconds // 60}:{seconds % 60:02d} left"

    def _left(self, done: int, total: int) -> int | None:
        """Return the seconds that are left at the speed so far.

        What was done when the task appeared, such as frames that are up to date, does not count as speed. Several steps
        with one total, such as those of a batch, are one task.
        """
        if total != self._last[1] or done < self._last[0]:
            self._begun = (done, self._clock())
        self._last = (done, total)
        counted = done - self._begun[0]
        if counted < 1 or done >= total:
            return None
        return round((self._clock() - self._begun[1]) / counted * (total - done))
