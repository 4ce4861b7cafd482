"""Lazy reader of an ONNX file's header: inputs, outputs, stored weights and outside files.

ONNX Runtime does not expose a graph's weights or where they lie, and the `onnx` package is no runtime dependency. The
few fields that are needed are read here with the field numbers of `onnx.proto3` (see `protobuf` for the encoding). The
file is memory-mapped: only the requested parts are read.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from faceplate.errors import RenderError
from faceplate.models.protobuf import BYTES, VARINT, DamagedFileError, Message

__all__ = ["External", "Graph", "Initializer", "Signature", "check_external", "read_graph"]

# TensorProto.DataType
_DTYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}

_MAX_DEPTH = 32

_WEB_PAGE = (b"<!doc", b"<html", b"<?xml")


@dataclass(frozen=True)
class Signature:
    """One input or output: name, element type (ONNX's number, 1 = float32, 10 = float16) and shape (0 = any length)."""

    name: str
    kind: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class External:
    """Weights outside the graph's file: path as written in the graph, offset, and length in bytes (None: to the end)."""

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
    """The header of an ONNX file.

    Attributes
    ----------
    path : Path
        The file.
    inputs, outputs : tuple of Signature
        Inputs that are not weights, and outputs.
    initializers : tuple of Initializer
        The weights in the order of the file.
    externals : tuple of str
        Every outside file that the graph names.
    metadata : mapping of str to str
        The model's properties by name.
    """

    path: Path
    inputs: tuple[Signature, ...]
    outputs: tuple[Signature, ...]
    initializers: tuple[Initializer, ...]
    externals: tuple[str, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def last_initializer(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the last stored tensor of that shape, float32.

        Raises
        ------
        RenderError
            `wrong-signature` when there is none.
        """
        for tensor in reversed(self.initializers):
            if tensor.shape == shape and tensor.kind in (1, 10, 11):
                return _tensor_values(self.path, tensor)
        size = "x".join(map(str, shape))
        raise RenderError(
            "wrong-signature", f"{self.path.name} holds no {size} matrix; it is another network than its card says."
        )


def read_graph(path: Path) -> Graph:
    """Read the header of the ONNX file at `path`.

    Raises
    ------
    RenderError
        `weights-missing`, `not-onnx` (another kind of file) or `weights-truncated`.
    """
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) == 0:
                raise RenderError("weights-truncated", f"{path.name} is empty; copy or download it again.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _parse_model(path, Message(data, 0, len(data)))
    except OSError as error:
        raise RenderError("weights-missing", f"{path} cannot be read: {error.strerror}.") from error
    except DamagedFileError as error:
        raise RenderError(
            "weights-truncated", f"{path.name} is cut short or damaged; copy or download it again."
        ) from error
    except _NotOnnxError as error:
        raise RenderError("not-onnx", f"{path.name} is not an ONNX network{error}.") from error


def check_external(graph: Graph) -> tuple[Path, ...]:
    """List the files beside the graph that hold weights, after checking that each lies in the graph's own folder.

    Raises
    ------
    RenderError
        `external-outside` for a path that leaves the folder (absolute, `..`, a link that points elsewhere),
        `external-missing` for a file that does not exist.
    """
    return tuple(_path_beside(graph, location) for location in graph.externals)


def _path_beside(graph: Graph, location: str) -> Path:
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
            f"{graph.path.name} asks for weights in '{location}'; only a file beside it is allowed, so it is refused.",
        )
    if not path.is_file():
        raise RenderError(
            "external-missing",
            f"{graph.path.name} keeps weights in '{location}', which is not beside it; bring that file too.",
        )
    return path


class _NotOnnxError(Exception):
    pass


def _parse_model(path: Path, model: Message) -> Graph:
    head = model.data[: min(64, model.end)]
    if head[:1] != b"\x08":  # every writer puts `ir_version`, field 1, first
        raise _NotOnnxError(_foreign_format(head))
    graphs: list[Message] = []
    externals: list[str] = []
    metadata: dict[str, str] = {}
    for number, kind, start, end in model.fields():
        if number == 7 and kind == BYTES:
            graphs.append(model.sub(start, end))
        elif number == 25 and kind == BYTES:
            _visit(model.sub(start, end), {7: _node}, externals, 0)
        elif number == 14 and kind == BYTES:
            metadata.update([_parse_property(model.sub(start, end))])
    if not graphs:
        raise _NotOnnxError(": it holds no graph")
    if len(graphs) > 1:  # readers merge them, and no writer makes more than one
        raise DamagedFileError
    return replace(_parse_graph(path, graphs[0], externals), metadata=metadata)


def _parse_property(entry: Message) -> tuple[str, str]:
    """Return name and value of a StringStringEntryProto."""
    found = {number: entry.text(start, end) for number, kind, start, end in entry.fields() if kind == BYTES}
    return found.get(1, ""), found.get(2, "")


def _parse_graph(path: Path, graph: Message, externals: list[str]) -> Graph:
    inputs: list[Signature] = []
    outputs: list[Signature] = []
    initializers: list[Initializer] = []
    for number, kind, start, end in graph.fields():
        if kind != BYTES:
            continue
        part = graph.sub(start, end)
        if number == 5:
            initializers.append(_parse_initializer(part))
        elif number in (11, 12):
            (inputs if number == 11 else outputs).append(_parse_signature(part))
    _subgraph(graph, externals, 0)
    weights = {tensor.name for tensor in initializers}
    return Graph(
        path,
        tuple(item for item in inputs if item.name not in weights),
        tuple(outputs),
        tuple(initializers),
        tuple(dict.fromkeys(externals)),
    )


def _visit(message: Message, wanted: dict, externals: list[str], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise DamagedFileError
    for number, kind, start, end in message.fields():
        if kind == BYTES and number in wanted:
            wanted[number](message.sub(start, end), externals, depth + 1)


def _subgraph(message: Message, externals: list[str], depth: int) -> None:
    _visit(message, {1: _node, 5: _tensor, 15: _sparse_tensor}, externals, depth)


def _node(message: Message, externals: list[str], depth: int) -> None:
    _visit(message, {5: _attribute}, externals, depth)


def _attribute(message: Message, externals: list[str], depth: int) -> None:
    wanted = {5: _tensor, 6: _subgraph, 10: _tensor, 11: _subgraph, 22: _sparse_tensor, 23: _sparse_tensor}
    _visit(message, wanted, externals, depth)


def _sparse_tensor(message: Message, externals: list[str], depth: int) -> None:
    _visit(message, {1: _tensor, 2: _tensor}, externals, depth)


def _tensor(message: Message, externals: list[str], _depth: int) -> None:
    outside = _parse_initializer(message).external
    if outside is not None:
        externals.append(outside.location)


def _parse_initializer(message: Message) -> Initializer:
    name, kind_of_data, shape, entries, elsewhere = "", 0, [], {}, False
    for number, kind, start, end in message.fields():
        if number == 1:
            shape += [start] if kind == VARINT else _packed_integers(message.sub(start, end))
        elif number == 2 and kind == VARINT:
            kind_of_data = start
        elif number == 8:
            name = message.text(start, end)
        elif number == 13:
            key, value = _key_and_value(message.sub(start, end))
            if entries.setdefault(key, value) != value:  # readers differ in which of the two they use
                raise DamagedFileError
        elif number == 14:
            elsewhere = start == 1
    external = None
    if elsewhere or entries:
        length = entries.get("length")
        external = External(
            entries.get("location", ""),
            _parse_integer(entries.get("offset", "0")),
            _parse_integer(length) if length else None,
        )
    return Initializer(name, kind_of_data, tuple(shape), message.start, message.end, external)


def _parse_integer(text: str) -> int:
    if not text.isdecimal():
        raise DamagedFileError
    return int(text)


def _key_and_value(message: Message) -> tuple[str, str]:
    texts = {number: message.text(start, end) for number, _, start, end in message.fields()}
    return texts.get(1, ""), texts.get(2, "")


def _packed_integers(message: Message) -> list[int]:
    values, at = [], message.start
    while at < message.end:
        value, at = message.varint(at)
        values.append(value)
    return values


def _parse_signature(message: Message) -> Signature:
    name, kind_of_data, shape = "", 0, []
    for number, _, start, end in message.fields():
        if number == 1:
            name = message.text(start, end)
        elif number == 2:
            tensor = _first_submessage(message.sub(start, end), 1)
            for field, kind, first, last in tensor.fields() if tensor else ():
                if field == 1 and kind == VARINT:
                    kind_of_data = first
                elif field == 2 and kind == BYTES:
                    shape = _parse_shape(message.sub(first, last))
    return Signature(name, kind_of_data, tuple(shape))


def _parse_shape(message: Message) -> list[int]:
    sides = []
    for number, kind, start, end in message.fields():
        if number == 1 and kind == BYTES:
            fields = message.sub(start, end).fields()
            known = [value for field, wire, value, _ in fields if field == 1 and wire == VARINT]
            sides.append(known[0] if known and known[0] < 1 << 62 else 0)
    return sides


def _first_submessage(message: Message, wanted: int) -> Message | None:
    for number, kind, start, end in message.fields():
        if number == wanted and kind == BYTES:
            return message.sub(start, end)
    return None


def _tensor_values(path: Path, tensor: Initializer) -> np.ndarray:
    dtype = np.dtype(_DTYPES[tensor.kind])
    count = int(np.prod(tensor.shape))
    if tensor.external is not None:
        outside = _path_beside(Graph(path, (), (), (), ()), tensor.external.location)
        values = np.fromfile(outside, dtype, count, offset=tensor.external.offset)
    else:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            values = _inline_values(Message(data, tensor.start, tensor.end), dtype, tensor.kind)
    if values.size != count:
        raise RenderError("weights-truncated", f"{path.name} is cut short or damaged; copy or download it again.")
    return values.reshape(tensor.shape).astype(np.float32)


def _inline_values(message: Message, dtype: np.dtype, kind_of_data: int) -> np.ndarray:
    typed = {1: 4, 11: 10}.get(kind_of_data)
    parts = [
        np.frombuffer(message.data[start:end], dtype)
        for number, kind, start, end in message.fields()
        if number in (9, typed) and (kind == BYTES or number == typed) and end > start
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def _foreign_format(head: bytes) -> str:
    if head.lstrip().lower().startswith(_WEB_PAGE):
        return ": it is a web page, which some downloads give instead of the file"
    if head.startswith(b"version https://git-lfs"):
        return ": it is a Git LFS pointer; fetch the file itself"
    if head.startswith(b"PK"):
        return ": it is an archive or a PyTorch file"
    return ""
