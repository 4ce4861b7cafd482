"""`faceplate shot`: makes, shows and changes shot files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from faceplate.errors import UsageError
from faceplate.shot import (
    ShotDocument,
    changes,
    dump,
    explain,
    new_document,
    read_document,
    read_rules,
    record_take,
    remove_face,
    restore_take,
    schema,
    set_face,
    set_face_key,
    set_key,
    set_values,
    write_document,
)
from faceplate.shot.curves import Interpolation
from faceplate.shot.parameters import PARAMETERS
from faceplate.system.user_paths import exists

__all__ = ["shot_app"]

shot_app = typer.Typer(
    help="Make, show and change shot files (x.shot.json).", no_args_is_help=True, rich_markup_mode=None
)

# Keys whose value is text even where it looks like JSON.
_TEXTS = {parameter.name for parameter in PARAMETERS if parameter.kind is str} | (
    set(ShotDocument.model_fields) - {"search", "multipart", "allow_noncommercial", "faces"}
)

File = Annotated[Path, typer.Argument(help="The shot file, x.shot.json.")]
Assignments = Annotated[
    list[str], typer.Argument(help="key=value: grain=0.5, source=people/bea; key= removes it.", show_default=False)
]


@shot_app.command("new")
def new_command(
    file: File,
    values: Assignments,
    force: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """Write a new shot file: faceplate shot new sh010.shot.json plate=plates/sh010.####.exr source=people/bea."""
    if not file.name.endswith(".shot.json"):
        raise UsageError("bad-shot", f"{file.name} is no name for a shot file: end it in .shot.json.")
    if exists(file) and not force:
        raise UsageError("shot-exists", f"{file} is there already: change it with faceplate shot set, or use --force.")
    write_document(set_values(new_document(), _assigned(values)), file)
    print(file)


@shot_app.command("show")
def show_command(
    file: File,
    why: Annotated[bool, typer.Option("--explain", help="Show where each value comes from.")] = False,
    path_mapping: Annotated[Path | None, typer.Option(help="A JSON file of paths of other machines.")] = None,
) -> None:
    """Print a shot file, or with --explain every value that reaches the render and where it comes from."""
    if not why:
        print(dump(read_document(file, ShotDocument)), end="")
        return
    rows = explain(file, mapping=read_rules(path_mapping) if path_mapping else ())
    for key, value, where in rows:
        print(f"{key:<28} {_said(value):<32} {where}")


@shot_app.command("set")
def set_command(
    file: File,
    values: Assignments,
    frames: Annotated[str | None, typer.Option("--frames", "-f", help="Only on these frames: an override.")] = None,
    note: Annotated[str, typer.Option(help="Why the frames differ.")] = "",
) -> None:
    """Set keys and parameters: faceplate shot set sh010.shot.json grain=0.5 --frames 1010-1020."""
    write_document(set_values(read_document(file, ShotDocument), _assigned(values), frames, note), file)


@shot_app.command("key")
def key_command(
    file: File,
    parameter: Annotated[str, typer.Argument(help="The parameter, such as light_luminance.")],
    frame: Annotated[int, typer.Argument(help="The frame.")],
    value: Annotated[float | None, typer.Argument(help="The value there.", show_default=False)] = None,
    interpolation: Annotated[
        str, typer.Option("--interpolation", "-i", help="To the next key: hold, linear or smooth.")
    ] = "linear",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the key.")] = False,
    face: Annotated[str, typer.Option(help="The face whose parameter it is, in a shot of several people.")] = "",
) -> None:
    """Set a parameter's key at a frame, or remove it with --remove."""
    if interpolation not in get_args(Interpolation):
        raise UsageError("bad-option", f"--interpolation is '{interpolation}'; it can be hold, linear or smooth.")
    if (value is None) != remove:
        raise UsageError("bad-option", "Give the key's value, or --remove to remove the key.")
    document, kind = read_document(file, ShotDocument), cast(Interpolation, interpolation)
    if face:
        write_document(set_face_key(document, face, parameter, frame, value, kind), file)
    else:
        write_document(set_key(document, parameter, frame, value, kind), file)


@shot_app.command("face")
def face_command(
    file: File,
    name: Annotated[str | None, typer.Argument(help="The person's name; without one the faces are listed.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            help="key=value: source=people/ada, track=ada.track.json, head_size=0.8, or any parameter; key= removes it.",
            show_default=False,
        ),
    ] = None,
    frames: Annotated[
        str | None, typer.Option("--frames", "-f", help="Parameters on these frames only: an override.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why the frames differ.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the face from the shot.")] = False,
) -> None:
    """Add or change one of several people: faceplate shot face sh010.shot.json Ada source=people/bea target=2 grain=0.5.

    Each face is put in with its own source, track and parameters; what it does not set is the shot's. Nearer faces lie over
    farther ones.
    """
    document = read_document(file, ShotDocument)
    if name is None:
        for face in document.faces or ():
            own = face.model_dump(mode="json", exclude_none=True, exclude={"name", "overrides"})
            own |= own.pop("parameters", {})
            print(f"{face.name:<16} {'  '.join(f'{key}={_said(value)}' for key, value in own.items())}".rstrip())
        return
    if remove:
        write_document(remove_face(document, name), file)
        return
    write_document(set_face(document, name, _assigned(values or []), frames, note), file)


@shot_app.command("diff")
def diff_command(
    one: File, two: Annotated[Path, typer.Argument(help="The shot file to compare with.", show_default=False)]
) -> None:
    """Print the differences between two shot files, one key on a line; the exit code is 1 where there are any."""
    before, after = (read_document(path, ShotDocument) for path in (one, two))
    rows = [row for row in changes(before, after) if row[0] != "id"]
    for key, old, new in rows:
        print(f"{key}: {_said(old)} → {_said(new)}")
    if rows:
        raise typer.Exit(1)


@shot_app.command("take")
def take_command(
    file: File,
    note: Annotated[str, typer.Option(help="The purpose of this take.")] = "",
    listing: Annotated[bool, typer.Option("--list", help="Print the takes and leave the file alone.")] = False,
    restore: Annotated[int | None, typer.Option(help="Restore the parameters of this take.")] = None,
) -> None:
    """Begin a new take: record the parameters, and raise the number that {take} stands for in the output."""
    document = read_document(file, ShotDocument)
    if listing:
        for take in document.takes or ():
            print(f"{take.take:>3}  {take.made}  {take.output}  {take.note}".rstrip())
        return
    if restore is not None:
        write_document(restore_take(document, restore), file)
        return
    taken = record_take(document, note)
    write_document(taken, file)
    print(f"take {cast(Any, taken.takes)[-1].take}")


@shot_app.command("schema")
def schema_command() -> None:
    """Print the JSON schema of shot and show files."""
    print(schema(), end="")


def _assigned(words: list[str]) -> dict[str, Any]:
    """`key=value` words: JSON where it is JSON, else text; an empty value removes the key."""
    values: dict[str, Any] = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise UsageError("bad-option", f"'{word}' sets nothing; write key=value, such as grain=0.5.")
        values[key.strip().replace("-", "_")] = None if text == "" else _value(key.strip(), text)
    return values


def _value(key: str, text: str) -> Any:
    """Numbers, switches, lists and keyed values are read as JSON; text stays text, also `frames=1001`."""
    if key in _TEXTS:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _said(value: Any) -> str:
    return "–" if value is None or value == "" else value if isinstance(value, str) else json.dumps(value, default=str)
