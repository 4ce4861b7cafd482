"""Execution providers and devices: which are available, their options, and the order in which they are tried.

ONNX Runtime lists CUDA as available whenever the GPU build is installed, and logs errors when no driver exists. Here a
provider is tried only when its driver library loads, and the provider that a session really uses is read back.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import onnxruntime

from faceplate.errors import UsageError
from faceplate.models.card import Card
from faceplate.system.paths import NOWHERE, cache_folder

__all__ = [
    "CPU",
    "CUDA",
    "TENSORRT",
    "Runtime",
    "Target",
    "available_providers",
    "cores",
    "cuda_devices",
    "cuda_driver",
    "engine_folder",
    "plan",
    "provider_options",
]

TENSORRT, CUDA = "TensorrtExecutionProvider", "CUDAExecutionProvider"
DIRECTML, COREML, CPU = "DmlExecutionProvider", "CoreMLExecutionProvider", "CPUExecutionProvider"
_PROVIDER_NAMES = {"tensorrt": TENSORRT, "cuda": CUDA, "directml": DIRECTML, "coreml": COREML, "cpu": CPU}
# TensorRT is tried only when it is named: building its first engine takes minutes, which would delay the first frame.
_ORDER = (CUDA, DIRECTML, COREML, CPU)


@dataclass(frozen=True)
class Runtime:
    """How networks are run. The defaults suit one process alone on its machine.

    Attributes
    ----------
    providers : tuple of str, optional
        Names in the order to try (tensorrt, cuda, directml, coreml, cpu); by default what the machine has.
    devices : tuple of int, optional
        GPU numbers; all by default.
    threads : int
        ONNX Runtime's intra-op thread count; 0 shares the machine's cores between `workers`.
    workers : int
        Number of processes that share the machine.
    memory : int
        Limit in bytes for each GPU; 0 for no limit.
    half : bool
        False forbids half precision even where a card allows it.
    batch : int
        Most tiles in one run; 0 for all at once.
    cache : Path, optional
        Folder for optimised graphs; None keeps none.
    engines : Path, optional
        Folder for TensorRT engines, which take minutes to build; None keeps none.
    """

    providers: tuple[str, ...] | None = None
    devices: tuple[int, ...] | None = None
    threads: int = 0
    workers: int = 1
    memory: int = 0
    half: bool = True
    batch: int = 0
    cache: Path | None = None
    engines: Path | None = None

    @classmethod
    def from_environment(cls, environment: dict[str, str] | None = None, **changes: Any) -> Runtime:
        """Create a runtime from environment variables; `changes` replace single fields.

        Reads `FACEPLATE_PROVIDERS` (cuda,cpu), `FACEPLATE_GPUS` (0,1), `FACEPLATE_GPU_MEMORY` (GiB), `FACEPLATE_THREADS`,
        `FACEPLATE_WORKERS` (processes that share the machine) and `FACEPLATE_CACHE` (a folder, with a subfolder for networks, or
        `off`). TensorRT engines are kept in the user's cache folder when no folder is named.

        Raises
        ------
        UsageError
            `bad-runtime`.
        """
        values = os.environ if environment is None else environment
        try:
            named = tuple(filter(None, re.split(r"[\s,]+", values.get("FACEPLATE_PROVIDERS", ""))))
            gpus = tuple(int(part) for part in re.split(r"[\s,]+", values.get("FACEPLATE_GPUS", "")) if part)
            memory = int(float(values.get("FACEPLATE_GPU_MEMORY") or 0) * (1 << 30))
            threads, workers = (int(values.get(f"FACEPLATE_{name}") or 0) for name in ("THREADS", "WORKERS"))
        except ValueError as error:
            raise UsageError(
                "bad-runtime", f"FACEPLATE_GPUS, _GPU_MEMORY, _THREADS and _WORKERS are numbers: {error}."
            ) from error
        named_cache = values.get("FACEPLATE_CACHE", "")
        cache = None if named_cache.lower() in ("", *NOWHERE) else Path(named_cache).expanduser() / "networks"
        engines = cache if named_cache else cache_folder() / "networks"
        made = cls(named or None, gpus or None, threads, max(workers, 1), memory, cache=cache, engines=engines)
        return replace(made, **changes)

    @property
    def intra_op(self) -> int:
        """Threads of one session: as requested, else the cores divided by the workers; 0 (ONNX Runtime's choice) for one worker."""
        if self.threads:
            return self.threads
        return 0 if self.workers <= 1 else max(1, cores() // self.workers)


@dataclass(frozen=True)
class Target:
    """One place to run: a provider and the number of its device (0 on the CPU)."""

    provider: str
    device: int = 0

    @property
    def gpu(self) -> bool:
        """Whether the target is a GPU."""
        return self.provider in (TENSORRT, CUDA, DIRECTML)

    def __str__(self) -> str:
        """Return the short name, such as `cuda:0` or `cpu`."""
        short = next(name for name, full in _PROVIDER_NAMES.items() if full == self.provider)
        return f"{short}:{self.device}" if self.gpu else short


def cores() -> int:
    """Count the cores that this process may use; on a farm these are often fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


@cache
def available_providers() -> tuple[str, ...]:
    """List the execution providers to try, best first; the CPU is always last."""
    built = onnxruntime.get_available_providers()
    there = {CUDA: cuda_devices() > 0, DIRECTML: sys.platform == "win32", COREML: sys.platform == "darwin", CPU: True}
    return tuple(name for name in _ORDER if name in built and there[name])


@cache
def cuda_devices() -> int:
    """Count the CUDA devices that the driver reports; 0 without a driver (CUDA driver API, `cuDeviceGetCount`)."""
    driver = cuda_driver()
    count = ctypes.c_int(0)
    if driver is None or driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def plan(
    runtime: Runtime, built: tuple[str, ...] | None = None, gpus: int | None = None
) -> tuple[tuple[Target, ...], ...]:
    """Determine the steps to try in order, each of them one provider on all its devices. The last step is always the CPU.

    Raises
    ------
    UsageError
        `unknown-provider`; `no-such-device` for a GPU number that does not exist.
    """
    there = available_providers() if built is None else built
    count = cuda_devices() if gpus is None else gpus
    names = [_provider_name(name) for name in runtime.providers] if runtime.providers else list(there)
    steps = []
    for name in dict.fromkeys((*names, CPU)):
        devices = range(count) if runtime.devices is None else runtime.devices
        if name in (CUDA, TENSORRT):
            missing = [number for number in devices if number >= count]
            if runtime.devices is not None and count and missing:
                raise UsageError(
                    "no-such-device", f"There is no GPU {missing[0]}; the machine has {count}, numbered from 0."
                )
            steps.append(tuple(Target(name, number) for number in devices) or (Target(name),))
        elif name == DIRECTML:
            steps.append(tuple(Target(name, number) for number in runtime.devices or (0,)))
        else:
            steps.append((Target(name),))
    return tuple(steps)


def provider_options(target: Target, card: Card, runtime: Runtime) -> dict[str, str]:
    """Build ONNX Runtime's options for `card` on `target`: device, memory limit, precision, engine cache."""
    half = runtime.half and card.fp16_ok
    if target.provider == CUDA:
        options = {
            "device_id": str(target.device),
            "arena_extend_strategy": "kSameAsRequested",
            # TF32 has ten bits of mantissa, so it is allowed only where half precision is.
            "use_tf32": "1" if half else "0",
        }
        return options | ({"gpu_mem_limit": str(runtime.memory)} if runtime.memory else {})
    if target.provider == TENSORRT:
        options = {"device_id": str(target.device), "trt_fp16_enable": str(half)}
        if runtime.memory:
            options["trt_max_workspace_size"] = str(runtime.memory)
        if runtime.engines is not None:
            folder = str(engine_folder(runtime.engines, card, half, *gpu_identity(target.device)))
            options |= {
                "trt_engine_cache_enable": "True",
                "trt_engine_cache_path": folder,
                "trt_timing_cache_enable": "True",
                "trt_timing_cache_path": folder,
            }
        return options
    if target.provider == COREML:
        # An ML program keeps single precision on CPU and GPU; the Neural Engine knows half precision only.
        return {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL" if half else "CPUAndGPU"}
    return {"device_id": str(target.device)} if target.provider == DIRECTML else {}


def engine_folder(cache: Path, card: Card, half: bool, gpu: str, driver: str) -> Path:
    """Return the folder for the TensorRT engines of these weights on this GPU and driver; an engine fits no other."""
    place = re.sub(r"[^A-Za-z0-9.]+", "-", f"{gpu}-{driver}-ort{onnxruntime.__version__}")
    return cache / "tensorrt" / place / f"{card.sha256[:16]}-{'fp16' if half else 'fp32'}"


@cache
def gpu_identity(device: int) -> tuple[str, str]:
    """Return the GPU's name and the driver's version, for a cache key; ('gpu', '0') when the driver does not report them."""
    driver, name, version = cuda_driver(), ctypes.create_string_buffer(128), ctypes.c_int(0)
    if driver is None or driver.cuInit(0) != 0 or driver.cuDeviceGetName(name, 128, device) != 0:
        return "gpu", "0"
    driver.cuDriverGetVersion(ctypes.byref(version))
    return name.value.decode("ascii", "replace"), _nvml_version() or str(version.value)


def _nvml_version() -> str:
    """Read the display driver's version (NVML, `nvmlSystemGetDriverVersion`).

    CUDA's own version number is the same for many drivers.
    """
    try:
        nvml = ctypes.CDLL("nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1")
    except OSError:
        return ""
    text = ctypes.create_string_buffer(96)
    if nvml.nvmlInit_v2() != 0 or nvml.nvmlSystemGetDriverVersion(text, 96) != 0:
        return ""
    return text.value.decode("ascii", "replace")


def cuda_driver() -> ctypes.CDLL | None:
    """Load the CUDA driver's library; None when there is none."""
    try:
        return ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return None


def _provider_name(name: str) -> str:
    known = _PROVIDER_NAMES.get(name.lower(), name)
    if known not in _PROVIDER_NAMES.values():
        raise UsageError("unknown-provider", f"There is no provider '{name}'; there are {', '.join(_PROVIDER_NAMES)}.")
    return known
