"""The interface to the user: its base class, and the one for a console. `tk_dialog` and `ui_dialog` hold the windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from faceplate_client import HostError

from .dialog import Panel
from .progress import ProgressLine

__all__ = ["Console", "UserInterface"]

Ask = Callable[[], "tuple[int, int, bool]"]


class UserInterface:
    """Base class of the interfaces. `notes` are sentences to show at the end, each once."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.line = ProgressLine()

    def note(self, text: str) -> None:
        """Add a sentence to `notes`."""
        if text not in self.notes:
            self.notes.append(text)

    def ask(self, panel: Panel) -> Mapping[str, Any] | None:
        """Show a dialog; return its contents by field name and the button's name as `action`; None when it was cancelled."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """Show one or more sentences."""
        raise NotImplementedError

    def show(self, picture: str, text: str, choices: tuple[tuple[str, str], ...]) -> str:
        """Show a PNG and a sentence with buttons, (name, label) each; return the chosen name, empty when it was closed."""
        raise NotImplementedError

    def follow(self, ask: Ask, cancel: Callable[[], object], title: str) -> None:
        """Show progress until `ask`, which returns (done, total, finished), reports the end.

        When the user stops it, call `cancel` and raise HostError `cancelled`.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close open windows."""


class Console(UserInterface):
    """The interface of a console: prints, and Ctrl-C stops. `ask` returns the dialog's values, set by the command line."""

    def ask(self, panel: Panel) -> Mapping[str, Any] | None:
        return {"action": panel.actions[-1][0], **{field.name: field.value for field in panel.fields}}

    def say(self, text: str) -> None:
        print(text, flush=True)

    def show(self, picture: str, text: str, choices: tuple[tuple[str, str], ...]) -> str:
        print(f"{text}\n{picture}", flush=True)
        return ""

    def follow(self, ask: Ask, cancel: Callable[[], object], title: str) -> None:
        last = -1
        try:
            while True:
                done, total, finished = ask()
                if done != last:
                    print(self.line.text(title, done, total), flush=True)
                    last = done
                if finished:
                    return
        except KeyboardInterrupt:
            cancel()
            raise HostError("cancelled", "it was stopped.") from None
