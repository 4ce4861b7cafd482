"""`faceplate serve`: runs the engine as a service for hosts on this machine."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from faceplate.errors import RenderError
from faceplate_client import EngineError, connect, paths

__all__ = ["serve_command"]


def serve_command(
    idle: Annotated[float, typer.Option(help="End after this many seconds without work.", min=1)] = 900.0,
    parent: Annotated[
        int | None, typer.Option(help="End when this process, and every other one that has used the engine, has ended.")
    ] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Also show the log here.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Show what the running engine is doing.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the running engine.")] = False,
) -> None:
    """Run the engine as a service on this machine, one for each user. Hosts start it by themselves."""
    if status or stop:
        _ask(stop)
        return
    from faceplate.service.run import serve
    from faceplate.workspace import extension

    sys.exit(serve(idle, parent, foreground, extension()))


def _ask(stop: bool) -> None:
    try:
        engine = connect(start=False)
        about = engine.status()
        if stop:
            engine.stop()
    except EngineError as error:
        raise RenderError(error.code, error.message) from error
    if stop:
        print(f"Engine {about['engine']}, process {about['pid']}, ends.")
        return
    jobs = about["jobs"]
    print(f"Engine {about['engine']}, process {about['pid']}, up for {about['uptime_s']:.0f} s, on {about['device']}")
    print(f"Jobs: {jobs['running']} running, {jobs['waiting']} waiting; shots open: {about['cache']['shots']}")
    print(f"Log: {paths.log_file(paths.run_folder())}")
