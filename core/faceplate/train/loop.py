"""The training of a model: from dataset and settings to checkpoints, losses and preview sheets in the model's folder."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faceplate.errors import RenderError, UsageError
from faceplate.models import ModelStore
from faceplate.train.batches import plain_batch
from faceplate.train.checkpoint import BEST, checkpoint_folder, checkpoints, newest_state, save_checkpoint, save_state
from faceplate.train.distributed import Ranks, chosen_device, joined
from faceplate.train.initial import start_from
from faceplate.train.loader import Feed, TensorBatch, tensors
from faceplate.train.pack import ACTOR, Pack, TrainingSet, open_training_set
from faceplate.train.presets import Preset, Shape, levels_of, preset_called
from faceplate.train.preview import PreviewRow, write_preview
from faceplate.train.recogniser import open_recogniser
from faceplate.train.record import Record
from faceplate.train.settings import Outcome, Progress, Report, RunSettings
from faceplate.train.trainer import Trainer, precision_called

__all__ = ["train"]

_LOG_EVERY = 20
_AGREE_EVERY = 10  # steps between two questions among several processes whether to stop
_HELD_OUT = 16  # faces of each person that a look at the held-out part takes
_SHOWN = 4
_KNOWN_BY = 32
_BETTER = 0.998  # a look counts as an improvement from two thousandths on
_VERSION = 1
_RUNS, _STOPPED, _TIME_UP, _NO_BETTER = range(4)


def train(model: Path, settings: RunSettings, store: ModelStore, report: Report) -> Outcome:
    """Train the model in the folder `model`, which holds a dataset, until a limit or until held-out faces stop improving.

    Parameters
    ----------
    model : Path
        The model's folder.
    settings : RunSettings
        What is asked for.
    store : ModelStore
        Where the recogniser is.
    report : callable
        Called with a `Progress` every few steps, by the leading process alone.

    Raises
    ------
    UsageError
        `no-dataset`, `bad-dataset`, `dataset-too-small`, `run-exists`, `no-checkpoint`, `dataset-changed`,
        `init-does-not-fit`, `unknown-preset`, `no-device`, `bad-size`.
    RenderError
        `disk-full`, `output-unwritable`, `damaged-checkpoint`, `training-diverged`, `gpu-memory`.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    document, packs = open_training_set(model)
    _check_packs(packs)
    with joined(chosen_device(settings.device).type) as ranks:
        device = chosen_device(settings.device, ranks.local)
        torch.use_deterministic_algorithms(device.type == "cpu", warn_only=True)
        # A debugging aid that costs time at each allocation.
        torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
        run = _open_run(model, settings, store, (document, packs), (ranks, device))
        try:
            return _Loop(run, settings, report).run()
        except torch.cuda.OutOfMemoryError as error:
            raise RenderError(
                "gpu-memory", "The GPU's memory is full; use a smaller preset, or a dataset of smaller crops."
            ) from error


@dataclass
class _Run:
    """A training that is ready to go on: what it is, and where it stands."""

    model: Path
    preset: Preset
    shape: Shape
    document: TrainingSet
    packs: dict[str, Pack]
    trainer: Trainer
    ranks: Ranks
    seed: int
    base: str | None
    releases: tuple[str, ...]
    best_step: int | None = None
    best_loss: float = math.inf
    notes: tuple[str, ...] = ()


def _check_packs(packs: dict[str, Pack]) -> None:
    if len(packs) < 2:
        raise UsageError("dataset-too-small", "The dataset holds one person; a swap needs an actor and a double.")
    for person, pack in packs.items():
        count = int((~np.asarray(pack.held_out)).sum())
        if count < 2:
            raise UsageError(
                "dataset-too-small", f"The dataset holds {count} faces of the {person} to train on; it needs many more."
            )


def _open_run(
    model: Path,
    settings: RunSettings,
    store: ModelStore,
    data: tuple[TrainingSet, dict[str, Pack]],
    place: tuple[Ranks, torch.device],
) -> _Run:
    (document, packs), (ranks, device) = data, place
    state: dict[str, Any] = {}
    notes: tuple[str, ...] = ()
    if settings.resume and checkpoints(model):  # a farm's task resumes always: without a checkpoint it begins
        state, notes = newest_state(model)
        _check_same(state, document)
    elif checkpoints(model):
        raise UsageError(
            "run-exists",
            f"{model} holds checkpoints of a training; go on with --resume, or remove {checkpoint_folder(model)}.",
        )
    preset = preset_called(state.get("preset", settings.preset))
    if state.get("base") or (settings.init is not None and not state):
        preset = preset.begun()
    seed = int(state.get("seed", settings.seed))
    levels_of(document.size)
    shape = Shape(document.size, tuple(packs), preset.code, preset.base, preset.cap, preset.blocks)
    torch.manual_seed(seed)
    # A base has no actor whom a swap could be like.
    recogniser = open_recogniser(store) if preset.likeness_every and ACTOR in packs else None
    precision = precision_called(settings.precision, device)
    known = tuple(_faces_of(pack) for pack in packs.values())[:2] if recogniser is not None else ()
    trainer = Trainer(shape, preset, device, precision, ranks, recogniser, known)
    releases = tuple(state.get("releases", document.releases))
    run = _Run(model, preset, shape, document, packs, trainer, ranks, seed, state.get("base"), releases, notes=notes)
    if state:
        trainer.restore(state)
        run.best_step, run.best_loss = state["best_step"], float(state["best_loss"])
    elif settings.init is not None:
        run.base, of_base = start_from(settings.init, trainer)
        run.releases = tuple(sorted({*releases, *of_base}))
    return run


