"""Curves, knob expressions and the TCL inside strings, as far as scripts of the tests need them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .state import current

__all__ = ["Curve", "evaluate", "file_at", "substitute", "words_of"]

_FUNCTIONS: dict[str, Any] = {
    "sin": math.sin,
    "cos": math.cos,
    "sqrt": math.sqrt,
    "abs": abs,
    "int": int,
    "floor": math.floor,
    "min": min,
    "max": max,
    "clamp": lambda x, low=0.0, high=1.0: min(max(x, low), high),
}
_SIZES = ("input.width", "input.height")
_NAME = re.compile(r"\$?[A-Za-z_][\w.]*(?!\w*\()")


class Curve:
    """Keys with constant (K), linear (L) or smooth (S) segments after them; flat outside."""

    def __init__(self) -> None:
        self.keys: dict[float, tuple[float, str]] = {}

    def copy(self) -> Curve:
        other = Curve()
        other.keys = dict(self.keys)
        return other

    def at(self, frame: float) -> float:
        frames = sorted(self.keys)
        if not frames:
            return 0.0
        if frame <= frames[0]:
            return self.keys[frames[0]][0]
        if frame >= frames[-1]:
            return self.keys[frames[-1]][0]
        right = next(index for index, key in enumerate(frames) if key > frame)
        start, end = frames[right - 1], frames[right]
        (a, form), (b, _) = self.keys[start], self.keys[end]
        t = (frame - start) / (end - start)
        if form == "K":
            return a
        if form == "L":
            return a + (b - a) * t
        s0, s1 = self._slope(frames, right - 1), self._slope(frames, right)
        h = end - start
        return (
            (2 * t**3 - 3 * t**2 + 1) * a
            + (t**3 - 2 * t**2 + t) * h * s0
            + (-2 * t**3 + 3 * t**2) * b
            + (t**3 - t**2) * h * s1
        )

    def _slope(self, frames: list[float], index: int) -> float:
        """Flat at the ends and where the curve turns, else the slope between the neighbours."""
        if index in (0, len(frames) - 1):
            return 0.0
        (x0, x1, x2) = frames[index - 1 : index + 2]
        y0, y1, y2 = (self.keys[x][0] for x in (x0, x1, x2))
        return 0.0 if (y1 - y0) * (y2 - y1) <= 0 else (y2 - y0) / (x2 - x0)

    def text(self) -> str:
        words, form = ["curve"], "S"
        for frame in sorted(self.keys):
            value, own = self.keys[frame]
            if own != form:
                words.append(own)
                form = own
            words += [f"x{frame:g}", f"{value:.10g}"]
        return " ".join(words)

    @classmethod
    def parsed(cls, words: list[str]) -> Curve:
        curve, form, frame = cls(), "S", 0.0
        for word in words:
            if word in ("K", "L", "S"):
                form = word
            elif word.startswith("x"):
                frame = float(word[1:])
            else:
                curve.keys[frame] = (float(word), form)
                frame += 1
        return curve


def words_of(text: str) -> list[str]:
    """The words of a TCL list: bare, "quoted" or {braced}."""
    words, i = [], 0
    while i < len(text):
        if text[i].isspace():
            i += 1
            continue
        if text[i] == "{":
            depth, start = 1, i + 1
            i += 1
            while depth:
                if text[i] == "\\":
                    i += 1
                elif text[i] in "{}":
                    depth += 1 if text[i] == "{" else -1
                i += 1
            words.append(text[start : i - 1])
        elif text[i] == '"':
            start, i = i + 1, i + 1
            while text[i] != '"':
                i += 2 if text[i] == "\\" else 1
            words.append(_unescaped(text[start:i]))
            i += 1
        else:
            start = i
            while i < len(text) and not text[i].isspace():
                i += 2 if text[i] == "\\" else 1
            words.append(_unescaped(text[start:i]))
    return words


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text)


def evaluate(text: str, knob: Any, frame: float) -> float:
    """A knob's expression at `frame`. Raises RuntimeError as Nuke marks the knob in error."""
    if "[" in text:
        text = substitute(text, knob.node())
    found = re.match(r"^(.*?)\?(.*):(.*)$", text)
    if found:
        return evaluate(found[2] if evaluate(found[1], knob, frame) else found[3], knob, frame)
    text = text.replace("&&", " and ").replace("||", " or ")
    names: dict[str, float] = {}

    def named(match: re.Match[str]) -> str:
        word = match[0]
        if word in ("and", "or", "not") or word in _FUNCTIONS:
            return word
        names[f"n{len(names)}"] = _value(word, knob, frame)
        return f"n{len(names) - 1}"

    python = re.sub(r"!(?!=)", " not ", _NAME.sub(named, text))
    try:
        return float(eval(python, {"__builtins__": {}}, {**_FUNCTIONS, **names}))
    except (SyntaxError, NameError, TypeError, ZeroDivisionError) as error:
        raise RuntimeError(f"{knob.fullyQualifiedName()}: {text}: {error}") from error


