"""Fusion's UI manager, as far as the dialog needs it, and a person who uses it. The stubs know nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fake_resolve.world import World

__all__ = ["Bmd", "Fusion", "Item"]


class Item:
    """A widget: its attributes are those that it was made with, and what a person or a script sets."""

    def __init__(self, kind: str, shape: dict[str, Any], children: list[Item]) -> None:
        self.kind, self.children = kind, children
        self.__dict__.update(shape)
        self.choices: list[str] = []
        self.tabs: list[str] = []

    def AddItems(self, items: list[str]) -> None:
        self.choices += items

    def AddTab(self, name: str) -> None:
        self.tabs.append(name)

    def walk(self) -> list[Item]:
        return [self, *(found for child in self.children for found in child.walk())]


class _Manager:
    def __getattr__(self, kind: str) -> Callable[..., Item]:
        def make(*given: Any) -> Item:
            shape = next((part for part in given if isinstance(part, dict)), {})
            children = next((part for part in given if isinstance(part, list)), [])
            return Item(kind, shape, children)

        return make


class _Events:
    """`window.On.go.Clicked = …` and `window.On["go"].Clicked = …`."""

    def __init__(self) -> None:
        self.__dict__["handlers"] = {}

    def __getattr__(self, name: str) -> Any:
        return self.handlers.setdefault(name, _Handlers())

    __getitem__ = __getattr__


class _Handlers:
    pass


class Window:
    def __init__(self, shape: dict[str, Any], children: list[Item]) -> None:
        self.shape, self.root, self.On, self.shown = shape, Item("Window", {}, children), _Events(), False

    def GetItems(self) -> dict[str, Item]:
        return {str(getattr(item, "ID")): item for item in self.root.walk() if hasattr(item, "ID")}  # noqa: B009

    def Show(self) -> None:
        self.shown = True

    def Hide(self) -> None:
        self.shown = False

    def click(self, name: str, event: str = "Clicked", **data: Any) -> None:
        getattr(self.On[name], event)(data)


class _Dispatcher:
    def __init__(self, fusion: Fusion) -> None:
        self._fusion, self._leave = fusion, False

    def AddWindow(self, shape: dict[str, Any], children: list[Item]) -> Window | bool:
        if not self._fusion.world.studio_only():
            return False
        # Resolve gives back an open window of the same identity instead of a second one.
        known = [other for other in self._fusion.windows if other.shown and other.shape["ID"] == shape["ID"]]
        if known:
            return known[-1]
        window = Window(shape, children)
        self._fusion.windows.append(window)
        return window

    def RunLoop(self) -> None:
        self._leave = False
        window = self._fusion.windows[-1]
        self._fusion.person(window)
        assert self._leave, "the window would stay open for ever"

    def ExitLoop(self) -> None:
        self._leave = True

    def StepLoop(self) -> None:
        self._fusion.watching(self._fusion.windows[-1])


class Fusion:
    """`person` acts when a window waits, `watching` while a progress window is drawn."""

    def __init__(
        self, world: World, person: Callable[[Window], Any], watching: Callable[[Window], Any] | None = None
    ) -> None:
        self.world, self.person, self.watching = world, person, watching or (lambda window: None)
        self.windows: list[Window] = []
        self.UIManager = _Manager()

    def RequestDir(self, path: str) -> str:
        return path + "/chosen"

    def RequestFile(self, path: str) -> str:
        return path + "/chosen.exr"


class Bmd:
    def __init__(self, fusion: Fusion) -> None:
        self._fusion = fusion

    def UIDispatcher(self, ui: Any) -> _Dispatcher:
        return _Dispatcher(self._fusion)
