"""ONNX Runtime sessions, opened quietly on the best provider that is really there.

ONNX Runtime lists CUDA as available whenever the GPU build is installed and then complains in red when no driver
exists. Here a provider is tried only when its driver library loads, and what a session really runs on is read back.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from faceplate.errors import RenderError
from faceplate.models.card import Card
from faceplate.models.store import ModelStore

__all__ = ["Network", "available_providers", "open_network"]

# Fatal only: the shipped graphs carry unused initialisers, which ONNX Runtime reports one line each at load.
_LOG_SEVERITY = 4


@cache
def available_providers() -> tuple[str, ...]:
    """The execution providers to try, best first; the CPU always closes the list."""
    built = onnxruntime.get_available_providers()
    providers = []
    if "CUDAExecutionProvider" in built and _cuda_devices() > 0:
        providers.append("CUDAExecutionProvider")
    if "CoreMLExecutionProvider" in built and sys.platform == "darwin":
        providers.append("CoreMLExecutionProvider")
    return (*providers, "CPUExecutionProvider")


def _cuda_devices() -> int:
    """How many CUDA devices the driver reports; 0 without a driver (CUDA driver API, `cuDeviceGetCount`)."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


class Network:
    """One opened network: numpy arrays in, numpy arrays out. Safe to share between threads (ONNX Runtime's `run` is)."""

    def __init__(self, card: Card, session: onnxruntime.InferenceSession) -> None:
        self.card = card
        self._session = session
        self._inputs = [node.name for node in session.get_inputs()]
        self._outputs = [node.name for node in session.get_outputs()]

    @property
    def provider(self) -> str:
        """The provider that the session really uses, for logs and metadata."""
        return self._session.get_providers()[0]

    def run(self, *inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the graph on `inputs` (in the graph's order); every output by its name."""
        feed = dict(zip(self._inputs, inputs, strict=True))
        return dict(zip(self._outputs, self._session.run(self._outputs, feed), strict=True))


def open_network(store: ModelStore, name: str, *, threads: int = 0) -> Network:
    """Opens the network of card `name`, its hash proved first.

    `threads` is ONNX Runtime's intra-op count; 0 leaves the choice to it. Raises what `ModelStore.path` raises and
    `RenderError('weights-unusable')` when the file is not a graph that this runtime can open.
    """
    path = store.path(name)
    return Network(store.card(name), _open_session(path, threads))


def _open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _LOG_SEVERITY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(path, options, providers=list(available_providers()))
    except Exception as error:  # ONNX Runtime raises classes of its own that share no base but Exception
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RenderError("weights-unusable", f"{path.name} cannot be opened as an ONNX network: {first}") from error
