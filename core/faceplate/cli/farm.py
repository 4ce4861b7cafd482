"""`faceplate farm …`: writes a shot as a farm's job, and runs the tasks of such a job."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from faceplate.cli.log import LogOption, open_log
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.farm import Assets, FarmJob, assets_of, plan_job, write_bundle
from faceplate.farm.plan import CHUNK_SECONDS, wedge_job
from faceplate.farm.run import run_bundle
from faceplate.farm.track import merge_track, track_stretches
from faceplate.models import default_store
from faceplate.plate import Sequence, parse_frames
from faceplate.render import Renderer
from faceplate.render.batch import log_render
from faceplate.render.pool import ResourcePool
from faceplate.review.wedge import parse_axes, shot_with, variants_of
from faceplate.shot import Shot, load_shot, read_rules
from faceplate.system.user_paths import is_dir

__all__ = ["FramesOption", "MappingOption", "OutputFolder", "TrackOption", "farm_app", "shot_on_node"]

farm_app = typer.Typer(
    help="Write a shot as a farm's job (Open Job Description), or run one here.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ShotFile = Annotated[Path, typer.Argument(help="The shot file, x.shot.json.")]
FramesOption = Annotated[str | None, typer.Option("--frames", "-f", help="1001-1048, 1001-1048:2, 1001,1005.")]
OutputFolder = Annotated[str, typer.Option(help="The folder of the frames, instead of the shot's own.")]
TrackOption = Annotated[Path | None, typer.Option(help="The track, instead of the shot's own.")]
MappingOption = Annotated[
    Path | None, typer.Option(help="A JSON file that maps paths of other machines to paths of this one.")
]
_Chunk = Annotated[int, typer.Option(help="Frames in a task; 0: as many as fit --chunk-seconds.", min=0)]
_ChunkSeconds = Annotated[float, typer.Option(help="How long a task should take.", min=1)]
_FrameSeconds = Annotated[
    float, typer.Option(help="Seconds that a frame takes; 0: two frames are rendered here to measure it.", min=0)
]
_Workers = Annotated[
    int, typer.Option(help="How many nodes may work on the job; a short shot is spread over them.", min=1)
]
_Comp = Annotated[str, typer.Option(help="A last step: nuke -x comp.nk -F {frames}; blender -b x.blend -f {frame}.")]
_Final = Annotated[
    bool, typer.Option("--final", help="Render finals, which need a valid release. Without it, previews.")
]
_Gpu = Annotated[bool, typer.Option(help="Ask for nodes with a GPU.")]


@farm_app.command("bundle")
def bundle_command(
    shot: ShotFile,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The bundle's folder; NAME.job by default.")
    ] = None,
    frames: FramesOption = None,
    chunk: _Chunk = 0,
    chunk_seconds: _ChunkSeconds = CHUNK_SECONDS,
    frame_seconds: _FrameSeconds = 0.0,
    workers: _Workers = 4,
    host_comp: _Comp = "",
    final: _Final = False,
    gpu: _Gpu = False,
    opencue: Annotated[bool, typer.Option("--opencue", help="Also write the job as OpenCue's XML, job.xml.")] = False,
    wedge: Annotated[
        list[str] | None,
        typer.Option("--wedge", help="An axis of a wedge, such as light_scale=0.05:0.5:5; give it once or twice."),
    ] = None,
    wedge_folder: Annotated[
        Path | None, typer.Option(help="The wedge's folder; NAME.wedge in the current folder by default.")
    ] = None,
) -> None:
    """Write a job bundle that tracks, renders in chunks, checks, and runs the host's comp. Deadline Cloud accepts it as it is.

    With --wedge the job has a task for each variant, and a last step that lays out the sheets.
    """
    renderer = _renderer(_loaded(shot, final))
    if wedge:
        if opencue:
            raise UsageError("bad-option", "--opencue writes no wedge; leave one of the two out.")
        job, assets = _planned_wedge(renderer, frames, wedge, wedge_folder, host_comp=host_comp, gpu=gpu)
        print(write_bundle(job, assets, output or Path.cwd() / f"{job.name}.job"))
        return
    job, assets = _planned(
        renderer,
        frames,
        chunk=chunk,
        chunk_seconds=chunk_seconds,
        frame_seconds=frame_seconds,
        workers=workers,
        host_comp=host_comp,
        gpu=gpu,
    )
    folder = write_bundle(job, assets, output or Path.cwd() / f"{job.name}.job")
    if opencue:
        from faceplate.farm.opencue import outline_xml

        (folder / "job.xml").write_text(outline_xml(job, folder / "shot" / f"{job.name}.shot.json"), encoding="utf-8")
    _print_job(job, assets)
    print(folder)


@farm_app.command("run")
def run_command(
    what: Annotated[Path, typer.Argument(help="A shot file, or the folder of a job bundle.")],
    frames: FramesOption = None,
    chunk: _Chunk = 0,
    chunk_seconds: _ChunkSeconds = CHUNK_SECONDS,
    frame_seconds: _FrameSeconds = 0.0,
    workers: _Workers = 4,
    host_comp: _Comp = "",
    final: _Final = False,
    step: Annotated[str, typer.Option(help="Only this step, and those that it depends on.")] = "",
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="A job parameter: NAME=VALUE.")
    ] = None,
    path_mapping: MappingOption = None,
) -> None:
    """Run a job on this machine with the Open Job Description runtime."""
    given = _assigned(parameter or [])
    if is_dir(what):
        code = run_bundle(what, given, path_mapping, step)
    else:
        with tempfile.TemporaryDirectory(prefix="faceplate-job-") as folder:
            renderer = _renderer(_loaded(what, final))
            job, assets = _planned(
                renderer,
                frames,
                chunk=chunk,
                chunk_seconds=chunk_seconds,
                frame_seconds=frame_seconds,
                workers=workers,
                host_comp=host_comp,
            )
            _print_job(job, assets)
            fixed = {"ChunkSeconds": "0"} if chunk else {}
            code = run_bundle(write_bundle(job, assets, Path(folder)), {**fixed, **given}, path_mapping, step)
    if code != 0:
        raise typer.Exit(1)


@farm_app.command("track")
def track_command(
    shot: ShotFile,
    stretches: Annotated[str, typer.Option(help="Which stretches of the plate, counted from 0: 0-3.")],
    frames: FramesOption = None,
    output_folder: OutputFolder = "",
    track: TrackOption = None,
    path_mapping: MappingOption = None,
    log: LogOption = "text",
) -> None:
    """Track some stretches of a plate, as a task of a job. `farm merge` joins them."""
    lines = open_log(log)
    with lines.refusals():
        renderer = _renderer(shot_on_node(shot, output_folder, track, path_mapping))
        track_stretches(
            renderer,
            _numbers(frames),
            parse_frames(stretches),
            lambda done, total: lines.event("progress", done=done, total=total, what="stretch"),
        )


@farm_app.command("merge")
def merge_command(
    shot: ShotFile,
    frames: FramesOption = None,
    output_folder: OutputFolder = "",
    track: TrackOption = None,
    path_mapping: MappingOption = None,
    log: LogOption = "text",
) -> None:
    """Join the stretches of `farm track` into the track, as a task of a job. Missing stretches are tracked here."""
    lines = open_log(log)
    with lines.refusals():
        renderer = _renderer(shot_on_node(shot, output_folder, track, path_mapping))
        made = merge_track(
            renderer,
            _numbers(frames),
            lambda done, total: lines.event("progress", done=done, total=total, what="frame"),
        )
    lines.event("track", path=made.path, frames=len(made.frames), message=f"{len(made.frames)} frames: {made.path}")
    if lines.text:
        print(f"{len(made.frames)} frames: {made.path}")


def shot_on_node(shot: Path, output_folder: str, track: Path | None, path_mapping: Path | None) -> Shot:
    """Return a job's shot with the paths of this machine in it. Raises what `load_shot` and `read_rules` raise."""
    rules = read_rules(path_mapping) if path_mapping else ()
    loaded = load_shot(shot, mapping=rules)
    changes: dict[str, Any] = {}
    if output_folder and loaded.output:
        changes["output"] = str(Path(output_folder) / loaded.output.replace("\\", "/").rpartition("/")[2])
    if track is not None:
        changes["track"] = track.absolute()
    return loaded.model_copy(update=changes)


