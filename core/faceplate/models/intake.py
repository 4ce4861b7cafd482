"""Bringing a model into the store: what it is, what may be done with it, and a copy that is whole or not there at
all.
"""

from __future__ import annotations

import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from faceplate.errors import RenderError, UsageError
from faceplate.models.card import CARD_SUFFIX, Card, External, Tensor, is_plain_name, write_card
from faceplate.models.graph import Graph, check_external, read_graph
from faceplate.models.kinds import Kind, candidates, kind_called, known_files
from faceplate.models.store import EMBEDDED, ModelStore, digest
from faceplate.system.atomic import publish, temporary_beside

__all__ = ["Answers", "add_model", "remove_model"]

# An archive may unpack to so many bytes: the largest networks are a tenth of it.
_MOST_UNPACKED = 16 << 30

Ask = Callable[[str, str, tuple[str, ...]], str]
"""(what is asked, the usual answer, the possible answers or none) → the answer."""


@dataclass(frozen=True)
class Answers:
    """What a person says of a file that its hash does not; None is asked for, if there is someone to ask."""

    name: str | None = None
    family: str | None = None
    licence: str | None = None
    commercial: bool | None = None
    source: str | None = None
    url: str | None = None
    fp16_ok: bool | None = None
    fp32: str | None = None


def add_model(store: ModelStore, file: Path, answers: Answers, ask: Ask | None = None) -> Card:
    """Copies the network `file` (.onnx, .dfm, or a .zip of one with its outside weights) into the store, with a card.

    A published file is known by its hash; of another the graph's signature says what it can be, and `ask` (or
    `answers`) the rest. Raises what `read_graph` and `check_external` raise, and `UsageError` with code
    `unknown-network`, `say-family`, `say-licence`, `model-exists`, `odd-name`, `no-address`, `archive-outside`,
    `archive-folders`, `archive-too-large`, `archive-unreadable`, `store-read-only`.
    """
    with _opened(file) as (path, inside):
        graph = read_graph(path)
        outside = check_external(graph)
        sha256 = digest(path)
        card = _card(graph, outside, sha256, answers, ask, file.name if inside else path.name)
        _refuse_own_name(card)
        folder = store.writable()
        _refuse_collisions(folder, card)
        for source, name in ((path, card.file), *((item, item.name) for item in outside)):
            _copy(source, folder / name)
        write_card(folder, card)
    return card


def remove_model(store: ModelStore, name: str) -> tuple[Path, ...]:
    """Takes a card and its files out of the store; returns what was removed. Files that another card uses stay, and so
    do the files of a card that cannot be read.

    Raises `UsageError` with code `unknown-model` or `store-read-only`.
    """
    if name in store.bad_cards:
        return _unlinked([store.bad_cards[name][0]])
    card, folder = store.card(name), store.folder(name)
    if folder == EMBEDDED:
        raise UsageError("store-read-only", f"'{name}' ships inside Faceplate and cannot be removed.")
    shared = {
        file
        for other, where in store.cards.values()
        if where == folder and other.name != name
        for file in (other.file, *(item.file for item in other.external))
    }
    mine = [folder / file for file in (card.file, *(item.file for item in card.external)) if file not in shared]
    return _unlinked([path for path in (folder / f"{name}{CARD_SUFFIX}", *mine) if path.is_file()])


def _unlinked(paths: list[Path]) -> tuple[Path, ...]:
    try:
        for path in paths:
            path.unlink()
    except OSError as error:
        raise UsageError("store-read-only", f"{paths[0].parent} cannot be written: {error.strerror}.") from error
    return tuple(paths)


def _card(graph: Graph, outside: tuple[Path, ...], sha256: str, answers: Answers, ask: Ask | None, shown: str) -> Card:
    known = known_files().get(sha256)
    if known is not None:
        kind = kind_called(known.kind)
        name, version, licence, commercial = answers.name or known.name, known.version, known.licence, known.commercial
        source = answers.source or known.source
    else:
        kind = _kind(graph, answers, ask)
        name = answers.name or _asked(ask, "A name for it", _plain(Path(shown).stem), ()) or _plain(Path(shown).stem)
        version, source = "as brought", answers.source or f"brought as {shown}"
        licence, commercial = _licence(kind, answers, ask)
    assert kind is not None
    _refuse_odd_names(graph, outside, answers)
    return Card(
        name=_plain(name),
        role=kind.role,
        file=_plain_file(graph.path.name, _plain(name)),
        sha256=sha256,
        version=version,
        licence=licence,
        commercial=commercial,
        source=source,
        converted="none: stored as brought",
        inputs=tuple(
            Tensor(name=item.name, shape=item.shape, meaning=f"see family {kind.name}") for item in graph.inputs
        ),
        outputs=tuple(
            Tensor(name=item.name, shape=item.shape, meaning=f"see family {kind.name}") for item in graph.outputs
        ),
        family=kind.name,
        fp16_ok=bool(answers.fp16_ok),
        fp32=answers.fp32,
        url=answers.url,
        external=tuple(External(file=item.name, sha256=digest(item)) for item in outside),
    )


