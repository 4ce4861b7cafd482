"""Writes the job bundle: an Open Job Description template with its values and assets, in Deadline Cloud's layout.

`template.yaml` names no path of this machine: every path is a parameter, so a farm's path mapping reaches all of them.
Specification: Open Job Description 2023-09 with the extension TASK_CHUNKING.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from faceplate.errors import UsageError
from faceplate.farm.assets import Assets
from faceplate.farm.plan import FarmJob, frames_text, script_files
from faceplate.farm.snapshot import shot_files
from faceplate.plate import Sequence
from faceplate.system.atomic import publish, temporary_beside, write_failed
from faceplate.system.user_paths import make_folder

__all__ = ["PARAMETERS_FILE", "TEMPLATE_FILE", "bundle_files", "write_bundle"]

TEMPLATE_FILE = "template.yaml"
PARAMETERS_FILE = "parameters.json"
_CANCEL = {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 30}
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
        TEMPLATE_FILE: _yaml(template(job, assets)),
        "parameter_values.yaml": _yaml(
            {"parameterValues": [{"name": name, "value": value} for name, value in values.items()]}
        ),
        "asset_references.yaml": _yaml({"assetReferences": references}),
        PARAMETERS_FILE: json.dumps(values, indent=2, ensure_ascii=False) + "\n",
        **{f"shot/{name}": text for name, text in shot_files(job).items()},
    }


def write_bundle(job: FarmJob, assets: Assets, folder: Path) -> Path:
    """Write the bundle into `folder` and return the folder. Raises `RenderError` `output-unwritable`, `disk-full`."""
    for name, text in bundle_files(job, assets).items():
        path = folder / name
        make_folder(path.parent, "bundle's folder")
        try:
            with temporary_beside(path) as part:
                part.write_text(text, encoding="utf-8")
                publish(part, path)
        except OSError as error:
            raise write_failed(path, error) from error
    return folder


def template(job: FarmJob, assets: Assets) -> dict[str, Any]:
    """Return the job template as plain values, in the order in which a person reads it."""
    steps = [_track_step(job), _merge_step()] if job.tracking else []
    steps += [_variants_step(job), _sheet_step(job)] if job.wedge else [_render_step(job), _check_step()]
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
    if job.wedge:
        return f"A wedge over {' and '.join(job.wedge)}: {job.variants} variants of {len(job.frames)} frames."
    measured = f"a frame took {job.frame_seconds:.2g} s where the job was made" if job.frame_seconds else "not measured"
    return f"{len(job.frames)} frames in chunks of {job.chunk} ({measured})."


def _definitions(job: FarmJob, assets: Assets) -> list[dict[str, Any]]:
    flow = "INOUT" if job.tracking else "IN"
    found: list[dict[str, Any]] = [
        _path("ShotFile", "FILE", "IN", "The shot as it was when the job was made.", f"shot/{job.name}.shot.json"),
        _path("OutputDir", "DIRECTORY", "OUT", "Where the frames go."),
        _path("Track", "FILE", flow, "The track; the job makes it." if job.tracking else "The track."),
    ]
    if assets.models is not None:
        found.append(_path("Models", "DIRECTORY", "IN", "The user's own weights."))
    found += [
        _text("Frames", "The frames to render.", frames_text(job.frames)),
        *([] if job.wedge else _chunks(job)),
        _text("Faceplate", "The faceplate program on the nodes; faceplate-farm lies beside it.", "faceplate"),
    ]
    if job.tracking:
        found.append(_text("TrackFrames", "The frames to track: the whole plate.", frames_text(job.track_frames)))
    for number, _ in enumerate(script_files(job), 1):
        found.append(_path(f"HostScript{number}", "FILE", "IN", "A file of the host's command."))
    return found


def _chunks(job: FarmJob) -> list[dict[str, Any]]:
    return [
        _number("ChunkSize", "Frames in a task.", job.chunk, 1),
        _number("ChunkSeconds", "How long a task should take; 0 keeps ChunkSize.", round(job.chunk_seconds), 0),
    ]


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
    return _step("Track", _command("", words), (), space)


def _merge_step() -> dict[str, Any]:
    return _step(
        "MergeTrack", _command("", ["farm", "merge", *_where(), "--frames", "{{Param.TrackFrames}}"]), ("Track",)
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
    step = _step("Render", _command("-farm", words), ("MergeTrack",) if job.tracking else (), space)
    step["stepEnvironments"] = [_engine()]
    return step | _host_requirements(job)


def _engine() -> dict[str, Any]:
    """One engine for a session, so that networks and source are opened once and not in every chunk."""
    environment: dict[str, Any] = {"name": "Engine", "description": "One Faceplate engine for the session."}
    start = {**_command("-farm", ["start"]), "timeout": _START_SECONDS}
    environment["script"] = {"actions": {"onEnter": start, "onExit": _command("-farm", ["stop"])}}
    return environment


def _variants_step(job: FarmJob) -> dict[str, Any]:
    """Return the step of a wedge's takes: one task for each variant."""
    space = [{"name": "Variant", "type": "INT", "range": frames_text(range(job.variants))}]
    words = ["farm", "variant", *_where(), *_wedge(job), "--variants", "{{Task.Param.Variant}}"]
    step = _step("Variants", _command("", words), ("MergeTrack",) if job.tracking else (), space)
    return step | _host_requirements(job)


