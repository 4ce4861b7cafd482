"""Model cards: what a weight file is, where it comes from, and what its licence allows.

A card is a small JSON file beside the weights. No network is opened without its card, because the card holds the hash
that verifies the file and the licence that a show's policy checks.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceplate.errors import UsageError
from faceplate.system.atomic import publish, temporary_beside

__all__ = ["CARD_SUFFIX", "Card", "External", "Tensor", "Trained", "is_plain_name", "read_card", "write_card"]

CARD_SUFFIX = ".card.json"
_PLAIN_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"


class Tensor(BaseModel):
    """One input or output of a network: its name in the graph, its shape (0 = any length), and its meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    meaning: str


class External(BaseModel):
    """A file beside the graph that holds some of its weights: a plain file name and its hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(pattern=_PLAIN_NAME)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Trained(BaseModel):
    """How a network of the studio's own was made (`faceplate train`).

    Attributes
    ----------
    footage : dict
        For each person of the dataset, the names of the files that the faces were taken from.
    dataset : str
        sha256 over the faces of the dataset.
    steps : int
        Training steps that the weights have behind them.
    side : int
        The crop's side in pixels.
    base : str, optional
        The dataset hash of the model that the training began at (`--init`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    footage: dict[str, tuple[str, ...]]
    dataset: str = Field(pattern=r"^[0-9a-f]{64}$")
    steps: int = Field(ge=0)
    side: int = Field(ge=1)
    base: str | None = None


class Card(BaseModel):
    """Description of a weight file.

    Attributes
    ----------
    sha256 : str
        Hash of the file as it is on disk.
    commercial : bool
        Whether the licence allows use in a paid production.
    licence : str
        An SPDX identifier or a short name.
    family : str, optional
        The kind of network, which selects how it is fed (`faceplate.models.kinds`).
    url, mirrors
        Addresses from which `fetch_model` downloads the file, in this order.
    fp16_ok : bool
        Allows half precision on devices where it is faster.
    fp32 : str, optional
        Name of the card of the same network in single precision, used when half precision overflows.
    releases : tuple of str
        Ids of the releases under which a person's own model was trained. Revoking one refuses the model.
    trained : Trained, optional
        How the network was trained, if `faceplate train` made it.
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
    releases: tuple[str, ...] = ()
    trained: Trained | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The graph's file and the files beside it that hold weights."""
        return (self.file, *(item.file for item in self.external))

    @property
    def kind(self) -> str:
        """The kind that selects how this network is fed: its family, or its own name where that is a kind (`yunet`)."""
        return self.family or self.name


def is_plain_name(name: str) -> bool:
    """Check whether a store accepts `name` as a file name."""
    return re.fullmatch(_PLAIN_NAME, name) is not None


def read_card(path: Path) -> Card:
    """Read the card at `path`.

    Raises
    ------
    UsageError
        `bad-card`, with the first invalid field.
    """
    try:
        return Card.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError("bad-card", f"The card {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError("bad-card", f"The card {path.name} is not valid: {field}: {first['msg']}.") from error


def write_card(folder: Path, card: Card) -> Path:
    """Write `NAME.card.json` into `folder`, completely or not at all. Raises what `publish` raises."""
    path = folder / f"{card.name}{CARD_SUFFIX}"
    with temporary_beside(path) as temporary:
        temporary.write_text(card.model_dump_json(indent=2, exclude_defaults=True) + "\n", encoding="utf-8")
        publish(temporary, path)
    return path
