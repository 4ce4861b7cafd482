"""Opening of networks: verified files on the best provider that works."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceplate.errors import FaceplateError, RenderError
from faceplate.models.card import Card
from faceplate.models.device_session import DeviceSession
from faceplate.models.devices import (
    Runtime,
    Target,
    plan,
)
from faceplate.models.graph import check_external, read_graph
from faceplate.models.kinds import check_signature
from faceplate.models.network import Network, error_line
from faceplate.models.ort_session import create_session
from faceplate.models.store import ModelStore

__all__ = ["Opener", "open_network", "single_precision"]

Opener = Callable[[Path, Card, Target, Runtime], Any]
"""Opens a file on a target; returns an object that behaves like an `onnxruntime.InferenceSession`."""


def open_network(
    store: ModelStore, name: str, *, threads: int = 0, runtime: Runtime | None = None, opener: Opener | None = None
) -> Network:
    """Open the network of card `name` on the best provider that works, after verifying hash, outside weights and signature.

    Parameters
    ----------
    store : ModelStore
        Where the card is looked up.
    name : str
        The card's name.
    threads : int
        ONNX Runtime's intra-op thread count; 0 leaves the choice to `runtime`.
    runtime : Runtime, optional
        How to run; read from the environment by default.
    opener : Opener, optional
        Replaces `ort_session.create_session`.

    Raises
    ------
    UsageError, RenderError
        What `ModelStore.path`, `read_graph`, `check_external` and `check_signature` raise; `UsageError` for an invalid
        runtime; `RenderError('weights-unusable')` when no provider can open the file.
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
    open_one = opener or create_session
    notes: list[str] = []
    steps = list(plan(wanted))

    def reopen(step: tuple[Target, ...]) -> list[DeviceSession]:
        """Open the file on each device of the step; a device that fails adds a note. Raises when all fail."""
        sessions, failures = [], []
        for target in step:
            try:
                sessions.append(_open_on(path, card, target, wanted, open_one))
            except RenderError as error:
                failures.append((target, error))
        if not sessions:
            raise failures[-1][1]
        notes.extend(
            f"{target} cannot run '{card.name}' ({_short(str(error))}): left out" for target, error in failures
        )
        return sessions

    sessions, rest = _first_that_opens(path, card, steps, reopen, notes)
    single = single_precision(store, card)
    return Network(
        card,
        sessions,
        steps=rest,
        reopen=reopen,
        fallback=None if single is None else lambda: open_network(store, single.name, runtime=wanted, opener=opener),
        batch=wanted.batch,
        notes=notes,
    )


def _refuse_unlisted(externals: Iterable[str], card: Card) -> None:
    """Reject a graph that names outside files without a hash on the card."""
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
    reopen: Callable[[tuple[Target, ...]], list[DeviceSession]],
    notes: list[str],
) -> tuple[list[DeviceSession], list[tuple[Target, ...]]]:
    reason = ""
    for index, step in enumerate(steps):
        try:
            sessions = reopen(step)
        except RenderError as error:
            reason = str(error)
            if index + 1 < len(steps):
                notes.append(f"{step[0]} cannot run '{card.name}' ({_short(reason)}): {steps[index + 1][0]} is tried")
            continue
        return sessions, steps[index + 1 :]
    raise RenderError("weights-unusable", f"{path.name} cannot be opened as an ONNX network: {reason}")


def single_precision(store: ModelStore, card: Card) -> Card | None:
    """Return the card of the same network in single precision: the named one, else the same name without `_fp16`; or None."""
    name = card.fp32 or (card.name.removesuffix("_fp16") if card.name.endswith("_fp16") else None)
    if name is None or name == card.name or name not in store.cards:
        return None
    found = store.card(name)
    return found if found.family == card.family else None


def _open_on(path: Path, card: Card, target: Target, runtime: Runtime, opener: Opener) -> DeviceSession:
    try:
        session = opener(path, card, target, runtime)
    except FaceplateError:
        raise
    except Exception as error:  # ONNX Runtime raises classes of its own that share no base but Exception
        raise RenderError("weights-unusable", error_line(error)) from error
    if session.get_providers()[0] != target.provider:
        raise RenderError("weights-unusable", "the provider did not start: its libraries are not there")
    return DeviceSession(session, target)


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}…"
