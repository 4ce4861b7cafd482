"""Whether a process lives, told by its id and its birth."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engines import until
from faceplate.system.processes import alive as lives
from faceplate.system.processes import birth

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux
def test_who_lives() -> None:
    assert lives(os.getpid(), birth(os.getpid())) and not lives(os.getpid(), "1")
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: not lives(child.pid))  # a zombie: nobody has waited for it
    child.wait()
    assert not lives(child.pid) and birth(child.pid) == ""
