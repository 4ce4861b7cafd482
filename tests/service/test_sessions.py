"""Tickets and sessions of pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceplate.errors import UsageError
from faceplate.service.guard import cookie_name, session_of
from faceplate.service.sessions import SESSION_SECONDS, TICKET_SECONDS, Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_ticket_works_once_and_ends_in_a_minute() -> None:
    clock = Clock()
    sessions = Sessions(clock=clock)
    ticket, late = sessions.ticket("/a.shot.json"), sessions.ticket()
    cookie, key, shot = sessions.exchange(ticket)
    assert shot == "/a.shot.json" and sessions.accepts(cookie, key)
    for used in (ticket, "", "made up"):
        with pytest.raises(UsageError, match="used already") as refused:
            sessions.exchange(used)
        assert refused.value.code == "bad-ticket"
    clock.now += TICKET_SECONDS
    with pytest.raises(UsageError):
        sessions.exchange(late)


def test_a_session_needs_both_halves_and_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock=clock)
    (one, one_key, _), (two, two_key, _) = (sessions.exchange(sessions.ticket()) for _ in range(2))
    assert sessions.accepts(one, one_key) and sessions.accepts(two, two_key) and sessions.any
    for cookie, key in ((one, two_key), (two, one_key), (one, ""), ("", one_key), ("", ""), (one_key, one)):
        assert not sessions.accepts(cookie, key)
    sessions.end(one, two_key)
    assert sessions.accepts(one, one_key)
    sessions.end(one, one_key)
    assert not sessions.accepts(one, one_key) and sessions.accepts(two, two_key)
    clock.now += SESSION_SECONDS
    assert not sessions.accepts(two, two_key) and not sessions.any


def test_only_hashes_are_kept_for_the_next_engine(tmp_path: Path) -> None:
    file = tmp_path / "sessions.json"
    before = Sessions(file)
    cookie, key, _ = before.exchange(before.ticket())
    text = file.read_text()
    assert cookie not in text and key not in text
    after = Sessions(file)
    assert after.accepts(cookie, key)
    after.end(cookie, key)
    assert not Sessions(file).accepts(cookie, key)
    file.write_text('{"sessions": ["damaged"]}')
    assert not Sessions(file).any


def test_tickets_and_sessions_are_bounded() -> None:
    sessions = Sessions()
    tickets = [sessions.ticket() for _ in range(40)]
    with pytest.raises(UsageError):
        sessions.exchange(tickets[0])
    made = [sessions.exchange(sessions.ticket())[:2] for _ in range(70)]
    assert not sessions.accepts(*made[0]) and sessions.accepts(*made[-1])


def test_the_cookie_of_another_port_does_not_count() -> None:
    headers = {"cookie": "faceplate_1=a; faceplate_2=b", "faceplate-page": "k"}
    assert session_of(headers, 2) == ("b", "k") and session_of(headers, 3) == ("", "k")
    assert cookie_name(1) != cookie_name(2) and session_of({"cookie": "a[=;;;"}, 1) == ("", "")
