"""Adding a network to the store and removing it: identification, licence, and a copy that is complete or absent."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import UsageError
from faceplate.models.archive import unpack_model
from faceplate.models.card import CARD_SUFFIX, Card, External, Tensor, is_plain_name, write_card
from faceplate.models.graph import Graph, check_external, read_graph
from faceplate.models.kinds import Kind, candidates, kind_called, known_files
from faceplate.models.store import EMBEDDED, ModelStore, digest
from faceplate.system.atomic import publish, temporary_beside

__all__ = ["RELEASES", "Answers", "Ask", "add_card", "add_model", "remove_model"]

RELEASES = "faceplate:releases"
"""The property of an exported network that names the releases under which it was trained, separated by commas."""

Ask = Callable[[str, str, tuple[str, ...]], str]
"""(question, default answer, possible answers or none) → the answer."""


@dataclass(frozen=True)
class Answers:
    """Properties of a file that its hash does not tell. Those that are None are asked for, if `ask` is given."""

    name: str | None = None
    family: str | None = None
    licence: str | None = None
    commercial: bool | None = None
    source: str | None = None
    url: str | None = None
    fp16_ok: bool | None = None
    fp32: str | None = None


def add_model(store: ModelStore, file: Path, answers: Answers, ask: Ask | None = None) -> Card:
    """Copy the network `file` (.onnx, .dfm, or a .zip of one with its outside weights) into the store, with a card.

    A published file is identified by its hash. For any other file the graph's signature limits what it can be, and `answers`
    or `ask` supply the rest.

    Raises
    ------
    RenderError
        What `read_graph` and `check_external` raise.
    UsageError
        `unknown-network`, `say-family`, `say-licence`, `model-exists`, `odd-name`, `no-address`, `archive-outside`,
        `archive-folders`, `archive-too-large`, `archive-unreadable` or `store-read-only`.
    """
    with unpack_model(file) as (path, inside):
        graph = read_graph(path)
        outside = check_external(graph)
        sha256 = digest(path)
        card = _make_card(graph, outside, sha256, answers, ask, file.name if inside else path.name)
        _refuse_own_name(card)
        folder = store.writable()
        _refuse_collisions(folder, card)
        for source, name in ((path, card.file), *((item, item.name) for item in outside)):
            _copy_file(source, folder / name)
        write_card(folder, card)
    return card


def add_card(store: ModelStore, folder: Path, card: Card, *, replace: bool = False) -> Path:
    """Copy the files of a card that was written in `folder` into the store, and the card last; return its folder there.

    `replace` removes a network of that name first, if the store has one that `faceplate train` made.

    Raises
    ------
    UsageError
        `model-exists`, `store-read-only`.
    RenderError
        `disk-full`, `output-unwritable`.
    """
    target = store.writable()
    known = store.cards.get(card.name)
    if replace and known is not None and known[0].trained is not None and known[1] == target:
        remove_model(store, card.name)
    _refuse_collisions(target, card)
    for name in card.files:
        _copy_file(folder / name, target / name)
    write_card(target, card)
    return target


def remove_model(store: ModelStore, name: str) -> tuple[Path, ...]:
    """Remove a card and its files from the store; return the removed paths.

    Files that another card uses are kept, and so are the files of a card that cannot be read.

    Raises
    ------
    UsageError
        `unknown-model` or `store-read-only`.
    """
    if name in store.bad_cards:
        return _delete([store.bad_cards[name][0]])
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
    return _delete([path for path in (folder / f"{name}{CARD_SUFFIX}", *mine) if path.is_file()])


def _delete(paths: list[Path]) -> tuple[Path, ...]:
    try:
        for path in paths:
            path.unlink()
    except OSError as error:
        raise UsageError("store-read-only", f"{paths[0].parent} cannot be written: {error.strerror}.") from error
    return tuple(paths)


def _make_card(
    graph: Graph, outside: tuple[Path, ...], sha256: str, answers: Answers, ask: Ask | None, shown: str
) -> Card:
    known = known_files().get(sha256)
    if known is not None:
        kind = kind_called(known.kind)
        name, version, licence, commercial = answers.name or known.name, known.version, known.licence, known.commercial
        source = answers.source or known.source
    else:
        kind = _choose_kind(graph, answers, ask)
        name = (
            answers.name
            or _answer_of(ask, "A name for it", _plain_name(Path(shown).stem), ())
            or _plain_name(Path(shown).stem)
        )
        version, source = "as brought", answers.source or f"brought as {shown}"
        licence, commercial = _choose_licence(kind, answers, ask)
    assert kind is not None
    _refuse_odd_names(graph, outside, answers)
    return Card(
        name=_plain_name(name),
        role=kind.role,
        file=_file_name(graph.path.name, _plain_name(name)),
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
        releases=tuple(filter(None, graph.metadata.get(RELEASES, "").split(", "))),
    )


def _choose_kind(graph: Graph, answers: Answers, ask: Ask | None) -> Kind:
    possible = candidates(graph)
    names = tuple(kind.name for kind in possible)
    if not possible:
        has = ", ".join("x".join(str(side or "?") for side in item.shape) for item in graph.inputs)
        raise UsageError(
            "unknown-network",
            f"{graph.path.name} takes {has or 'nothing'}; Faceplate supports no network with these inputs.",
        )
    if answers.family is not None and answers.family not in names:
        raise UsageError(
            "unknown-network",
            f"{graph.path.name} cannot be a '{answers.family}'; by its inputs and outputs it is: {', '.join(names)}.",
        )
    chosen = answers.family or (names[0] if len(names) == 1 else _answer_of(ask, "Which kind is it", names[0], names))
    if not chosen:
        raise UsageError("say-family", f"{graph.path.name} can be {', '.join(names)}; say which with --family.")
    return next(kind for kind in possible if kind.name == chosen)


def _choose_licence(kind: Kind, answers: Answers, ask: Ask | None) -> tuple[str, bool]:
    licence = answers.licence or _answer_of(ask, "Its licence", kind.licence, ())
    commercial = answers.commercial
    if commercial is None:
        said = _answer_of(ask, "May it be used commercially", "yes" if kind.commercial else "no", ("yes", "no"))
        commercial = None if not said else said == "yes"
    if not licence or commercial is None:
        raise UsageError(
            "say-licence",
            "The file is not one that Faceplate knows; say --licence NAME and --commercial or --noncommercial.",
        )
    return licence, commercial


def _answer_of(ask: Ask | None, question: str, usual: str, choices: tuple[str, ...]) -> str:
    return ask(question, usual, choices) if ask else ""


def _plain_name(name: str) -> str:
    plain = re.sub(r"[^a-z0-9_.+-]+", "_", name.lower()).strip("_.+-")
    return plain or "model"


def _file_name(original: str, name: str) -> str:
    return f"{name}{'.dfm' if original.lower().endswith('.dfm') else '.onnx'}"


def _refuse_odd_names(graph: Graph, outside: tuple[Path, ...], answers: Answers) -> None:
    """Reject names of outside files and addresses that a card cannot hold."""
    for item in outside:
        if not is_plain_name(item.name):
            raise UsageError(
                "odd-name",
                f"{graph.path.name} keeps weights in '{item.name}'; the store takes letters, digits and . _ + - only, "
                "beginning with a letter or a digit: save the network again with another name for them.",
            )
    if answers.url is not None and not answers.url.startswith(("http://", "https://")):
        raise UsageError("no-address", f"{answers.url} is not a web address; use http or https.")


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


def _copy_file(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    with temporary_beside(target) as temporary:
        shutil.copyfile(source, temporary)
        publish(temporary, target)
