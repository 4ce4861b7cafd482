"""What an ONNX file says of itself, read without running it.

ONNX Runtime does not show a graph's weights or where they lie, and the `onnx` package is no runtime dependency. The
few fields that are needed are read here from the file's own encoding: Protocol Buffers' wire format (protobuf.dev,
"Encoding") with the field numbers of `onnx.proto3`. The file is mapped, not loaded: only the parts that are asked for
are touched.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from faceplate.errors import RenderError

__all__ = ["External", "Graph", "Initializer", "Signature", "check_external", "read_graph"]

# TensorProto.DataType
_DTYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}
_BYTES, _VARINT = 2, 0
_DEEPEST = 32
_WEB_PAGE = (b"<!doc", b"<html", b"<?xml")


@dataclass(frozen=True)
class Signature:
    """One input or output: its name, its type (ONNX's number, 1 = float32, 10 = float16), its shape (0 = any)."""

    name: str
    kind: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class External:
    """Weights outside the graph's file: the path as the graph writes it, where they begin, and how many bytes (None:
    the rest).
    """

    location: str
    offset: int = 0
    length: int | None = None


@dataclass(frozen=True)
class Initializer:
    """A stored tensor: `start` and `end` of its message in the file, and where its numbers lie if they are outside."""

    name: str
    kind: int
    shape: tuple[int, ...]
    start: int
    end: int
    external: External | None


@dataclass(frozen=True)
class Graph:
    """An ONNX file's inputs that are not weights, its outputs, its weights in their order, and every outside file it
    names.
    """

    path: Path
    inputs: tuple[Signature, ...]
    outputs: tuple[Signature, ...]
    initializers: tuple[Initializer, ...]
    externals: tuple[str, ...]

    def last_initializer(self, shape: tuple[int, ...]) -> np.ndarray:
        """The last stored tensor of that shape, float32. Raises `RenderError('wrong-signature')` when there is none."""
        for tensor in reversed(self.initializers):
            if tensor.shape == shape and tensor.kind in (1, 10, 11):
                return _values(self.path, tensor)
        size = "x".join(map(str, shape))
        raise RenderError(
            "wrong-signature", f"{self.path.name} holds no {size} matrix; it is another network than its card says."
        )


def read_graph(path: Path) -> Graph:
    """What `path` says of itself.

    Raises `RenderError` with code `weights-missing`, `not-onnx` (another kind of file) or `weights-truncated`.
    """
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) == 0:
                raise RenderError("weights-truncated", f"{path.name} is empty; copy or download it again.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _read(path, _Message(data, 0, len(data)))
    except OSError as error:
        raise RenderError("weights-missing", f"{path} cannot be read: {error.strerror}.") from error
    except _CutShortError as error:
        raise RenderError(
            "weights-truncated", f"{path.name} is cut short or damaged; copy or download it again."
        ) from error
    except _ForeignError as error:
        raise RenderError("not-onnx", f"{path.name} is not an ONNX network{error}.") from error


def check_external(graph: Graph) -> tuple[Path, ...]:
    """The files beside the graph that hold weights, each proved to lie in the graph's own folder.

    Raises `RenderError('external-outside')` for a path that leaves the folder (absolute, `..`, a link that points
    elsewhere) and `RenderError('external-missing')` for one that is not there.
    """
    return tuple(_beside(graph, location) for location in graph.externals)


def _beside(graph: Graph, location: str) -> Path:
    folder = graph.path.parent.resolve()
    plain = PurePosixPath(location), PureWindowsPath(location)
    outside = any(part.is_absolute() or part.drive or len(part.parts) != 1 for part in plain) or location in (
        "",
        ".",
        "..",
    )
    path = folder / "nowhere" if outside else folder / location
    if outside or (path.is_symlink() and path.resolve().parent != folder):
        raise RenderError(
            "external-outside",
            f"{graph.path.name} wants weights from '{location}'; only a file beside it is allowed, so it is refused.",
        )
    if not path.is_file():
        raise RenderError(
            "external-missing",
            f"{graph.path.name} keeps weights in '{location}', which is not beside it; bring that file too.",
        )
    return path


class _CutShortError(Exception):
    pass


class _ForeignError(Exception):
    pass


@dataclass(frozen=True)
class _Message:
    """A range of the file that holds one message."""

    data: mmap.mmap
    start: int
    end: int

    def fields(self) -> Iterator[tuple[int, int, int, int]]:
        """(field number, wire type, start, end) of each field; for a varint `start` is its value."""
        at = self.start
        while at < self.end:
            key, at = self._varint(at)
            number, kind = key >> 3, key & 7
            if key >> 32:  # a reader that keeps 32 bits of it would see another field
                raise _CutShortError
            if kind == _VARINT:
                value, at = self._varint(at)
                yield number, kind, value, at
                continue
            if kind == _BYTES:
                length, at = self._varint(at)
            elif kind in (1, 5):
                length = 8 if kind == 1 else 4
            else:
                raise _CutShortError
            if at + length > self.end or number == 0:
                raise _CutShortError
            yield number, kind, at, at + length
            at += length

    def sub(self, start: int, end: int) -> _Message:
        return _Message(self.data, start, end)

    def text(self, start: int, end: int) -> str:
        return self.data[start:end].decode("utf-8", "replace")

    def _varint(self, at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            if at >= self.end or shift > 63:
                raise _CutShortError
            byte = self.data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
            shift += 7


def _read(path: Path, model: _Message) -> Graph:
    head = model.data[: min(64, model.end)]
    if head[:1] != b"\x08":  # every writer puts `ir_version`, field 1, first
        raise _ForeignError(_what_it_is(head))
    graphs: list[_Message] = []
    externals: list[str] = []
    for number, kind, start, end in model.fields():
        if number == 7 and kind == _BYTES:
            graphs.append(model.sub(start, end))
        elif number == 25 and kind == _BYTES:
            _walk(model.sub(start, end), {7: _node}, externals, 0)
    if not graphs:
        raise _ForeignError(": it holds no graph")
    if len(graphs) > 1:  # readers merge them, and no writer makes more than one
        raise _CutShortError
    return _graph(path, graphs[0], externals)


def _graph(path: Path, graph: _Message, externals: list[str]) -> Graph:
    inputs: list[Signature] = []
    outputs: list[Signature] = []
    initializers: list[Initializer] = []
    for number, kind, start, end in graph.fields():
        if kind != _BYTES:
            continue
        part = graph.sub(start, end)
        if number == 5:
            initializers.append(_initializer(part))
        elif number in (11, 12):
            (inputs if number == 11 else outputs).append(_signature(part))
    _subgraph(graph, externals, 0)
    weights = {tensor.name for tensor in initializers}
    return Graph(
        path,
        tuple(item for item in inputs if item.name not in weights),
        tuple(outputs),
        tuple(initializers),
        tuple(dict.fromkeys(externals)),
    )


def _walk(message: _Message, wanted: dict, externals: list[str], depth: int) -> None:
    if depth > _DEEPEST:
        raise _CutShortError
    for number, kind, start, end in message.fields():
        if kind == _BYTES and number in wanted:
            wanted[number](message.sub(start, end), externals, depth + 1)


def _subgraph(message: _Message, externals: list[str], depth: int) -> None:
    _walk(message, {1: _node, 5: _tensor, 15: _sparse}, externals, depth)


def _node(message: _Message, externals: list[str], depth: int) -> None:
    _walk(message, {5: _attribute}, externals, depth)


def _attribute(message: _Message, externals: list[str], depth: int) -> None:
    wanted = {5: _tensor, 6: _subgraph, 10: _tensor, 11: _subgraph, 22: _sparse, 23: _sparse}
    _walk(message, wanted, externals, depth)


def _sparse(message: _Message, externals: list[str], depth: int) -> None:
    _walk(message, {1: _tensor, 2: _tensor}, externals, depth)


def _tensor(message: _Message, externals: list[str], _depth: int) -> None:
    outside = _initializer(message).external
    if outside is not None:
        externals.append(outside.location)


def _initializer(message: _Message) -> Initializer:
    name, kind_of_data, shape, entries, elsewhere = "", 0, [], {}, False
    for number, kind, start, end in message.fields():
        if number == 1:
            shape += [start] if kind == _VARINT else _packed(message.sub(start, end))
        elif number == 2 and kind == _VARINT:
            kind_of_data = start
        elif number == 8:
            name = message.text(start, end)
        elif number == 13:
            key, value = _entry(message.sub(start, end))
            if entries.setdefault(key, value) != value:  # which of the two counts is the reader's choice
                raise _CutShortError
        elif number == 14:
            elsewhere = start == 1
    external = None
    if elsewhere or entries:
        length = entries.get("length")
        external = External(
            entries.get("location", ""), _whole(entries.get("offset", "0")), _whole(length) if length else None
        )
    return Initializer(name, kind_of_data, tuple(shape), message.start, message.end, external)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise _CutShortError
    return int(text)


def _entry(message: _Message) -> tuple[str, str]:
    texts = {number: message.text(start, end) for number, _, start, end in message.fields()}
    return texts.get(1, ""), texts.get(2, "")


def _packed(message: _Message) -> list[int]:
    values, at = [], message.start
    while at < message.end:
        value, at = message._varint(at)
        values.append(value)
    return values


def _signature(message: _Message) -> Signature:
    name, kind_of_data, shape = "", 0, []
    for number, _, start, end in message.fields():
        if number == 1:
            name = message.text(start, end)
        elif number == 2:
            tensor = _first(message.sub(start, end), 1)
            for field, kind, first, last in tensor.fields() if tensor else ():
                if field == 1 and kind == _VARINT:
                    kind_of_data = first
                elif field == 2 and kind == _BYTES:
                    shape = _shape(message.sub(first, last))
    return Signature(name, kind_of_data, tuple(shape))


def _shape(message: _Message) -> list[int]:
    sides = []
    for number, kind, start, end in message.fields():
        if number == 1 and kind == _BYTES:
            fields = message.sub(start, end).fields()
            known = [value for field, wire, value, _ in fields if field == 1 and wire == _VARINT]
            sides.append(known[0] if known and known[0] < 1 << 62 else 0)
    return sides


def _first(message: _Message, wanted: int) -> _Message | None:
    for number, kind, start, end in message.fields():
        if number == wanted and kind == _BYTES:
            return message.sub(start, end)
    return None


def _values(path: Path, tensor: Initializer) -> np.ndarray:
    dtype = np.dtype(_DTYPES[tensor.kind])
    count = int(np.prod(tensor.shape))
    if tensor.external is not None:
        outside = _beside(Graph(path, (), (), (), ()), tensor.external.location)
        values = np.fromfile(outside, dtype, count, offset=tensor.external.offset)
    else:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            values = _inline(_Message(data, tensor.start, tensor.end), dtype, tensor.kind)
    if values.size != count:
        raise RenderError("weights-truncated", f"{path.name} is cut short or damaged; copy or download it again.")
    return values.reshape(tensor.shape).astype(np.float32)


def _inline(message: _Message, dtype: np.dtype, kind_of_data: int) -> np.ndarray:
    typed = {1: 4, 11: 10}.get(kind_of_data)
    parts = [
        np.frombuffer(message.data[start:end], dtype)
        for number, kind, start, end in message.fields()
        if number in (9, typed) and (kind == _BYTES or number == typed) and end > start
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def _what_it_is(head: bytes) -> str:
    if head.lstrip().lower().startswith(_WEB_PAGE):
        return ": it is a web page, which some downloads give instead of the file"
    if head.startswith(b"version https://git-lfs"):
        return ": it is a Git LFS pointer; fetch the file itself"
    if head.startswith(b"PK"):
        return ": it is an archive or a PyTorch file"
    return ""
