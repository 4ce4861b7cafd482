"""Creation of ONNX Runtime sessions: options, providers, and the cache of optimised graphs."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import onnxruntime

from faceplate.errors import RenderError
from faceplate.models.card import Card
from faceplate.models.devices import (
    CPU,
    CUDA,
    TENSORRT,
    Runtime,
    Target,
    cuda_devices,
    provider_options,
)
from faceplate.models.prelu import without_prelu
from faceplate.models.store import digest
from faceplate.system.atomic import publish, temporary_beside

__all__ = ["create_session"]

# Fatal errors only: ONNX Runtime prints one line for each unused initialiser of the shipped graphs.
_LOG_SEVERITY = 4
# Roles of the networks that make the new face.
_FACE_MAKERS = ("swap", "restore")


@cache
def _prepare_devices() -> None:
    """Prepare the process once before the first session that is not on the CPU.

    CUDA's libraries are loaded from pip's packages where those are installed. ONNX Runtime's error lines are switched off
    because a note says the same.
    """
    onnxruntime.set_default_logger_severity(_LOG_SEVERITY)
    if cuda_devices():
        with suppress(Exception), redirect_stdout(io.StringIO()):  # it prints the libraries that it does not find
            onnxruntime.preload_dlls()


def _refuse_absent(target: Target) -> None:
    if target.provider not in onnxruntime.get_available_providers():
        raise RenderError("weights-unusable", "this ONNX Runtime is built without it")
    if target.provider in (CUDA, TENSORRT) and not cuda_devices():
        raise RenderError("weights-unusable", "there is no NVIDIA driver with a GPU")


def create_session(path: Path, card: Card, target: Target, runtime: Runtime) -> onnxruntime.InferenceSession:
    """Create a session for `card` on `target`, from the cache of optimised graphs where one is configured.

    Raises
    ------
    RenderError
        `weights-unusable` when the provider is missing. ONNX Runtime raises its own exceptions.
    """
    if target.provider != CPU:
        _refuse_absent(target)
        _prepare_devices()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _LOG_SEVERITY
    options.intra_op_num_threads = runtime.intra_op
    options.inter_op_num_threads = 1
    # Between runs, spinning threads would occupy the cores that the rest of the frame needs.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # Within a run they would take cores from other workers and from the frames beside this one. Only a network that makes
    # faces has the cores to itself while it runs.
    if runtime.workers > 1 or card.role not in _FACE_MAKERS:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = [(target.provider, provider_options(target, card, runtime))]
    if target.provider == TENSORRT:  # operators that it cannot compile stay on the same GPU
        providers.append((CUDA, provider_options(replace(target, provider=CUDA), card, runtime)))
    if target.provider != CPU:
        providers.append(CPU)  # for the few operators that a device leaves to it
    if runtime.cache is None or card.external or target.provider not in (CPU, CUDA):
        if kept := providers[0][1].get("trt_engine_cache_path"):
            with suppress(OSError):  # without a writable folder TensorRT builds its engine each time
                Path(kept).mkdir(parents=True, exist_ok=True)
        return _plain_session(path, options, providers, simplify=not card.external)
    return _optimised_session(path, card, target, runtime.cache, options, providers)


def _plain_session(
    path: Path, options: onnxruntime.SessionOptions, providers: list[Any], simplify: bool = True
) -> onnxruntime.InferenceSession:
    """Create a session on exactly these providers; fallback is left to `open_network`, which reports it.

    A graph that finds weights beside its file must not be simplified, because it is then opened from memory.
    """
    graph = without_prelu(path) if simplify and providers[0][0] == CPU else None
    return onnxruntime.InferenceSession(graph or path, options, providers=providers, enable_fallback=0)


def _optimised_session(
    path: Path, card: Card, target: Target, cache: Path, options: onnxruntime.SessionOptions, providers: list[Any]
) -> onnxruntime.InferenceSession:
    """Create a session from the cached optimised graph; optimise and cache the graph if that is missing.

    The cached graph uses nothing that depends on this processor, and its hash lies beside it.
    """
    short = "cpu" if target.provider == CPU else "cuda"
    kept = cache / "optimised" / f"{card.sha256[:24]}-{short}-ort{onnxruntime.__version__}.onnx"
    seal = kept.with_suffix(".sha256")
    if _is_intact(kept, seal):
        return _plain_session(kept, options, providers)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(kept) as temporary:
            saving = onnxruntime.SessionOptions()
            saving.log_severity_level = _LOG_SEVERITY
            saving.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
            saving.optimized_model_filepath = os.fspath(temporary)
            _plain_session(path, saving, providers, simplify=False)
            seal.write_text(digest(temporary), encoding="ascii")
            publish(temporary, kept)
    except Exception:  # a cache that cannot be written is no error; ONNX Runtime raises its own classes for it
        return _plain_session(path, options, providers)
    return _plain_session(kept, options, providers)


def _is_intact(kept: Path, seal: Path) -> bool:
    try:
        return seal.read_text(encoding="ascii") == digest(kept)
    except OSError:
        return False
