"""Nodes, groups and the root."""

from __future__ import annotations

import re
from typing import Any

from .callbacks import fire
from .classes import make_knobs
from .knobs import Knob
from .state import current, main_thread_only

__all__ = ["Format", "Gizmo", "Group", "LiveGroup", "Node", "Precomp", "Root", "make_node", "new_root"]


class Format:
    """The size of a picture."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height

    def width(self) -> int:
        return self._width

    def height(self) -> int:
        return self._height


@main_thread_only
class Node:
    """A node. Never made directly: `nuke.nodes.Blur()`, `nuke.createNode("Blur")`."""

    def __init__(self, cls: str, parent: Any) -> None:
        self._cls = cls
        self._parent = parent
        self._knobs: dict[str, Knob] = {}
        self._user: list[str] = []
        self._inputs: list[Any] = []
        self.reloads = 0
        self._dead = False
        self._kept: dict[tuple[str, int, int], list[Any]] = {}
        for knob in make_knobs(cls):
            self._attach(knob)

    def _attach(self, knob: Knob) -> None:
        knob._node = self
        self._knobs[knob._name] = knob

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and object.__getattribute__(self, "__dict__").get("_dead"):
            raise ValueError("A PythonObject is not attached to a node")
        return object.__getattribute__(self, name)

    def Class(self) -> str:
        return self._cls

    def name(self) -> str:
        return self._knobs["name"]._values[0]

    def fullName(self) -> str:
        if self._parent is None:
            return "root"
        return self.name() if isinstance(self._parent, Root) else f"{self._parent.fullName()}.{self.name()}"

    def setName(self, name: str, uncollide: bool = True, updateExpressions: bool = False) -> None:
        before = self.name()
        taken = {other.name() for other in self._parent._children if other is not self}
        wanted = name
        if uncollide and (wanted in taken):
            stem, number = re.sub(r"\d+$", "", name), 1
            while f"{stem}{number}" in taken:
                number += 1
            wanted = f"{stem}{number}"
        self._knobs["name"]._values[0] = wanted
        current().remember(lambda: self._knobs["name"]._values.__setitem__(0, before))

    def parent(self) -> Any:
        return self._parent

    # Knobs

    def addKnob(self, knob: Knob) -> None:
        if knob.name() in self._knobs:
            raise ValueError(f"{self.name()} has a knob {knob.name()} already")
        self._attach(knob)
        self._user.append(knob.name())

    def knob(self, p: str, follow_link: bool = False) -> Knob | None:
        return self._knobs.get(p)

    def knobs(self) -> dict[str, Knob]:
        return dict(self._knobs)

    def allKnobs(self) -> list[Knob]:
        return list(self._knobs.values())

    def __getitem__(self, name: str) -> Knob:
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist")
        return self._knobs[name]

    def writeKnobs(self, flags: int = 0) -> str:
        """Without TO_SCRIPT and TO_VALUE a list of names; of WRITE_NON_DEFAULT_ONLY those that are not at their default."""
        return " ".join(name for name, knob in self._knobs.items() if not knob.is_default())

    # Inputs

    def input(self, index: int) -> Any:
        return self._inputs[index] if 0 <= index < len(self._inputs) else None

    def inputs(self) -> int:
        return max((i + 1 for i, node in enumerate(self._inputs) if node is not None), default=0)

    def setInput(self, i: int, node: Any) -> bool:
        before = list(self._inputs)
        if node is not None and node._parent is not self._parent:
            raise ValueError(f"{node.fullName()} and {self.fullName()} are not in the same group")
        self._inputs += [None] * (i + 1 - len(self._inputs))
        self._inputs[i] = node
        current().remember(lambda: setattr(self, "_inputs", before))
        fire("knobChanged", self, _input_change(self))
        return True

    def connectInput(self, i: int, node: Any) -> bool:
        return self.setInput(i, node)

    def dependencies(self, mask: int = 7) -> list[Any]:
        found = [node for node in self._inputs if node is not None] if mask & 5 else []
        if mask & 2:
            found += [node for knob in self._knobs.values() for node in knob.reads() if node is not self]
        return list(dict.fromkeys(found))

    def dependent(self, mask: int = 7, forceEvaluate: bool = True) -> list[Any]:
        everybody = current().root.everybody()
        return [node for node in everybody if self in node.dependencies(mask)]

    # The graph's picture

    def isSelected(self) -> bool:
        return bool(self._knobs["selected"]._values[0])

    def setSelected(self, selected: bool) -> None:
        self._knobs["selected"]._values[0] = bool(selected)

    def xpos(self) -> int:
        return self._knobs["xpos"]._values[0]

    def ypos(self) -> int:
        return self._knobs["ypos"]._values[0]

    def setXYpos(self, x: int, y: int) -> None:
        self._knobs["xpos"]._values[0], self._knobs["ypos"]._values[0] = int(x), int(y)

    def showControlPanel(self, forceFloat: bool = False) -> None:
        if not current().gui:
            raise RuntimeError("there is no window")

    # What its picture is

    def format(self) -> Format:
        from .pixels import picture

        _, _, width, height = picture(self, current().frame).display
        return Format(width, height)

    def width(self) -> int:
        return self.format().width()

    def height(self) -> int:
        return self.format().height()

    def channels(self) -> list[str]:
        from .pixels import picture

        return sorted(picture(self, current().frame).channels)

    def redraw(self) -> None:
        fire("updateUI", self)

    def __repr__(self) -> str:
        return f"<{self._cls} {self.fullName()}>"

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


def _input_change(node: Node) -> Knob:
    knob = Knob("inputChange")
    knob._node = node
    return knob


@main_thread_only
class Group(Node):
    """A node that holds nodes."""

    def __init__(self, cls: str, parent: Any) -> None:
        super().__init__(cls, parent)
        self._children: list[Node] = []

    def begin(self) -> Group:
        current().groups.append(self)
        return self

    def end(self) -> None:
        current().groups.pop()

    def __enter__(self) -> Group:
        return self.begin()

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        self.end()

    def node(self, s: str) -> Node | None:
        name, _, rest = s.partition(".")
        found = next((child for child in self._children if child.name() == name), None)
        if not rest:
            return found
        return found.node(rest) if isinstance(found, Group) else None

    def nodes(self) -> list[Node]:
        return list(self._children)

    def everybody(self) -> list[Node]:
        """All nodes inside, at any depth."""
        found = []
        for child in self._children:
            found.append(child)
            if isinstance(child, Group):
                found += child.everybody()
        return found


class Gizmo(Group):
    """A group in a file of its own, whose name is its class."""


class Precomp(Group):
    """Another script, in this one."""


class LiveGroup(Precomp):
    """A group that is published as a file."""


_GROUPS = {"Group": Group, "Gizmo": Gizmo, "Precomp": Precomp, "LiveGroup": LiveGroup}


@main_thread_only
class Root(Group):
    """The script."""

    def name(self) -> str:
        return "root"

    def setFrame(self, frame: int) -> None:
        current().frame = frame

    def firstFrame(self) -> int:
        return int(self._knobs["first_frame"].value())

    def lastFrame(self) -> int:
        return int(self._knobs["last_frame"].value())

    def format(self) -> Format:
        words = self._knobs["format"]._values[0].split()
        return Format(int(words[0]), int(words[1])) if words else Format(2048, 1556)


def new_root() -> Root:
    root = Root("Root", None)
    current().root = root
    return root


def make_node(cls: str, parent: Group, name: str = "") -> Node:
    """A node of `cls` in `parent`, without telling anybody yet."""
    made = _GROUPS.get(cls, Node)(cls, parent)
    parent._children.append(made)
    stem = re.sub(r"\d+$", "", name) or cls
    taken = {other.name() for other in parent._children if other is not made}
    number = 1
    while not name or name in taken:
        name = f"{stem}{number}"
        number += 1
    made._knobs["name"]._values[0] = name
    return made


def born(node: Node, by_user: bool = False) -> None:
    """Callbacks and undo of a node that has its knobs and inputs."""
    parent = node._parent
    current().remember(lambda: parent._children.remove(node))
    if by_user:
        fire("onUserCreate", node)
    fire("onCreate", node)


def remove(node: Node) -> None:
    """Deletes a node; undo brings it back."""
    parent, place = node._parent, node._parent._children.index(node)
    fire("onDestroy", node)
    users = [(other, i) for other in parent._children for i, source in enumerate(other._inputs) if source is node]
    for other, i in users:
        other._inputs[i] = None

    def back() -> None:
        node._dead = False
        parent._children.insert(place, node)
        for other, i in users:
            other._inputs[i] = node
        fire("onCreate", node)

    parent._children.remove(node)
    node._dead = True
    current().remember(back)
