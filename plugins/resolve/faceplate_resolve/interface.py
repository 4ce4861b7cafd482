"""The interface to the user: its base class, and the one for a console. `tk_dialog` and `ui_dialog` hold the windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from faceplate_client import HostError

from .dialog import Panel

__all__ = ["Console", "UserInterface"]

Ask = Callable[[], "tuple[int, int, bool]"]


class UserInterface:
    """What every way of talking can do. `notes` are sentences to read at the end, each once."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def ask(self, panel: Panel) -> Mapping[str, Any] | None:
        """The contents of the dialog by field name, None when it was cancelled."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """One or more sentences to read."""
        raise NotImplementedError

    def follow(self, ask: Ask, cancel: Callable[[], object], title: str) -> None:
        """Shows progress until `ask`, (done, total, finished), says that it is finished.

        When the person stops it: calls `cancel` and raises HostError `cancelled`.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Closes what is open."""


class Console(UserInterface):
    """Prints; Ctrl-C stops. `ask` answers with what the dialog holds: a command line has filled it in already."""

    def ask(self, panel: Panel) -> Mapping[str, Any] | None:
        return {field.name: field.value for field in panel.fields}

    def say(self, text: str) -> None:
        print(text, flush=True)

    def follow(self, ask: Ask, cancel: Callable[[], object], title: str) -> None:
        last = -1
        try:
            while True:
                done, total, finished = ask()
                if done != last:
                    print(f"{title}: {done} of {total}", flush=True)
                    last = done
                if finished:
                    return
        except KeyboardInterrupt:
            cancel()
            raise HostError("cancelled", "it was stopped.") from None
