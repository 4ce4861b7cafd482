"""Freed memory is kept for the next picture, and given back when asked."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_CODE = """
import resource, sys, threading
import numpy as np
import psutil
from faceplate.system.memory import keep_freed_memory, return_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def pictures():
    for _ in range(20):
        np.ones((2160, 3840, 4), np.float32)

def in_a_thread():
    thread = threading.Thread(target=pictures)
    thread.start()
    thread.join()

if sys.argv[1] == "keep":
    assert keep_freed_memory()
pictures()
begun = faults()
pictures()
in_a_thread()
held = psutil.Process().memory_info().rss
made = faults() - begun
return_freed_memory()
print(made, held - psutil.Process().memory_info().rss)
"""

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")


def _measured(how: str) -> tuple[int, int]:
    done = subprocess.run([sys.executable, "-c", _CODE, how], capture_output=True, text=True, check=True)
    faults, returned = (int(value) for value in done.stdout.split())
    return faults, returned


def test_the_next_picture_takes_the_pages_of_the_last_one_in_every_thread() -> None:
    usual, _ = _measured("leave")
    kept, _ = _measured("keep")
    assert kept < usual / 10


def test_what_is_free_goes_back_when_asked() -> None:
    _, returned = _measured("keep")
    assert returned > 2160 * 3840 * 16 * 0.9
