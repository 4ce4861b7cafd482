"""The store: finds a weight file by its card's name and proves its hash before anyone opens it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
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


@dataclass(frozen=True)
class ModelStore:
    """Folders that hold `NAME.card.json` and the file each card names; earlier folders win.

    Rendering writes nothing into a folder, so a store may lie on a read-only network share.
    """

    folders: tuple[Path, ...]
    _proved: set[Path] = field(default_factory=set, compare=False, repr=False)

    @cached_property
    def cards(self) -> dict[str, tuple[Card, Path]]:
        """Every card that can be read, by name, with the folder it lies in."""
        return self._read[0]

    @cached_property
    def bad_cards(self) -> dict[str, tuple[Path, UsageError]]:
        """Every card that cannot be read, by its file's name, with what is wrong; it stops nobody who wants another."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[dict[str, tuple[Card, Path]], dict[str, tuple[Path, UsageError]]]:
        found: dict[str, tuple[Card, Path]] = {}
        bad: dict[str, tuple[Path, UsageError]] = {}
        for folder in reversed(self.folders):
            for path in sorted(folder.glob(f"*{CARD_SUFFIX}")):
                try:
                    card = read_card(path)
                except UsageError as error:
                    name = path.name.removesuffix(CARD_SUFFIX)
                    bad[name] = (path, error)
                    found.pop(name, None)  # a broken card is not answered by another folder's
                    continue
                found[card.name] = (card, folder)
                bad.pop(card.name, None)
        return found, bad

    def __iter__(self) -> Iterator[Card]:
        return (card for card, _ in self.cards.values())

    def card(self, name: str) -> Card:
        """The card called `name`; `UsageError('unknown-model')` lists what there is, `bad-card` says what is wrong."""
        return self._entry(name)[0]

    def folder(self, name: str) -> Path:
        """The folder that card `name` lies in. Raises as `card` does."""
        return self._entry(name)[1]

    def path(self, name: str) -> Path:
        """The weight file of card `name`, its hash proved (once per store and file), and those of the files beside it.

        Raises `UsageError('unknown-model')`, `RenderError('weights-missing')`, `RenderError('weights-changed')`.
        """
        card, folder = self._entry(name)
        path = folder / card.file
        if path not in self._proved:
            _prove(path, card.sha256, card)
            for outside in card.external:
                _prove(folder / outside.file, outside.sha256, card)
            self._proved.add(path)
        return path

    def of_family(self, family: str) -> Card | None:
        """The first card, by name, of the kind `family`, one whose files are there before others; None without any."""
        found = sorted((not self.is_there(card.name), card.name) for card in self if card.family == family)
        return self.card(found[0][1]) if found else None

    def is_there(self, name: str) -> bool:
        """Whether every file of card `name` lies in the store. Raises as `card` does."""
        card, folder = self._entry(name)
        return all((folder / file).is_file() for file in card.files)

    def verify(self, names: Iterable[str] = ()) -> dict[str, str]:
        """Reads every weight file (or those of `names`) again: each card's name with what is wrong, '' when nothing
        is.
        """
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
        """The first folder that can be written, made if need be; the embedded one never is.

        Raises `UsageError('store-read-only')`.
        """
        for folder in self.folders:
            if folder != EMBEDDED and _can_write(folder):
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
    """The sha256 of a file, in hexadecimal. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _prove(path: Path, wanted: str, card: Card) -> None:
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


def embedded_store() -> ModelStore:
    """The weights that ship inside the package, each free for commercial use."""
    return ModelStore((EMBEDDED,))


def default_store(environment: dict[str, str] | None = None) -> ModelStore:
    """The folders of `$FACEPLATE_MODELS` (as in PATH), else the user's own; then the embedded weights."""
    return ModelStore((*store_folders(environment), EMBEDDED))


def store_folders(environment: dict[str, str] | None = None) -> tuple[Path, ...]:
    """Where a user's or a studio's models lie: `$FACEPLATE_MODELS`, else the platform's place for a user's data."""
    values = os.environ if environment is None else environment
    named = [Path(part).expanduser() for part in values.get("FACEPLATE_MODELS", "").split(os.pathsep) if part.strip()]
    return tuple(named) or (data_folder(values) / "models",)


def _can_write(folder: Path) -> bool:
    probe = folder / f".write-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def check_policy(cards: Iterable[Card], allow_noncommercial: bool) -> None:
    """Nothing, if the show may use every card; else `UsageError('licence-forbidden')` that names the weight."""
    if allow_noncommercial:
        return
    for card in cards:
        if not card.commercial:
            raise UsageError(
                "licence-forbidden",
                f"The show forbids non-commercial weights and '{card.name}' is under '{card.licence}'; "
                "choose another network, or set allow_noncommercial if the licence permits your use.",
            )