def _kind(graph: Graph, answers: Answers, ask: Ask | None) -> Kind:
    possible = candidates(graph)
    names = tuple(kind.name for kind in possible)
    if not possible:
        has = ", ".join("x".join(str(side or "?") for side in item.shape) for item in graph.inputs)
        raise UsageError(
            "unknown-network",
            f"{graph.path.name} takes {has or 'nothing'}; no kind of network that Faceplate can feed does.",
        )
    if answers.family is not None and answers.family not in names:
        raise UsageError(
            "unknown-network",
            f"{graph.path.name} cannot be a '{answers.family}'; by its inputs and outputs it is: {', '.join(names)}.",
        )
    chosen = answers.family or (names[0] if len(names) == 1 else _asked(ask, "Which kind is it", names[0], names))
    if not chosen:
        raise UsageError("say-family", f"{graph.path.name} can be {', '.join(names)}; say which with --family.")
    return next(kind for kind in possible if kind.name == chosen)


def _licence(kind: Kind, answers: Answers, ask: Ask | None) -> tuple[str, bool]:
    licence = answers.licence or _asked(ask, "Its licence", kind.licence, ())
    commercial = answers.commercial
    if commercial is None:
        said = _asked(ask, "May it be used commercially", "yes" if kind.commercial else "no", ("yes", "no"))
        commercial = None if not said else said == "yes"
    if not licence or commercial is None:
        raise UsageError(
            "say-licence",
            "The file is not one that Faceplate knows; say --licence NAME and --commercial or --noncommercial.",
        )
    return licence, commercial


def _asked(ask: Ask | None, question: str, usual: str, choices: tuple[str, ...]) -> str:
    return ask(question, usual, choices) if ask else ""


def _plain(name: str) -> str:
    plain = re.sub(r"[^a-z0-9_.+-]+", "_", name.lower()).strip("_.+-")
    return plain or "model"


def _plain_file(original: str, name: str) -> str:
    return f"{name}{'.dfm' if original.lower().endswith('.dfm') else '.onnx'}"


def _refuse_odd_names(graph: Graph, outside: tuple[Path, ...], answers: Answers) -> None:
    """What a card cannot hold, in words: names of outside files with spaces and the like, an address of another kind."""
    for item in outside:
        if not is_plain_name(item.name):
            raise UsageError(
                "odd-name",
                f"{graph.path.name} keeps weights in '{item.name}'; the store takes letters, digits and . _ + - only, "
                "beginning with a letter or a digit: save the network again with another name for them.",
            )
    if answers.url is not None and not answers.url.startswith(("http://", "https://")):
        raise UsageError("no-address", f"{answers.url} is no web address; use http or https.")


def _refuse_own_name(card: Card) -> None:
    if any(item.file == card.file for item in card.external):
        raise UsageError(
            "model-exists", f"The file with the weights would be called {card.file} too; give another --name."
        )


def _refuse_collisions(folder: Path, card: Card) -> None:
    if (folder / f"{card.name}{CARD_SUFFIX}").exists():
        raise UsageError(
            "model-exists", f"The store has a model called '{card.name}'; remove it, or give another --name."
        )
    for name, sha256 in ((card.file, card.sha256), *((item.file, item.sha256) for item in card.external)):
        path = folder / name
        if name.endswith(CARD_SUFFIX) or (path.exists() and digest(path) != sha256):
            raise UsageError("model-exists", f"The store has another file called {name}; it is left as it is.")


def _copy(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    with temporary_beside(target) as temporary:
        shutil.copyfile(source, temporary)
        publish(temporary, target)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Path, bool]]:
    """The network to read, and whether it came out of an archive (then it lies in a folder that is removed again)."""
    if not file.is_file():
        raise UsageError("weights-missing", f"There is no file at {file}.")
    if not zipfile.is_zipfile(file):
        yield file, False
        return
    with tempfile.TemporaryDirectory(prefix="faceplate-") as folder:
        yield _unpacked(file, Path(folder)), True


def _unpacked(file: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(file) as archive:
            members = [item for item in archive.infolist() if not item.is_dir()]
            for item in members:
                _check_member(file, item)
            if sum(item.file_size for item in members) > _MOST_UNPACKED:
                raise UsageError(
                    "archive-too-large", f"{file.name} would unpack to more than 16 GiB, so it is refused."
                )
            names = [item.filename for item in members if item.filename.lower().endswith((".onnx", ".dfm"))]
            if len(names) != 1:
                raise RenderError(
                    "not-onnx", f"{file.name} holds {len(names)} networks; give an archive with one, or the file."
                )
            for item in members:
                with archive.open(item) as stream, (folder / item.filename).open("wb") as out:
                    shutil.copyfileobj(stream, out)  # never more than `file_size`: zipfile stops there
    except (RuntimeError, NotImplementedError) as error:  # a password, or a compression that Python does not know
        raise UsageError(
            "archive-unreadable",
            f"{file.name} cannot be unpacked ({_why(error)}); unpack it and add the file.",
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise RenderError(
            "weights-truncated", f"{file.name} is a damaged archive; copy or download it again."
        ) from error
    return folder / names[0]


def _why(error: Exception) -> str:
    return "it is encrypted" if "encrypted" in str(error) or "password" in str(error) else "its compression is unknown"


def _check_member(file: Path, item: zipfile.ZipInfo) -> None:
    name = item.filename
    plain = PurePosixPath(name), PureWindowsPath(name)
    inside = not any(".." in part.parts or part.is_absolute() or part.drive for part in plain)
    if inside and len(plain[1].parts) != 1:
        raise UsageError(
            "archive-folders", f"{file.name} holds '{name}' in a folder; give an archive with the files on their own."
        )
    linked = stat.S_ISLNK(item.external_attr >> 16)
    if linked or any(part.is_absolute() or part.drive or len(part.parts) != 1 or name == ".." for part in plain):
        raise UsageError(
            "archive-outside",
            f"{file.name} wants to write '{name}' outside its own folder (or as a link), so it is refused.",
        )
