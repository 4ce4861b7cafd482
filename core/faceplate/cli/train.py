"""`faceplate train …`: an actor's own model, from the studio's own footage."""

from __future__ import annotations

import typer

__all__ = ["train_app"]

train_app = typer.Typer(help="An actor's own model, from the studio's own footage.", no_args_is_help=True)


@train_app.callback()
def train_command() -> None:
    """Handle the options that stand before a sub-command."""
