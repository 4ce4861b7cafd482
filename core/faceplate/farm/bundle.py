"""Writes the job bundle: an Open Job Description template with its values and assets, in Deadline Cloud's layout.

`template.yaml` names no path of this machine: every path is a parameter, so a farm's path mapping reaches all of them.
Specification: Open Job Description 2023-09 with the extension TASK_CHUNKING.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from faceplate.farm.assets import Assets
from faceplate.farm.plan import FarmJob, frames_text, script_files
from faceplate.farm.snapshot import shot_files
from faceplate.farm.template_parts import (
    CANCEL,
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
from faceplate.plate import Sequence

__all__ = ["bundle_files", "write_bundle"]

_START_SECONDS = 600


def bundle_files(job: FarmJob, assets: Assets) -> dict[str, str]:
    """Return the bundle's files by their path in it.

    `template.yaml`; `parameter_values.yaml` and `asset_references.yaml` for Deadline Cloud; `parameters.json`, the same
    values for `openjd run -p file://parameters.json`; `shot/`, the shot as it is now.
    """
    values = _parameter_values(job, assets)
    references = {
        "inputs": {"filenames": [str(path) for path in assets.inputs], "directories": []},
        "outputs": {"directories": [str(path) for path in assets.outputs]},
        "referencedPaths": [],
    }
    return {
        TEMPLATE_FILE: as_yaml(template(job, assets)),
        "parameter_values.yaml": as_yaml(
            {"parameterValues": [{"name": name, "value": value} for name, value in values.items()]}
        ),
        "asset_references.yaml": as_yaml({"assetReferences": references}),
        PARAMETERS_FILE: json.dumps(values, indent=2, ensure_ascii=False) + "\n",
        **{f"shot/{name}": text for name, text in shot_files(job).items()},
    }


def write_bundle(job: FarmJob, assets: Assets, folder: Path) -> Path:
    """Write the bundle into `folder` and return the folder. Raises `RenderError` `output-unwritable`, `disk-full`."""
    return write_files(bundle_files(job, assets), folder)


def template(job: FarmJob, assets: Assets) -> dict[str, Any]:
    """Return the job template as plain values, in the order in which a person reads it."""
    steps = [_track_step(job), _merge_step()] if job.tracking else []
    steps += [_render_step(job), _check_step()]
    if job.host_comp:
        steps.append(_comp_step(job))
    models = {"name": "Models", "variables": {"FACEPLATE_MODELS": "{{Param.Models}}"}}
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": ["TASK_CHUNKING"],
        "name": f"Faceplate {job.name}",
        "description": _description(job),
        "parameterDefinitions": _definitions(job, assets),
        **({"jobEnvironments": [models]} if assets.models is not None else {}),
        "steps": steps,
    }


def _description(job: FarmJob) -> str:
    measured = f"a frame took {job.frame_seconds:.2g} s where the job was made" if job.frame_seconds else "not measured"
    return f"{len(job.frames)} frames in chunks of {job.chunk} ({measured})."


def _definitions(job: FarmJob, assets: Assets) -> list[dict[str, Any]]:
    flow = "INOUT" if job.tracking else "IN"
    found: list[dict[str, Any]] = [
        path_parameter(
            "ShotFile", "FILE", "IN", "The shot as it was when the job was made.", f"shot/{job.name}.shot.json"
        ),
        path_parameter("OutputDir", "DIRECTORY", "OUT", "Where the frames go."),
        path_parameter("Track", "FILE", flow, "The track; the job makes it." if job.tracking else "The track."),
    ]
    if assets.models is not None:
        found.append(path_parameter("Models", "DIRECTORY", "IN", "The user's own weights."))
    found += [
        text_parameter("Frames", "The frames to render.", frames_text(job.frames)),
        number_parameter("ChunkSize", "Frames in a task.", job.chunk, 1),
        number_parameter(
            "ChunkSeconds", "How long a task should take; 0 keeps ChunkSize.", round(job.chunk_seconds), 0
        ),
        text_parameter("Faceplate", "The faceplate program on the nodes; faceplate-farm lies beside it.", "faceplate"),
    ]
    if job.tracking:
        found.append(
            text_parameter("TrackFrames", "The frames to track: the whole plate.", frames_text(job.track_frames))
        )
    for number, _ in enumerate(script_files(job), 1):
        found.append(path_parameter(f"HostScript{number}", "FILE", "IN", "A file of the host's command."))
    return found


def _parameter_values(job: FarmJob, assets: Assets) -> dict[str, str]:
    track = job.shot.track
    assert track is not None
    values = {"OutputDir": str(Sequence.parse(job.shot.output).folder.absolute()), "Track": str(track.absolute())}
    if assets.models is not None:
        values["Models"] = str(assets.models.absolute())
    for number, path in enumerate(script_files(job), 1):
        values[f"HostScript{number}"] = str(path.absolute())
    return values


# The steps ----------------------------------------------------------------------------------------------------------


def _track_step(job: FarmJob) -> dict[str, Any]:
    chunks = {"defaultTaskCount": 1, "rangeConstraint": "CONTIGUOUS"}
    space = [
        {"name": "Stretch", "type": "CHUNK[INT]", "range": frames_text(range(job.stretches)), "chunks": chunks},
    ]
    words = ["farm", "track", *_where(), "--frames", "{{Param.TrackFrames}}", "--stretches", "{{Task.Param.Stretch}}"]
    return step("Track", command("", words), (), space)


def _merge_step() -> dict[str, Any]:
    return step(
        "MergeTrack", command("", ["farm", "merge", *_where(), "--frames", "{{Param.TrackFrames}}"]), ("Track",)
    )


def _render_step(job: FarmJob) -> dict[str, Any]:
    chunks = {
        "defaultTaskCount": "{{Param.ChunkSize}}",
        "targetRuntimeSeconds": "{{Param.ChunkSeconds}}",
        "rangeConstraint": "CONTIGUOUS",
    }
    space = [{"name": "Frame", "type": "CHUNK[INT]", "range": "{{Param.Frames}}", "chunks": chunks}]
    words = [
        *("render", "--shot", "{{Param.ShotFile}}", "--output-folder", "{{Param.OutputDir}}"),
        *("--track", "{{Param.Track}}", "--path-mapping", "{{Session.PathMappingRulesFile}}"),
        *("--frames", "{{Task.Param.Frame}}"),
    ]
    found = step("Render", command("-farm", words), ("MergeTrack",) if job.tracking else (), space)
    found["stepEnvironments"] = [_engine()]
    if job.gpu:
        found["hostRequirements"] = GPU_NODES
    return found


def _engine() -> dict[str, Any]:
    """One engine for a session, so that networks and source are opened once and not in every chunk."""
    environment: dict[str, Any] = {"name": "Engine", "description": "One Faceplate engine for the session."}
    start = {**command("-farm", ["start"]), "timeout": _START_SECONDS}
    environment["script"] = {"actions": {"onEnter": start, "onExit": command("-farm", ["stop"])}}
    return environment


def _check_step() -> dict[str, Any]:
    return step("Check", command("", ["check", *_where(), "--frames", "{{Param.Frames}}"]), ("Render",))


def _comp_step(job: FarmJob) -> dict[str, Any]:
    """Return the step of the host's own comp: one task for each frame ({frame}), for each chunk ({frames}), or one in all."""
    scripts = {str(path): f"{{{{Param.HostScript{number}}}}}" for number, path in enumerate(script_files(job), 1)}
    words = [scripts.get(str(Path(word).expanduser()), word) for word in job.host_comp]
    text = " ".join(words)
    space: list[dict[str, Any]] = []
    if "{frames}" in text:
        chunks = {"defaultTaskCount": "{{Param.ChunkSize}}", "rangeConstraint": "CONTIGUOUS"}
        space = [{"name": "Frame", "type": "CHUNK[INT]", "range": "{{Param.Frames}}", "chunks": chunks}]
    elif "{frame}" in text:
        space = [{"name": "Frame", "type": "INT", "range": "{{Param.Frames}}"}]
    put = [
        word.replace("{frames}", "{{Task.Param.Frame}}").replace("{frame}", "{{Task.Param.Frame}}") for word in words
    ]
    action = {"command": put[0], "args": put[1:], "cancelation": CANCEL}
    return step("HostComp", action, ("Check",), space)


def _where() -> list[str]:
    """Return the options by which every task finds the shot on its node."""
    return [
        *("{{Param.ShotFile}}", "--output-folder", "{{Param.OutputDir}}", "--track", "{{Param.Track}}"),
        *("--path-mapping", "{{Session.PathMappingRulesFile}}", "--log", "openjd"),
    ]
