"""Stepping through a shot's issues: the next and the previous one from a frame, and one line about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["issue_line", "next_issue"]


def next_issue(
    issues: Iterable[Mapping[str, Any]], frame: int, step: int = 1, kinds: Iterable[str] = ()
) -> Mapping[str, Any] | None:
    """Return the issue that begins next after `frame`, or with a negative `step` the one before; None where there is none.

    Several issues that begin at one frame are one stop: the most severe of them is returned, so that each step moves.

    Parameters
    ----------
    issues : iterable of mapping
        As `Engine.issues` returns them.
    frame : int
        The plate's frame that is shown.
    step : int
        Positive for the next one, negative for the one before.
    kinds : iterable of str
        Only these kinds; all where it is empty.
    """
    wanted = set(kinds)
    order = ("low", "medium", "high")
    left = [issue for issue in issues if not wanted or issue["kind"] in wanted]
    left = [issue for issue in left if (issue["first"] > frame if step > 0 else issue["first"] < frame)]
    if not left:
        return None
    stop = min(issue["first"] for issue in left) if step > 0 else max(issue["first"] for issue in left)
    return max((issue for issue in left if issue["first"] == stop), key=lambda issue: order.index(issue["severity"]))


def issue_line(issue: Mapping[str, Any]) -> str:
    """Return one line about an issue: frames, face, kind and sentence."""
    frames = str(issue["first"]) if issue["first"] == issue["last"] else "{first}-{last}".format(**issue)
    who = f"{issue['face']}, " if issue["face"] else ""
    return f"{frames}: {who}{issue['kind'].replace('-', ' ')}. {issue['text']}"
