"""A training on two drawn faces: it learns, goes on exactly, ends by itself, and refuses with one sentence."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from faceplate.errors import RenderError, UsageError
from faceplate.models import embedded_store
from faceplate.train.pack import Pack, dataset_folder, open_training_set, pack_digest, write_pack, write_training_set
from faceplate.train.record import read_record
from faceplate.train.settings import Outcome, Progress, RunSettings

torch = pytest.importorskip("torch", reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])")
pytest.importorskip("onnx")

from faceplate.train import loop, presets  # noqa: E402
from faceplate.train.checkpoint import checkpoints, newest_state  # noqa: E402
from train_process import train_tiny  # noqa: E402
from training_faces import write_drawn_dataset  # noqa: E402

LONG = os.environ.get("FACEPLATE_LONG") == "1"
STEPS = 60


def train(model: Path, **values: object) -> tuple[Outcome, list[Progress]]:
    told: list[Progress] = []
    settings = RunSettings("tiny", device="cpu", workers=0, threads=1, **values)  # type: ignore[arg-type]
    return loop.train(model, settings, embedded_store(), told.append), told


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome, list[Progress]]:
    """A training of 60 steps without an interruption."""
    model = tmp_path_factory.mktemp("undisturbed") / "model"
    write_drawn_dataset(model)
    return model, *train(model, steps=STEPS)


def losses(model: Path) -> list[dict]:
    of_the_run = ("faces_per_second", "seconds_left", "steps")
    return [{key: value for key, value in line.items() if key not in of_the_run} for line in read_record(model)]


def same_weights(one: Path, two: Path) -> bool:
    states = [newest_state(model)[0] for model in (one, two)]
    return all(
        torch.equal(states[0][part][name], states[1][part][name])
        for part in ("network", "average")
        for name in states[0][part]
    )


def test_the_loss_falls_by_half(undisturbed: tuple[Path, Outcome, list[Progress]]) -> None:
    model, outcome, told = undisturbed
    lines = [line for line in read_record(model) if "losses" in line]
    assert lines[-1]["losses"]["total"] < 0.5 * lines[0]["losses"]["total"]
    looks = [line["held_out"] for line in read_record(model) if "held_out" in line]
    assert outcome.best_loss == min(looks) and looks[-1] < looks[0]
    assert outcome.step == STEPS and not outcome.interrupted
    assert any(progress.faces_per_second > 0 and progress.seconds_left > 0 for progress in told)


def test_the_preview_is_written(undisturbed: tuple[Path, Outcome, list[Progress]]) -> None:
    import cv2

    model, _, told = undisturbed
    shown = [progress.preview for progress in told if progress.preview]
    assert [path.name for path in shown] == ["step_00000040.png"]
    sheet = cv2.imread(str(shown[0]))
    assert sheet is not None and sheet.shape == (8 * 64, 5 * 64, 3)
    assert model in shown[0].parents


def test_a_resumed_training_is_the_undisturbed_one(
    tmp_path: Path, undisturbed: tuple[Path, Outcome, list[Progress]]
) -> None:
    write_drawn_dataset(tmp_path)
    train(tmp_path, steps=27)
    train(tmp_path, steps=STEPS, resume=True)
    assert same_weights(tmp_path, undisturbed[0])
    assert losses(tmp_path) == losses(undisturbed[0])


@pytest.mark.skipif(sys.platform == "win32", reason="NOT RUN: kills of a training, which need processes that fork")
def test_kills_at_random_moments_change_nothing(
    tmp_path: Path, undisturbed: tuple[Path, Outcome, list[Progress]]
) -> None:
    """Two kills, ten with FACEPLATE_LONG=1; the moments differ in every run of the test."""
    write_drawn_dataset(tmp_path)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["faceplate.train.loop"])
    done = 0
    for _ in range(10 if LONG else 2):
        child = context.Process(target=train_tiny, args=(tmp_path, STEPS, True))
        child.start()
        began = time.monotonic()
        while child.is_alive() and not checkpoints(tmp_path) and time.monotonic() - began < 120:
            time.sleep(0.02)
        time.sleep(random.uniform(0.0, 0.5))
        child.kill()
        child.join()
        assert child.exitcode in (-9, 0)
        done = newest_state(tmp_path)[0]["step"]
    assert done > 0
    train(tmp_path, steps=STEPS, resume=True)
    assert same_weights(tmp_path, undisturbed[0])
    assert losses(tmp_path) == losses(undisturbed[0])


@pytest.mark.skipif(sys.platform == "win32", reason="NOT RUN: kills of a training, which need processes that fork")
def test_a_request_to_end_finishes_the_step_and_saves(tmp_path: Path) -> None:
    """A terminal's Ctrl-C and a farm reach the loader's processes too."""
    write_drawn_dataset(tmp_path, count=8, held_out=2)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["faceplate.train.loop"])
    child = context.Process(target=train_tiny, args=(tmp_path, 10_000, False, 1, 0.0))
    child.start()
    while child.is_alive() and not checkpoints(tmp_path):
        time.sleep(0.02)
    assert child.pid is not None
    os.killpg(child.pid, signal.SIGTERM)
    child.join(60)
    assert child.exitcode == 0
    assert newest_state(tmp_path)[1] == ()


def test_it_ends_when_the_held_out_faces_stop_improving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out faces that look like nothing that is trained: the sentence names the step whose weights are exported."""
    write_drawn_dataset(tmp_path, count=12, held_out=4)
    monkeypatch.setattr(loop, "_BETTER", 0.5)  # a look must halve the loss
    quick = presets.PRESETS["tiny"]
    monkeypatch.setitem(presets.PRESETS, "tiny", replaced(quick, check_every=5, patience=2, steps=200))
    outcome, _ = train(tmp_path)
    assert outcome.step < 100 and outcome.best_step is not None
    assert outcome.step == outcome.best_step + 10
    assert f"not become better since step {outcome.best_step}" in outcome.sentence


