"""The training of a model as a job: one task on a node with a GPU, which continues after a kill, and the export."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceplate.farm.template_parts import (
    GPU_NODES,
    PARAMETERS_FILE,
    TEMPLATE_FILE,
    as_yaml,
    command,
    number_parameter,
    path_parameter,
    step,
    text_parameter,
    write_files,
)
from faceplate.train.pack import dataset_folder, open_training_set

__all__ = ["TrainingJob", "plan_training", "write_training_bundle"]


@dataclass(frozen=True)
class TrainingJob:
    """A model's training as a job.

    Attributes
    ----------
    model : Path
        The model's folder, with its dataset.
    name : str
        The job's name, and the name of the exported network.
    preset : str
        The preset of `faceplate train run`.
    minutes : int
        The longest time of a task; 0 for none.
    faces : int
        Faces in the dataset, for the job's description.
    """

    model: Path
    name: str
    preset: str
    minutes: int
    faces: int


def plan_training(model: Path, name: str = "", preset: str = "standard", minutes: int = 0) -> TrainingJob:
    """Return the job that trains a model and exports it as `name`, by default its folder's name.

    Raises
    ------
    UsageError
        What `open_training_set` raises: `no-dataset`, `bad-dataset`, `release-revoked`.
    """
    _, packs = open_training_set(model)
    plain = re.sub(r"[^a-z0-9_.+-]+", "_", (name or model.resolve().name).lower()).lstrip("_.+-") or "model"
    return TrainingJob(model, plain, preset, minutes, sum(len(pack) for pack in packs.values()))


def write_training_bundle(job: TrainingJob, folder: Path) -> Path:
    """Write the bundle into `folder` and return the folder. Raises `RenderError` `output-unwritable`, `disk-full`."""
    values = {"Model": str(job.model.absolute())}
    inputs = sorted(str(path.absolute()) for path in dataset_folder(job.model).iterdir() if path.is_file())
    references = {
        "inputs": {"filenames": inputs, "directories": []},
        "outputs": {"directories": [values["Model"]]},
        "referencedPaths": [],
    }
    files = {
        TEMPLATE_FILE: as_yaml(_template(job)),
        "parameter_values.yaml": as_yaml({"parameterValues": [{"name": "Model", "value": values["Model"]}]}),
        "asset_references.yaml": as_yaml({"assetReferences": references}),
        PARAMETERS_FILE: json.dumps(values, indent=2, ensure_ascii=False) + "\n",
    }
    return write_files(files, folder)


def _template(job: TrainingJob) -> dict[str, Any]:
    words = ["train", "run", "{{Param.Model}}", "--preset", "{{Param.Preset}}", "--resume", "--log", "openjd"]
    words += ["--minutes", "{{Param.Minutes}}"] if job.minutes else []
    training = {**step("Train", command("", words)), "hostRequirements": GPU_NODES}
    export = ["train", "export", "{{Param.Model}}", "--name", "{{Param.Name}}", "--no-store", "--replace"]
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "name": f"Faceplate train {job.name}",
        "description": f"Trains a model on {job.faces} faces; a task that was killed continues at the last checkpoint.",
        "parameterDefinitions": _definitions(job),
        "steps": [training, step("Export", command("", export), ("Train",))],
    }


def _definitions(job: TrainingJob) -> list[dict[str, Any]]:
    minutes = [number_parameter("Minutes", "The longest time of a task.", job.minutes, 1)] if job.minutes else []
    return [
        path_parameter("Model", "DIRECTORY", "INOUT", "The model's folder: dataset, checkpoints and export."),
        text_parameter("Preset", "The preset of the training.", job.preset),
        text_parameter("Name", "The exported network's name.", job.name),
        *minutes,
        text_parameter("Faceplate", "The faceplate program on the nodes, with PyTorch.", "faceplate"),
    ]
