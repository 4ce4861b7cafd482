"""The graph's pictures, computed plainly with numpy; files through OpenImageIO. Data windows are kept; y is down."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813

from .expressions import evaluate, file_at, substitute
from .state import current

__all__ = ["Picture", "picture", "write_file"]

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Picture:
    """Channels by Nuke's names, float32 (h, w), on the window `data` (x, y, width, height) of `display`."""

    data: Box
    display: Box
    channels: dict[str, np.ndarray]

    def on(self, data: Box) -> Picture:
        """The same picture on another window, 0 outside its own."""
        moved = {}
        for name, pixels in self.channels.items():
            whole = np.zeros((data[3], data[2]), np.float32)
            x0, y0 = max(self.data[0], data[0]), max(self.data[1], data[1])
            x1 = min(self.data[0] + self.data[2], data[0] + data[2])
            y1 = min(self.data[1] + self.data[3], data[1] + data[3])
            if x1 > x0 and y1 > y0:
                inside = pixels[y0 - self.data[1] : y1 - self.data[1], x0 - self.data[0] : x1 - self.data[0]]
                whole[y0 - data[1] : y1 - data[1], x0 - data[0] : x1 - data[0]] = inside
            moved[name] = whole
        return replace(self, data=data, channels=moved)


_NONE = Picture((0, 0, 1, 1), (0, 0, 1, 1), {})


def picture(node: Any, frame: int) -> Picture:
    """What `node` shows at `frame`. Raises RuntimeError with the node's error."""
    if node is None:
        return _NONE
    disabled = node.knob("disable")
    with current().at(frame):
        if disabled is not None and disabled.value():
            return picture(node.input(0), frame)
        shown = _group if hasattr(node, "nodes") else _pass  # a Gizmo's class is its own name
        return _NODES.get(node.Class(), shown)(node, frame)


def _pass(node: Any, frame: int) -> Picture:
    return picture(node.input(0), frame)


def _group(node: Any, frame: int) -> Picture:
    return picture(next(child for child in node.nodes() if child.Class() == "Output"), frame)


def _input(node: Any, frame: int) -> Picture:
    return picture(node.parent().input(int(node["number"].value())), frame)


# Read ---------------------------------------------------------------------------------------------------------------


def _read(node: Any, frame: int) -> Picture:
    session = current()
    proxied = session.root["proxy"].value()
    pattern = substitute(node["file"].value(), node)
    if proxied and node["proxy"].value():
        pattern, proxied = substitute(node["proxy"].value(), node), False
    # Nuke keeps what it has read, and what it has not found, until the Read is reloaded.
    known = node._kept.setdefault((pattern, frame, node.reloads), [])
    if not known:
        path = _file(node, pattern, frame)
        known.append(None if path is None else _opened(Path(path)))
    if known[0] is None:
        return replace(
            _NONE, channels={f"rgba.{c}": np.zeros((1, 1), np.float32) for c in ("red", "green", "blue", "alpha")}
        )
    found = _converted(node, known[0])
    return _halved(found) if proxied else found


def _file(node: Any, pattern: str, frame: int) -> str | None:
    """The file that the Read opens at `frame`, or None where it is black."""
    first, last = node["first"].value(), node["last"].value()
    number = _number(node, frame)
    if not first <= number <= last:
        edge = node["before" if number < first else "after"].value()
        if edge == "black":
            return None
        span = last - first + 1
        phase = (number - first) % (2 * span - 2) if span > 1 else 0
        number = {
            "hold": min(max(number, first), last),
            "loop": first + (number - first) % span,
            "bounce": first + min(phase, 2 * span - 2 - phase),
        }[edge]
    path = file_at(pattern, number)
    if Path(path).is_file():
        return path
    how = node["on_error"].value()
    if how == "nearest frame":
        there = [n for n in range(first, last + 1) if Path(file_at(pattern, n)).is_file()]
        if there:
            return file_at(pattern, min(there, key=lambda n: (abs(n - number), n)))
    if how in ("black", "checkerboard"):
        return None
    raise RuntimeError(f"{node.fullName()}: {path}: No such file or directory")


def _number(node: Any, frame: int) -> int:
    mode, text = node["frame_mode"].value(), node["frame"].value()
    if not text:
        return frame
    if mode == "start at":
        return frame - int(text) + node["first"].value()
    if mode == "offset":
        return frame - int(text)
    return int(evaluate(text, node["frame"], frame))


def _opened(path: Path) -> Picture:
    file = oiio.ImageInput.open(str(path))
    if file is None:
        raise RuntimeError(f"{path}: {oiio.geterror()}")
    spec = file.spec()
    pixels = np.asarray(file.read_image(oiio.FLOAT), np.float32).reshape(spec.height, spec.width, -1)
    file.close()
    names = [_nuke_name(name) for name in spec.channelnames]
    return Picture(
        (spec.x, spec.y, spec.width, spec.height),
        (spec.full_x, spec.full_y, spec.full_width, spec.full_height),
        {name: np.ascontiguousarray(pixels[..., i]) for i, name in enumerate(names)},
    )


