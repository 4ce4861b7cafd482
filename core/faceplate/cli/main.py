"""The `faceplate` command.

Exit codes: 0 done, 1 a render failed, 2 the request was wrong, 130 stopped by Ctrl-C. Every error is one line on standard
error that says what is wrong and what to do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from faceplate.cli.about import version_text
from faceplate.cli.cache import cache_command, render_cache
from faceplate.cli.check import check_command
from faceplate.cli.course import course_app
from faceplate.cli.farm import farm_app
from faceplate.cli.farm_wedge import sheet_command, variant_command
from faceplate.cli.host import host_app
from faceplate.cli.issues import issues_command
from faceplate.cli.log import LogOption, open_log
from faceplate.cli.models import app as models_app
from faceplate.cli.options import given_options, with_parameters
from faceplate.cli.parameters import parameters_command
from faceplate.cli.progress import finish_batch, render_batch
from faceplate.cli.release import app as release_app
from faceplate.cli.release import review_command, verify_command
from faceplate.cli.render_shot import shot_of_file, shot_of_plate
from faceplate.cli.serve import serve_command
from faceplate.cli.shot import shot_app
from faceplate.cli.source import source_app
from faceplate.cli.stmap import stmap_command
from faceplate.cli.track import track_command, tracks_app
from faceplate.cli.track_views import views_command
from faceplate.cli.train import train_app
from faceplate.cli.train_run import add_run_commands
from faceplate.cli.ui import ui_command
from faceplate.cli.wedge import wedge_command
from faceplate.errors import FaceplateError
from faceplate.face import FaceFinder
from faceplate.models import default_store
from faceplate.render import Renderer
from faceplate.render.batch import RenderBatch
from faceplate.shot import is_shot_file
from faceplate.system.memory import keep_freed_memory

__all__ = ["app", "run"]

app = typer.Typer(
    name="faceplate",
    help="Replaces a performer's face on a scene-linear film plate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the versions of Faceplate and of its libraries, for a report.")
    ] = False,
) -> None:
    """Handle the options that stand before a command."""
    if version:
        print(version_text())
        raise typer.Exit


@app.command("render")
@with_parameters
def render_command(
    context: typer.Context,
    plate: Annotated[
        str,
        typer.Argument(
            help="The plate: plate.####.exr, plate.%04d.exr, plate.$F4.exr, one file; or a shot file, x.shot.json."
        ),
    ],
    output: Annotated[str, typer.Option("--output", "-o", help="Where to write: swap.####.exr.")] = "",
    source: Annotated[
        Path | None,
        typer.Option(
            "--source", "-s", help="The person: a folder of pictures, a picture, frames (turn.####.exr), a movie."
        ),
    ] = None,
    frames: Annotated[str | None, typer.Option("--frames", "-f", help="1001-1048, 1001-1048x2, 1001,1005.")] = None,
    mode: Annotated[
        str, typer.Option(help="element: the face as its own RGBA + matte; over: the plate with it.")
    ] = "element",
    space: Annotated[str | None, typer.Option(help="The plate's colour space, when the file does not say.")] = None,
    source_space: Annotated[str | None, typer.Option(help="The source pictures' colour space.")] = None,
    working: Annotated[
        str | None, typer.Option(help="The working space; the config's scene_linear by default.")
    ] = None,
    ocio: Annotated[str | None, typer.Option(help="An OCIO config; else $OCIO, else the built-in ACES config.")] = None,
    missing: Annotated[str, typer.Option(help="Holes in the plate: fail, skip, or hold the frame before.")] = "fail",
    layer: Annotated[str | None, typer.Option(help="The part or layer that holds the picture.")] = None,
    search: Annotated[
        str | None, typer.Option(help="x,y,width,height: look for the face, and read, only there.")
    ] = None,
    compression: Annotated[
        str | None, typer.Option(help="The EXR compression to write; the plate's by default.")
    ] = None,
    multipart: Annotated[bool, typer.Option(help="Element: one part for each layer.")] = False,
    track: Annotated[
        Path | None,
        typer.Option(
            "--track", help="A track made by faceplate track; by default a range is tracked, and the track kept."
        ),
    ] = None,
    no_track: Annotated[
        bool, typer.Option("--no-track", help="Search each frame separately instead of tracking.")
    ] = False,
    allow_noncommercial: Annotated[bool, typer.Option(help="Allow weights that may not be used commercially.")] = False,
    person: Annotated[str, typer.Option(help="The person's name in the id layer.")] = "face",
    final: Annotated[
        bool, typer.Option("--final", help="A final: refused without a valid release. Without it, a preview.")
    ] = False,
    production: Annotated[str, typer.Option(help="The production that the release is asked for.")] = "",
    use: Annotated[str, typer.Option(help="The use that it is asked for: stunt, de-aging, look-alike …")] = "",
    name: Annotated[str, typer.Option(help="The shot's name.")] = "",
    path_mapping: Annotated[
        Path | None, typer.Option(help="Shot file: a JSON file of paths of other machines, and what they are here.")
    ] = None,
    contact_sheet: Annotated[
        Path | None, typer.Option(help="Also write a PNG: plate, result and matte. Renders every frame.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also render frames whose file is up to date.")] = False,
    mix_tracks: Annotated[
        bool,
        typer.Option(
            "--mix-tracks", help="Render beside frames of the output that were made with a track of other frames."
        ),
    ] = False,
    log: LogOption = "text",
    **values: Any,
) -> None:
    """Replace the face on a plate. With a shot file, options given here win over the values of the file.

    A frame is left alone where its file is whole and was made from the same plate, source, track, parameters and weights.
    """
    given = {
        "source": source,
        "output": output,
        "mode": mode,
        "frames": frames,
        "missing": missing,
        "layer": layer,
        "space": space,
        "source_space": source_space,
        "working": working,
        "ocio": ocio,
        "search": search,
        "compression": compression,
        "multipart": multipart,
        "track": track,
        "allow_noncommercial": allow_noncommercial,
        "person": person,
        "purpose": "final" if final else None,
        "production": production,
        "use": use,
        "name": name,
    }
    lines = open_log(log)
    with lines.refusals():
        written = given_options(context)
        shot = (
            shot_of_file(plate, given, values, written, path_mapping)
            if is_shot_file(plate)
            else shot_of_plate(plate, given, values)
        ).model_copy(update={"track_first": not no_track})
        renderer = Renderer(shot, FaceFinder(default_store()), cache=render_cache())
        every = force or contact_sheet is not None
        batch = RenderBatch(renderer, recorded=True, action="render", skip_current=not every, mix_tracks=mix_tracks)
        report = render_batch(batch, contact_sheet, lines)
    finish_batch(report)


app.add_typer(models_app)
app.command("track")(track_command)
tracks_app.command("views")(views_command)
app.add_typer(release_app)
app.command("verify")(verify_command)
app.command("review")(review_command)
app.command("stmap")(stmap_command)
farm_app.command("variant")(variant_command)
farm_app.command("sheet")(sheet_command)
app.add_typer(farm_app, name="farm")
app.add_typer(host_app, name="host")
app.command("check")(check_command)
app.command("issues")(issues_command)
app.add_typer(tracks_app, name="tracks")
app.command("serve")(serve_command)
app.command("ui")(ui_command)
app.command("wedge")(wedge_command)
app.add_typer(shot_app, name="shot")
app.add_typer(source_app, name="source")
app.add_typer(train_app, name="train")
add_run_commands(train_app)
app.add_typer(course_app, name="course")
app.command("parameters")(parameters_command)
app.command("cache")(cache_command)


@app.command("demo")
def demo_command(
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("demo_out"),
    frames: Annotated[int, typer.Option(help="How many of the 24 frames to render.", min=1, max=24)] = 24,
) -> None:
    """Make the demo plate, put an invented person's face on it, and print where the result is."""
    from faceplate.cli.demo import run_demo

    finish_batch(run_demo(out, frames))


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; the entry point of the `faceplate` program."""
    keep_freed_memory()
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        code = app(args=arguments, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except FaceplateError as error:
        _complain(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _complain("Stopped.")
        return 130
    except BrokenPipeError:
        return 1
    except Exception as error:
        # Typer's errors about a command line have this method; their base class differs between its releases.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        _complain(f"{message()} See faceplate --help.")
        return 2


def _complain(sentence: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"faceplate: {sentence}", markup=False)


if __name__ == "__main__":
    run()
