"""The dialog in Tk, for the free edition and for a Studio without UI manager."""

from __future__ import annotations

import time
import tkinter
from collections.abc import Mapping
from functools import partial
from tkinter import filedialog, messagebox, ttk
from typing import Any, Callable

from faceplate_client import HostError

from .dialog import Field, Panel
from .interface import Ask, UserInterface

__all__ = ["TkDialog"]


class TkDialog(UserInterface):
    """The interface in Tk. Raises tkinter.TclError without a display."""

    def __init__(self) -> None:
        super().__init__()
        self._root = tkinter.Tk()
        self._root.withdraw()
        ttk.Style(self._root).theme_use("clam")
        self._help = tkinter.StringVar(self._root)
        self._progress: tuple[tkinter.Toplevel, tkinter.StringVar, ttk.Progressbar] | None = None
        self._stopped = False

    def ask(self, panel: Panel) -> Mapping[str, Any] | None:
        window, variables, buttons = self.build(panel)
        answer: dict[str, Any] = {}

        def go(action: str) -> None:
            answer.update({name: variable.get() for name, variable in variables.items()}, action=action)
            window.destroy()

        self.add_buttons(buttons, panel, go, window.destroy)
        self._root.wait_window(window)
        return answer or None

    def build(self, panel: Panel) -> tuple[tkinter.Toplevel, dict[str, tkinter.Variable], ttk.Frame]:
        """Return the window, its variables by field name, and the empty row for its buttons."""
        window = tkinter.Toplevel(self._root)
        window.title(panel.title)
        buttons = ttk.Frame(window)
        buttons.pack(side="bottom", anchor="e", padx=12, pady=8)
        ttk.Label(window, textvariable=self._help, wraplength=600).pack(side="bottom", anchor="w", padx=12)
        for note in panel.notes:
            ttk.Label(window, text=note, wraplength=560).pack(anchor="w", padx=12, pady=(8, 0))
        book = ttk.Notebook(window)
        book.pack(fill="both", expand=True, padx=12, pady=8)
        variables: dict[str, tkinter.Variable] = {}
        for title, fields in panel.pages:
            page = ttk.Frame(book, padding=8)
            page.columnconfigure(1, weight=1)
            book.add(page, text=title)
            for row, field in enumerate(fields):
                self._row(page, row, field, variables)
        return window, variables, buttons

    @staticmethod
    def add_buttons(row: ttk.Frame, panel: Panel, go: Callable[[str], object], cancel: Callable[[], object]) -> None:
        """Fill the row of buttons: Cancel, then the panel's actions."""
        ttk.Button(row, text="Cancel", command=cancel).pack(side="left", padx=6)
        for name, label in panel.actions:
            ttk.Button(row, text=label, command=partial(go, name)).pack(side="left", padx=(0, 6))

    def say(self, text: str) -> None:
        messagebox.showinfo("Faceplate", text, parent=self._root)

    def show(self, picture: str, text: str, choices: tuple[tuple[str, str], ...]) -> str:
        window = tkinter.Toplevel(self._root)
        window.title("Faceplate - Preview this frame")
        image = tkinter.PhotoImage(master=window, file=picture)
        ttk.Label(window, image=image).pack()
        ttk.Label(window, text=text, wraplength=900).pack(anchor="w", padx=12, pady=8)
        row = ttk.Frame(window)
        row.pack(anchor="e", padx=12, pady=8)
        chosen = [""]

        def choose(name: str) -> None:
            chosen[0] = name
            window.destroy()

        ttk.Button(row, text="Close", command=window.destroy).pack(side="left", padx=6)
        for name, label in choices:
            ttk.Button(row, text=label, command=partial(choose, name)).pack(side="left", padx=(0, 6))
        self._root.wait_window(window)
        return chosen[0]

    def follow(self, ask: Ask, cancel: Callable[[], object], title: str) -> None:
        self._stopped = False
        _, text, bar = self._progress or self._show_progress()
        while True:
            done, total, finished = ask()
            text.set(self.line.text(title, done, total))
            bar.configure(maximum=max(total, 1), value=done)
            self._root.update()
            if finished:
                return
            if self._stopped:
                cancel()
                raise HostError("cancelled", "it was stopped.")
            time.sleep(0.02)

    def close(self) -> None:
        self._root.destroy()

    def _show_progress(self) -> tuple[tkinter.Toplevel, tkinter.StringVar, ttk.Progressbar]:
        window = tkinter.Toplevel(self._root)
        window.title("Faceplate")
        text = tkinter.StringVar(self._root)
        ttk.Label(window, textvariable=text, width=72).pack(padx=12, pady=(12, 4))
        bar = ttk.Progressbar(window, length=520)
        bar.pack(padx=12)
        ttk.Button(window, text="Cancel", command=self._stop).pack(anchor="e", padx=12, pady=8)
        window.protocol("WM_DELETE_WINDOW", self._stop)
        self._progress = (window, text, bar)
        return self._progress

    def _stop(self) -> None:
        self._stopped = True

    def _row(self, page: ttk.Frame, row: int, field: Field, variables: dict[str, tkinter.Variable]) -> None:
        ttk.Label(page, text=field.label).grid(row=row, column=0, sticky="w", padx=(0, 12), pady=2)
        if field.kind == "note":
            ttk.Label(page, text=str(field.value)).grid(row=row, column=1, sticky="w")
            return
        variable = tkinter.BooleanVar(page) if field.kind == "flag" else tkinter.StringVar(page)
        variable.set(field.value)
        variables[field.name] = variable
        cell: Any
        if field.kind == "choice":
            cell = ttk.Combobox(page, textvariable=variable, values=list(field.choices), state="readonly")
        elif field.kind == "list":
            cell = ttk.Combobox(page, textvariable=variable, values=list(field.choices))
        elif field.kind == "flag":
            cell = ttk.Checkbutton(page, variable=variable)
        elif field.kind in ("int", "float"):
            low, high = field.minimum, field.maximum
            step = 1 if field.kind == "int" else 0.01
            cell = ttk.Spinbox(
                page,
                textvariable=variable,
                from_=-1e6 if low is None else low,
                to=1e6 if high is None else high,
                increment=step,
            )
        else:
            cell = ttk.Entry(page, textvariable=variable, width=48)
        cell.grid(row=row, column=1, sticky="ew", pady=2)
        for event in ("<FocusIn>", "<Enter>"):
            cell.bind(event, lambda _: self._help.set(field.help))
        if field.kind in ("file", "folder"):
            ttk.Button(page, text="…", width=3, command=lambda: _browse(field, variable)).grid(
                row=row, column=2, padx=(4, 0)
            )


def _browse(field: Field, variable: tkinter.Variable) -> None:
    chosen = filedialog.askdirectory() if field.kind == "folder" else filedialog.askopenfilename()
    if chosen:
        variable.set(chosen)