def _nuke_name(name: str) -> str:
    layer, _, channel = name.rpartition(".")
    word = {"R": "red", "G": "green", "B": "blue", "A": "alpha"}.get(channel, channel)
    if layer:
        return f"{layer}.{word}"
    return f"rgba.{word}" if word in ("red", "green", "blue", "alpha") else f"other.{word}"


def _converted(node: Any, found: Picture) -> Picture:
    """From the file's colour space into the project's working space."""
    space = re.sub(r"^default \((.*)\)$", r"\1", node["colorspace"].value())
    working = current().root["workingSpaceLUT"].value()
    if node["raw"].value() or space in (working, "linear", "scene_linear"):
        return found
    from faceplate.color import ColorConfig

    config = ColorConfig.load(environ={})
    rgb = np.stack([found.channels[f"rgba.{c}"] for c in ("red", "green", "blue")], -1)
    done = config.convert(rgb, config.resolve(space), config.resolve(working))
    return replace(
        found,
        channels={**found.channels, **{f"rgba.{c}": done[..., i] for i, c in enumerate(("red", "green", "blue"))}},
    )


def _halved(found: Picture) -> Picture:
    scale = current().root["proxy_scale"].value()
    x, y, w, h = found.data
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    smaller = {name: cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) for name, pixels in found.channels.items()}
    display = tuple(round(value * scale) for value in found.display)
    return Picture((round(x * scale), round(y * scale), *size), display, smaller)  # type: ignore[arg-type]


# The others -----------------------------------------------------------------------------------------------------------


def _merge(node: Any, frame: int) -> Picture:
    below, above = picture(node.input(0), frame), picture(node.input(1), frame)
    if node["bbox"].value() != "B" and below.channels:
        below = below.on(_union(below.data, above.data))
    elif not below.channels:
        below = replace(above, channels={name: np.zeros_like(pixels) for name, pixels in above.channels.items()})
    above = above.on(below.data)
    alpha = above.channels.get("rgba.alpha", np.zeros((below.data[3], below.data[2]), np.float32))
    names = [name for name in {**below.channels, **above.channels} if name.startswith("rgba.")]
    nothing = np.zeros_like(alpha)
    done = {name: above.channels.get(name, nothing) + below.channels.get(name, nothing) * (1 - alpha) for name in names}
    return replace(below, channels={**below.channels, **done})


def _union(a: Box, b: Box) -> Box:
    x, y = min(a[0], b[0]), min(a[1], b[1])
    return x, y, max(a[0] + a[2], b[0] + b[2]) - x, max(a[1] + a[3], b[1] + b[3]) - y


def _copy(node: Any, frame: int) -> Picture:
    into, source = picture(node.input(0), frame), picture(node.input(1), frame)
    source = source.on(into.data)
    done = dict(into.channels)
    for number in range(4):
        name, target = node[f"from{number}"].value(), node[f"to{number}"].value()
        if target != "none":
            done[target] = source.channels.get(name, np.zeros((into.data[3], into.data[2]), np.float32))
    return replace(into, channels=done)


def _crop(node: Any, frame: int) -> Picture:
    found = picture(node.input(0), frame)
    x, y, right, top = node["box"].value()
    bottom_up = found.display[1] + found.display[3]
    return found.on((int(x), int(bottom_up - top), int(right - x), int(top - y)))


_CHANNELS = {"r": "rgba.red", "g": "rgba.green", "b": "rgba.blue", "a": "rgba.alpha"}


def _expression(node: Any, frame: int) -> Picture:
    """Each channel's expression over the data window; x and y count pixels from the display's lower left corner."""
    found = picture(node.input(0), frame)
    left, top, width, height = found.data
    bottom_up = found.display[1] + found.display[3] - 1
    y, x = np.mgrid[0:height, 0:width]
    known: dict[str, Any] = {"x": x + left, "y": bottom_up - (y + top), "fmod": np.fmod}
    nothing = np.zeros((height, width), np.float32)
    known.update((letter, found.channels.get(name, nothing)) for letter, name in _CHANNELS.items())
    done = dict(found.channels)
    for number, target in enumerate(_CHANNELS.values()):
        text = node[f"expr{number}"].value()
        if text:
            done[target] = np.asarray(_evaluated(text, known), np.float32)
    return replace(found, channels=done)


def _evaluated(text: str, known: dict[str, Any]) -> Any:
    """`condition ? one : other`, or Python's own arithmetic."""
    asked = re.match(r"^(.*?)\?(.*):(.*)$", text)
    if asked:
        return np.where(*(_evaluated(part.strip(), known) for part in asked.groups()))
    return eval(text, {"__builtins__": {}}, known)


