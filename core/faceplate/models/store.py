"""The store: finds a weight file by its card's name and proves its hash before anyone opens it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from faceplate.errors import RenderError, UsageError
from faceplate.models.card import Card, read_card

__all__ = ["ModelStore", "embedded_store"]

_EMBEDDED = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class ModelStore:
    """Folders that hold `NAME.card.json` and the file each card names; earlier folders win.

    Nothing is written into a folder, so a store may lie on a read-only network share.
    """

    folders: tuple[Path, ...]
    _proved: set[Path] = field(default_factory=set, compare=False, repr=False)

    @cached_property
    def cards(self) -> dict[str, tuple[Card, Path]]:
        """Every card by name, with the folder it lies in. Raises `UsageError('bad-card')`."""
        found: dict[str, tuple[Card, Path]] = {}
        for folder in reversed(self.folders):
            for path in sorted(folder.glob("*.card.json")):
                card = read_card(path)
                found[card.name] = (card, folder)
        return found

    def __iter__(self) -> Iterator[Card]:
        return (card for card, _ in self.cards.values())

    def card(self, name: str) -> Card:
        """The card called `name`; `UsageError('unknown-model')` lists what there is."""
        return self._entry(name)[0]

    def path(self, name: str) -> Path:
        """The weight file of card `name`, its hash proved (once per store and file).

        Raises `UsageError('unknown-model')`, `RenderError('weights-missing')`, `RenderError('weights-changed')`.
        """
        card, folder = self._entry(name)
        path = folder / card.file
        if path not in self._proved:
            _prove(path, card)
            self._proved.add(path)
        return path

    def _entry(self, name: str) -> tuple[Card, Path]:
        if name not in self.cards:
            known = ", ".join(sorted(self.cards)) or "none"
            raise UsageError("unknown-model", f"There is no model called '{name}'; the store has: {known}.")
        return self.cards[name]


def _prove(path: Path, card: Card) -> None:
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RenderError(
            "weights-missing", f"The weights of '{card.name}' cannot be read at {path}: {error.strerror}."
        ) from error
    if actual != card.sha256:
        raise RenderError(
            "weights-changed",
            f"The weights of '{card.name}' at {path} are not the file on their card (sha256 {actual[:12]}… instead of "
            f"{card.sha256[:12]}…); put the original file back.",
        )


def embedded_store() -> ModelStore:
    """The weights that ship inside the package, each free for commercial use."""
    return ModelStore((_EMBEDDED,))