def _check_same(state: dict[str, Any], document: TrainingSet) -> None:
    if state["dataset"] != document.sha256:
        raise UsageError(
            "dataset-changed",
            "The dataset is not the one that this training began with; train a new model that starts from this one "
            "with --init.",
        )


def _faces_of(pack: Pack) -> TensorBatch:
    """Return faces of a person to know them by."""
    return tensors(plain_batch((pack,), (_spread(np.flatnonzero(~np.asarray(pack.held_out)), _KNOWN_BY),)))


class _Loop:
    """Steps, looks, previews and checkpoints of one run."""

    def __init__(self, run: _Run, settings: RunSettings, report: Report) -> None:
        self.run_state, self.settings, self.report = run, settings, report
        self.trainer, self.preset, self.ranks = run.trainer, run.preset, run.ranks
        self.last = settings.steps or run.preset.steps
        self.record = Record(run.model, self.trainer.step_count) if self.ranks.leads else None
        self.held_out = self._held_out_batch()
        self.latest_look: float | None = None
        self.asked = self.stop = _RUNS
        self.began = self.saved = time.monotonic()
        self.first = self.trainer.step_count
        self.asked_to_stop = threading.Event()

    def run(self) -> Outcome:
        """Train to the end and return how it ended."""
        for note in self.run_state.notes:
            self._tell(Progress(self.trainer.step_count, self.last, note=note))
        if self.held_out is None:
            note = "No face is held out, so the training cannot notice overfitting; it ends at the preset's last step."
            self._tell(Progress(self.trainer.step_count, self.last, note=note))
        device = self.trainer.device
        feed = Feed(
            self.run_state.model,
            self.preset.batch,
            self.run_state.seed,
            self.ranks.rank,
            _workers(self.settings.workers, device),
            device.type == "cuda",
            self.preset.ease,
        )
        with _signals(self.asked_to_stop):
            for batch in feed.batches(self.trainer.step_count, self.last):
                self.trainer.step(batch.to(device))
                self._after_step()
                if self.stop != _RUNS:
                    break
        self._save()
        return self._outcome()

    def _after_step(self) -> None:
        step = self.trainer.step_count
        if step % _LOG_EVERY == 0:
            self._log()
        if self.ranks.leads and self.held_out is not None and step % self.preset.check_every == 0:
            self._look()
        if self.ranks.leads and step % self.preset.preview_every == 0:
            self._preview()
        self.asked = self.asked or self._reason()
        if self.ranks.count == 1:
            self.stop = self.asked
        elif step % _AGREE_EVERY == 0:  # all end at the same step, or the others would wait for ever
            self.stop = self.ranks.agree(self.asked, self.trainer.device)
        if self.ranks.leads and time.monotonic() - self.saved > self.settings.save_minutes * 60:
            self._save()

    def _reason(self) -> int:
        if self.asked_to_stop.is_set():
            return _STOPPED
        minutes = self.settings.minutes
        if minutes is not None and time.monotonic() - self.began > minutes * 60:
            return _TIME_UP
        best, step = self.run_state.best_step, self.trainer.step_count
        if best is not None and step - best >= self.preset.patience * self.preset.check_every:
            return _NO_BETTER
        return _RUNS

    def _log(self) -> None:
        losses = self.trainer.take_losses()
        step = self.trainer.step_count
        if not all(math.isfinite(value) for value in losses.values()):
            raise RenderError(
                "training-diverged",
                f"The loss is no number after step {step}; go on from the last checkpoint with --resume, or begin again "
                "with --precision float32.",
            )
        elapsed = time.monotonic() - self.began
        rate = (step - self.first) / max(elapsed, 1e-6)
        faces = rate * self.preset.batch * 2 * self.ranks.count
        left = (self.last - step) / max(rate, 1e-6)
        if self.settings.minutes is not None:
            left = min(left, max(self.settings.minutes * 60 - elapsed, 0.0))
        if self.record is not None:
            pace = {"faces_per_second": round(faces, 2), "seconds_left": round(left), "steps": self.last}
            self.record.add({"step": step, "losses": losses, **pace})
        self._tell(Progress(step, self.last, losses, faces, left, self.latest_look))

    def _look(self) -> None:
        assert self.held_out is not None and self.record is not None
        loss, step, run = self.trainer.held_out_loss(self.held_out), self.trainer.step_count, self.run_state
        self.latest_look = loss
        self.record.add({"step": step, "held_out": loss})
        if loss < run.best_loss * _BETTER:
            run.best_step, run.best_loss = step, loss
            save_state(
                checkpoint_folder(run.model) / BEST, {**self._identity(), "average": self.trainer.average.state_dict()}
            )

    def _preview(self) -> None:
        rows = preview_rows(self.trainer, tuple(self.run_state.packs.values()))
        path = write_preview(self.run_state.model, self.trainer.step_count, rows)
        self._tell(Progress(self.trainer.step_count, self.last, preview=path))

    def _identity(self) -> dict[str, Any]:
        run = self.run_state
        return {
            "version": _VERSION,
            "step": self.trainer.step_count,
            "preset": run.preset.name,
            "seed": run.seed,
            "shape": asdict(run.shape),
            "dataset": run.document.sha256,
            "base": run.base,
            "releases": list(run.releases),
        }

    def _save(self) -> None:
        if self.ranks.leads:
            run = self.run_state
            best = {"best_step": run.best_step, "best_loss": run.best_loss}
            save_checkpoint(run.model, self.trainer.step_count, {**self._identity(), **best, **self.trainer.state()})
        self.saved = time.monotonic()

    def _held_out_batch(self) -> TensorBatch | None:
        packs = tuple(self.run_state.packs.values())
        rows = tuple(_spread(np.flatnonzero(np.asarray(pack.held_out)), _HELD_OUT) for pack in packs)
        if not self.ranks.leads or not any(len(part) for part in rows):
            return None
        return tensors(plain_batch(packs, rows)).to(self.trainer.device)

    def _tell(self, progress: Progress) -> None:
        if self.ranks.leads:
            self.report(progress)

    def _outcome(self) -> Outcome:
        run, step = self.run_state, self.trainer.step_count
        sentences = {
            _RUNS: f"Step {step} of {self.last} is reached.",
            _STOPPED: f"Stopped at step {step}; go on with --resume.",
            _TIME_UP: f"The time is over at step {step}; go on with --resume.",
            _NO_BETTER: f"Stopped at step {step}: the held-out faces have not become better since step {run.best_step}. "
            "More steps would only fit the dataset's own frames; export takes the weights of that step.",
        }
        best_loss = run.best_loss if math.isfinite(run.best_loss) else None
        return Outcome(step, sentences[self.stop], run.best_step, best_loss, self.stop == _STOPPED)


