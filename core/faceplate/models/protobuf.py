"""Reader for the Protocol Buffers wire format (protobuf.dev, "Encoding"), over a memory-mapped file."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["BYTES", "VARINT", "DamagedFileError", "Message"]

BYTES, VARINT = 2, 0


class DamagedFileError(Exception):
    """The file ends within a message or violates the encoding."""

    pass


@dataclass(frozen=True)
class Message:
    """A range of the file that holds one message."""

    data: mmap.mmap | bytes
    start: int
    end: int

    def fields(self) -> Iterator[tuple[int, int, int, int]]:
        """Iterate over (field number, wire type, start, end) of each field; for a varint `start` is its value.

        Raises
        ------
        DamagedFileError
            When a field exceeds the message or has an unknown wire type.
        """
        at = self.start
        while at < self.end:
            key, at = self.varint(at)
            number, kind = key >> 3, key & 7
            if key >> 32:  # a reader that keeps only 32 bits would see another field
                raise DamagedFileError
            if kind == VARINT:
                value, at = self.varint(at)
                yield number, kind, value, at
                continue
            if kind == BYTES:
                length, at = self.varint(at)
            elif kind in (1, 5):
                length = 8 if kind == 1 else 4
            else:
                raise DamagedFileError
            if at + length > self.end or number == 0:
                raise DamagedFileError
            yield number, kind, at, at + length
            at += length

    def sub(self, start: int, end: int) -> Message:
        """Return the message between `start` and `end`."""
        return Message(self.data, start, end)

    def text(self, start: int, end: int) -> str:
        """Decode the bytes between `start` and `end` as UTF-8."""
        return self.data[start:end].decode("utf-8", "replace")

    def varint(self, at: int) -> tuple[int, int]:
        """Read the varint at offset `at`; return its value and the offset after it."""
        value = shift = 0
        while True:
            if at >= self.end or shift > 63:
                raise DamagedFileError
            byte = self.data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
            shift += 7