def _planned(renderer: Renderer, frames: str | None, **options: Any) -> tuple[FarmJob, Assets]:
    """Return the job of a shot and its files; `options` are those of `plan_job`. The job is added to the audit log."""
    renderer.resources.consent.decision.enforce()  # a release that does not cover the job is reported now, not on the farm
    job = plan_job(renderer, frames=_numbers(frames), **options)
    log_render(renderer, job.frames, "farm")
    return job, assets_of(job, renderer)


def _planned_wedge(
    renderer: Renderer, frames: str | None, axes: list[str], folder: Path | None, **options: Any
) -> tuple[FarmJob, Assets]:
    """Return the job of a wedge and its files. Weights that any variant names are checked and sent along."""
    renderer.resources.consent.decision.enforce()
    plain = plan_job(renderer, frames=_numbers(frames), chunk=1, **options)
    job = wedge_job(plain, axes, folder or Path.cwd() / f"{plain.name}.wedge")
    log_render(renderer, job.frames, "farm")
    parsed = parse_axes(axes)
    shots = [shot_with(renderer.shot, variant.values) for variant in variants_of(parsed)]
    assets = assets_of(job, renderer, [Renderer(shot, renderer.finder, pool=ResourcePool()) for shot in shots])
    tracked = f"; the job tracks the plate in {job.stretches} stretches" if job.tracking else ""
    print(f"{job.variants} variants of {len(job.frames)} frames; {len(assets.inputs)} files to read{tracked}.")
    _print_missing(assets)
    print(f"Wedge: {Sequence.parse(job.shot.output).folder}")
    return job, assets


def _loaded(shot: Path, final: bool) -> Shot:
    return load_shot(shot, changes={"purpose": "final"} if final else None)


def _renderer(shot: Shot) -> Renderer:
    return Renderer(shot, FaceFinder(default_store()))


def _numbers(frames: str | None) -> tuple[int, ...] | None:
    return parse_frames(frames.replace(":", "x")) if frames else None


def _assigned(words: list[str]) -> dict[str, str]:
    for word in words:
        if "=" not in word:
            raise UsageError("bad-option", f"--parameter is '{word}'; write NAME=VALUE, such as ChunkSize=4.")
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def _print_job(job: FarmJob, assets: Assets) -> None:
    measured = f", at {job.frame_seconds:.2g} s a frame here" if job.frame_seconds else ""
    tasks = -(-len(job.frames) // job.chunk)
    print(
        f"{len(job.frames)} frames in {tasks} tasks of up to {job.chunk}{measured}; {len(assets.inputs)} files to read."
    )
    if job.tracking:
        print(f"The job tracks the plate in {job.stretches} stretches: {job.shot.track}")
    _print_missing(assets)
    print(f"Frames: {Sequence.parse(job.shot.output)}")


def _print_missing(assets: Assets) -> None:
    for line in assets.missing[:5]:
        print(f"Missing: {line}")
    if len(assets.missing) > 5:
        print(f"Missing: {len(assets.missing) - 5} more files.")
