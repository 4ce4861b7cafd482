"""`faceplate host`: installs the adapters into Nuke, Blender and DaVinci Resolve, removes them and lists them."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from faceplate.errors import RenderError, UsageError
from faceplate.hosts import adapter_folder, blender, installations, nuke, resolve
from faceplate.hosts.blender_programs import find_blenders
from faceplate.hosts.record import forget, remember
from faceplate_client import __version__

__all__ = ["host_app"]

host_app = typer.Typer(
    help="Install the adapters for Nuke, Blender and DaVinci Resolve, or list what is installed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@host_app.command("install")
def install_command(
    host: Annotated[str, typer.Argument(help="nuke, blender or resolve.")],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            help="The host's folder. Nuke: its plug-in folder, ~/.nuke by default. Resolve: its Fusion folder. Blender: a "
            "repository folder of extensions, written without starting Blender.",
        ),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Blender: only this version, such as 5.0, or the path of its program.")
    ] = None,
    all_users: Annotated[
        bool, typer.Option("--all-users", help="Resolve: the folder that all users of this machine share.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the adapter instead.")] = False,
) -> None:
    """Put an adapter where its host looks for it. A second installation replaces the first."""
    adapter_folder(host)  # refuses an unknown host
    if version and (host != "blender" or folder):
        raise UsageError("host-option", "--version is for blender, and not together with --dir.")
    if all_users and (host != "resolve" or folder):
        raise UsageError("host-option", "--all-users is for resolve, and not together with --dir.")
    # Links in the user's path are kept.
    place = Path(os.path.abspath(folder.expanduser())) if folder else None  # noqa: PTH100
    if host == "nuke":
        _nuke(place or nuke.default_folder(), remove)
    elif host == "resolve":
        _resolve(place or resolve.default_folder(all_users), remove)
    elif place:
        _blender_files(place, remove)
    else:
        _blender_programs(version, remove)


@host_app.command("package")
def package_command(
    host: Annotated[str, typer.Argument(help="blender.")],
    website: Annotated[str, typer.Option(help="The address of the extension's page, which its manifest names.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for the archive.")] = Path(),
    version: Annotated[
        str | None, typer.Option(help="Build with this version, such as 5.0, or the path of its program.")
    ] = None,
) -> None:
    """Build the extension as an archive for Blender's platform, with Blender's own validate and build."""
    if host != "blender":
        raise UsageError("host-option", f"Only the extension for Blender is packaged, not {host}.")
    if not website.startswith("https://"):
        raise UsageError("host-option", f"The website '{website}' must begin with https://.")
    folder = Path(os.path.abspath(output.expanduser()))  # noqa: PTH100
    if not folder.is_dir():
        raise UsageError("no-folder", f"There is no folder {folder}; make it first.")
    program = max(find_blenders(os.environ, version), key=lambda found: found.version)
    print(blender.build_package(program, folder, website))


@host_app.command("list")
def list_command() -> None:
    """Show each installed adapter: its host, its version, the engine that it starts, and its folder."""
    found = installations(_default_places())
    if not found:
        print("No adapter is installed. Install one with: faceplate host install nuke|blender|resolve")
        return
    rows = [("host", "adapter", "engine", "folder")]
    rows += [
        (f"{one.host} {one.host_version}".rstrip(), one.version, _engine(one.engine), str(one.folder)) for one in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    old = sorted({one.host for one in found if one.version != __version__})
    if old:
        print(f"This engine is {__version__}. To update an adapter, install it again: {', '.join(old)}.")


def _nuke(folder: Path, remove: bool) -> None:
    if remove:
        gone = nuke.remove(folder)
        _note(forget("nuke", folder / nuke.FOLDER))
        print(f"Removed FaceSwap from {folder}." if gone else f"FaceSwap is not in {folder}.")
        return
    target = nuke.install(folder)
    _note(remember("nuke", target))
    print(f"Installed FaceSwap in {target}; {folder / 'init.py'} names it.")
    print(f"For a whole studio, put {target} on NUKE_PATH instead.")


def _resolve(fusion: Path, remove: bool) -> None:
    if remove:
        gone = resolve.remove(fusion)
        _note(forget("resolve", fusion / resolve.FOLDER))
        print(f"Removed {', '.join(map(str, gone))}." if gone else f"Nothing of Faceplate is in {fusion}.")
        return
    package = resolve.install(fusion)
    _note(remember("resolve", package))
    print(f"Installed the menu scripts in {resolve.scripts_folder(fusion)} and their modules in {package}.")
    print(f"In Resolve: Workspace > Scripts. From outside (Studio): {package / 'faceplate-resolve.py'}")
    if importlib.util.find_spec("av") is None:
        print(
            "Clips that are movies need the extra 'movies': python3 install env movies, or pip install 'faceplate[movies]'."
        )


def _blender_files(repository: Path, remove: bool) -> None:
    if remove:
        gone = blender.remove_files(repository)
        _note(forget("blender", repository / blender.FOLDER))
        print(f"Removed {repository / blender.FOLDER}." if gone else f"The extension is not in {repository}.")
        return
    target = blender.install_files(repository)
    _note(remember("blender", target))
    print(f"Installed the extension in {target}. Enable it in Blender: Edit > Preferences > Add-ons > Faceplate.")


def _blender_programs(version: str | None, remove: bool) -> None:
    """Go through every Blender that was found, also after a failure. Raises the last failure."""
    failed: RenderError | None = None
    for program in find_blenders(os.environ, version):
        number = ".".join(map(str, program.version))
        try:
            if remove:
                target = blender.remove_from(program)
                _note(forget("blender", Path(target)))
                print(f"{program.name}: removed from {target}")
            else:
                target = blender.install_into(program)
                _note(remember("blender", Path(target), number))
                print(f"{program.name}: installed in {target}")
        except RenderError as error:
            if failed:
                print(f"faceplate: {failed}", file=sys.stderr)
            failed = error
    if failed:
        raise failed
    if not remove:
        print("In the compositor: Add > Faceplate > Face Swap. The panel is in the sidebar (N), tab Faceplate.")


def _note(sentence: str) -> None:
    if sentence:
        print(f"faceplate: {sentence}", file=sys.stderr)


def _default_places() -> Iterator[tuple[str, Path]]:
    """Yield the folders where an adapter lies by default, for installations that are not recorded."""
    yield "nuke", nuke.default_folder() / nuke.FOLDER
    for all_users in (False, True):
        try:
            yield "resolve", resolve.default_folder(all_users) / resolve.FOLDER
        except UsageError:
            continue


def _engine(python: str) -> str:
    if not python:
        return "not named"
    if Path(python) == Path(sys.executable):
        return "this one"
    return python if Path(python).is_file() else f"missing: {python}"
