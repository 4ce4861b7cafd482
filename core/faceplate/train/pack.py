"""The files of a training dataset: one pack of aligned faces for each person, and the document `dataset.json`.

A pack is a set of uncompressed `.npy` files, opened as memory maps, so that a dataset may be larger than the memory and
several processes share its pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceplate.consent import refuse_revoked
from faceplate.errors import UsageError
from faceplate.system.atomic import publish, temporary_beside, write_bytes, write_failed

__all__ = [
    "ACTOR",
    "DOCUMENT",
    "DOUBLE",
    "EYES",
    "MOUTH",
    "SIZES",
    "TEMPLATE",
    "Dropped",
    "Pack",
    "TrainingSet",
    "dataset_folder",
    "open_pack",
    "open_training_set",
    "pack_digest",
    "write_pack",
    "write_training_set",
]

TEMPLATE = "dfl_whole_face"
"""The crop template of a dataset; the same as of the DFM generator that runs an exported model."""

ACTOR, DOUBLE = "actor", "double"
"""The two people of a swap: who is put in, and who is replaced."""

EYES, MOUTH = 1, 2
"""Bits of `Pack.regions`."""

SIZES = (64, 512)
"""The smallest and the largest side of a crop in pixels."""

DOCUMENT = "dataset.json"
_VERSION = 1


@dataclass(frozen=True)
class Pack:
    """The faces of one person, N crops of S pixels on `TEMPLATE`; read from disk they are memory maps.

    Attributes
    ----------
    pixels : ndarray
        float16 (N, S, S, 3), RGB in network space: display-referred, 0..1, highlights above 1 on the soft shoulder.
    matte : ndarray
        uint8 (N, S, S), 255 = face.
    regions : ndarray
        uint8 (N, S, S), the bits `EYES` and `MOUTH`.
    landmarks : ndarray
        float32 (N, 478, 2), continuous crop pixels.
    embedding : ndarray
        float32 (N, 128), SFace's embedding of length 1.
    held_out : ndarray
        bool (N,), True for faces on which no step trains: whole stretches of neighbouring frames.
    """

    pixels: np.ndarray
    matte: np.ndarray
    regions: np.ndarray
    landmarks: np.ndarray
    embedding: np.ndarray
    held_out: np.ndarray

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self.pixels)

    @property
    def side(self) -> int:
        """The crop's side in pixels."""
        return self.pixels.shape[1]


_DTYPES: dict[str, Any] = {
    "pixels": np.float16,
    "matte": np.uint8,
    "regions": np.uint8,
    "landmarks": np.float32,
    "embedding": np.float32,
    "held_out": np.bool_,
}


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dropped(_Document):
    """A face that did not enter the dataset, and the reason."""

    file: str
    frame: int | None = None
    reason: str


class TrainingSet(_Document):
    """The document of a dataset.

    Attributes
    ----------
    size : int
        The crop's side in pixels.
    people : dict
        For each person (`actor`, `double`) the files that the faces were taken from.
    releases : tuple of str
        Ids of the releases that permit `training`; empty for invented people.
    sha256 : str
        `pack_digest` of the packs.
    coverage : dict
        How many faces of each person look where, in what light (`train.coverage`).
    dropped : tuple of Dropped
        The faces that were left out.
    """

    version: int = Field(default=_VERSION, ge=1, le=_VERSION)
    size: int = Field(ge=SIZES[0], le=SIZES[1])
    people: dict[str, tuple[str, ...]]
    releases: tuple[str, ...] = ()
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    coverage: dict[str, Any] = {}
    dropped: tuple[Dropped, ...] = ()


def dataset_folder(model: Path) -> Path:
    """Return the folder of the dataset in a model's folder."""
    return model / "dataset"


