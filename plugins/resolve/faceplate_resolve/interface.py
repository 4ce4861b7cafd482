"""How the adapter talks to the person: one interface, and the one that needs no window. `window.py` and `plain.py` have
the others; `talk_for` picks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from .dialog import Panel
from faceplate_client import HostError
from .host import Host

__all__ = ["Console", "Talk", "talk_for"]

Ask = Callable[[], "tuple[int, int, bool]"]


class Talk:
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


class Console(Talk):
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


def talk_for(host: Host) -> Talk:
    """Resolve's own windows in Studio, else Tk's where Python has it, else the console."""
    if host.ui is not None and host.dispatcher is not None:
        from .ui_dialog import Window

        return Window(host.ui, host.dispatcher, host.fusion)
    try:
        from .tk_dialog import Plain

        return Plain()
    except Exception:  # no Tk in this Python, or no display
        return Console()