@torch.no_grad()
def preview_rows(trainer: Trainer, packs: tuple[Pack, ...]) -> list[PreviewRow]:
    """Return the rows of a preview: of each person a face, rebuilt, its matte; of all but the first also the swap and its matte."""
    rows = tuple(_spread(_shown(pack), _SHOWN) for pack in packs[:2])
    batch = tensors(plain_batch(packs[:2], rows)).to(trainer.device)
    who = torch.zeros(len(batch.who), len(packs), device=trainer.device)
    who[:, :2] = batch.who
    actor = torch.zeros_like(who)
    actor[:, 0] = 1
    rebuilt, swapped = trainer.average(batch.faces, who, len(who), actor)[:2]
    found: list[PreviewRow] = []
    for index in range(len(who)):
        row: PreviewRow = (_picture(batch.faces[index]), _picture(rebuilt[0][index]), _matte(rebuilt[1][index]))
        if not who[index, 0]:
            row = (*row, _picture(swapped[0][index]), _matte(swapped[1][index]))
        found.append(row)
    return found


def _shown(pack: Pack) -> np.ndarray:
    held_out = np.flatnonzero(np.asarray(pack.held_out))
    return held_out if len(held_out) else np.arange(len(pack))


def _spread(indices: np.ndarray, count: int) -> np.ndarray:
    """Return at most `count` of the indices, evenly spread."""
    if len(indices) <= count:
        return indices
    return indices[np.linspace(0, len(indices) - 1, count).round().astype(int)]


def _picture(face: Tensor) -> np.ndarray:
    return face.float().permute(1, 2, 0).cpu().numpy()


def _matte(logits: Tensor) -> np.ndarray:
    return torch.sigmoid(logits.float())[0].cpu().numpy()


def _workers(wanted: int, device: torch.device) -> int:
    """Choose how many prepare batches: one thread beside a CPU training, four processes for a GPU."""
    if wanted >= 0:
        return wanted
    return 4 if device.type == "cuda" else 1


@contextlib.contextmanager
def _signals(event: threading.Event) -> Iterator[None]:
    """Turn Ctrl-C and the farm's request to end into an event, so that a step is never cut in two."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.signal(kind, lambda *_: event.set()) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
