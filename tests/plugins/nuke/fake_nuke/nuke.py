"""The module that the adapter imports as `nuke`. Every name here is in the stubs; `check.py` says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import callbacks as _callbacks
from . import nodes as _nodes
from . import script as _script
from .execute import execute_frames as _execute_frames
from .expressions import substitute as _substitute
from .knobs import (
    Array_Knob,
    BBox_Knob,
    Boolean_Knob,
    Double_Knob,
    Enumeration_Knob,
    EvalString_Knob,
    File_Knob,
    Int_Knob,
    Knob,
    PyScript_Knob,
    Script_Knob,
    String_Knob,
    Tab_Knob,
    Text_Knob,
    XY_Knob,
)
from .nodes import Format, Gizmo, Group, LiveGroup, Node, Precomp, Root
from .state import current as _current
from .state import main_thread_only as _main

__all__ = [
    "Array_Knob", "BBox_Knob", "Boolean_Knob", "Double_Knob", "Enumeration_Knob", "EvalString_Knob", "File_Knob",
    "Format", "Gizmo", "Group", "Int_Knob", "Knob", "LiveGroup", "Node", "Precomp", "PyScript_Knob", "Root",
    "Script_Knob", "String_Knob", "Tab_Knob", "Text_Knob", "XY_Knob",
]  # fmt: skip

EXPRESSIONS, INPUTS, HIDDEN_INPUTS = 2, 1, 4
INVISIBLE, STARTLINE, NO_ANIMATION, READ_ONLY, DISABLED = 1 << 10, 1 << 12, 1 << 8, 1 << 28, 1 << 7
WRITE_NON_DEFAULT_ONLY = 1 << 1
EXE_PATH = "/usr/local/Nuke15.1v3/Nuke15.1"
NUKE_VERSION_STRING = "15.1v3"
NUKE_VERSION_MAJOR = 15
NUKE_VERSION_MINOR = 1
GUI = False
rawArgs: list[str] = []


# Nodes --------------------------------------------------------------------------------------------------------------


class Nodes:
    """`nuke.nodes.Blur(size=3)`: makes a node in the current group and tells nobody but `onCreate`."""

    def __getattr__(self, item: str) -> Callable[..., Any]:
        if item.startswith("__"):
            raise AttributeError(item)

        def make(**knobs: Any) -> Node:
            return _made(item, knobs)

        return make


nodes = Nodes()


@_main
def _made(cls: str, knobs: dict[str, Any]) -> Node:
    group = thisGroup()
    name = str(knobs.pop("name", ""))
    node = _nodes.make_node(cls, group, name)
    session = _current()
    session.loading += 1
    try:
        for index, source in enumerate(knobs.pop("inputs", [])):
            node.setInput(index, source)
        for knob, value in knobs.items():
            node[knob].setValue(value)
    finally:
        session.loading -= 1
    _nodes.born(node)
    return node


@_main
def createNode(typ: str, knobs: str = "", inpanel: bool = True) -> Node:
    """As a menu does it: behind the selected node, which it takes the selection from."""
    if inpanel and not GUI:
        raise RuntimeError("there is no window")
    group, chosen = thisGroup(), selectedNodes()
    node = _nodes.make_node(typ, group)
    if chosen and not isinstance(node, Group):  # a Group has no inputs before it has Input nodes
        node.setInput(0, chosen[0])
    for other in chosen:
        other.setSelected(False)
    node.setSelected(True)
    _nodes.born(node, by_user=True)
    return node


@_main
def delete(n: Node | None) -> None:
    if n is not None:
        _nodes.remove(n)


@_main
def root() -> Root:
    return _current().root


@_main
def thisGroup() -> Any:
    session = _current()
    if session.groups:
        return session.groups[-1]
    return session.root


@_main
def thisNode() -> Any:
    return _current().context[-1][0] if _current().context else _current().root


@_main
def thisKnob() -> Any:
    return _current().context[-1][1]


@_main
def allNodes(filter: str | None = None, group: Group | None = None, recurseGroups: bool = False) -> list[Node]:
    where = group or thisGroup()
    every = where.everybody() if recurseGroups else where.nodes()
    return [node for node in every if filter is None or node.Class() == filter]


@_main
def toNode(s: str) -> Any:
    return thisGroup().node(s) or root().node(s)


@_main
def exists(s: str) -> bool:
    return toNode(s) is not None


@_main
def selectedNodes(filter: str | None = None) -> list[Node]:
    return [node for node in allNodes(filter) if node.isSelected()]


@_main
def selectedNode() -> Node:
    chosen = selectedNodes()
    if not chosen:
        raise ValueError("no node selected")
    return chosen[0]


@_main
def layers(node: Node | None = None) -> list[str]:
    return list(_current().layers)


class Layer:
    """A layer, made with the full names of its channels."""

    def __init__(self, name: str, channels: list[str]) -> None:
        if not all(channel.startswith(name + ".") for channel in channels):
            raise ValueError(f"{channels} are not of the layer {name}")
        self._name = name
        _current().layers[name] = [channel.split(".")[1] for channel in channels]

    def name(self) -> str:
        return self._name


# Script ---------------------------------------------------------------------------------------------------------------


@_main
def scriptSaveAs(filename: str | None = None, overwrite: int = -1) -> None:
    assert filename is not None
    root()["name"]._values[0] = filename
    _callbacks.fire("onScriptSave", root())
    Path(filename).write_text(_script.save(), encoding="utf-8")


@_main
def scriptSave(filename: str | None = None) -> bool:
    scriptSaveAs(filename or root()["name"].value(), 1)
    return True


@_main
def scriptClear() -> None:
    session = _current()
    if session.root is not None:
        _callbacks.fire("onScriptClose", session.root)
    session.undo_steps.clear()
    _nodes.new_root()


@_main
def scriptOpen(filename: str | None = None) -> None:
    assert filename is not None
    if not Path(filename).is_file():
        raise RuntimeError(f"{filename}: can't read")
    scriptClear()
    root()["name"]._values[0] = str(Path(filename).absolute())
    _script.load(Path(filename).read_text(encoding="utf-8"))
    root()["name"]._values[0] = str(Path(filename).absolute())


@_main
def scriptName() -> str:
    name = root()["name"].value()
    if not name:
        raise RuntimeError("no script name")
    return name


@_main
def script_directory() -> str:
    name = root()["name"].value()
    return str(Path(name).parent) if name else ""


@_main
def nodeCopy(s: str) -> None:
    text = "\n".join(["set cut_paste_input [stack 0]", "version 15.1 v3", "push $cut_paste_input"]) + "\n"
    text += "\n".join(_script.write_nodes(selectedNodes())) + "\n"
    if s == "%clipboard%":
        _current().clipboard = text
    else:
        Path(s).write_text(text, encoding="utf-8")


@_main
def nodePaste(s: str) -> Node | None:
    text = _current().clipboard if s == "%clipboard%" else Path(s).read_text(encoding="utf-8")
    chosen = selectedNodes()
    made = _script.paste(text, thisGroup(), chosen)
    for node in chosen:
        node.setSelected(False)
    for node in made:
        node.setSelected(True)
        _current().remember(lambda node=node: node._parent._children.remove(node))
    return made[-1] if made else None


# Rendering and time -----------------------------------------------------------------------------------------------------


@_main
def execute(
    nameOrNode: Any,
    start: int,
    end: int,
    incr: int = 1,
    views: list[str] | None = None,
    continueOnError: bool = False,
) -> None:
    node = toNode(nameOrNode) if isinstance(nameOrNode, str) else nameOrNode
    _execute_frames(node, range(int(start), int(end) + 1, int(incr)))


@_main
def executing(f: float | None = None) -> bool:
    return bool(_current().executing)


@_main
def frame(f: int | None = None) -> int:
    if f is not None:
        _current().frame = int(f)
        if GUI and _current().root is not None:
            root()["frame"]._values[0] = int(f)
            _callbacks.fire("knobChanged", root(), root()["frame"])
    return int(_current().frame)


@_main
def views() -> list[str]:
    return [str(word) for word in (root()["views"].value() or "main").split()]


@_main
def addView(s: str) -> None:
    root()["views"].setValue(" ".join([*views(), s]))


@_main
def tcl(cmd: str, *args: str) -> str:
    if cmd != "subst":
        raise RuntimeError(f"invalid command name {cmd}")
    return _substitute(args[0], root())


@_main
def filename(node: Node, i: int = 0) -> str | None:
    return node["file"].value()


# People -----------------------------------------------------------------------------------------------------------------


@_main
def message(prompt: str) -> None:
    if not GUI:
        raise RuntimeError("there is no window")
    _current().said.append(prompt)


@_main
def ask(prompt: str) -> bool:
    if not GUI:
        raise RuntimeError("there is no window")
    _current().said.append(prompt)
    return bool(_current().answers.get("ask"))


def tprint(*args: Any, sep: str = " ", end: str = "\n", file: Any = None) -> None:
    line = sep.join(map(str, args))
    _current().printed.append(line)
    print(line, flush=True)


@_main
def getFilename(
    message: str, pattern: str = "", default: str = "", favorites: str = "", type: str = "", multiple: bool = False
) -> str | None:
    if not GUI:
        raise RuntimeError("there is no window")
    return _current().answers.get("getFilename")


@_main
def connectViewer(inputNum: int, node: Node) -> None:
    if not GUI:
        raise RuntimeError("there is no window")


class Menu:
    """A menu or an item of one."""

    def __init__(self, name: str) -> None:
        self._name, self._icon = name, ""
        self._items: dict[str, Menu] = {}
        self._script: Callable[[], Any] | None = None

    def name(self) -> str:
        return self._name

    def icon(self) -> str:
        return self._icon

    def items(self) -> list[Menu]:
        return list(self._items.values())

    def addMenu(self, name: str, icon: str = "") -> Menu:
        self._items[name] = made = Menu(name)
        made._icon = icon
        return made

    def addCommand(self, name: str, command: Any = None, shortcut: str = "", icon: str = "") -> Menu:
        self._items[name] = made = Menu(name)
        made._script, made._icon = command, icon
        return made

    def findItem(self, name: str) -> Menu | None:
        return self._items.get(name)

    def invoke(self) -> None:
        assert self._script is not None
        self._script()


@_main
def menu(name: str) -> Menu:
    if not GUI:
        raise RuntimeError("there is no window")
    return _current().menus.setdefault(name, Menu(name))


# Threads ----------------------------------------------------------------------------------------------------------------


def executeInMainThread(call: Callable[..., Any], args: Any = (), kwargs: Any = None) -> None:
    """Leaves `call` to the main thread. From the main thread itself it hangs in real Nuke; here it raises."""
    _ask_main(call, args, kwargs, None, [])


def executeInMainThreadWithResult(call: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
    """Waits for the main thread's answer."""
    done, result = threading.Event(), []
    _ask_main(call, args, kwargs, done, result)
    done.wait()
    return result[0]