def _transform(node: Any, frame: int) -> Picture:
    """Only what the adapter makes: a whole scale about the lower left corner."""
    found, scale = picture(node.input(0), frame), node["scale"].value()
    whole = int(scale)
    if whole == 1:
        return found
    assert whole == scale and node["center"].value() == [0, 0], "the stand-in scales by whole numbers about 0, 0"
    larger = {name: np.kron(pixels, np.ones((whole, whole), np.float32)) for name, pixels in found.channels.items()}
    display = tuple(value * whole for value in found.display)
    return Picture(tuple(value * whole for value in found.data), display, larger)  # type: ignore[arg-type]


def _text2(node: Any, frame: int) -> Picture:
    """White letters at the lower edge; the stand-in keeps what it has written in `session.drawn`."""
    found = picture(node.input(0), frame)
    words = substitute(node["message"].value(), node)
    current().drawn.append(words)
    drawn = np.zeros((found.data[3], found.data[2]), np.uint8)
    cv2.putText(drawn, words, (2, found.data[3] - 4), cv2.FONT_HERSHEY_PLAIN, 0.7, 255)
    done = dict(found.channels)
    for name in _CHANNELS.values():
        if name in done:
            done[name] = np.where(drawn > 127, np.float32(1), done[name])
    return replace(found, channels=done)


def _switch(node: Any, frame: int) -> Picture:
    return picture(node.input(int(node["which"].getValueAt(frame))), frame)


def _blur(node: Any, frame: int) -> Picture:
    found = picture(node.input(0), frame)
    size = float(node["size"].getValueAt(frame))
    if size <= 0:
        return found
    return replace(found, channels={n: cv2.GaussianBlur(p, (0, 0), size / 2) for n, p in found.channels.items()})


def _grade(node: Any, frame: int) -> Picture:
    found = picture(node.input(0), frame)
    gain = float(node["white"].getValueAt(frame))
    colour = {n: p * gain for n, p in found.channels.items() if n in ("rgba.red", "rgba.green", "rgba.blue")}
    return replace(found, channels={**found.channels, **colour})


def _premult(node: Any, frame: int) -> Picture:
    found = picture(node.input(0), frame)
    alpha = found.channels["rgba.alpha"]
    with np.errstate(divide="ignore", invalid="ignore"):
        by = alpha if node.Class() == "Premult" else np.where(alpha > 0, 1 / alpha, 1)
    colour = {n: p * by for n, p in found.channels.items() if n in ("rgba.red", "rgba.green", "rgba.blue")}
    return replace(found, channels={**found.channels, **colour})


def _hold(node: Any, frame: int) -> Picture:
    return picture(node.input(0), int(node["first_frame"].value()))


def _offset(node: Any, frame: int) -> Picture:
    return picture(node.input(0), frame - int(node["time_offset"].value()))


_NODES: dict[str, Callable[[Any, int], Picture]] = {
    "Read": _read,
    "Group": _group,
    "LiveGroup": _group,
    "Precomp": _group,
    "Input": _input,
    "Merge2": _merge,
    "Copy": _copy,
    "Crop": _crop,
    "Expression": _expression,
    "Switch": _switch,
    "Blur": _blur,
    "Grade": _grade,
    "Premult": _premult,
    "Unpremult": _premult,
    "FrameHold": _hold,
    "TimeOffset": _offset,
    "Transform": _transform,
    "Text2": _text2,
}


def write_file(node: Any, found: Picture, frame: int) -> None:
    """A Write's EXR. Raises RuntimeError where it cannot be written."""
    pattern = substitute(node["file"].value(), node)
    if current().root["proxy"].value() and node["proxy"].value():
        pattern = substitute(node["proxy"].value(), node)
    path = Path(file_at(pattern, frame))
    if not path.parent.is_dir():
        if not node["create_directories"].value():
            raise RuntimeError(f"{node.fullName()}: can't write to {path}: the folder does not exist")
        path.parent.mkdir(parents=True)
    wanted = node["channels"].value()
    names = [name for name in found.channels if wanted == "all" or name.startswith("rgba.")]
    if wanted == "rgb":
        names = [name for name in names if name != "rgba.alpha"]
    order = {"red": 0, "green": 1, "blue": 2, "alpha": 3}
    names.sort(key=lambda name: (not name.startswith("rgba."), name.split(".")[0], order.get(name.split(".")[1], 9)))
    if not names:
        raise RuntimeError(f"{node.fullName()}: nothing is connected")
    x, y, width, height = found.data
    spec = oiio.ImageSpec(width, height, len(names), "half" if node["datatype"].value() == "16 bit half" else "float")
    spec.x, spec.y = x, y
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = found.display
    letters = {"red": "R", "green": "G", "blue": "B", "alpha": "A"}
    spec.channelnames = tuple(letters[n.split(".")[1]] if n.startswith("rgba.") else n for n in names)
    out = oiio.ImageOutput.create(str(path))
    pixels = np.stack([found.channels[name] for name in names], -1)
    if out is None or not out.open(str(path), spec) or not out.write_image(np.ascontiguousarray(pixels)):
        raise RuntimeError(f"{node.fullName()}: {path} was not written")
    out.close()
