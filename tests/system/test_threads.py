"""How many threads NumPy's matrices use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_CODE = """
import sys
assert "numpy" not in sys.modules
import faceplate, os, numpy
print(os.environ["OPENBLAS_NUM_THREADS"])
"""


@pytest.mark.parametrize(("given", "wanted"), [(None, "1"), ("3", "3")])
def test_small_matrices_have_one_thread_unless_somebody_said_otherwise(given: str | None, wanted: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environ |= {} if given is None else {"OPENBLAS_NUM_THREADS": given}
    done = subprocess.run([sys.executable, "-c", _CODE], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [wanted]
