"""Knobs: values, curves, expressions, flags. Names and arguments are those of the stubs (`check.py` holds them to it)."""

# Foundry's own methods override one another with other arguments, and so must these.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import Any

from .callbacks import fire
from .expressions import Curve, evaluate, file_at, nodes_named, substitute, words_of
from .state import current, main_thread_only

__all__ = [
    "KNOB_TYPES",
    "Array_Knob",
    "BBox_Knob",
    "Boolean_Knob",
    "Double_Knob",
    "Enumeration_Knob",
    "EvalString_Knob",
    "File_Knob",
    "Int_Knob",
    "Knob",
    "PyScript_Knob",
    "Script_Knob",
    "String_Knob",
    "Tab_Knob",
    "Text_Knob",
    "XY_Knob",
    "quoted",
]

_FLAGS = {"INVISIBLE": 1 << 10, "STARTLINE": 1 << 12, "NO_ANIMATION": 1 << 8, "READ_ONLY": 1 << 28, "DISABLED": 1 << 7}


def quoted(text: str) -> str:
    """A word of TCL."""
    if text and not any(c in ' \t\n"{}[]$;\\' for c in text):
        return text
    escaped = "".join("\\" + c if c in '"\\[]$' else {"\n": "\\n"}.get(c, c) for c in text)
    return f'"{escaped}"'


