"""Cards: what a weight file is, where it came from, and what one may do with it.

A card is a small JSON file beside the weights. Nothing opens a network without its card, because the card holds the
hash that proves the file and the licence that a show's policy asks about.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceplate.errors import UsageError
from faceplate.system.atomic import publish, temporary_beside

__all__ = ["CARD_SUFFIX", "Card", "External", "Tensor", "is_plain_name", "read_card", "write_card"]

CARD_SUFFIX = ".card.json"
_PLAIN_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"


class Tensor(BaseModel):
    """One input or output of a network: its name in the graph, its shape (0 = any), and what the numbers mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    meaning: str


class External(BaseModel):
    """A file beside the graph that holds some of its weights: a plain name, and its hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(pattern=_PLAIN_NAME)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Card(BaseModel):
    """What a weight file is.

    `sha256` is of the file as it lies on disk. `commercial` says whether the licence allows use in a paid production;
    `licence` is an SPDX identifier or a short name. `family` is the recipe that feeds it (`faceplate.models.kinds`),
    where one is needed. `url`, then `mirrors`, is where `fetch` finds the file. `fp16_ok` allows half precision where a
    device is faster with it; `fp32` names the card of the same network in single precision, for when half overflows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.+-]*$")
    role: str
    file: str = Field(pattern=_PLAIN_NAME)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    version: str
    licence: str
    commercial: bool
    source: str
    converted: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    family: str | None = None
    fp16_ok: bool = False
    fp32: str | None = None
    url: str | None = Field(default=None, pattern=r"^https?://")
    mirrors: tuple[str, ...] = ()
    external: tuple[External, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The graph's file and those beside it that hold weights."""
        return (self.file, *(item.file for item in self.external))

    @property
    def kind(self) -> str:
        """The recipe that feeds this network: its family, or its own name where that says it (`yunet`)."""
        return self.family or self.name


def is_plain_name(name: str) -> bool:
    """Whether a file may be called that in a store."""
    return re.fullmatch(_PLAIN_NAME, name) is not None


def read_card(path: Path) -> Card:
    """The card at `path`; `UsageError('bad-card')` names the first field that is wrong."""
    try:
        return Card.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError("bad-card", f"The card {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError("bad-card", f"The card {path.name} is not valid: {field}: {first['msg']}.") from error


def write_card(folder: Path, card: Card) -> Path:
    """Writes `NAME.card.json` into `folder`, whole or not at all. Raises what `publish` raises."""
    path = folder / f"{card.name}{CARD_SUFFIX}"
    with temporary_beside(path) as temporary:
        temporary.write_text(card.model_dump_json(indent=2, exclude_defaults=True) + "\n", encoding="utf-8")
        publish(temporary, path)
    return path
