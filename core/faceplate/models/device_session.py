"""One ONNX Runtime session on one device, with its buffers on that device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime

from faceplate.models.devices import (
    CUDA,
    TENSORRT,
    Target,
)
from faceplate.models.pinned import pinned_array

__all__ = ["DeviceSession", "Port"]

# Up to this many numbers (a source's embedding, say) comparing an input is cheaper than sending it to the device again.
_SMALL = 4096

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
}


@dataclass(frozen=True)
class Port:
    """An input or output: its name, its shape (0 = any length), and the numpy type that the graph expects."""

    name: str
    shape: tuple[int, ...]
    dtype: Any

    @property
    def batched(self) -> bool:
        """Whether the graph accepts any number of these in one run."""
        return bool(self.shape) and self.shape[0] == 0


class DeviceSession:
    """A session on one device. On a GPU its input buffers stay on the device between runs (IO binding)."""

    def __init__(self, session: Any, target: Target, *, bind: bool | None = None) -> None:
        self._session = session
        self.target = target
        self.provider: str = session.get_providers()[0]
        self.inputs = tuple(_port_of(node) for node in session.get_inputs())
        self.outputs = tuple(_port_of(node) for node in session.get_outputs())
        self.shared = not target.gpu
        self._io_binding = target.provider in (CUDA, TENSORRT) if bind is None else bind
        self._buffers: dict[str, tuple[tuple[int, ...], np.ndarray | None, Any]] = {}
        self._staged: dict[str, np.ndarray] = {}

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graph on inputs by name; return every output by name, with half precision converted to float32."""
        types = {port.name: port.dtype for port in self.inputs}
        ready = {name: np.ascontiguousarray(value, types[name]) for name, value in feed.items()}
        names = [port.name for port in self.outputs]
        made = self._run_bound(ready, names) if self._io_binding else self._session.run(names, ready)
        return {
            name: array.astype(np.float32) if array.dtype == np.float16 else array
            for name, array in zip(names, made, strict=True)
        }

    def _run_bound(self, ready: dict[str, np.ndarray], names: list[str]) -> list[np.ndarray]:
        """Run with inputs in buffers that stay on the device; an input that has not changed is not sent again."""
        place = "cuda" if self.target.gpu else "cpu"
        binding = self._session.io_binding()
        for name, value in ready.items():
            binding.bind_ortvalue_input(name, self._buffer(name, value, place))
        for name in names:
            binding.bind_output(name, place, self.target.device)
        self._session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()

    def _buffer(self, name: str, value: np.ndarray, place: str) -> Any:
        kept = value.copy() if value.size <= _SMALL else None
        shape, before, buffer = self._buffers.get(name, ((), None, None))
        if buffer is None or shape != value.shape:
            buffer = onnxruntime.OrtValue.ortvalue_from_numpy(value, place, self.target.device)
        elif before is None or not np.array_equal(before, value):
            buffer.update_inplace(self._staging(name, value))
        self._buffers[name] = (value.shape, kept, buffer)
        return buffer

    def _staging(self, name: str, value: np.ndarray) -> np.ndarray:
        """Copy `value` to reused page-locked memory when the device is a GPU and the array is large; else return it."""
        if not self.target.gpu or value.size <= _SMALL:
            return value
        staged = self._staged.get(name)
        if staged is None or staged.shape != value.shape or staged.dtype != value.dtype:
            staged = self._staged[name] = pinned_array(value.shape, value.dtype, self.target.device)
        np.copyto(staged, value)
        return staged


def _port_of(node: Any) -> Port:
    shape = tuple(side if isinstance(side, int) and side > 0 else 0 for side in node.shape)
    return Port(node.name, shape, _DTYPES.get(node.type, np.float32))