@main_thread_only
class Knob:
    """A knob of one or more channels."""

    size = 1
    default: Any = 0.0

    def __init__(self, name: str, label: str | None = None) -> None:
        self._name, self._label = name, label
        self._node: Any = None
        self._values: list[Any] = [self.default] * self.size
        self._defaults: list[Any] = list(self._values)
        self._curves: dict[int, Curve] = {}
        self._expressions: dict[int, str] = {}
        self._flags = 0
        self._tooltip = ""
        self._visible = self._enabled = True

    def Class(self) -> str:
        return type(self).__name__

    def name(self) -> str:
        return self._name

    def setName(self, name: str) -> None:
        self._name = name

    def label(self) -> str:
        return self._name if self._label is None else self._label

    def setLabel(self, label: str) -> None:
        self._label = label

    def tooltip(self) -> str:
        return self._tooltip

    def setTooltip(self, tooltip: str) -> None:
        self._tooltip = tooltip

    def node(self) -> Any:
        return self._node

    def fullyQualifiedName(self, channel: int = -1) -> str:
        return f"{self._node.fullName()}.{self._name}" if self._node else self._name

    def setFlag(self, flag: int) -> None:
        self._flags |= flag

    def clearFlag(self, flag: int) -> None:
        self._flags &= ~flag

    def getFlag(self, flag: int) -> bool:
        return bool(self._flags & flag)

    def visible(self) -> bool:
        return self._visible and not self._flags & _FLAGS["INVISIBLE"]

    def setVisible(self, visible: bool) -> None:
        self._visible = visible

    def enabled(self) -> bool:
        return self._enabled

    def setEnabled(self, enabled: bool) -> None:
        self._enabled = enabled

    # Values

    def getValueAt(self, frame: float, index: int = 0, view: str | None = None) -> Any:
        if index in self._expressions:
            return evaluate(self._expressions[index], self, frame)
        if index in self._curves:
            return self._curves[index].at(frame)
        return self._plain(self._values[index])

    def _plain(self, value: Any) -> Any:
        return float(value) if isinstance(value, (int, float)) else value

    def getValue(self, channel: int = 0) -> Any:
        return self.getValueAt(current().frame, channel)

    def value(self, index: int = 0) -> Any:
        return self.getValue(index)

    def setValue(self, val: Any, chan: int = 0) -> bool:
        return self._set([val], chan) if not isinstance(val, (list, tuple)) else self._set(list(val), 0)

    def _set(self, values: list[Any], first: int) -> bool:
        wanted = list(self._values)
        changed = False
        before = self._saved()
        for index, value in enumerate(values, first):
            if index in self._curves and not self._flags & _FLAGS["NO_ANIMATION"]:
                # In Nuke a value set on an animated knob makes a key at the current frame.
                self._curves[index].keys[float(current().frame)] = (float(value), "S")
                changed = True
                continue
            checked = self._checked(value)
            changed = changed or checked != wanted[index]
            wanted[index] = checked
        self._values = wanted
        if changed:
            self._changed(before)
        return changed

    def _checked(self, value: Any) -> Any:
        return value

    def _saved(self) -> tuple[Any, ...]:
        return list(self._values), {i: c.copy() for i, c in self._curves.items()}, dict(self._expressions)

    def _changed(self, before: tuple[Any, ...]) -> None:
        def restore() -> None:
            self._values, self._curves, self._expressions = before
            fire("knobChanged", self._node, self)

        current().remember(restore)
        if self._node is not None:
            fire("knobChanged", self._node, self)

    def setValueAt(self, val: Any, time: float, index: int = 0, view: str | None = None) -> bool:
        before = self._saved()
        self._curves.setdefault(index, Curve()).keys[float(time)] = (float(val), "S")
        self._changed(before)
        return True

    def setAnimated(self, channel: int = -1) -> bool:
        for index in self._channels(channel):
            if index not in self._curves:
                curve = self._curves[index] = Curve()
                curve.keys[float(current().frame)] = (float(self._values[index]), "S")
        return True

    def clearAnimated(self, channel: int = -1) -> bool:
        before = self._saved()
        for index in self._channels(channel):
            if index in self._curves or index in self._expressions:
                self._values[index] = self._checked(self.getValue(index))
            self._curves.pop(index, None)
            self._expressions.pop(index, None)
        self._changed(before)
        return True

    def _channels(self, channel: int) -> list[int]:
        return list(range(self.size)) if channel < 0 else [channel]

    def isAnimated(self, channel: int = -1) -> bool:
        return any(i in self._curves or i in self._expressions for i in self._channels(channel))

    def isKeyAt(self, frame: float, index: int = 0, view: str | None = None) -> bool:
        return index in self._curves and float(frame) in self._curves[index].keys

    def removeKeyAt(self, frame: float, index: int = 0, view: str | None = None) -> bool:
        before = self._saved()
        self._curves[index].keys.pop(float(frame))
        self._changed(before)
        return True

    def setExpression(self, expression: str, index: int = 0, view: str | None = None) -> bool:
        before = self._saved()
        self._expressions[index] = expression
        self._changed(before)
        return True

    def hasExpression(self, index: int = -1) -> bool:
        return any(i in self._expressions for i in self._channels(index))

    # Text

    def toScript(self, quote: bool = True, context: Any = None) -> str:
        parts = [self._text(index) for index in range(self.size)]
        if self.size == 1:
            return parts[0]
        return "{" + " ".join(parts) + "}"

    def _text(self, index: int) -> str:
        if index in self._expressions:
            inner = "{" + quoted(self._expressions[index]) + "}"
            return "{" + inner + "}" if self.size == 1 else inner
        if index in self._curves:
            inner = "{" + self._curves[index].text() + "}"
            return "{" + inner + "}" if self.size == 1 else inner
        return self._word(self._values[index])

    def _word(self, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return f"{value:.10g}"
        return quoted(str(value))

    def fromScript(self, script: str) -> None:
        """`script` is the knob's word in a script, without its outer quotes or braces."""
        words = words_of(script) if self.size > 1 or script.startswith("{") else [script]
        for index, word in enumerate(words[: self.size]):
            inner = words_of(word[1:-1]) if word.startswith("{") else words_of(word)
            if word.startswith("curve ") or inner[:1] == ["curve"]:
                self._curves[index] = Curve.parsed(inner[1:])
            elif script.startswith("{") or (self.size > 1 and not _is_number(word)):
                self._expressions[index] = words_of(word)[0] if word.startswith(("{", '"')) else word
            else:
                self._values[index] = self._parsed(word)

    def _parsed(self, word: str) -> Any:
        return word

    def is_default(self) -> bool:
        return not self._curves and not self._expressions and self._values == self._defaults

    def reads(self) -> list[Any]:
        """Nodes that the knob's expressions read."""
        return [node for text in self._expressions.values() for node in nodes_named(text, self._node)]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


@main_thread_only
class Array_Knob(Knob):
    """Numbers."""

    def setRange(self, minimum: float, maximum: float) -> None:
        self._range = (minimum, maximum)

    def min(self) -> float:
        return self._range[0]

    def max(self) -> float:
        return self._range[1]

    def setDefaultValue(self, values: list[Any]) -> None:
        self._defaults = [self._checked(value) for value in values]

    def defaultValue(self) -> Any:
        return self._defaults[0]

    def setExpression(self, expression: str, channel: int = 0, view: str | None = None) -> bool:
        return Knob.setExpression(self, expression, channel)

    def _checked(self, value: Any) -> Any:
        if isinstance(value, str):
            raise TypeError(f"{self._name}: a number was expected, not '{value}'")
        return float(value)

    def _parsed(self, word: str) -> Any:
        return self._checked(float(word))


class Double_Knob(Array_Knob):
    pass


@main_thread_only
class Int_Knob(Array_Knob):
    default = 0

    def value(self) -> int:
        return int(self.getValue())

    def _checked(self, value: Any) -> Any:
        return int(super()._checked(value))


@main_thread_only
class Boolean_Knob(Array_Knob):
    default = False

    def __init__(self, name: str, label: str | None = None, value: bool = False) -> None:
        super().__init__(name, label)
        self._values = [value]
        self._defaults = [value]

    def value(self) -> bool:
        return bool(self.getValue())

    def setValue(self, b: Any) -> bool:
        return self._set([b], 0)

    def _checked(self, value: Any) -> Any:
        if isinstance(value, str):
            raise TypeError(f"{self._name}: a number was expected, not '{value}'")
        return bool(value)

    def _parsed(self, word: str) -> Any:
        return word in ("true", "1")


@main_thread_only
class Enumeration_Knob(Array_Knob):
    """A choice. `free` ones hold what depends on the project, such as colour spaces: any word is taken."""

    def __init__(
        self, name: str, label: str | None = None, choices: list[str] | None = None, free: bool = False
    ) -> None:
        super().__init__(name, label)
        self._choices = list(choices or [])
        self._free = free
        self._values = [self._choices[0] if self._choices else ""]
        self._defaults = list(self._values)

    def values(self) -> list[str]:
        return list(self._choices)

    def setValues(self, choices: list[str]) -> None:
        """Keeps the number of the line that is chosen, not its word: no page says which of the two Nuke keeps."""
        chosen = self._values[0]
        if not self._free and chosen in self._choices and choices:
            self._values = [choices[min(self._choices.index(chosen), len(choices) - 1)]]
        self._choices = list(choices)

    def value(self) -> Any:
        found = super().getValueAt(current().frame)
        return found if isinstance(found, str) else self._choices[int(found)]

    def getValueAt(self, frame: float, index: int = 0, view: str | None = None) -> Any:
        found = super().getValueAt(frame, index)
        return float(self._choices.index(found)) if isinstance(found, str) and found in self._choices else found

    def getValue(self, channel: int = 0) -> Any:
        return self.getValueAt(current().frame)

    def _checked(self, value: Any) -> Any:
        if isinstance(value, str):
            if value not in self._choices and not self._free:
                raise TypeError(f"{self._name}: there is no choice '{value}'; there are {', '.join(self._choices)}")
            return value
        return self._choices[int(value)]

    def _parsed(self, word: str) -> Any:
        return self._checked(int(word)) if word.isdigit() and word not in self._choices else self._checked(word)


@main_thread_only
class XY_Knob(Array_Knob):
    size = 2

    def value(self, n: int | None = None) -> Any:
        return [self.getValue(i) for i in range(self.size)] if n is None else self.getValue(n)

    def x(self) -> float:
        return self.getValue(0)

    def y(self) -> float:
        return self.getValue(1)


@main_thread_only
class BBox_Knob(Array_Knob):
    """x, y, right, top."""

    size = 4

    def value(self, index: int | None = None) -> Any:
        return [self.getValue(i) for i in range(self.size)] if index is None else self.getValue(index)


@main_thread_only
class String_Knob(Knob):
    default = ""

    def __init__(self, name: str, label: str | None = None, value: str = "") -> None:
        super().__init__(name, label)
        self._values = [value]

    def value(self, oc: Any = None) -> str:
        return self._values[0]

    def getText(self, oc: Any = None) -> str:
        return self._values[0]

    def getValue(self, oc: Any = None) -> str:
        return self._values[0]

    def setValue(self, val: Any, view: str | None = None) -> None:
        self._set([val], 0)

    def _checked(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise TypeError(f"{self._name}: a string was expected, not {value!r}")
        return value

    def fromScript(self, script: str) -> None:
        self._values[0] = script


@main_thread_only
class EvalString_Knob(String_Knob):
    def evaluate(self) -> str:
        return substitute(self._values[0], self._node)


@main_thread_only
class File_Knob(EvalString_Knob):
    def getEvaluatedValue(self) -> str:
        return file_at(self.evaluate(), int(current().frame))


@main_thread_only
class Script_Knob(String_Knob):
    def command(self) -> str:
        return self._values[0]

    def setCommand(self, cmd: str) -> None:
        self._values = [cmd]

    def setValue(self, cmd: str) -> None:
        self._values = [cmd]

    def execute(self) -> None:
        if self._name == "reload":
            self._node.reloads += 1


@main_thread_only
class PyScript_Knob(Script_Knob):
    def execute(self) -> None:
        with current().about(self._node, self):
            exec(self._values[0], {"nuke": _nuke()})


@main_thread_only
class Tab_Knob(Knob):
    default = ""


@main_thread_only
class Text_Knob(Knob):
    default = ""

    def __init__(self, name: str, label: str | None = None, value: str = "") -> None:
        super().__init__(name, label)
        self._values = [value]


def _nuke() -> Any:
    import sys

    return sys.modules["nuke"]


KNOB_TYPES: dict[int, type[Knob]] = {
    1: String_Knob,
    2: File_Knob,
    3: Int_Knob,
    4: Enumeration_Knob,
    6: Boolean_Knob,
    7: Double_Knob,
    12: XY_Knob,
    15: BBox_Knob,
    20: Tab_Knob,
    22: PyScript_Knob,
    26: Text_Knob,
}
"""The numbers of `addUserKnob` in a script."""


def user_knob_text(knob: Knob) -> str:
    """The words of `addUserKnob {…}`."""
    number = next(number for number, kind in KNOB_TYPES.items() if type(knob) is kind)
    words = [str(number), knob.name()]
    if knob._label is not None:
        words += ["l", quoted(knob._label) if knob._label else '""']
    if knob._tooltip:
        words += ["t", quoted(knob._tooltip)]
    if isinstance(knob, Enumeration_Knob):
        words += ["M", "{" + " ".join(quoted(choice) for choice in knob._choices) + "}"]
    if isinstance(knob, PyScript_Knob) or (isinstance(knob, Text_Knob) and knob._values[0]):
        words += ["T", quoted(knob._values[0])]
    words += ["+" + name for name, bit in _FLAGS.items() if knob._flags & bit]
    if hasattr(knob, "_range"):
        words += ["R", *(f"{value:g}" for value in knob._range)]  # type: ignore[attr-defined]
    return " ".join(words)


def user_knob_from(text: str) -> Knob:
    """The knob of `addUserKnob {text}`."""
    words = words_of(text)
    kind = KNOB_TYPES[int(words[0])]
    knob = kind(words[1])
    i = 2
    while i < len(words):
        word = words[i]
        if word[0] in "+-" and word[1:] in _FLAGS:
            if word[0] == "+":
                knob._flags |= _FLAGS[word[1:]]
            i += 1
            continue
        if word == "l":
            knob._label = words[i + 1]
        elif word == "t":
            knob._tooltip = words[i + 1]
        elif word == "M" and isinstance(knob, Enumeration_Knob):
            knob._choices = words_of(words[i + 1])
            knob._values = [knob._choices[0]]
            knob._defaults = list(knob._values)
        elif word == "T":
            knob._values = [words[i + 1]]
        elif word == "R" and isinstance(knob, Array_Knob):
            knob.setRange(float(words[i + 1]), float(words[i + 2]))
            i += 1
        i += 2
    return knob
