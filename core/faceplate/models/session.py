"""ONNX Runtime sessions, opened quietly on the best provider that is really there, and kept running when it is not
enough.

A network answers whatever happens: a provider that cannot open it is passed over for the next, a device that runs out
of memory gets smaller batches and then the next provider, half precision that overflows gives way to the
single-precision file. Each such turn is a sentence in `Network.notes`, said once.
"""

from __future__ import annotations

import io
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from faceplate.errors import FaceplateError, RenderError
from faceplate.models.card import Card
from faceplate.models.devices import (
    CPU,
    CUDA,
    TENSORRT,
    Runtime,
    Target,
    available_providers,
    cuda_devices,
    plan,
    provider_options,
)
from faceplate.models.graph import check_external, read_graph
from faceplate.models.kinds import check_signature
from faceplate.models.pinned import pinned_array
from faceplate.models.store import ModelStore, digest
from faceplate.system.atomic import publish, temporary_beside

__all__ = ["Network", "Port", "available_providers", "open_network", "single_precision"]

# Fatal only: the shipped graphs carry unused initialisers, which ONNX Runtime reports one line each at load.
_LOG_SEVERITY = 4
# Up to so many numbers (a source's embedding) it is cheaper to compare an input than to send it to a device again.
_SMALL = 4096
_OUT_OF_MEMORY = (
    "failed to allocate",
    "is smaller than requested bytes",
    "alloc_failed",
    "not enough memory",
    "out of memory",
    "out_of_memory",
    "outofmemory",
    "cuda failure 2:",
    "8007000e",
    "bad_alloc",
)
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
}

Opener = Callable[[Path, Card, Target, Runtime], Any]
"""Opens a file on a target and gives what behaves like an `onnxruntime.InferenceSession`."""


@dataclass(frozen=True)
class Port:
    """An input or output: its name, its shape (0 = any), and the numpy type that the graph wants there."""

    name: str
    shape: tuple[int, ...]
    dtype: Any

    @property
    def batched(self) -> bool:
        """Whether the graph takes any number of these in one run."""
        return bool(self.shape) and self.shape[0] == 0


