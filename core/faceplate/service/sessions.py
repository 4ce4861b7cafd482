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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import UsageError
from faceplate.system.atomic import write_bytes
from faceplate_client import paths

__all__ = ["Sessions", "Ticket"]

TICKET_SECONDS = 60.0
SESSION_SECONDS = 7 * 86400.0
_MOST_TICKETS = 32
_MOST_SESSIONS = 64


@dataclass(frozen=True)
class Ticket:
    """What a ticket opens: a shot file, "" for none; and when it ends, in seconds of the clock."""

    shot: str
    until: float


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
        self._known: dict[str, float] = self._stored()

    @property
    def any(self) -> bool:
        """Whether a page may still have a session."""
        with self._lock:
            self._forget()
            return bool(self._known)

    def ticket(self, shot: str = "") -> str:
        """Return a new ticket that opens `shot`; it works once, within a minute."""
        text = secrets.token_urlsafe(32)
        with self._lock:
            self._forget()
            while len(self._tickets) >= _MOST_TICKETS:
                self._tickets.pop(next(iter(self._tickets)))
            self._tickets[_hash(text)] = Ticket(shot, self._clock() + TICKET_SECONDS)
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
            self._known[_pair(cookie, key)] = self._clock() + SESSION_SECONDS
            while len(self._known) > _MOST_SESSIONS:
                self._known.pop(next(iter(self._known)))
            self._store()
        return cookie, key, found.shot

    def accepts(self, cookie: str, key: str) -> bool:
        """Say whether a cookie and a key belong to a session that has not ended."""
        if not cookie or not key:
            return False
        with self._lock:
            return self._known.get(_pair(cookie, key), 0.0) > self._clock()

    def end(self, cookie: str, key: str) -> None:
        """End a session."""
        with self._lock:
            if self._known.pop(_pair(cookie, key), None) is not None:
                self._store()

    def _forget(self) -> None:
        now = self._clock()
        self._tickets = {name: ticket for name, ticket in self._tickets.items() if ticket.until > now}
        self._known = {name: until for name, until in self._known.items() if until > now}

    def _stored(self) -> dict[str, float]:
        held = None if self._file is None else paths.read_json(str(self._file))
        sessions = (held or {}).get("sessions")
        if not isinstance(sessions, dict):
            return {}
        return {str(name): float(until) for name, until in sessions.items() if isinstance(until, (int, float))}

    def _store(self) -> None:
        if self._file is not None:
            write_bytes(self._file, json.dumps({"sessions": self._known}).encode())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _pair(cookie: str, key: str) -> str:
    return _hash(f"{cookie} {key}")
