"""A model's training as a job: it asks for a GPU, continues after a kill, and then exports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from openjd.model import decode_job_template

from faceplate.cli import main
from faceplate.consent import revoke
from faceplate.errors import UsageError
from faceplate.farm.run import run_bundle
from faceplate.farm.training import plan_training, write_training_bundle
from faceplate.train.pack import Pack, TrainingSet, dataset_folder, pack_digest, write_pack, write_training_set
from releases import TODAY, key_of

posix = pytest.mark.skipif(os.name != "posix", reason="the stand-in of the faceplate program is a shell script")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder with a dataset of a few grey faces."""
    model = tmp_path / "Ada v3"
    folder, shape = dataset_folder(model), (4, 64, 64)
    pixels, plane, flags = np.zeros((*shape, 3), np.float16), np.zeros(shape, np.uint8), np.zeros(4, bool)
    points, embedding = np.zeros((4, 478, 2), np.float32), np.zeros((4, 128), np.float32)
    for person in ("actor", "double"):
        write_pack(folder, person, Pack(pixels, plane, plane, points, embedding, flags))
    people: dict[str, Any] = {"actor": ("ada",), "double": ("ben",)}
    digest = pack_digest(folder, people)
    write_training_set(folder, TrainingSet(size=64, people=people, releases=("ada-1", "ben-1"), sha256=digest))
    return model


def test_the_job_trains_on_a_gpu_node_and_exports(model: Path, tmp_path: Path) -> None:
    bundle = write_training_bundle(plan_training(model, preset="quality", minutes=90), tmp_path / "job")
    text = (bundle / "template.yaml").read_text("utf-8")
    template = yaml.safe_load(text)
    decode_job_template(template=template)
    train, export = template["steps"]
    assert train["hostRequirements"]["amounts"] == [{"name": "amount.worker.gpu", "min": 1}]
    assert "--resume" in train["script"]["actions"]["onRun"]["args"]
    assert export["dependencies"] == [{"dependsOn": "Train"}]
    defaults = {item["name"]: item.get("default") for item in template["parameterDefinitions"]}
    assert defaults | {"Preset": "quality", "Minutes": 90, "Name": "ada_v3"} == defaults
    assert str(tmp_path) not in text, "paths are parameters, so that a farm can map them"
    references = yaml.safe_load((bundle / "asset_references.yaml").read_text("utf-8"))["assetReferences"]
    assert str(dataset_folder(model) / "actor.pixels.npy") in references["inputs"]["filenames"]
    assert references["outputs"]["directories"] == [str(model)]


@posix
def test_a_killed_task_is_run_again_with_the_same_words(model: Path, tmp_path: Path) -> None:
    program = tmp_path / "faceplate"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> "{tmp_path}/said"\n'
        f'if [ "$2" = run ] && [ ! -e "{tmp_path}/begun" ]; then touch "{tmp_path}/begun"; kill -9 $$; fi\n',
        "utf-8",
    )
    program.chmod(0o755)
    bundle = write_training_bundle(plan_training(model), tmp_path / "job")
    codes = [run_bundle(bundle, {"Faceplate": str(program)}, quiet=True) for _ in range(2)]
    assert codes[0] != 0 and codes[1] == 0
    run = f"train run {model} --preset standard --resume --log openjd"
    assert (tmp_path / "said").read_text("utf-8").splitlines() == [
        run,
        run,
        f"train export {model} --name ada_v3 --no-store --replace",
    ]


def test_the_command_writes_the_bundle(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run(["farm", "bundle", str(model), "--train", "--name", "ada_v4", "-o", str(tmp_path / "job")])
    assert ended.value.code == 0 and capsys.readouterr().out.strip() == str(tmp_path / "job")
    assert "ada_v4" in (tmp_path / "job" / "template.yaml").read_text("utf-8")


def test_options_of_a_render_are_refused(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run(["farm", "bundle", str(model), "--train", "--opencue"])
    assert ended.value.code == 2 and "--opencue belongs to the job of a shot" in capsys.readouterr().err


def test_a_folder_without_a_dataset_and_a_revoked_release_are_refused(
    model: Path, tmp_path: Path, studio_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError) as told:
        plan_training(tmp_path)
    assert told.value.code == "no-dataset"
    monkeypatch.setenv("FACEPLATE_KEYRING", str(studio_folder))
    revoke(studio_folder, "ben-1", key_of(studio_folder), "taken back", TODAY)
    with pytest.raises(UsageError) as told:
        plan_training(model)
    assert told.value.code == "release-revoked"
