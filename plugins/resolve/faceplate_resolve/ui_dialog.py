"""The dialog in Resolve's own windows, through its UI manager; Studio only since 19.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from faceplate_client import HostError

from .dialog import Field, Panel
from .host import has
from .interface import Ask, UserInterface

__all__ = ["ResolveDialog"]

_SWAP, _MESSAGE, _PROGRESS, _PREVIEW = (f"Faceplate{word}" for word in ("Swap", "Message", "Progress", "Preview"))
"""Identities of the windows: Resolve gives back an open window when a second one has its identity."""


class ResolveDialog(UserInterface):
    """The interface in Resolve. `ui` is Fusion's UIManager, `dispatcher` the UIDispatcher; `fusion` opens file browsers."""

    def __init__(self, ui: Any, dispatcher: Any, fusion: Any = None) -> None:
        super().__init__()
        self._ui = ui
        self._dispatcher = dispatcher
        self._fusion = fusion
        self._progress: Any = None
        self._stopped = False

    def ask(self, panel: Panel) -> Mapping[str, Any] | None:
        ui = self._ui
        pages = [ui.VGroup([*(self._row(field) for field in fields), ui.VGap(0, 1)]) for _, fields in panel.pages]
        window = self._open(
            _SWAP,
            panel.title,
            [620, 640],
            [
                *(ui.Label({"Text": note, "WordWrap": True, "Weight": 0}) for note in panel.notes),
                ui.TabBar({"ID": "pages", "Weight": 0}),
                ui.Stack({"ID": "stack", "Weight": 1}, pages),
                ui.HGroup(
                    {"Weight": 0},
                    [
                        ui.Button({"ID": "cancel", "Text": "Cancel"}),
                        *(ui.Button({"ID": name, "Text": label}) for name, label in panel.actions),
                    ],
                ),
            ],
        )
        items = window.GetItems()
        for name, _ in panel.pages:
            items["pages"].AddTab(name)
        for field in panel.fields:
            if field.kind in ("choice", "list"):
                items[field.name].AddItems(list(field.choices))
                items[field.name].CurrentText = str(field.value)
        answer: dict[str, Any] = {}
        self._wire(window, items, panel, answer)
        window.Show()
        self._dispatcher.RunLoop()
        window.Hide()
        return answer or None

    def say(self, text: str) -> None:
        ui = self._ui
        window = self._open(
            _MESSAGE,
            "Faceplate",
            [480, 200],
            [ui.TextEdit({"Text": text, "ReadOnly": True}), ui.Button({"ID": "go", "Text": "OK", "Weight": 0})],
        )
        window.On.go.Clicked = self._exit
        window.On[_MESSAGE].Close = self._exit
        window.Show()
        self._dispatcher.RunLoop()
        window.Hide()

    def show(self, picture: str, text: str, choices: tuple[tuple[str, str], ...]) -> str:
        ui = self._ui
        buttons = [ui.Button({"ID": name, "Text": label}) for name, label in (("close", "Close"), *choices)]
        window = self._open(
            _PREVIEW,
            "Faceplate - Preview this frame",
            [1480, 620],
            [
                ui.Label({"ID": "picture", "Text": f'<img src="{picture}">', "Weight": 1}),
                ui.Label({"ID": "said", "Text": text, "WordWrap": True, "Weight": 0}),
                ui.HGroup({"Weight": 0}, buttons),
            ],
        )
        chosen = [""]

        def choose(name: str) -> Callable[[Any], None]:
            def clicked(event: Any) -> None:
                chosen[0] = name
                self._dispatcher.ExitLoop()

            return clicked

        for name, _ in choices:
            window.On[name].Clicked = choose(name)
        window.On.close.Clicked = self._exit
        window.On[_PREVIEW].Close = self._exit
        window.Show()
        self._dispatcher.RunLoop()
        window.Hide()
        return chosen[0]

    def follow(self, ask: Ask, cancel: Callable[[], object], title: str) -> None:
        ui = self._ui
        if self._progress is None:
            # The UI manager has no progress bar: a slider that cannot be moved shows the same.
            bar = {"ID": "bar", "Minimum": 0, "Maximum": 1000, "Value": 0, "Enabled": False}
            row = [ui.Slider(bar), ui.Button({"ID": "stop", "Text": "Cancel", "Weight": 0})]
            said = ui.Label({"ID": "what", "Text": title, "Weight": 0})
            self._progress = self._open(_PROGRESS, "Faceplate", [560, 110], [said, ui.HGroup(row)])
            self._progress.On.stop.Clicked = self._stop
            self._progress.On[_PROGRESS].Close = self._stop
            self._progress.Show()
        self._stopped = False
        steps = has(self._dispatcher, "StepLoop")
        while True:
            done, total, finished = ask()
            items = self._progress.GetItems()
            items["what"].Text = self.line.text(title, done, total)
            items["bar"].Value = min(1000, round(1000 * done / total)) if total else 0
            if steps:
                self._dispatcher.StepLoop()
            if finished:
                return
            if self._stopped:
                cancel()
                raise HostError("cancelled", "it was stopped.")

    def close(self) -> None:
        if self._progress is not None:
            self._progress.Hide()
            self._progress = None

    def _open(self, name: str, title: str, size: list[int], children: list[Any]) -> Any:
        ui = self._ui
        shape = {"ID": name, "WindowTitle": title, "Geometry": [200, 200, *size]}
        return self._dispatcher.AddWindow(shape, [ui.VGroup({"Spacing": 6}, children)])

    def _row(self, field: Field) -> Any:
        ui = self._ui
        cells = [ui.Label({"Text": field.label, "ToolTip": field.help, "Weight": 0.3}), self._cell(field)]
        if field.kind in ("file", "folder"):
            cells.append(ui.Button({"ID": f"browse_{field.name}", "Text": "…", "Weight": 0}))
        return ui.HGroup({"Weight": 0}, cells)

    def _cell(self, field: Field) -> Any:
        ui = self._ui
        shape = {"ID": field.name, "ToolTip": field.help, "Weight": 0.7}
        if field.kind in ("choice", "list"):
            return ui.ComboBox({**shape, "Editable": field.kind == "list"})
        if field.kind == "flag":
            return ui.CheckBox({**shape, "Checked": bool(field.value)})
        if field.kind in ("int", "float"):
            low = field.minimum if field.minimum is not None else -1_000_000
            high = field.maximum if field.maximum is not None else 1_000_000
            if field.kind == "int":
                return ui.SpinBox({**shape, "Minimum": int(low), "Maximum": int(high), "Value": int(field.value)})
            more = {"Minimum": low, "Maximum": high, "SingleStep": 0.01, "Decimals": 3, "Value": float(field.value)}
            return ui.DoubleSpinBox({**shape, **more})
        if field.kind == "note":
            return ui.Label({**shape, "Text": str(field.value)})
        return ui.LineEdit({**shape, "Text": str(field.value)})

    def _wire(self, window: Any, items: Any, panel: Panel, answer: dict[str, Any]) -> None:
        def go(action: str) -> Callable[[Any], None]:
            def clicked(event: Any) -> None:
                fields = (field for field in panel.fields if field.kind != "note")
                answer.update({field.name: _value(items[field.name], field) for field in fields}, action=action)
                self._dispatcher.ExitLoop()

            return clicked

        def turn(event: Any) -> None:
            items["stack"].CurrentIndex = event["Index"]

        for name, _ in panel.actions:
            window.On[name].Clicked = go(name)
        window.On.cancel.Clicked = self._exit
        window.On[_SWAP].Close = self._exit
        window.On.pages.CurrentChanged = turn
        for field in panel.fields:
            if field.kind in ("file", "folder"):
                window.On[f"browse_{field.name}"].Clicked = self._browser(items, field)

    def _browser(self, items: Any, field: Field) -> Callable[[Any], None]:
        def browse(event: Any) -> None:
            if self._fusion is None:
                return
            ask = self._fusion.RequestDir if field.kind == "folder" else self._fusion.RequestFile
            chosen = ask(items[field.name].Text)
            if chosen:
                items[field.name].Text = str(chosen)

        return browse

    def _exit(self, event: Any) -> None:
        self._dispatcher.ExitLoop()

    def _stop(self, event: Any) -> None:
        self._stopped = True


def _value(item: Any, field: Field) -> Any:
    if field.kind in ("choice", "list"):
        return item.CurrentText
    if field.kind == "flag":
        return bool(item.Checked)
    return item.Value if field.kind in ("int", "float") else item.Text
