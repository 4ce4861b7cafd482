"""The model store: finds a weight file by its card's name and verifies its hash before it is opened."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.models.card import CARD_SUFFIX, Card, read_card
from faceplate.system.paths import data_folder

__all__ = [
    "EMBEDDED",
    "ModelStore",
    "check_policy",
    "default_store",
    "digest",
    "embedded_store",
    "store_folders",
]

EMBEDDED = Path(__file__).parent / "weights"
"""Folder of the weights that ship inside the package."""


@dataclass(frozen=True)
class ModelStore:
    """Folders that hold `NAME.card.json` and the file that each card names; earlier folders take precedence.

    Rendering writes nothing into a folder, so a store may be a read-only network share.
    """

    folders: tuple[Path, ...]
    _verified: set[Path] = field(default_factory=set, compare=False, repr=False)

    @cached_property
    def cards(self) -> dict[str, tuple[Card, Path]]:
        """All readable cards by name, each with its folder."""
        return self._all_cards[0]

    @cached_property
    def bad_cards(self) -> dict[str, tuple[Path, UsageError]]:
        """All unreadable cards by file name, each with its path and error; they do not affect other cards."""
        return self._all_cards[1]

    @cached_property
    def _all_cards(self) -> tuple[dict[str, tuple[Card, Path]], dict[str, tuple[Path, UsageError]]]:
        found: dict[str, tuple[Card, Path]] = {}
        bad: dict[str, tuple[Path, UsageError]] = {}
        for folder in reversed(self.folders):
            for path in sorted(folder.glob(f"*{CARD_SUFFIX}")):
                try:
                    card = read_card(path)
                except UsageError as error:
                    name = path.name.removesuffix(CARD_SUFFIX)
                    bad[name] = (path, error)
                    found.pop(name, None)  # a broken card is not replaced by another folder's card
                    continue
                found[card.name] = (card, folder)
                bad.pop(card.name, None)
        return found, bad

    def __iter__(self) -> Iterator[Card]:
        """Iterate over the readable cards."""
        return (card for card, _ in self.cards.values())

    def card(self, name: str) -> Card:
        """Return the card called `name`.

        Raises
        ------
        UsageError
            `unknown-model`, with the available names; `bad-card` when the card cannot be read.
        """
        return self._entry(name)[0]

    def folder(self, name: str) -> Path:
        """Return the folder of card `name`. Raises as `card` does."""
        return self._entry(name)[1]

    def path(self, name: str) -> Path:
        """Return the weight file of card `name`, after verifying its hash and those of the files beside it, once per store.

        Raises
        ------
        UsageError
            `unknown-model`.
        RenderError
            `weights-missing` or `weights-changed`.
        """
        card, folder = self._entry(name)
        path = folder / card.file
        if path not in self._verified:
            _check_hash(path, card.sha256, card)
            for outside in card.external:
                _check_hash(folder / outside.file, outside.sha256, card)
            self._verified.add(path)
        return path

    def of_family(self, family: str) -> Card | None:
        """Return the first card by name of kind `family`, preferring those whose files are present; None without any."""
        found = sorted((not self.is_there(card.name), card.name) for card in self if card.family == family)
        return self.card(found[0][1]) if found else None

    def is_there(self, name: str) -> bool:
        """Check whether every file of card `name` is in the store. Raises as `card` does."""
        card, folder = self._entry(name)
        return all((folder / file).is_file() for file in card.files)

    def verify(self, names: Iterable[str] = ()) -> dict[str, str]:
        """Hash every weight file again, or those of `names`; return each card's name with its fault, '' when there is none."""
        fresh, found = ModelStore(self.folders), {}
        for name in tuple(names) or tuple(sorted({*fresh.cards, *fresh.bad_cards})):
            try:
                fresh.path(name)
                found[name] = ""
            except FaceplateError as error:
                if isinstance(error, UsageError) and name not in fresh.bad_cards:
                    raise
                found[name] = str(error)
        return found

    def writable(self) -> Path:
        """Return the first writable folder, created if necessary; never the embedded one.

        Raises
        ------
        UsageError
            `store-read-only`.
        """
        for folder in self.folders:
            if folder != EMBEDDED and _is_writable(folder):
                return folder
        raise UsageError(
            "store-read-only", "No folder of the model store can be written; name one of your own in FACEPLATE_MODELS."
        )

    def _entry(self, name: str) -> tuple[Card, Path]:
        if name in self.bad_cards:
            raise self.bad_cards[name][1]
        if name not in self.cards:
            known = ", ".join(sorted(self.cards)) or "none"
            raise UsageError("unknown-model", f"There is no model called '{name}'; the store has: {known}.")
        return self.cards[name]


def digest(path: Path) -> str:
    """Compute the sha256 of a file, in hexadecimal. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_hash(path: Path, wanted: str, card: Card) -> None:
    try:
        actual = digest(path)
    except OSError as error:
        how = f"; run: faceplate models fetch {card.name}" if card.url and not path.exists() else ""
        raise RenderError(
            "weights-missing", f"The weights of '{card.name}' cannot be read at {path}: {error.strerror}{how}."
        ) from error
    if actual != wanted:
        raise RenderError(
            "weights-changed",
            f"The weights of '{card.name}' at {path} are not the file on their card (sha256 {actual[:12]}… instead of "
            f"{wanted[:12]}…); put the original file back.",
        )


@cache
def embedded_store() -> ModelStore:
    """Return the store of the weights that ship inside the package, all of them free for commercial use."""
    return ModelStore((EMBEDDED,))


def default_store(environment: dict[str, str] | None = None) -> ModelStore:
    """Return the store over the folders of `FACEPLATE_MODELS` (as in PATH), else the user's own; then the embedded weights."""
    return ModelStore((*store_folders(environment), EMBEDDED))


def store_folders(environment: dict[str, str] | None = None) -> tuple[Path, ...]:
    """List the folders of a user's or a studio's models: `FACEPLATE_MODELS`, else the platform's folder for user data."""
    values = os.environ if environment is None else environment
    named = [Path(part).expanduser() for part in values.get("FACEPLATE_MODELS", "").split(os.pathsep) if part.strip()]
    return tuple(named) or (data_folder() / "models",)


def _is_writable(folder: Path) -> bool:
    probe = folder / f".write-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def check_policy(cards: Iterable[Card], allow_noncommercial: bool) -> None:
    """Check that the show may use every card.

    Raises
    ------
    UsageError
        `licence-forbidden`, with the weight's name.
    """
    if allow_noncommercial:
        return
    for card in cards:
        if not card.commercial:
            raise UsageError(
                "licence-forbidden",
                f"The show forbids non-commercial weights and '{card.name}' is under '{card.licence}'; "
                "choose another network, or set allow_noncommercial if the licence permits your use.",
            )
