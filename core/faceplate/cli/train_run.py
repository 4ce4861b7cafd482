"""`faceplate train run`, `base` and `export`: training a model and writing it as a network that renders.

PyTorch is imported when a command runs, so that everything else of `faceplate` works without it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from faceplate.cli.log import Log, LogOption, open_log
from faceplate.face import FaceFinder
from faceplate.models import default_store
from faceplate.train.base import BaseRequest, make_base
from faceplate.train.gather import Gathering
from faceplate.train.inputs import ReadSettings
from faceplate.train.needed import require_torch
from faceplate.train.settings import Outcome, Progress, RunSettings

__all__ = ["add_run_commands"]

_Model = Annotated[Path, typer.Argument(help="The model's folder, with a dataset made by faceplate train dataset.")]
_Preset = Annotated[
    str,
    typer.Option(help="quick: 96 to 128 pixels, a CPU within an hour; standard: one GPU, hours; quality: GPUs, days."),
]
_Resume = Annotated[bool, typer.Option("--resume", help="Continue exactly where the last checkpoint stands, or begin.")]
_Minutes = Annotated[float | None, typer.Option(help="Stop after this time; --resume continues.", min=0.0)]
_Steps = Annotated[int | None, typer.Option(help="The last step, instead of the preset's.", min=1)]
_Seed = Annotated[int, typer.Option(help="Seed of the first weights and of every draw.", min=0)]
_Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
_Precision = Annotated[str, typer.Option(help="auto (mixed on a GPU, float32 on a CPU), float32, bfloat16 or float16.")]
_Workers = Annotated[int, typer.Option(help="Processes, on a CPU threads, that prepare faces; -1 chooses.", min=-1)]
_Threads = Annotated[int, typer.Option(help="Threads on a CPU; 0 leaves the choice to PyTorch.", min=0)]
_Save = Annotated[float, typer.Option(help="Minutes between two checkpoints.", min=0.0)]


def add_run_commands(app: typer.Typer) -> None:
    """Add the commands to `faceplate train`."""
    app.command("run")(run_command)
    app.command("base")(base_command)
    app.command("export")(export_command)


def run_command(
    model: _Model,
    preset: _Preset = "standard",
    resume: _Resume = False,
    init: Annotated[
        Path | None, typer.Option(help="Another model's folder whose weights the training begins at.")
    ] = None,
    minutes: _Minutes = None,
    steps: _Steps = None,
    seed: _Seed = 1,
    device: _Device = "auto",
    precision: _Precision = "auto",
    workers: _Workers = -1,
    threads: _Threads = 0,
    save_minutes: _Save = 5.0,
    log: LogOption = "text",
) -> None:
    """Train a model on its dataset.

    It writes checkpoints, MODEL/losses.jsonl and preview sheets, and ends at the preset's last step, after --minutes, or
    when faces that were held out of the training stop improving. Several GPUs: torchrun --nproc-per-node N
    -m faceplate.cli.main train run MODEL.
    """
    lines = open_log(log)
    with lines.refusals():
        require_torch()
        settings = RunSettings(
            preset, resume, init, minutes, steps, seed, device, precision, workers, threads, save_minutes
        )
        outcome = _train(model, settings, lines)
    if outcome.interrupted:
        raise typer.Exit(130)


def base_command(
    model: Annotated[Path, typer.Argument(help="The folder of the base.")],
    dataset: Annotated[
        list[Path] | None,
        typer.Option("--dataset", help="A model's folder, whose dataset's people are taken, any number of times."),
    ] = None,
    person: Annotated[
        list[Path] | None,
        typer.Option("--person", help="A folder of pictures and movies of one released person, any number of times."),
    ] = None,
    size: Annotated[int, typer.Option(help="For --person: side of a face in pixels, 64 to 512.")] = 256,
    every: Annotated[
        int, typer.Option(help="For --person: every n-th frame of movies and frame sequences.", min=1)
    ] = 1,
    production: Annotated[str, typer.Option(help="For --person: the production of the releases.")] = "",
    space: Annotated[str | None, typer.Option(help="For --person: the colour space where the files say none.")] = None,
    ocio: Annotated[str | None, typer.Option(help="For --person: an OCIO config; else $OCIO, else ACES.")] = None,
    preset: _Preset = "standard",
    resume: _Resume = False,
    minutes: _Minutes = None,
    steps: _Steps = None,
    seed: _Seed = 1,
    device: _Device = "auto",
    precision: _Precision = "auto",
    workers: _Workers = -1,
    threads: _Threads = 0,
    save_minutes: _Save = 5.0,
    log: LogOption = "text",
) -> None:
    """Train a base of several people, which --init of train run starts from.

    All people are joined into one dataset in MODEL; their releases, which must permit training, go with them.
    """
    lines = open_log(log)
    with lines.refusals():
        require_torch()
        if not resume:
            finder = FaceFinder(default_store(), threads=1)
            gathering = Gathering(size, ReadSettings(finder, ocio, space, every), os.cpu_count() or 1)
            request = BaseRequest(model, tuple(dataset or ()), tuple(person or ()), gathering, production)
            document = make_base(request)
            lines.event("dataset", people=len(document.people), message=f"{len(document.people)} people")
        settings = RunSettings(
            preset, resume, None, minutes, steps, seed, device, precision, workers, threads, save_minutes
        )
        outcome = _train(model, settings, lines)
    if outcome.interrupted:
        raise typer.Exit(130)


def export_command(
    model: _Model,
    name: Annotated[str, typer.Option(help="The network's name, for --generator: ada_v3.")],
    latest: Annotated[
        bool, typer.Option("--latest", help="The newest checkpoint instead of the best on the held-out faces.")
    ] = False,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Write MODEL/export alone; nothing goes into the model store.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier export of that name.")] = False,
) -> None:
    """Write the model as ONNX networks in single and half precision, compare them with PyTorch, and add them to the store."""
    require_torch()
    from faceplate.train.export import export_model

    exported = export_model(model, name, None if no_store else default_store(), latest=latest, replace=replace)
    for card, path, error in zip(exported.cards, exported.files, exported.errors, strict=True):
        print(f"{card.name}: {path}, differs from PyTorch by {error:.1e} at most. sha256 {card.sha256}")
    if not no_store:
        print(f"Render it with: faceplate render … --generator {name}")


def _train(model: Path, settings: RunSettings, log: Log) -> Outcome:
    from faceplate.train.loop import train

    leads = os.environ.get("RANK", "0") == "0"  # torchrun starts one process for each GPU; one speaks
    console = Console(stderr=True, soft_wrap=True, highlight=False, quiet=not (log.text and leads))
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}")
    with Bar(*columns, console=console, disable=console.quiet or not console.is_terminal) as bar:
        task = bar.add_task("training", total=None, figures="")

        def report(progress: Progress) -> None:
            for sentence in (progress.note, f"Preview: {progress.preview}" if progress.preview else ""):
                if sentence:
                    console.print(sentence, markup=False, style="dim")
            if progress.losses:
                text = _figures(progress)
                bar.update(task, completed=progress.step, total=progress.steps, figures=text)
                if not console.is_terminal and progress.step % 500 == 0:
                    console.print(f"step {progress.step} of {progress.steps}: {text}", markup=False)
            _log_progress(log, progress)

        outcome = train(model, settings, default_store(), report)
    if leads:
        _tell_outcome(outcome, log)
    return outcome


def _tell_outcome(outcome: Outcome, log: Log) -> None:
    log.event(
        "summary",
        step=outcome.step,
        best_step=outcome.best_step,
        held_out=outcome.best_loss,
        interrupted=outcome.interrupted,
        message=outcome.sentence,
    )
    if log.text:
        print(outcome.sentence)


def _log_progress(log: Log, progress: Progress) -> None:
    if progress.losses:
        log.event(
            "progress",
            what="step",
            done=progress.step,
            total=progress.steps,
            losses=progress.losses,
            held_out=progress.held_out,
            faces_per_second=round(progress.faces_per_second, 2),
            seconds_left=round(progress.seconds_left),
        )
    elif progress.preview:
        log.event("preview", step=progress.step, file=str(progress.preview), message=f"Preview: {progress.preview}")
    elif progress.note:
        log.event("note", "warning", message=progress.note)


def _figures(progress: Progress) -> str:
    losses = progress.losses
    shown = " ".join(f"{name} {losses[name]:.3f}" for name in ("structure", "pixel", "likeness") if name in losses)
    held_out = f", held out {progress.held_out:.3f}" if progress.held_out is not None else ""
    minutes = progress.seconds_left / 60
    left = f"{minutes / 60:.1f} h" if minutes >= 90 else f"{minutes:.0f} min"
    return f"{shown}{held_out}, {progress.faces_per_second:.0f} faces/s, {left} left"
