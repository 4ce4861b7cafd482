"""What a command says while it works: to a person, as JSON lines to a program, or to an Open Job Description session."""

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
    str, typer.Option("--log", help="text; json: a JSON line an event; openjd: progress lines for a farm's session.")
]


@dataclass(frozen=True)
class Log:
    """Events on standard output, one a line; in the form `text` there are none, a person gets words instead.

    A JSON line has `time` (UTC), `level` (info, warning, error), `event`, and the event's own fields. The openjd form knows
    `openjd_progress`, `openjd_status` and `openjd_fail`, and says the rest in words.
    """

    form: Form = "text"

    @property
    def text(self) -> bool:
        return self.form == "text"

    def event(self, event: str, level: str = "info", **data: Any) -> None:
        """Says one event."""
        if self.form == "json":
            moment = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            line = {"time": moment, "level": level, "event": event, **data}
            print(json.dumps(line, ensure_ascii=False, default=str), flush=True)
        elif self.form == "openjd":
            for line in _openjd(event, level, data):
                print(line, flush=True)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Says a refusal as an event and leaves with its exit code; in the form `text` the command line says it."""
        try:
            yield
        except FaceplateError as error:
            if self.text:
                raise
            self.event("error", "error", code=error.code, message=str(error))
            raise typer.Exit(error.exit_code) from error


def open_log(form: str) -> Log:
    """The log of `--log`. Raises `UsageError('bad-option')`."""
    if form not in get_args(Form):
        raise UsageError("bad-option", f"--log is '{form}'; it can be {', '.join(get_args(Form))}.")
    return Log(cast(Form, form))


def _openjd(event: str, level: str, data: dict[str, Any]) -> Iterator[str]:
    """Lines of the Open Job Description's "How Jobs Are Run"; a message is one line."""
    message = " ".join(str(data.get("message", "")).split())
    if event == "progress":
        done, total = data["done"], max(data["total"], 1)
        if done != total and done % max(total // 10, 1):  # a farm's log is read by people too
            return
        yield f"openjd_progress: {100 * done / total:.1f}"
        yield f"openjd_status: {data.get('what', 'frame')} {done} of {total}"
    elif event == "error":
        yield f"openjd_fail: {message} ({data.get('code', 'failed')})"
    elif event == "frame" and data.get("state") == "failed":
        yield f"frame {data['frame']}: {message} ({data.get('code', 'failed')})"
    elif message:
        yield f"{level}: {message}" if level != "info" else message
