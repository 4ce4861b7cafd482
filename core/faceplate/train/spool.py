"""The crops of a person on disk while their dataset is made, so that a long movie needs no memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from faceplate.system.atomic import temporary_beside, write_failed
from faceplate.train.crops import FaceCrop

__all__ = ["Spool"]


@dataclass
class Spool:
    """The crops of one person as they come, in one hidden file for each array, so that they need no memory."""

    path: Path
    size: int
    files: dict[str, BinaryIO]
    count: int = 0

    @classmethod
    @contextlib.contextmanager
    def beside(cls, path: Path, size: int) -> Iterator[Spool]:
        """Open the spool; its files are removed at the end."""
        with contextlib.ExitStack() as stack:
            files = {}
            for name in ("pixels", "matte", "regions"):
                part = stack.enter_context(temporary_beside(path.with_suffix(f".{name}")))
                try:
                    files[name] = stack.enter_context(part.open("w+b"))
                except OSError as error:
                    raise write_failed(path, error) from error
            yield cls(path, size, files)

    def add(self, crop: FaceCrop) -> None:
        """Store a crop. Raises `RenderError('disk-full')`."""
        try:
            for name, file in self.files.items():
                file.write(getattr(crop, name).tobytes())
                file.flush()
        except OSError as error:
            raise write_failed(self.path, error) from error
        self.count += 1

    def chosen(self, name: str, kind: type, numbers: Sequence[int]) -> np.ndarray:
        """Return the crops of rising `numbers`, moved to the front of the file, as a memory map."""
        shape = (self.count, self.size, self.size, *((3,) if name == "pixels" else ()))
        every = np.memmap(self.files[name], kind, "r+", shape=shape)
        for place, number in enumerate(numbers):
            if place != number:
                every[place] = every[number]
        return every[: len(numbers)]
