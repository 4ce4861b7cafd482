"""Runs the engine: one process, one loopback port, one state file. It ends when it is idle or its users are gone."""

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
from collections.abc import AsyncIterator, Callable, Mapping
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
from faceplate.service.sessions import Sessions
from faceplate.system.atomic import write_bytes
from faceplate.system.locks import take
from faceplate.system.processes import alive, birth
from faceplate_client import paths
from faceplate_client.discovery import find_engine
from faceplate_client.errors import EngineError
from faceplate_client.launcher import make_run_folder
from faceplate_client.version import __version__

__all__ = ["BODY_LIMIT", "Extension", "serve"]

BODY_LIMIT = 8 << 20
_LOOK = 0.5
# Seconds that an ending engine waits for the frame under way. A frame is written whole or not at all in any case.
_PATIENCE = 10.0
_YIELD = 30.0
_log = logging.getLogger("faceplate.service")


@dataclass(frozen=True)
class Extension:
    """More routes: `add(app, service)` adds them; `body_limits` are the bytes that a body may hold, by path."""

    add: Callable[[FastAPI, Service], None]
    body_limits: Mapping[str, int] = field(default_factory=dict)


@dataclass
class _Users:
    """The processes that use the engine, and the time of the last request."""

    parent: int | None
    asked: float = field(default_factory=time.monotonic)
    known: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.parent is not None:
            self.known[self.parent] = birth(self.parent)

    def seen(self, pid: int | None, bound: bool, quiet: bool) -> None:
        """Note a request of process `pid`. A quiet request (the status) does not keep the engine from being idle."""
        if pid is not None and pid not in self.known:
            self.known[pid] = birth(pid)
        if not quiet:
            self.asked = time.monotonic()

    def gone(self) -> list[int]:
        """Return the processes that have ended since the last call, and forget them."""
        dead = [pid for pid, born in tuple(self.known.items()) if not alive(pid, born)]
        for pid in dead:
            self.known.pop(pid, None)
        return dead


def serve(
    idle: float = 900.0, parent: int | None = None, foreground: bool = False, extension: Extension | None = None
) -> int:
    """Run the engine until it is told to stop, has been idle for `idle` seconds, or its users have ended.

    Where `parent` is given, the engine ends with the last process that has sent it a request. An open page keeps it alive.
    `extension` adds routes. Returns the exit code; 0 also where an engine of this version runs already. Raises
    `UsageError('run-folder')`.
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
    # Each shot brings its own OCIO. The environment of the host that started the engine must not count for others.
    os.environ.pop("OCIO", None)
    sessions = Sessions(folder / f"sessions-{__version__}.json")
    listener = _listen(folder / f"port-{__version__}.json", sessions.any)
    state = Path(paths.state_file(str(folder), __version__))
    token = secrets.token_urlsafe(32)
    service = Service(
        idle=idle,
        cache=StageCache.from_environment(kinds=KINDS),
        sessions=sessions,
        port=listener.getsockname()[1],
    )
    try:
        _Engine(listener, token, state, service, _Users(parent), foreground, extension).run()
    finally:
        lock.release()
    return 0


def _only_one(folder: Path) -> BaseFileLock | None:
    """Take the lock of this version, waiting for an engine that is just ending; None where another engine runs.

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
        self,
        listener: socket.socket,
        token: str,
        state: Path,
        service: Service,
        users: _Users,
        foreground: bool,
        extension: Extension | None,
    ) -> None:
        self._listener = listener
        self._port = service.port
        self._token = token
        self._state = state
        self._users = users
        self._foreground = foreground
        self._ending = threading.Event()
        self._service = service
        service.stop = self._end
        app = make_app(service, self._life)
        if extension is not None:
            extension.add(app, service)
        guarded = Guard(
            app,
            port=self._port,
            token=token,
            body_limit=BODY_LIMIT,
            seen=users.seen,
            sessions=service.sessions,
            body_limits=extension.body_limits if extension is not None else None,
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
        # An event stream ends with its job, so cancelling the jobs lets the connections close.
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
            busy = any(queue.counts().values()) or self._service.open_pages > 0
            if busy:
                users.asked = time.monotonic()
            why = None
            if watches and not users.known and not busy:
                why = "its users are gone"
            elif time.monotonic() - users.asked > self._service.idle:
                why = "idle"
            if why is not None:
                _log.info("Ends: %s", why)
                self._end()
                return


def _listen(kept: Path, again: bool) -> socket.socket:
    """Return a socket on a loopback port that the system chooses; with `again` the port before, where it is free.

    The same port lets a page in a browser find the engine again. It accepts connections from now on. `kept` remembers it.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # connections of a killed engine may linger; on Windows the option would share a port in use
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    before = (paths.read_json(str(kept)) or {}).get("port") if again else None
    try:
        listener.bind(("127.0.0.1", before if isinstance(before, int) and 1024 <= before <= 65535 else 0))
        listener.listen(256)
    except OSError:
        listener.close()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
    write_bytes(kept, json.dumps({"port": listener.getsockname()[1]}).encode())
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
    """Write the log to one file of at most 2 MiB, with two older ones beside it."""
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
    """Discard standard output and error from here on: nobody reads them, and a file behind them would only grow."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
