"""Sessions of the workspace's page in a browser: a ticket that works once, then a cookie together with a key.

A ticket is handed to the user's own browser in a link. The page exchanges it for two secrets. The cookie is HttpOnly, so that
no script reads it; but a browser sends it to every port of 127.0.0.1. The key is kept by the page under its own origin, port
included, and is sent in a header. A request needs both. The engine stores only a hash of the pair.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from faceplate.errors import UsageError
from faceplate.system.atomic import write_bytes
from faceplate_client import paths

__all__ = ["Sessions", "Ticket", "page_environ"]

page_environ: ContextVar[Mapping[str, str]] = ContextVar("page_environ", default=MappingProxyType({}))
"""The variables of whoever opened the page that asks now: `$OCIO`, and those that the shot names."""

TICKET_SECONDS = 60.0
SESSION_SECONDS = 7 * 86400.0
_MOST_TICKETS = 32
_MOST_SESSIONS = 64


@dataclass(frozen=True)
class Ticket:
    """What a ticket opens: a shot file, "" for none; when it ends, in seconds of the clock; and its user's variables."""

    shot: str
    until: float
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Session:
    """When a session ends, and the variables of the user who opened it."""

    until: float
    environ: Mapping[str, str] = field(default_factory=dict)


class Sessions:
    """Tickets and sessions of one engine.

    `file` keeps the hashes of sessions for the next engine of the same run folder, so that a page survives a restart; None
    keeps nothing. `clock` gives the time in seconds.
    """

    def __init__(self, file: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._tickets: dict[str, Ticket] = {}
        self._known: dict[str, _Session] = self._stored()

    @property
    def any(self) -> bool:
        """Whether a page may still have a session."""
        with self._lock:
            self._forget()
            return bool(self._known)

    def ticket(self, shot: str = "", environ: Mapping[str, str] | None = None) -> str:
        """Return a new ticket that opens `shot` with its user's variables; it works once, within a minute."""
        text = secrets.token_urlsafe(32)
        with self._lock:
            self._forget()
            while len(self._tickets) >= _MOST_TICKETS:
                self._tickets.pop(next(iter(self._tickets)))
            self._tickets[_hash(text)] = Ticket(shot, self._clock() + TICKET_SECONDS, environ or {})
        return text

    def exchange(self, ticket: str) -> tuple[str, str, str]:
        """Return the cookie, the key and the shot of a new session. Raises `UsageError('bad-ticket')`."""
        with self._lock:
            self._forget()
            found = self._tickets.pop(_hash(ticket), None)
            if found is None:
                raise UsageError(
                    "bad-ticket", "This link was used already or is older than a minute; run faceplate ui again."
                )
            cookie, key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
            self._known[_pair(cookie, key)] = _Session(self._clock() + SESSION_SECONDS, found.environ)
            while len(self._known) > _MOST_SESSIONS:
                self._known.pop(next(iter(self._known)))
            self._store()
        return cookie, key, found.shot

    def accepts(self, cookie: str, key: str) -> bool:
        """Say whether a cookie and a key belong to a session that has not ended."""
        if not cookie or not key:
            return False
        with self._lock:
            found = self._known.get(_pair(cookie, key))
            return found is not None and found.until > self._clock()

    def environ(self, cookie: str, key: str) -> Mapping[str, str]:
        """Return the variables of the user who opened a session; none for an unknown one."""
        with self._lock:
            found = self._known.get(_pair(cookie, key))
        return {} if found is None else found.environ

    def end(self, cookie: str, key: str) -> None:
        """End a session."""
        with self._lock:
            if self._known.pop(_pair(cookie, key), None) is not None:
                self._store()

    def _forget(self) -> None:
        now = self._clock()
        self._tickets = {name: ticket for name, ticket in self._tickets.items() if ticket.until > now}
        self._known = {name: known for name, known in self._known.items() if known.until > now}

    def _stored(self) -> dict[str, _Session]:
        held = None if self._file is None else paths.read_json(str(self._file))
        sessions = (held or {}).get("sessions")
        if not isinstance(sessions, dict):
            return {}
        known = {str(name): _session(item) for name, item in sessions.items()}
        return {name: session for name, session in known.items() if session is not None}

    def _store(self) -> None:
        if self._file is not None:
            kept = {name: {"until": item.until, "environ": dict(item.environ)} for name, item in self._known.items()}
            write_bytes(self._file, json.dumps({"sessions": kept}).encode())


def _session(item: Any) -> _Session | None:
    """Return a session as it was stored; None for what is none."""
    if not isinstance(item, dict) or not isinstance(item.get("until"), (int, float)):
        return None
    environ = item.get("environ")
    given = environ.items() if isinstance(environ, dict) else ()
    return _Session(float(item["until"]), {str(name): str(value) for name, value in given})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _pair(cookie: str, key: str) -> str:
    return _hash(f"{cookie} {key}")
