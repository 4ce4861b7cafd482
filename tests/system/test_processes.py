"""Processes are told apart by number and start time."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from faceplate.system.processes import alive, birth


def test_this_process_is_alive() -> None:
    born = birth(os.getpid())
    assert born and alive(os.getpid()) and alive(os.getpid(), born) and not alive(os.getpid(), "1")


def test_an_ended_process_is_dead_even_before_anybody_waits_for_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    end = time.monotonic() + 20
    while alive(child.pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not alive(child.pid)  # a zombie on POSIX
    child.wait()
    assert not alive(child.pid) and birth(child.pid) == ""


@pytest.mark.skipif(not psutil.LINUX, reason="other systems give a start time that does not move")
def test_setting_the_clock_makes_no_process_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """psutil's start time moves with the clock on Linux; the engine must not take a living host for dead then."""
    before, boot = birth(os.getpid()), psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)
    assert psutil.boot_time() == boot + 3600
    assert birth(os.getpid()) == before


@pytest.mark.parametrize("pid", [-1, 2**31 - 1])
def test_a_number_that_no_process_has(pid: int) -> None:
    assert not alive(pid) and birth(pid) == ""
