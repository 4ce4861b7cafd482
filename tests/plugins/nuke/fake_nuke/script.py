"""Scripts as text: what Nuke saves and pastes. A stack of nodes: each takes its inputs off it and lays itself on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from .callbacks import fire
from .classes import INPUTS
from .expressions import words_of
from .knobs import (
    Boolean_Knob,
    Double_Knob,
    Enumeration_Knob,
    Int_Knob,
    Knob,
    String_Knob,
    user_knob_from,
    user_knob_text,
)
from .nodes import Group, Node, Root, make_node
from .state import current

__all__ = ["load", "paste", "save", "write_nodes"]


def save() -> str:
    """The whole script."""
    session = current()
    version = session.version.replace("v", " v")
    head = [f"#! {'/usr/local/Nuke' + session.version}/Nuke -nx", f"version {version}"]
    layers = [
        f"define_layer {name} {{{' '.join(f'{name}.{channel}' for channel in channels)}}}"
        for name, channels in session.layers.items()
        if name.startswith("faceplate")
    ]
    return "\n".join([*head, *_node_lines(session.root, [], ""), *layers, *write_nodes(session.root._children)]) + "\n"


def write_nodes(nodes: list[Node], indent: str = "", numbers: Iterator[int] | None = None) -> list[str]:
    """The nodes in an order that has each after its inputs. `numbers` are for the names, which all groups share."""
    numbers = numbers or itertools.count(1)
    lines: list[str] = []
    last: Node | None = None
    named: dict[Node, str] = {}
    ordered = _ordered(nodes)
    for node in ordered:
        inputs = [source if source in nodes else None for source in node._inputs]
        while inputs and inputs[-1] is None:
            inputs.pop()
        count = len(inputs)
        chained = count == 1 and INPUTS.get(node.Class(), 1) == 1 and inputs[0] is last
        if not chained:
            lines += [f"{indent}push ${named[source]}" if source else f"{indent}push 0" for source in reversed(inputs)]
        lines += _node_lines(
            node, [] if chained or count == INPUTS.get(node.Class(), 1) else [f"inputs {count}"], indent, numbers
        )
        last = node
        users = [other for other in nodes if node in other._inputs]
        following = ordered[ordered.index(node) + 1] if node is not ordered[-1] else None
        if users and not (len(users) == 1 and users[0] is following and len(users[0]._inputs) == 1):
            named[node] = f"N{next(numbers)}"
            lines.append(f"{indent}set {named[node]} [stack 0]")
    return lines


def _ordered(nodes: list[Node]) -> list[Node]:
    done: list[Node] = []

    def visit(node: Node) -> None:
        if node in done:
            return
        for source in node._inputs:
            if source in nodes:
                visit(source)
        done.append(node)

    for node in nodes:
        visit(node)
    return done


def _node_lines(node: Node, head: list[str], indent: str, numbers: Iterator[int] | None = None) -> list[str]:
    lines = [f"{indent}{node.Class()} {{"]
    lines += [f"{indent} {line}" for line in (["inputs 0"] if isinstance(node, Root) else head)]
    for name, knob in node._knobs.items():
        if name in node._user:
            lines.append(f"{indent} addUserKnob {{{user_knob_text(knob)}}}")
            if not _is_nothing(knob):
                lines.append(f"{indent} {name} {knob.toScript()}")
        elif not knob.is_default() and name != "selected":
            lines.append(f"{indent} {name} {knob.toScript()}")
    lines.append(f"{indent}}}")
    if isinstance(node, Group) and not isinstance(node, Root):
        lines += write_nodes(node._children, indent + " ", numbers)
        lines.append(f"{indent}end_group")
    return lines


def _is_nothing(knob: Knob) -> bool:
    """Whether a user knob holds what it holds after `addUserKnob`."""
    if knob._curves or knob._expressions:
        return False
    if isinstance(knob, Enumeration_Knob):
        return knob._values == knob._choices[:1]
    plain = isinstance(knob, (Double_Knob, Int_Knob, Boolean_Knob, String_Knob)) or knob.size > 1
    return not plain or knob.Class() in ("PyScript_Knob", "Text_Knob") or not any(knob._values)


def load(text: str) -> None:
    """Fills the root. Node by node `onCreate` is called, last for the root, then `onScriptLoad`."""
    session = current()
    _read(text, session.root, [])
    fire("onCreate", session.root)
    fire("onScriptLoad", session.root)


def paste(text: str, group: Group, onto: list[Node]) -> list[Node]:
    """The nodes of `text` in `group`; a chain without inputs of its own is connected to `onto`."""
    before = list(group._children)
    _read(text, group, list(reversed(onto)))
    return [node for node in group._children if node not in before]


def _read(text: str, into: Group, stack: list[Any]) -> None:
    session = current()
    variables: dict[str, Any] = {"cut_paste_input": stack[-1] if stack else None}
    scopes: list[tuple[Group, list[Any]]] = [(into, stack)]
    pending: list[Node] = []
    for words in _statements(text):
        group, nodes = scopes[-1]
        if words[0] in ("version", "define_layer", "define_window_layout_xml"):
            if words[0] == "define_layer":
                session.layers[words[1]] = [name.split(".")[1] for name in words_of(words[2])]
        elif words[0] == "set":
            variables[words[1]] = nodes[-1] if nodes else None
        elif words[0] == "push":
            nodes.append(None if words[1] == "0" else variables[words[1].lstrip("$")])
        elif words[0] == "end_group":
            scopes.pop()
            group = pending.pop()
            if not session.group_comes_first:
                fire("onCreate", group)
        elif words[0] == "Root":
            _set_knobs(session.root, words_of(words[1]))
        else:
            node = _one(words, group, nodes)
            nodes.append(node)
            if isinstance(node, Group):
                scopes.append((node, []))
                pending.append(node)
                if session.group_comes_first:
                    fire("onCreate", node)
            else:
                fire("onCreate", node)


def _one(words: list[str], group: Group, stack: list[Any]) -> Node:
    pairs = words_of(words[1])
    named = dict(zip(pairs[::2], pairs[1::2], strict=False))
    node = make_node(words[0], group, named.get("name", ""))
    count = int(named.get("inputs", INPUTS.get(words[0], 1)))
    node._inputs = [stack.pop() if stack else None for _ in range(count)]
    _set_knobs(node, pairs)
    return node


def _set_knobs(node: Node, pairs: list[str]) -> None:
    session = current()
    session.loading += 1
    try:
        for name, word in zip(pairs[::2], pairs[1::2], strict=True):
            if name == "addUserKnob":
                node.addKnob(user_knob_from(word))
            elif name not in ("inputs", "name") or isinstance(node, Root):
                knob = node.knob(name)
                if knob is not None:
                    knob.fromScript(word)
    finally:
        session.loading -= 1


def _statements(text: str) -> list[list[str]]:
    """Each command's words; a `{` that ends a line opens a word that goes on to its `}`."""
    statements, lines = [], iter(text.splitlines())
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        whole = line
        while _open(whole):
            whole += "\n" + next(lines)
        words = words_of(whole.replace("[stack 0]", "stack"))
        statements.append(words)
    return statements


def _open(text: str) -> bool:
    depth, i, quote = 0, 0, False
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text[i] == '"' and (depth == 0 or quote or text[i - 1] in " \n{"):
            quote = not quote
        elif not quote:
            depth += {"{": 1, "}": -1}.get(text[i], 0)
        i += 1
    return depth > 0 or quote
