"""`faceplate models`: lists, adds, downloads, verifies and removes networks of the store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from faceplate.models.fetch import fetch_model
from faceplate.models.intake import Answers, add_model, remove_model
from faceplate.models.store import ModelStore, default_store

__all__ = ["app"]

app = typer.Typer(
    name="models",
    help="The networks that Faceplate can run: those that ship with it, and your own. The store is $FACEPLATE_MODELS "
    "(folders, as in PATH), else a folder in your home.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command("list")
def list_command() -> None:
    """Show every network with its role and its licence."""
    store = default_store()
    rows = [("name", "role", "kind", "commercial", "file", "licence")]
    for card in sorted(store, key=lambda card: (card.role, card.name)):
        state = "there" if store.is_there(card.name) else "to fetch" if card.url else "missing"
        rows.append((card.name, card.role, card.kind, "yes" if card.commercial else "no", state, card.licence))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for _, error in store.bad_cards.values():
        print(error)
    print("Store: " + ", ".join(str(folder) for folder in store.folders))


@app.command("add")
def add_command(
    file: Annotated[Path, typer.Argument(help="The network: .onnx, .dfm, or a .zip with one and its outside weights.")],
    name: Annotated[str | None, typer.Option(help="The network's name; its file's name by default.")] = None,
    family: Annotated[str | None, typer.Option(help="Its kind, where the graph fits more than one.")] = None,
    licence: Annotated[str | None, typer.Option(help="Its licence, an SPDX name or a few words.")] = None,
    commercial: Annotated[
        bool | None, typer.Option("--commercial/--noncommercial", help="Whether a commercial production may use it.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Where you obtained it.")] = None,
    url: Annotated[str | None, typer.Option(help="Where others can fetch it.")] = None,
    fp16: Annotated[
        bool | None, typer.Option("--fp16/--no-fp16", help="Whether half precision is precise enough.")
    ] = None,
    fp32: Annotated[str | None, typer.Option(help="The card of the same network in single precision.")] = None,
) -> None:
    """Copy a network into the store and write its card."""
    answers = Answers(name, family, licence, commercial, source, url, fp16, fp32)
    card = add_model(default_store(), file, answers, _ask if sys.stdin.isatty() else None)
    use = "may be used commercially" if card.commercial else "not for commercial use"
    print(f"{card.name}: {card.kind}, {card.licence}, {use}. sha256 {card.sha256}")


@app.command("fetch")
def fetch_command(names: Annotated[list[str], typer.Argument(help="Cards whose file is to be downloaded.")]) -> None:
    """Download a network's file from its card's address or $FACEPLATE_MIRROR, and verify its hash."""
    store = default_store()
    for name in names:
        print(f"{name}: {_fetched(store, name)}")


@app.command("verify")
def verify_command(
    names: Annotated[list[str] | None, typer.Argument(help="Cards to check; all by default.")] = None,
) -> None:
    """Read every file again and compare its hash with its card."""
    found = default_store().verify(names or ())
    for name, wrong in found.items():
        print(f"{name}: {wrong or 'whole'}")
    if any(found.values()):
        raise typer.Exit(1)


@app.command("remove")
def remove_command(name: Annotated[str, typer.Argument(help="The card to remove, with its file.")]) -> None:
    """Remove a network from the store."""
    for path in remove_model(default_store(), name):
        print(f"removed {path}")


def _ask(question: str, usual: str, choices: tuple[str, ...]) -> str:
    said = f"{question} ({', '.join(choices)})" if choices else question
    while True:
        answer = str(typer.prompt(said, default=usual)).strip()
        if not choices or answer in choices:
            return answer


def _fetched(store: ModelStore, name: str) -> Path:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        return fetch_model(store, name, say=lambda have, total: bar.update(task, completed=have, total=total or None))
