"""An opened network: runs batches, and continues with less memory or more precision when a run fails.

When a device runs out of memory, the network uses smaller batches and then the next provider. When half precision
overflows, it uses the single-precision file. Each such change adds one sentence to `Network.notes`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from faceplate.errors import FaceplateError, RenderError
from faceplate.models.card import Card
from faceplate.models.device_session import DeviceSession, Port
from faceplate.models.devices import (
    CPU,
    Target,
)

__all__ = ["Network", "error_line"]

# Words in the messages of ONNX Runtime and its providers that mean that an allocation failed.
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


class Network:
    """One opened network: numpy arrays in, numpy arrays out, float32 whatever precision the graph uses.

    It can be shared between threads. With several devices each run takes an idle one, so that all of them stay busy. `notes`
    records every fallback; read it with `new_notes`.

    Parameters
    ----------
    card : Card
        The network's card.
    session : list of DeviceSession, or any
        The sessions, or one ONNX Runtime session on `target`.
    steps : iterable
        The steps of `devices.plan` that are left for when memory runs out.
    reopen : callable, optional
        Opens the sessions of one step.
    fallback : callable, optional
        Opens the same network in single precision.
    batch : int
        Most tiles in one run; 0 for all.
    target : Target, optional
        Where a single session runs; the CPU by default.
    notes : list of str, optional
        Notes from opening, which this list continues.
    """

    def __init__(
        self,
        card: Card,
        session: Any,
        *,
        steps: Iterable[tuple[Target, ...]] = (),
        reopen: Callable[[tuple[Target, ...]], list[DeviceSession]] | None = None,
        fallback: Callable[[], Network] | None = None,
        batch: int = 0,
        target: Target | None = None,
        notes: list[str] | None = None,
    ) -> None:
        self.card = card
        sessions = session if isinstance(session, list) else [DeviceSession(session, target or Target(CPU))]
        self._steps, self._reopen, self._fallback = list(steps), reopen, fallback
        self._limit = batch
        self._fallback_network: Network | None = None
        self._notes: list[str] = [] if notes is None else notes
        self._notes_read = 0
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._use_sessions(sessions)

    def _use_sessions(self, sessions: list[DeviceSession]) -> None:
        self._sessions = sessions
        self._idle: queue.Queue[DeviceSession] = queue.Queue()
        for session in sessions:
            self._idle.put(session)
        self.inputs: tuple[Port, ...] = sessions[0].inputs
        self.outputs: tuple[Port, ...] = sessions[0].outputs

    @property
    def provider(self) -> str:
        """The provider that the session really uses, for logs and metadata."""
        return self._sessions[0].provider

    @property
    def running(self) -> Card:
        """The card of the file that runs now: the single-precision file's after an overflow."""
        return self._fallback_network.card if self._fallback_network is not None else self.card

    @property
    def targets(self) -> tuple[str, ...]:
        """Every device in use, such as `cuda:0`."""
        return tuple(str(session.target) for session in self._sessions)

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for every fallback so far, in order."""
        return tuple(self._notes) + (self._fallback_network.notes if self._fallback_network else ())

    def new_notes(self) -> tuple[str, ...]:
        """Return the notes added since the last call."""
        with self._lock:
            notes = self.notes
            fresh, self._notes_read = notes[self._notes_read :], len(notes)
        return fresh

    def note(self, sentence: str) -> None:
        """Add a note unless it exists."""
        with self._lock:
            if sentence not in self._notes:
                self._notes.append(sentence)

    def run(self, *inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Run the graph once on `inputs`, given in the graph's order.

        Returns
        -------
        dict of str to np.ndarray
            Every output by its name, half precision converted to float32.

        Raises
        ------
        RenderError
            `network-overflow` (infinite or NaN results, and no single-precision file to use instead), `network-failed` or
            `out-of-memory`.
        """
        return self.infer(dict(zip((port.name for port in self.inputs), inputs, strict=True)))

    def infer(self, feed: Mapping[str, np.ndarray], each: Iterable[str] = ()) -> dict[str, np.ndarray]:
        """Run the graph on inputs by name, in batches.

        Parameters
        ----------
        feed : mapping
            The inputs by name.
        each : iterable of str
            Names of the inputs that hold one entry per tile on their first axis; the others are the same for every tile.

        Returns
        -------
        dict of str to np.ndarray
            Every output by its name, joined on the first axis. The tiles go through in one run when the graph's batch axis and
            the memory allow it, else in as few runs as possible.

        Raises
        ------
        RenderError
            As `run` does.
        """
        if self._fallback_network is not None:
            return self._fallback_network.infer(feed, each)
        names = set(each)
        count = max((len(feed[name]) for name in names), default=1)
        parts: list[dict[str, np.ndarray]] = []
        done = 0
        while done < count:
            size = self._batch_size(names, count - done)
            try:
                parts.append(
                    self._run_once({key: self._part_for(key, value, names, done, size) for key, value in feed.items()})
                )
            except _DeviceMemoryError as error:
                self._recover_from_memory_error(error, size)
                continue
            done += size
        made = parts[0] if len(parts) == 1 else {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        return self._finite_or_fallback(made, feed, names)

    def _part_for(self, name: str, value: np.ndarray, names: set[str], start: int, size: int) -> np.ndarray:
        if name in names:
            return value[start : start + size]
        port = next(port for port in self.inputs if port.name == name)
        if size > 1 and port.batched and len(value) == 1:
            return np.repeat(value, size, axis=0)
        return value

    def _batch_size(self, names: set[str], left: int) -> int:
        batched = bool(names) and all(port.batched for port in self.inputs if port.name in names)
        return min(left, self._limit or left) if batched else 1

    def _run_once(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with self._idle_session() as session:
            try:
                return session.run(feed)
            except Exception as error:  # ONNX Runtime raises classes of its own that share no base but Exception
                reason = error_line(error)
                if any(words in str(error).lower() for words in _OUT_OF_MEMORY):
                    raise _DeviceMemoryError(session) from error
                raise RenderError("network-failed", f"The network '{self.card.name}' failed: {reason}") from error

    @contextmanager
    def _idle_session(self) -> Iterator[DeviceSession]:
        """Yield a device for one run, the longest idle first. A single CPU session takes any number of runs at once."""
        idle = self._idle
        if len(self._sessions) == 1 and self._sessions[0].shared:
            yield self._sessions[0]
            return
        session = idle.get()
        try:
            yield session
        finally:
            idle.put(session)

    def _recover_from_memory_error(self, error: _DeviceMemoryError, size: int) -> None:
        """Halve the batch after a failed allocation; when the batch is one tile already, move to the next provider."""
        with self._lock:
            if error.session not in self._sessions:  # another thread has recovered already
                return
            if size > 1:
                self._limit = min(self._limit or size, max(size // 2, 1))
                where = f"{error.session.target} ran out of memory on '{self.card.name}'"
                sentence = f"{where}: {self._limit} tiles at a time from now on"
                if sentence not in self._notes:
                    self._notes.append(sentence)
                return
            while self._steps and self._reopen is not None:
                step = self._steps.pop(0)
                try:
                    sessions = self._reopen(step)
                except FaceplateError:
                    continue
                self._notes.append(
                    f"{error.session.target} has no memory for '{self.card.name}': it runs on {step[0]} from now on"
                )
                self._limit = 0
                self._use_sessions(sessions)
                return
        raise RenderError(
            "out-of-memory",
            f"There is not enough memory to run '{self.card.name}' on a single tile; close other programs.",
        ) from error

    def _finite_or_fallback(
        self, made: dict[str, np.ndarray], feed: Mapping[str, np.ndarray], names: set[str]
    ) -> dict[str, np.ndarray]:
        """Return the outputs if they are finite; else the results of the single-precision file.

        Raises
        ------
        RenderError
            `network-failed` when the inputs were not finite, `network-overflow` without a single-precision file.
        """
        # A finite sum means finite terms and is cheaper to test than each value. If it is not, the values are tested.
        if all(np.isfinite(array.sum(dtype=np.float64)) or np.isfinite(array).all() for array in made.values()):
            return made
        if any(not np.isfinite(array).all() for array in feed.values()):
            raise RenderError(
                "network-failed", f"The network '{self.card.name}' was given numbers that are not finite."
            )
        if self._fallback is not None:
            with self._opening:
                self._fallback_network = self._fallback_network or self._fallback()
            name = self._fallback_network.card.name
            self.note(f"'{self.card.name}' overflowed in half precision: '{name}' runs instead from now on")
            return self._fallback_network.infer(feed, names)
        raise RenderError(
            "network-overflow",
            f"The network '{self.card.name}' gave infinite numbers or NaN; if it is half precision, use the single.",
        )


class _DeviceMemoryError(Exception):
    def __init__(self, session: DeviceSession) -> None:
        super().__init__("out of memory")
        self.session = session


def error_line(error: Exception) -> str:
    """Return the first line of an exception's message, or its class name."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
