"""The snapshot of a shot in a job: one document with everything in it, so that a later edit does not change the job."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from faceplate.farm.plan import FarmJob, frames_text
from faceplate.plate import Sequence
from faceplate.shot import Override, ShotDocument, ShotFace, ShowDocument, dump, parse_document
from faceplate.shot.curves import Curve
from faceplate.shot.document import Defaults
from faceplate.shot.load import SHOW_FILE
from faceplate.shot.parameters import PARAMETERS

__all__ = ["shot_files"]

# Keys that the document holds in another form, or that a snapshot needs no longer.
_OTHERWISE = {"parameters", "overrides", "frames", "output", "notes"}


def shot_files(job: FarmJob) -> dict[str, str]:
    """Return the files of a bundle's folder `shot`, by name.

    They are the shot, with absolute paths and the show's defaults in it, and a show file with the policy of the shows
    above; it is marked as the root, so that no show further up counts.
    """
    document = parse_document(_json(_document(job)), ShotDocument, "The snapshot")
    policy = job.shot.policy.model_dump(exclude_none=True)
    show = parse_document(_json({"faceplate_show": 1, "root": True, "policy": policy}), ShowDocument, "The show")
    return {f"{job.name}.shot.json": dump(document), SHOW_FILE: dump(show)}


def _document(job: FarmJob) -> dict[str, Any]:
    shot = job.shot
    plain = shot.model_dump(mode="json", exclude_defaults=True)
    known = (set(Defaults.model_fields) | {"id"}) - _OTHERWISE
    document: dict[str, Any] = {key: value for key, value in plain.items() if key in known and value not in (None, "")}
    if shot.search is not None:
        document["search"] = list(shot.search)
    document |= {"faceplate_shot": 1, "name": shot.name or job.name, "output": _plain_pattern(shot.output)}
    document["frames"] = frames_text(job.frames).replace(":", "x")
    values = {item.name: getattr(shot.parameters, item.name) for item in PARAMETERS}
    changed = {item.name: values[item.name] for item in PARAMETERS if values[item.name] != item.default}
    document["parameters"] = _values(changed, shot.curves)
    document["overrides"] = _overrides(shot.overrides)
    document["faces"] = [_face(face) for face in shot.faces]
    take = getattr(shot, "take", 1)
    if take != 1:
        document["takes"] = [{"take": take, "made": "", "output": _plain_pattern(shot.output)}]
    return {key: value for key, value in document.items() if value not in ({}, [])}


def _face(face: ShotFace) -> dict[str, Any]:
    plain = {
        "name": face.name,
        "source": face.source,
        "source_space": face.source_space,
        "track": face.track,
        "head_size": None if face.head_size == 1 else face.head_size,
        "parameters": _values(face.constants, face.curves),
        "overrides": _overrides(face.overrides),
    }
    return {key: value for key, value in plain.items() if value not in (None, {}, [])}


def _overrides(overrides: Iterable[Override]) -> list[dict[str, Any]]:
    return [
        {"frames": frames_text(item.frames).replace(":", "x"), "parameters": _values(item.constants, item.curves)}
        for item in overrides
    ]


def _values(constants: Any, curves: Any) -> dict[str, Any]:
    return {**constants, **{name: _curve(curve) for name, curve in curves.items()}}


def _curve(curve: Curve) -> Any:
    return curve.model_dump(mode="json", by_alias=True)


def _plain_pattern(pattern: str) -> str:
    """Return the pattern with an absolute folder; the file name stays as it is written."""
    sequence = Sequence.parse(pattern)
    return str(sequence.folder.absolute() / pattern.replace("\\", "/").rpartition("/")[2])


def _json(item: Any) -> str:
    return json.dumps(item, default=str)