def _value(word: str, knob: Any, frame: float) -> float:
    if word in ("frame", "x", "t"):
        return float(frame)
    if word == "pi":
        return math.pi
    if word == "$gui":
        return float(current().gui)
    if word in _SIZES:
        try:
            size = knob.node().input(0).format()
        except RuntimeError:  # an input in error has the project's size
            size = current().root.format()
        return float(size.width() if word == "input.width" else size.height())
    return float(knob_named(word, knob.node()).getValueAt(frame))


def knob_named(path: str, node: Any) -> Any:
    """The knob that `parent.x`, `root.x`, `this.x`, `Blur1.x` or `x` means from `node`. Raises RuntimeError."""
    *steps, name = path.split(".")
    here = node
    for place, step in enumerate(steps):
        if step in ("this", "input") and place == 0:
            continue
        if step == "parent":
            here = here.parent()
        elif step == "root":
            here = current().root
        else:
            scope = here.parent() if place == 0 and here is not current().root else here
            here = scope.node(step) if scope is not None else None
        if here is None:
            raise RuntimeError(f"{path}: no node {step}")
    found = here.knob(name)
    if found is None:
        raise RuntimeError(f"{path}: no knob {name}")
    return found


def nodes_named(text: str, node: Any) -> list[Any]:
    """The nodes whose knobs an expression reads."""
    found = []
    for word in _NAME.findall(text):
        if "." in word and not word.startswith("$") and word not in _SIZES:
            other = knob_named(word, node).node()
            if other is not node:
                found.append(other)
    return found


def substitute(text: str, node: Any) -> str:
    """The text with its [commands] carried out."""
    out, i = [], 0
    while i < len(text):
        if text[i] == "\\" and i + 1 < len(text):
            out.append(text[i + 1])
            i += 2
        elif text[i] == "[":
            depth, start = 1, i + 1
            i += 1
            while depth:
                depth += {"[": 1, "]": -1}.get(text[i], 0)
                i += 1
            out.append(_command(substitute(text[start : i - 1], node), node))
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def _command(text: str, node: Any) -> str:
    words = text.split()
    known: dict[str, Callable[[], str]] = {
        "value": lambda: knob_text(words[1], node),
        "knob": lambda: knob_text(words[1], node),
        "getenv": lambda: os.environ.get(words[1], ""),
        "file": lambda: str(Path(words[2]).parent),
        "frame": lambda: str(current().frame),
        "lindex": lambda: words_of(words_of(text)[1])[int(float(words_of(text)[2]))],
    }
    if words[0] not in known:
        raise RuntimeError(f"invalid command name {words[0]}")
    return known[words[0]]()


def knob_text(path: str, node: Any) -> str:
    value = knob_named(path, node).value()
    return "" if value is None else substitute(str(value), node) if isinstance(value, str) else str(value)


def file_at(pattern: str, frame: int) -> str:
    """`####` and `%04d` of a file knob become the frame."""
    hashes = re.sub(r"#+", lambda found: f"{frame:0{len(found[0])}d}", pattern)
    return re.sub(r"%0?(\d*)d", lambda found: f"{frame:0{int(found[1] or 0)}d}", hashes)
