"""`faceplate --version` prints what a bug report needs."""

from __future__ import annotations

import platform

import cv2
import numpy as np
import onnxruntime
import OpenImageIO as oiio  # noqa: N813
import PyOpenColorIO as ocio  # noqa: N813
import pytest

import faceplate
from faceplate.cli import main


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main._run(["--version"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"faceplate {faceplate.__version__}"
    told = dict(line.split(": ", 1) for line in rest)
    assert told["Python"].startswith(platform.python_version()) and platform.machine() in told["Platform"]
    assert told["ONNX Runtime"].startswith(onnxruntime.__version__)
    assert told["ONNX Runtime"].endswith("CPUExecutionProvider")
    assert told["OpenImageIO"] == oiio.VERSION_STRING and told["OpenColorIO"] == ocio.__version__
    assert told["OpenCV"] == cv2.__version__ and told["NumPy"] == np.__version__