def test_without_held_out_faces_it_says_that_it_cannot_see_overfitting(tmp_path: Path) -> None:
    write_drawn_dataset(tmp_path, count=6, held_out=0)
    outcome, told = train(tmp_path, steps=2)
    assert any("cannot notice overfitting" in progress.note for progress in told)
    assert outcome.best_step is None


def test_minutes_stop_it_and_resume_goes_on(tmp_path: Path) -> None:
    write_drawn_dataset(tmp_path, count=6, held_out=2)
    outcome, _ = train(tmp_path, minutes=0.0)
    assert outcome.step == 1 and "The time is over at step 1" in outcome.sentence
    assert train(tmp_path, steps=3, resume=True)[0].step == 3


def replaced(preset: presets.Preset, **values: int) -> presets.Preset:
    from dataclasses import replace

    return replace(preset, **values)  # type: ignore[arg-type]


def test_a_second_run_is_not_begun_over_the_first(undisturbed: tuple[Path, Outcome, list[Progress]]) -> None:
    with pytest.raises(UsageError, match="--resume") as caught:
        train(undisturbed[0])
    assert caught.value.code == "run-exists"


def test_a_changed_dataset_is_refused(tmp_path: Path) -> None:
    document = write_drawn_dataset(tmp_path, count=6, held_out=2)
    train(tmp_path, steps=1)
    write_training_set(dataset_folder(tmp_path), document.model_copy(update={"sha256": "0" * 64}))
    with pytest.raises(UsageError, match="--init") as caught:
        train(tmp_path, steps=2, resume=True)
    assert caught.value.code == "dataset-changed"


@pytest.mark.parametrize("kept", ["one person", "one face"])
def test_too_little_to_train_on(tmp_path: Path, kept: str) -> None:
    document = write_drawn_dataset(tmp_path, count=6, held_out=2)
    if kept == "one person":
        document = document.model_copy(update={"people": {"actor": ("a",)}})
    else:
        _, packs = open_training_set(tmp_path)
        one = Pack(*(np.asarray(getattr(packs["actor"], name))[:1] for name in packs["actor"].__dataclass_fields__))
        write_pack(dataset_folder(tmp_path), "actor", one)
    document = document.model_copy(update={"sha256": pack_digest(dataset_folder(tmp_path), document.people)})
    write_training_set(dataset_folder(tmp_path), document)
    with pytest.raises(UsageError) as caught:
        train(tmp_path, steps=1)
    assert caught.value.code == "dataset-too-small"


def test_a_loss_that_is_no_number_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_drawn_dataset(tmp_path, count=6, held_out=0)
    pixels = dataset_folder(tmp_path) / "actor.pixels.npy"
    array = np.load(pixels)
    array[:] = np.nan
    np.save(pixels, array)
    with pytest.raises(RenderError, match="no number") as caught:
        train(tmp_path, steps=20)
    assert caught.value.code == "training-diverged"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"device": "warp"}, "no-device"),
        ({"precision": "int4"}, "unknown-precision"),
        ({"preset": "x"}, "unknown-preset"),
    ],
)
def test_a_setting_that_is_none(tmp_path: Path, values: dict, code: str) -> None:
    write_drawn_dataset(tmp_path, count=6, held_out=0)
    settings = RunSettings(**{"preset": "tiny", "device": "cpu", "workers": 0, **values})
    with pytest.raises(UsageError) as caught:
        loop.train(tmp_path, settings, embedded_store(), lambda _: None)
    assert caught.value.code == code


@pytest.mark.skipif(not LONG, reason="two minutes; set FACEPLATE_LONG=1")
def test_two_minutes_of_the_quick_preset(tmp_path: Path) -> None:
    """With workers and likeness, as a person runs it."""
    write_drawn_dataset(tmp_path, count=40, held_out=8)
    told: list[Progress] = []
    settings = RunSettings("quick", device="cpu", minutes=2.0, workers=1)
    outcome = loop.train(tmp_path, settings, embedded_store(), told.append)
    lines = [line["losses"]["total"] for line in read_record(tmp_path) if "losses" in line]
    assert lines[-1] < 0.5 * lines[0] and "The time is over" in outcome.sentence
