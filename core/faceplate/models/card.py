"""Cards: what a weight file is, where it came from, and what one may do with it.

A card is a small JSON file beside the weights. Nothing opens a network without its card, because the card holds the
hash that proves the file and the licence that a show's policy asks about.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceplate.errors import UsageError

__all__ = ["Card", "Tensor", "read_card"]


class Tensor(BaseModel):
    """One input or output of a network: its name in the graph, its shape (0 = any), and what the numbers mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    meaning: str


class Card(BaseModel):
    """What a weight file is.

    `sha256` is of the file as it lies on disk. `commercial` says whether the licence allows use in a paid production;
    `licence` is an SPDX identifier or a short name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.+-]*$")
    role: str
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    version: str
    licence: str
    commercial: bool
    source: str
    converted: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


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