def write_pack(folder: Path, person: str, pack: Pack) -> None:
    """Write the pack of `person` as `folder/PERSON.*.npy`, each file whole or not at all.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for item in fields(Pack):
        array = np.ascontiguousarray(getattr(pack, item.name), _DTYPES[item.name])
        path = _array_path(folder, person, item.name)
        with temporary_beside(path) as part:
            try:
                np.save(part, array, allow_pickle=False)
            except OSError as error:
                raise write_failed(path, error) from error
            publish(part, path)


def open_pack(folder: Path, person: str) -> Pack:
    """Open the pack of `person` as memory maps.

    Raises
    ------
    UsageError
        `bad-dataset` for a file that is missing, damaged or does not fit the others.
    """
    arrays = {item.name: _open_array(_array_path(folder, person, item.name)) for item in fields(Pack)}
    pack = Pack(**arrays)
    count, side = pack.pixels.shape[0], pack.pixels.shape[1] if pack.pixels.ndim == 4 else 0
    shapes = {
        "pixels": (count, side, side, 3),
        "matte": (count, side, side),
        "regions": (count, side, side),
        "landmarks": (count, 478, 2),
        "embedding": (count, 128),
        "held_out": (count,),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape or arrays[name].dtype != _DTYPES[name]:
            raise _bad(_array_path(folder, person, name), "it does not fit the other files of the pack")
    return pack


def pack_digest(folder: Path, people: Iterable[str]) -> str:
    """Compute the sha256 over the packs of `people`, in hexadecimal: names and bytes of every file, in one order."""
    whole = hashlib.sha256()
    for person in sorted(people):
        for item in fields(Pack):
            path = _array_path(folder, person, item.name)
            whole.update(f"{path.name}\0".encode())
            try:
                with path.open("rb") as file:
                    whole.update(hashlib.file_digest(file, "sha256").digest())
            except OSError as error:
                raise _bad(path, error.strerror or "it cannot be read") from error
    return whole.hexdigest()


def write_training_set(folder: Path, document: TrainingSet) -> Path:
    """Write `dataset.json` into the dataset's folder, whole or not at all. Raises as `write_bytes` does."""
    path = folder / DOCUMENT
    text = json.dumps(document.model_dump(mode="json"), indent=2, ensure_ascii=False)
    write_bytes(path, f"{text}\n".encode())
    return path


def open_training_set(model: Path, verify: bool = False) -> tuple[TrainingSet, dict[str, Pack]]:
    """Open the dataset of a model's folder: its document and the pack of every person, the actor's first.

    A dataset that was made under a release that has been revoked since is refused, so that nothing is trained on it, exported or
    sent to a farm.

    Parameters
    ----------
    model : Path
        The model's folder; the dataset is in `dataset_folder(model)`.
    verify : bool
        Whether to read every file and compare the hash with the document's.

    Raises
    ------
    UsageError
        `no-dataset`, `bad-dataset`, and what `refuse_revoked` raises.
    """
    folder = dataset_folder(model)
    path = folder / DOCUMENT
    if not path.is_file():
        raise UsageError("no-dataset", f"{model} holds no dataset; make one with: faceplate train dataset {model}")
    try:
        document = TrainingSet.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise _bad(path, f"{where}: {first['msg']}") from error
    except OSError as error:
        raise _bad(path, error.strerror or "it cannot be read") from error
    refuse_revoked(str(model), document.releases)
    people = sorted(document.people, key=lambda person: person != ACTOR)  # the actor first, the others in their order
    packs = {person: open_pack(folder, person) for person in people}
    for person, pack in packs.items():
        if pack.side != document.size:
            raise _bad(_array_path(folder, person, "pixels"), f"its faces are not of {document.size} pixels")
    if verify and pack_digest(folder, document.people) != document.sha256:
        raise _bad(path, "the faces are not those that it was written for (sha256)")
    return document, packs


def _array_path(folder: Path, person: str, name: str) -> Path:
    return folder / f"{person}.{name}.npy"


def _open_array(path: Path) -> np.ndarray:
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
        raise _bad(path, reason) from error
    if array.ndim == 0:
        raise _bad(path, "it is damaged")
    return array


def _bad(path: Path, reason: str) -> UsageError:
    return UsageError("bad-dataset", f"The dataset file {path} cannot be used: {reason}; make the dataset again.")