def _sheet_step(job: FarmJob) -> dict[str, Any]:
    """Return the last step of a wedge: it measures the takes and lays out the sheets."""
    return _step("Sheet", _command("", ["farm", "sheet", *_where(), *_wedge(job)]), ("Variants",))


def _wedge(job: FarmJob) -> list[str]:
    axes = [word for axis in job.wedge for word in ("--axis", axis)]
    return ["--frames", "{{Param.Frames}}", *axes]


def _host_requirements(job: FarmJob) -> dict[str, Any]:
    return {"hostRequirements": {"amounts": [{"name": "amount.worker.gpu", "min": 1}]}} if job.gpu else {}


def _check_step() -> dict[str, Any]:
    return _step("Check", _command("", ["check", *_where(), "--frames", "{{Param.Frames}}"]), ("Render",))


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
    action = {"command": put[0], "args": put[1:], "cancelation": _CANCEL}
    return _step("HostComp", action, ("Check",), space)


def _where() -> list[str]:
    """Return the options by which every task finds the shot on its node."""
    return [
        *("{{Param.ShotFile}}", "--output-folder", "{{Param.OutputDir}}", "--track", "{{Param.Track}}"),
        *("--path-mapping", "{{Session.PathMappingRulesFile}}", "--log", "openjd"),
    ]


def _command(program: str, words: list[str]) -> dict[str, Any]:
    return {"command": "{{Param.Faceplate}}" + program, "args": words, "cancelation": _CANCEL}


def _step(
    name: str, action: dict[str, Any], after: tuple[str, ...] = (), space: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    step: dict[str, Any] = {"name": name}
    if after:
        step["dependencies"] = [{"dependsOn": other} for other in after]
    if space:
        step["parameterSpace"] = {"taskParameterDefinitions": space}
    step["script"] = {"actions": {"onRun": action}}
    return step


def _path(name: str, kind: str, flow: str, words: str, default: str | None = None) -> dict[str, Any]:
    found = {"name": name, "type": "PATH", "objectType": kind, "dataFlow": flow, "description": words}
    return found | ({} if default is None else {"default": default})


def _text(name: str, words: str, default: str) -> dict[str, Any]:
    return {"name": name, "type": "STRING", "description": words, "default": default}


def _number(name: str, words: str, default: int, least: int) -> dict[str, Any]:
    return {"name": name, "type": "INT", "description": words, "default": default, "minValue": least}


def _yaml(item: Any) -> str:
    """Return YAML text that reads well in a diff. Raises `UsageError('no-farm')` without the extra packages."""
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise UsageError(
            "no-farm", "A job bundle needs the extra packages of faceplate[farm]; install them with pip."
        ) from error

    class Plain(yaml.SafeDumper):
        """A dumper without YAML's anchors and aliases, which make a template harder to read."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    return yaml.dump(item, Dumper=Plain, sort_keys=False, width=120, allow_unicode=True)
