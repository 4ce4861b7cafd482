"""PReLU written as simpler operators, which ONNX Runtime computes in a small part of the time on a CPU.

Its PRelu goes through one number after the other. max(x, 0) + slope * min(x, 0) is the same to the last bit, because one of the
two terms is 0, and each of its operators is vectorised. The file itself, with its hash, stays as it is. Field numbers are those of
`onnx.proto3`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from faceplate.models.protobuf import BYTES, VARINT, DamagedFileError, Message

__all__ = ["without_prelu"]

_GRAPH, _OPSET = 7, 8
_NODE, _INITIALIZER = 1, 5
_INPUT, _OUTPUT, _OPERATOR, _DOMAIN = 1, 2, 4, 7
_FLOAT = 1
# From this version of the operators on, Min takes inputs of different shapes.
_LEAST_OPSET = 8
_ZERO = "faceplate.zero"

Bytes: TypeAlias = bytes | memoryview


def without_prelu(path: Path) -> bytes | None:
    """Return the ONNX file with every PRelu of single precision replaced; None where it has none, or cannot be read."""
    try:
        content = path.read_bytes()
        model = Message(content, 0, len(content))
        graphs = [
            model.sub(start, end) for number, kind, start, end in model.fields() if (number, kind) == (_GRAPH, BYTES)
        ]
        if len(graphs) != 1 or _opset(model) < _LEAST_OPSET:
            return None
        graph = _rewritten(graphs[0])
        if graph is None:
            return None
        kept = [part for field in model.fields() if field[0] != _GRAPH for part in _raw(model, *field)]
    except (OSError, DamagedFileError):
        return None
    return b"".join([*kept, _head(_GRAPH, sum(map(len, graph))), *graph])


def _opset(model: Message) -> int:
    """Return the version of ONNX's own operators that a model uses; 0 where it does not say."""
    for number, kind, start, end in model.fields():
        if number == _OPSET and kind == BYTES:
            entry = {field: (low, high) for field, _, low, high in model.sub(start, end).fields()}
            if not model.data[slice(*entry.get(1, (0, 0)))]:
                return entry.get(2, (0, 0))[0]
    return 0


def _rewritten(graph: Message) -> list[Bytes] | None:
    """Return the graph in pieces with its PRelu nodes replaced; None where it has none with a slope of single precision."""
    slopes = {name for name, kind in _initializers(graph) if kind == _FLOAT}
    pieces: list[Bytes] = []
    replaced = False
    for field in graph.fields():
        number, kind, start, end = field
        nodes = _replacement(graph.sub(start, end), slopes) if (number, kind) == (_NODE, BYTES) else None
        pieces += _raw(graph, *field) if nodes is None else [_bytes_field(_NODE, node) for node in nodes]
        replaced |= nodes is not None
    zero = _varint_field(2, _FLOAT) + _bytes_field(8, _ZERO.encode()) + _bytes_field(9, bytes(4))
    return [*pieces, _bytes_field(_INITIALIZER, zero)] if replaced else None


def _initializers(graph: Message) -> Iterator[tuple[str, int]]:
    """Yield name and element type of each stored tensor."""
    for number, kind, start, end in graph.fields():
        if (number, kind) == (_INITIALIZER, BYTES):
            name, element = "", 0
            for field, wire, low, high in graph.sub(start, end).fields():
                if (field, wire) == (2, VARINT):
                    element = low
                elif field == 8:
                    name = graph.text(low, high)
            yield name, element


def _replacement(node: Message, slopes: set[str]) -> list[bytes] | None:
    """Return the nodes that take the place of a PRelu; None for another node."""
    found: dict[int, list[str]] = {_INPUT: [], _OUTPUT: [], _OPERATOR: [], _DOMAIN: []}
    for number, kind, start, end in node.fields():
        if number in found and kind == BYTES:
            found[number].append(node.text(start, end))
    if (
        found[_OPERATOR] != ["PRelu"]
        or any(found[_DOMAIN])
        or len(found[_INPUT]) != 2
        or found[_INPUT][1] not in slopes
    ):
        return None
    (value, slope), (made,) = found[_INPUT], found[_OUTPUT]
    above, below, scaled = (f"{made}.{part}" for part in ("above", "below", "scaled"))
    return [
        _node("Relu", [value], above),
        _node("Min", [value, _ZERO], below),
        _node("Mul", [below, slope], scaled),
        _node("Add", [above, scaled], made),
    ]


def _node(operator: str, inputs: list[str], output: str) -> bytes:
    named = [_bytes_field(_INPUT, name.encode()) for name in inputs]
    return b"".join([*named, _bytes_field(_OUTPUT, output.encode()), _bytes_field(_OPERATOR, operator.encode())])


def _raw(message: Message, number: int, kind: int, start: int, end: int) -> list[Bytes]:
    """Return a field of `message` as it is stored, in pieces; its content is not copied."""
    if kind == VARINT:
        return [_varint_field(number, start)]
    head = _head(number, end - start) if kind == BYTES else _varint(number << 3 | kind)
    return [head, memoryview(message.data)[start:end]]


def _bytes_field(number: int, content: bytes) -> bytes:
    return _head(number, len(content)) + content


def _head(number: int, length: int) -> bytes:
    return _varint(number << 3 | BYTES) + _varint(length)


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3 | VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 128:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])