def _ask_main(call: Callable[..., Any], args: Any, kwargs: Any, event: threading.Event | None, result: list) -> None:
    if threading.current_thread() is _current().main:
        raise RuntimeError("executeInMainThread was called in the main thread: Nuke would hang")
    _current().requests.put((call, args if isinstance(args, tuple) else (args,), kwargs or {}, event, result))


class ProgressTask:
    """Nuke's task window. May be used in a thread."""

    def __init__(self, name: str) -> None:
        self._name, self._progress, self._message, self._cancelled = name, 0, "", False
        _current().tasks.append(self)

    def setProgress(self, i: int) -> None:
        if not isinstance(i, int) or not 0 <= i <= 100:
            raise ValueError(f"progress {i!r}")
        self._progress = i

    def setMessage(self, s: str) -> None:
        self._message = s

    def isCancelled(self) -> bool:
        return self._cancelled


# Undo -------------------------------------------------------------------------------------------------------------------


class Undo:
    """Groups changes, or keeps them out."""

    @classmethod
    def begin(cls, name: str = "") -> None:
        _current().undo_open = []

    @classmethod
    def end(cls) -> None:
        session = _current()
        if session.undo_open:
            session.undo_steps.append(session.undo_open)
        session.undo_open = None

    @classmethod
    def disable(cls) -> None:
        _current().undo_off += 1

    @classmethod
    def enable(cls) -> None:
        _current().undo_off -= 1

    @classmethod
    def disabled(cls) -> bool:
        return bool(_current().undo_off)

    def __enter__(self) -> Any:
        self.begin()
        return self

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        self.end()


