"""`faceplate ui`: opens the workspace in the browser, on a shot, a plate, a model that is trained, or the demo."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from faceplate.errors import RenderError, UsageError
from faceplate.shot import is_shot_file
from faceplate.shot.load import shows_above
from faceplate.system.user_paths import exists, is_dir, is_file, read_bytes
from faceplate_client import EngineError, connect
from faceplate_client.engine import variables

__all__ = ["open_workspace", "ui_command"]


def ui_command(
    what: Annotated[
        str,
        typer.Argument(
            help="A shot file, x.shot.json, a plate, plate.####.exr, or the folder of a model that is trained; without it "
            "the demo opens."
        ),
    ] = "",
    source: Annotated[
        Path | None,
        typer.Option("--source", "-s", help="For a plate: the person's pictures. They go into the new shot file."),
    ] = None,
    space: Annotated[str | None, typer.Option(help="For a plate: its colour space, where the file says none.")] = None,
    browser: Annotated[bool, typer.Option(help="Open the browser; without it only the link is printed.")] = True,
) -> None:
    """Open the workspace in the browser. Everything happens on this machine, in the engine that hosts use.

    A plate gets a shot file in the current folder, with the plate's name; an existing one is opened as it is. The link works
    once, within a minute.
    """
    model = _model_folder(what, source, space)
    open_workspace("" if model else _shot_file(what, source, space), model=model, browser=browser)


def open_workspace(shot: str, *, model: str = "", wedge: Path | None = None, browser: bool = True) -> None:
    """Open the workspace on a shot file, "" for the demo, and on a wedge of it where one is given; or on a model's training.

    Raises
    ------
    RenderError
        `engine-version`, and what the engine answers.
    """
    # This command's own Python has an engine; one that is found elsewhere may be older.
    os.environ.setdefault("FACEPLATE_ENGINE", sys.executable)
    try:
        asked = {"shot": shot, "environ": variables(_texts(shot))} | ({"model": model} if model else {})
        link = connect(parent=False).call("POST", "/v1/ui/ticket", asked)["url"]
    except EngineError as error:
        if error.code == "no-route":
            raise RenderError(
                "engine-version",
                "The running engine has no workspace; end it with faceplate serve --stop, then try again.",
            ) from error
        raise RenderError(error.code, error.message) from error
    if wedge is not None:
        link += f"&wedge={quote(str(wedge), safe='')}"
    print(f"The workspace: {link}")
    print("The link works once, within a minute. The engine ends by itself when no page and no host uses it.")
    if browser and not _opened(link):
        print("No browser could be opened here; open the link yourself.")


def _model_folder(what: str, source: Path | None, space: str | None) -> str:
    """Return the full path of the folder of a model, "" where something else is named. Raises `UsageError('bad-option')`."""
    from faceplate.workspace.train_routes import holds_training

    folder = Path(what).expanduser().absolute()
    if not what or not is_dir(folder) or not holds_training(folder):
        return ""
    if source is not None or space is not None:
        raise UsageError("bad-option", "--source and --space belong to a plate, and not to a model.")
    return str(folder)


def _shot_file(what: str, source: Path | None, space: str | None) -> str:
    """Return the full path of the shot file to open, "" for the demo; make one for a plate.

    Raises `UsageError` `no-shot`, and what `create_shot` raises.
    """
    if not what:
        if source is not None or space is not None:
            raise UsageError("bad-option", "--source and --space belong to a plate; name the plate too.")
        return ""
    if is_shot_file(what):
        if not is_file(what):
            raise UsageError("no-shot", f"There is no shot file {what}.")
        if source is not None or space is not None:
            raise UsageError("bad-option", "The shot file names its source and space; change them in the page.")
        return str(Path(what).expanduser().absolute())
    from faceplate.workspace.new_shot import create_shot, plate_answer, shot_name

    plate = str(Path(what).expanduser().absolute())
    plate_answer(plate)
    name = shot_name(plate)
    path = Path.cwd() / f"{name}.shot.json"
    if exists(path):
        print(f"{path.name} is there already and is opened as it is.")
        return str(path)
    person = None if source is None else str(source.expanduser().absolute())
    made = create_shot(path.parent, name, plate, person, space)
    print(f"The shot file: {made}")
    return str(made)


def _texts(shot: str) -> list[str]:
    """Return the texts of a shot file and of the show files above it, whose variables are sent to the engine."""
    if not shot:
        return []
    files = [Path(shot), *(path for path, _ in shows_above(Path(shot).parent))]
    return [read_bytes(path).decode("utf-8", "replace") for path in files]


def _opened(link: str) -> bool:
    try:
        return webbrowser.open(link)
    except webbrowser.Error:
        return False