class Network:
    """One opened network: numpy arrays in, numpy arrays out, float32 whatever the graph computes in.

    Safe to share between threads. With several devices each run takes an idle one, so that all of them stay busy.
    `notes` grows when something had to give way; read it with `new_notes`.
    """

    def __init__(
        self,
        card: Card,
        session: Any,
        *,
        steps: Iterable[tuple[Target, ...]] = (),
        reopen: Callable[[tuple[Target, ...]], list[_Lane]] | None = None,
        fallback: Callable[[], Network] | None = None,
        batch: int = 0,
        target: Target | None = None,
        notes: list[str] | None = None,
    ) -> None:
        self.card = card
        lanes = session if isinstance(session, list) else [_Lane(session, target or Target(CPU))]
        self._steps, self._reopen, self._fallback = list(steps), reopen, fallback
        self._limit = batch
        self._single: Network | None = None
        self._notes: list[str] = [] if notes is None else notes
        self._said = 0
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._use(lanes)

    def _use(self, lanes: list[_Lane]) -> None:
        self._lanes = lanes
        self._idle: queue.Queue[_Lane] = queue.Queue()
        for lane in lanes:
            self._idle.put(lane)
        self.inputs: tuple[Port, ...] = lanes[0].inputs
        self.outputs: tuple[Port, ...] = lanes[0].outputs

    @property
    def provider(self) -> str:
        """The provider that the session really uses, for logs and metadata."""
        return self._lanes[0].provider

    @property
    def running(self) -> Card:
        """The card of the file that answers now: the single-precision one's after an overflow."""
        return self._single.card if self._single is not None else self.card

    @property
    def targets(self) -> tuple[str, ...]:
        """Every device in use, as `cuda:0`."""
        return tuple(str(lane.target) for lane in self._lanes)

    @property
    def notes(self) -> tuple[str, ...]:
        """Every sentence about what gave way, in order."""
        return tuple(self._notes) + (self._single.notes if self._single else ())

    def new_notes(self) -> tuple[str, ...]:
        """The notes that were not handed out before, so that each is said once."""
        with self._lock:
            notes = self.notes
            fresh, self._said = notes[self._said :], len(notes)
        return fresh

    def note(self, sentence: str) -> None:
        """Adds a note, unless it was said already."""
        with self._lock:
            if sentence not in self._notes:
                self._notes.append(sentence)

    def run(self, *inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the graph once on `inputs` (in the graph's order); every output by its name, half precision widened.

        Raises `RenderError` with code `network-overflow` (infinite or NaN numbers came out and no single-precision
        file can answer instead) or `network-failed`.
        """
        return self.infer(dict(zip((port.name for port in self.inputs), inputs, strict=True)))

    def infer(self, feed: Mapping[str, np.ndarray], each: Iterable[str] = ()) -> dict[str, np.ndarray]:
        """Runs the graph on inputs by name; those named in `each` hold one entry per tile on their first axis.

        The tiles go through in one run where the graph's batch axis allows it and memory suffices, else in as few as
        possible; what comes out is joined on the first axis. Other inputs are the same for every tile. Raises as
        `run` does.
        """
        if self._single is not None:
            return self._single.infer(feed, each)
        names = set(each)
        count = max((len(feed[name]) for name in names), default=1)
        parts: list[dict[str, np.ndarray]] = []
        done = 0
        while done < count:
            size = self._batch_for(names, count - done)
            try:
                parts.append(
                    self._one({key: self._share(key, value, names, done, size) for key, value in feed.items()})
                )
            except _OutOfMemoryError as error:
                self._give_way(error, size)
                continue
            done += size
        made = parts[0] if len(parts) == 1 else {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        return self._sound(made, feed, names)

    def _share(self, name: str, value: np.ndarray, names: set[str], start: int, size: int) -> np.ndarray:
        if name in names:
            return value[start : start + size]
        port = next(port for port in self.inputs if port.name == name)
        if size > 1 and port.batched and len(value) == 1:
            return np.repeat(value, size, axis=0)
        return value

    def _batch_for(self, names: set[str], left: int) -> int:
        batched = bool(names) and all(port.batched for port in self.inputs if port.name in names)
        return min(left, self._limit or left) if batched else 1

    def _one(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with self._lane() as lane:
            try:
                return lane.run(feed)
            except Exception as error:  # ONNX Runtime raises classes of its own that share no base but Exception
                reason = _reason(error)
                if any(words in str(error).lower() for words in _OUT_OF_MEMORY):
                    raise _OutOfMemoryError(lane) from error
                raise RenderError("network-failed", f"The network '{self.card.name}' failed: {reason}") from error

    @contextmanager
    def _lane(self) -> Iterator[_Lane]:
        """A device for one run: an idle one, the longest idle first. The CPU alone takes any number of runs at once."""
        idle = self._idle
        if len(self._lanes) == 1 and self._lanes[0].shared:
            yield self._lanes[0]
            return
        lane = idle.get()
        try:
            yield lane
        finally:
            idle.put(lane)

    def _give_way(self, error: _OutOfMemoryError, size: int) -> None:
        """After an out-of-memory: half the batch, and when that is one tile already, the next provider."""
        with self._lock:
            if error.lane not in self._lanes:  # another thread has moved on already
                return
            if size > 1:
                self._limit = min(self._limit or size, max(size // 2, 1))
                where = f"{error.lane.target} ran out of memory on '{self.card.name}'"
                sentence = f"{where}: {self._limit} tiles at a time from now on"
                if sentence not in self._notes:
                    self._notes.append(sentence)
                return
            while self._steps and self._reopen is not None:
                step = self._steps.pop(0)
                try:
                    lanes = self._reopen(step)
                except FaceplateError:
                    continue
                self._notes.append(
                    f"{error.lane.target} has no memory for '{self.card.name}': it runs on {step[0]} from now on"
                )
                self._limit = 0
                self._use(lanes)
                return
        raise RenderError(
            "out-of-memory",
            f"There is no memory to run '{self.card.name}' on even one tile; close other programs.",
        ) from error

    def _sound(
        self, made: dict[str, np.ndarray], feed: Mapping[str, np.ndarray], names: set[str]
    ) -> dict[str, np.ndarray]:
        """`made`, if all its numbers are finite or the input's were not; else what the single-precision file makes."""
        # A sum is finite only if every term is, which is cheaper than asking each value; overflow asks again.
        if all(np.isfinite(array.sum(dtype=np.float64)) or np.isfinite(array).all() for array in made.values()):
            return made
        if any(not np.isfinite(array).all() for array in feed.values()):
            raise RenderError(
                "network-failed", f"The network '{self.card.name}' was given numbers that are not finite."
            )
        if self._fallback is not None:
            with self._opening:
                self._single = self._single or self._fallback()
            name = self._single.card.name
            self.note(f"'{self.card.name}' overflowed in half precision: '{name}' runs instead from now on")
            return self._single.infer(feed, names)
        raise RenderError(
            "network-overflow",
            f"The network '{self.card.name}' gave infinite numbers or NaN; if it is half precision, use the single.",
        )


class _OutOfMemoryError(Exception):
    def __init__(self, lane: _Lane) -> None:
        super().__init__("out of memory")
        self.lane = lane


class _Lane:
    """One session on one device. On a GPU it keeps its buffers there between runs (IO binding)."""

    def __init__(self, session: Any, target: Target, *, bind: bool | None = None) -> None:
        self._session = session
        self.target = target
        self.provider: str = session.get_providers()[0]
        self.inputs = tuple(_port(node) for node in session.get_inputs())
        self.outputs = tuple(_port(node) for node in session.get_outputs())
        self.shared = not target.gpu
        self._bind = target.provider in (CUDA, TENSORRT) if bind is None else bind
        self._buffers: dict[str, tuple[tuple[int, ...], np.ndarray | None, Any]] = {}
        self._staged: dict[str, np.ndarray] = {}

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        types = {port.name: port.dtype for port in self.inputs}
        ready = {name: np.ascontiguousarray(value, types[name]) for name, value in feed.items()}
        names = [port.name for port in self.outputs]
        made = self._bound(ready, names) if self._bind else self._session.run(names, ready)
        return {
            name: array.astype(np.float32) if array.dtype == np.float16 else array
            for name, array in zip(names, made, strict=True)
        }

    def _bound(self, ready: dict[str, np.ndarray], names: list[str]) -> list[np.ndarray]:
        """The same, with inputs in buffers that stay on the device; one that has not changed is not sent again."""
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
        """`value` in page-locked memory that is used again and again, if it is worth it and the device is a GPU."""
        if not self.target.gpu or value.size <= _SMALL:
            return value
        staged = self._staged.get(name)
        if staged is None or staged.shape != value.shape or staged.dtype != value.dtype:
            staged = self._staged[name] = pinned_array(value.shape, value.dtype, self.target.device)
        np.copyto(staged, value)
        return staged


def open_network(
    store: ModelStore, name: str, *, threads: int = 0, runtime: Runtime | None = None, opener: Opener | None = None
) -> Network:
    """Opens the network of card `name`: hash, outside weights and signature proved first, on the best provider there
    is.

    `threads` is ONNX Runtime's intra-op count; 0 leaves the choice to `runtime`, and None for that is what the
    environment says. Raises what `ModelStore.path`,
    `read_graph`, `check_external` and `check_signature` raise, `UsageError` for a runtime that cannot be, and
    `RenderError('weights-unusable')` when no provider here can open the file.
    """
    wanted = runtime or Runtime.from_environment()
    if threads:
        wanted = replace(wanted, threads=threads)
    card, path = store.card(name), store.path(name)
    graph = read_graph(path)
    check_external(graph)
    _refuse_unlisted(graph.externals, card)
    if card.family is not None:
        check_signature(graph, card.family)
    open_one = opener or _open_session
    notes: list[str] = []
    steps = list(plan(wanted))

    def reopen(step: tuple[Target, ...]) -> list[_Lane]:
        """Every device of the step that opens the file; the others are a note each. Raises when none does."""
        lanes, failures = [], []
        for target in step:
            try:
                lanes.append(_opened(path, card, target, wanted, open_one))
            except RenderError as error:
                failures.append((target, error))
        if not lanes:
            raise failures[-1][1]
        notes.extend(
            f"{target} cannot run '{card.name}' ({_short(str(error))}): left out" for target, error in failures
        )
        return lanes

    lanes, rest = _first_that_opens(path, card, steps, reopen, notes)
    single = single_precision(store, card)
    return Network(
        card,
        lanes,
        steps=rest,
        reopen=reopen,
        fallback=None if single is None else lambda: open_network(store, single.name, runtime=wanted, opener=opener),
        batch=wanted.batch,
        notes=notes,
    )


def _refuse_unlisted(externals: Iterable[str], card: Card) -> None:
    """What lies beside the graph is opened only when the card has its hash."""
    listed = {item.file for item in card.external}
    for name in externals:
        if name not in listed:
            raise RenderError(
                "external-unlisted",
                f"{card.file} keeps weights in '{name}', which the card of '{card.name}' does not name; add it again.",
            )


def _first_that_opens(
    path: Path,
    card: Card,
    steps: list[tuple[Target, ...]],
    reopen: Callable[[tuple[Target, ...]], list[_Lane]],
    notes: list[str],
) -> tuple[list[_Lane], list[tuple[Target, ...]]]:
    reason = ""
    for index, step in enumerate(steps):
        try:
            lanes = reopen(step)
        except RenderError as error:
            reason = str(error)
            if index + 1 < len(steps):
                notes.append(f"{step[0]} cannot run '{card.name}' ({_short(reason)}): {steps[index + 1][0]} is tried")
            continue
        return lanes, steps[index + 1 :]
    raise RenderError("weights-unusable", f"{path.name} cannot be opened as an ONNX network: {reason}")


def single_precision(store: ModelStore, card: Card) -> Card | None:
    """The card of the same network in single precision: the one that is named, else the same name without `_fp16`."""
    name = card.fp32 or (card.name.removesuffix("_fp16") if card.name.endswith("_fp16") else None)
    if name is None or name == card.name or name not in store.cards:
        return None
    found = store.card(name)
    return found if found.family == card.family else None


def _opened(path: Path, card: Card, target: Target, runtime: Runtime, opener: Opener) -> _Lane:
    try:
        session = opener(path, card, target, runtime)
    except FaceplateError:
        raise
    except Exception as error:  # ONNX Runtime raises classes of its own that share no base but Exception
        raise RenderError("weights-unusable", _reason(error)) from error
    if session.get_providers()[0] != target.provider:
        raise RenderError("weights-unusable", "the provider did not start: its libraries are not there")
    return _Lane(session, target)


@cache
def _prepare_devices() -> None:
    """Once, before the first session that is not on the CPU: CUDA's libraries out of pip's packages where those are
    installed, and no red lines on standard error for what a note says anyway.
    """
    onnxruntime.set_default_logger_severity(_LOG_SEVERITY)
    if cuda_devices():
        with suppress(Exception), redirect_stdout(io.StringIO()):  # it prints what it does not find
            onnxruntime.preload_dlls()


def _refuse_absent(target: Target) -> None:
    if target.provider not in onnxruntime.get_available_providers():
        raise RenderError("weights-unusable", "this ONNX Runtime is built without it")
    if target.provider in (CUDA, TENSORRT) and not cuda_devices():
        raise RenderError("weights-unusable", "there is no NVIDIA driver with a GPU")


def _open_session(path: Path, card: Card, target: Target, runtime: Runtime) -> onnxruntime.InferenceSession:
    if target.provider != CPU:
        _refuse_absent(target)
        _prepare_devices()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _LOG_SEVERITY
    options.intra_op_num_threads = runtime.intra_op
    options.inter_op_num_threads = 1
    # Between runs, waiting threads would take the cores that the rest of the frame is made on.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if runtime.workers > 1:  # waiting threads would take the other workers' cores
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = [(target.provider, provider_options(target, card, runtime))]
    if target.provider == TENSORRT:  # what it cannot compile stays on the same GPU
        providers.append((CUDA, provider_options(replace(target, provider=CUDA), card, runtime)))
    if target.provider != CPU:
        providers.append(CPU)  # for the few operators that a device leaves to it
    if runtime.cache is None or card.external or target.provider not in (CPU, CUDA):
        if kept := providers[0][1].get("trt_engine_cache_path"):
            with suppress(OSError):  # where nothing can be kept, TensorRT builds its engine each time
                Path(kept).mkdir(parents=True, exist_ok=True)
        return _session(path, options, providers)
    return _optimised(path, card, target, runtime.cache, options, providers)


def _session(path: Path, options: onnxruntime.SessionOptions, providers: list[Any]) -> onnxruntime.InferenceSession:
    """A session on these providers and no others: falling back is for `open_network`, which says so."""
    return onnxruntime.InferenceSession(path, options, providers=providers, enable_fallback=0)


def _optimised(
    path: Path, card: Card, target: Target, cache: Path, options: onnxruntime.SessionOptions, providers: list[Any]
) -> onnxruntime.InferenceSession:
    """The graph as it was optimised an earlier time; the first time it is optimised and kept.

    What is kept is free of anything that only this processor can do, and its own hash lies beside it.
    """
    short = "cpu" if target.provider == CPU else "cuda"
    kept = cache / "optimised" / f"{card.sha256[:24]}-{short}-ort{onnxruntime.__version__}.onnx"
    seal = kept.with_suffix(".sha256")
    if _sealed(kept, seal):
        return _session(kept, options, providers)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(kept) as temporary:
            saving = onnxruntime.SessionOptions()
            saving.log_severity_level = _LOG_SEVERITY
            saving.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
            saving.optimized_model_filepath = os.fspath(temporary)
            _session(path, saving, providers)
            seal.write_text(digest(temporary), encoding="ascii")
            publish(temporary, kept)
    except Exception:  # a cache that cannot be written (ONNX Runtime has classes of its own for that) stops nothing
        return _session(path, options, providers)
    return _session(kept, options, providers)


def _sealed(kept: Path, seal: Path) -> bool:
    try:
        return seal.read_text(encoding="ascii") == digest(kept)
    except OSError:
        return False


def _port(node: Any) -> Port:
    shape = tuple(side if isinstance(side, int) and side > 0 else 0 for side in node.shape)
    return Port(node.name, shape, _DTYPES.get(node.type, np.float32))


def _reason(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}…"