@_main
def undo() -> None:
    session = _current()
    if session.undo_steps:
        session.undo_off += 1
        try:
            for restore in reversed(session.undo_steps.pop()):
                restore()
        finally:
            session.undo_off -= 1


@_main
def pluginAddPath(args: str, addToSysPath: bool = True) -> None:
    """A folder of plug-ins, beside the start-up script that names it; its own init.py runs at once."""
    from . import terminal

    terminal.add_folder(args)


@_main
def pluginPath() -> list[str]:
    return list(_current().plugin_folders)


# Callbacks ----------------------------------------------------------------------------------------------------------------


def addOnCreate(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "*") -> None:  # noqa: B006
    _callbacks.add("onCreate", call, args, kwargs, nodeClass)


def addOnDestroy(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "*") -> None:  # noqa: B006
    _callbacks.add("onDestroy", call, args, kwargs, nodeClass)


def addKnobChanged(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "*", node: Any = None) -> None:  # noqa: B006
    _callbacks.add("knobChanged", call, args, kwargs, nodeClass, node)


def addUpdateUI(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "*") -> None:  # noqa: B006
    _callbacks.add("updateUI", call, args, kwargs, nodeClass)


def addOnScriptLoad(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "Root") -> None:  # noqa: B006
    _callbacks.add("onScriptLoad", call, args, kwargs, nodeClass)


def addOnScriptSave(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "Root") -> None:  # noqa: B006
    _callbacks.add("onScriptSave", call, args, kwargs, nodeClass)


def addBeforeRender(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "Write") -> None:  # noqa: B006
    _callbacks.add("beforeRender", call, args, kwargs, nodeClass)


def addBeforeFrameRender(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "Write") -> None:  # noqa: B006
    _callbacks.add("beforeFrameRender", call, args, kwargs, nodeClass)


def addAfterFrameRender(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "Write") -> None:  # noqa: B006
    _callbacks.add("afterFrameRender", call, args, kwargs, nodeClass)


def addAfterRender(call: Any, args: Any = (), kwargs: Any = {}, nodeClass: str = "Write") -> None:  # noqa: B006
    _callbacks.add("afterRender", call, args, kwargs, nodeClass)
