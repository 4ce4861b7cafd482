"""The log of a command: sentences for a person, JSON lines for a program, or lines for an Open Job Description session."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast, get_args

import typer

from faceplate.errors import FaceplateError, UsageError

__all__ = ["Log", "LogOption", "open_log"]

Form = Literal["text", "json", "openjd"]
LogOption = Annotated[
    str,
    typer.Option(
        "--log", help="text; json: one JSON line for each event; openjd: progress lines for a farm's session."
    ),
]


@dataclass(frozen=True)
class Log:
    """Writes events to standard output, one on a line. In the form `text` there are none: a person reads sentences.

    A JSON line has `time` (UTC), `level` (info, warning, error), `event`, and the event's own fields. The openjd form has
    `openjd_progress`, `openjd_status` and `openjd_fail`, and sentences for the rest.
    """

    form: Form = "text"

    @property
    def text(self) -> bool:
        """Whether a person reads the output."""
        return self.form == "text"

    def event(self, event: str, level: str = "info", **data: Any) -> None:
        """Write one event."""
        if self.form == "json":
            moment = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            line = {"time": moment, "level": level, "event": event, **data}
            print(json.dumps(line, ensure_ascii=False, default=str), flush=True)
        elif self.form == "openjd":
            for line in _openjd(event, level, data):
                print(line, flush=True)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Write an error as an event and leave with its exit code; in the form `text` the command line prints it."""
        try:
            yield
        except FaceplateError as error:
            if self.text:
                raise
            self.event("error", "error", code=error.code, message=str(error))
            raise typer.Exit(error.exit_code) from error


def open_log(form: str) -> Log:
    """Return the log that `--log` asks for. Raises `UsageError('bad-option')`."""
    if form not in get_args(Form):
        raise UsageError("bad-option", f"--log is '{form}'; it can be {', '.join(get_args(Form))}.")
    return Log(cast(Form, form))


def _openjd(event: str, level: str, data: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of an event as the Open Job Description's "How Jobs Are Run" defines them; a message is one line."""
    message = " ".join(str(data.get("message", "")).split())
    if event == "progress":
        done, total = data["done"], max(data["total"], 1)
        if done != total and done % max(
            total // 10, 1
        ):  # about ten lines are enough for the people who read a farm's log
            return
        yield f"openjd_progress: {100 * done / total:.1f}"
        yield f"openjd_status: {data.get('what', 'frame')} {done} of {total}"
    elif event == "error":
        yield f"openjd_fail: {message} ({data.get('code', 'failed')})"
    elif event == "frame" and data.get("state") == "failed":
        yield f"frame {data['frame']}: {message} ({data.get('code', 'failed')})"
    elif message:
        yield f"{level}: {message}" if level != "info" else message
