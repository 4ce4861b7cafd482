"""Runs the engine: one process, one loopback port, one state file; it ends when nobody needs it."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import logging.handlers
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from filelock import BaseFileLock

from faceplate.cache import StageCache
from faceplate.errors import RenderError, UsageError
from faceplate.render.cache_types import KINDS
from faceplate.service.app import Service, make_app
from faceplate.service.guard import Guard
from faceplate.system.locks import take
from faceplate.system.processes import alive, birth
from faceplate_client import paths
from faceplate_client.discovery import find_engine
from faceplate_client.errors import EngineError
from faceplate_client.launcher import make_run_folder
from faceplate_client.version import __version__

__all__ = ["BODY_LIMIT", "serve"]

BODY_LIMIT = 8 << 20
_LOOK = 0.5
# How long an ending engine waits for the frame at hand: a written frame is whole or not there, either way.
_PATIENCE = 10.0
_YIELD = 30.0
_log = logging.getLogger("faceplate.service")


@dataclass
class _Users:
    """Which processes use the engine, and when somebody last asked for something."""

    parent: int | None
    asked: float = field(default_factory=time.monotonic)
    known: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.parent is not None:
            self.known[self.parent] = birth(self.parent)

    def seen(self, pid: int | None, bound: bool, quiet: bool) -> None:
        """A request of process `pid`. Asking for the status is quiet: watching an engine does not keep it."""
        if pid is not None and pid not in self.known:
            self.known[pid] = birth(pid)
        if not quiet:
            self.asked = time.monotonic()

    def gone(self) -> list[int]:
        """Those that have died since the last look."""
        dead = [pid for pid, born in tuple(self.known.items()) if not alive(pid, born)]
        for pid in dead:
            self.known.pop(pid, None)
        return dead


def serve(idle: float = 900.0, parent: int | None = None, foreground: bool = False) -> int:
    """Runs the engine until it is told to stop, has been idle for `idle` seconds, or its users have died.

    Users count when `parent` is given: the engine then ends with the last process that has talked to it. Answers the exit
    code. When an engine of this version runs already, it says so and answers 0. Raises `UsageError('run-folder')`.
    """
    folder = Path(paths.run_folder())
    try:
        make_run_folder(str(folder))
    except EngineError as error:
        raise UsageError(error.code, error.message) from error
    lock = _only_one(folder)
    if lock is None:
        print("An engine of this version runs already.", file=sys.stderr)
        return 0
    _open_log(Path(paths.log_file(str(folder))), foreground)
    # The environment of whoever was first must not decide another host's colours: OCIO comes with each shot.
    os.environ.pop("OCIO", None)
    listener = _listen()
    state = Path(paths.state_file(str(folder), __version__))
    token = secrets.token_urlsafe(32)
    try:
        _Engine(listener, token, state, idle, _Users(parent), foreground).run()
    finally:
        lock.release()
    return 0


def _only_one(folder: Path) -> BaseFileLock | None:
    """The lock, also after an engine that is just ending; None when another one runs.

    Raises `RenderError('engine-stuck')`.
    """
    end = time.monotonic() + _YIELD
    while time.monotonic() < end:
        lock = take(folder / f"{paths.STATE_PREFIX}{__version__}.lock")
        if lock is not None:
            return lock
        if find_engine(str(folder)) is not None:
            return None
        time.sleep(0.1)
    raise RenderError("engine-stuck", f"Another engine holds {folder} and does not answer; end it, then try again.")


class _Engine:
    def __init__(
        self, listener: socket.socket, token: str, state: Path, idle: float, users: _Users, foreground: bool
    ) -> None:
        self._listener = listener
        self._port = listener.getsockname()[1]
        self._token = token
        self._state = state
        self._users = users
        self._foreground = foreground
        self._ending = threading.Event()
        self._service = Service(idle=idle, stop=self._end, cache=StageCache.from_environment(kinds=KINDS))
        guarded = Guard(
            make_app(self._service, self._life),
            port=self._port,
            token=token,
            body_limit=BODY_LIMIT,
            seen=users.seen,
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                guarded,
                log_config=None,
                access_log=False,
                lifespan="on",
                server_header=False,
                timeout_graceful_shutdown=3,
                limit_concurrency=512,
            )
        )

    def run(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._listener])

    @contextlib.asynccontextmanager
    async def _life(self, app: FastAPI) -> AsyncIterator[None]:
        self._service.queue.start()
        watcher = threading.Thread(target=self._watch, name="faceplate-watch", daemon=True)
        watcher.start()
        _write_state(self._state, self._port, self._token)
        _log.info("Engine %s, process %d, port %d", __version__, os.getpid(), self._port)
        if self._foreground:
            print(
                f"Faceplate's engine listens on http://127.0.0.1:{self._port}; its token is in {self._state}",
                flush=True,
            )
        else:
            _silence()
        try:
            yield
        finally:
            self._ending.set()
            _withdraw_state(self._state, self._token)
            self._service.queue.close(_PATIENCE)
            self._service.shared.clear()
            watcher.join(2 * _LOOK)
            _log.info("Engine ends")

    def _end(self) -> None:
        # Streams of running jobs end with their jobs, so that nobody holds the shutdown up.
        self._service.stopping = True
        threading.Thread(target=self._service.queue.close, args=(0.0,), daemon=True).start()
        self._server.should_exit = True

    def _watch(self) -> None:
        users, queue = self._users, self._service.queue
        watches = users.parent is not None
        while not self._ending.wait(_LOOK):
            for pid in users.gone():
                _log.info("Process %d is gone", pid)
                queue.cancel_of(pid)
            self._service.shared.sweep()
            if any(queue.counts().values()):
                users.asked = time.monotonic()
            why = None
            if watches and not users.known and not any(queue.counts().values()):
                why = "its users are gone"
            elif time.monotonic() - users.asked > self._service.idle:
                why = "idle"
            if why is not None:
                _log.info("Ends: %s", why)
                self._end()
                return


def _listen() -> socket.socket:
    """A loopback port that the system chose. It accepts from now on, so a client that reads the state file gets through."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    return listener


def _write_state(path: Path, port: int, token: str) -> None:
    state = {
        "api": paths.API,
        "port": port,
        "token": token,
        "pid": os.getpid(),
        "version": __version__,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    part = path.with_suffix(f".{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _withdraw_state(path: Path, token: str) -> None:
    if (paths.read_json(str(path)) or {}).get("token") == token:
        path.unlink(missing_ok=True)


def _open_log(path: Path, foreground: bool) -> None:
    """One file, 2 MiB at most, with two older ones beside it."""
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(path, maxBytes=2 << 20, backupCount=2, encoding="utf-8")
    ]
    if foreground:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=handlers, force=True
    )
    faulthandler.enable(path.with_name("engine-crash.log").open("w"))


def _silence() -> None:
    """Standard output and error go nowhere from here on: nobody reads them, and the file behind them would only grow."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
