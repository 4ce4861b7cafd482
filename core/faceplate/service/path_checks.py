"""Checks that the paths of shots and requests lie in the folders that the service may use (`Roots`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faceplate.plate import Sequence
from faceplate.service.roots import Roots
from faceplate.service.schema import KeysRequest, PixelsRequest, RegionsRequest, RenderRequest
from faceplate.shot import Shot
from faceplate.shot.parameters import PARAMETERS

__all__ = ["check_request_paths", "check_shot_paths"]

# Parameters that name files.
_PATH_PARAMETERS = tuple(parameter.name for parameter in PARAMETERS if parameter.about.path)


def check_shot_paths(roots: Roots, shot: Shot) -> None:
    """Refuse a shot that names a path outside `roots`. Raises `UsageError('outside-roots')`."""
    patterns, targets = [shot.plate, shot.output], []
    faces = shot.face_shots
    for face in faces:
        for values in (face.parameters.model_dump(), *(override.constants for override in face.overrides)):
            patterns += [values.get(name, "") for name in _PATH_PARAMETERS]
            targets.append(values.get("target", ""))
    roots.check(
        *(path for pattern in patterns if pattern for path in _places_of(pattern)),
        *(target for target in targets if _is_path(target)),
        *(path for own in (shot, *faces) for path in (own.source, own.track)),
        None if shot.ocio is None or "://" in shot.ocio else shot.ocio,
    )


def check_request_paths(roots: Roots, request: RenderRequest | KeysRequest | PixelsRequest | RegionsRequest) -> None:
    """Refuse a request that itself names a path outside `roots`. Raises `UsageError('outside-roots')`."""
    if not roots.folders:
        return
    patterns = [request.output, request.holdout_matte, request.sheet] if isinstance(request, RenderRequest) else []
    for values in _all_values(request):
        patterns += [str(values.get(name, "")) for name in _PATH_PARAMETERS]
        target = str(values.get("target", ""))
        roots.check(target if _is_path(target) else None)
    roots.check(*(path for pattern in patterns if pattern for path in _places_of(pattern)))


def _all_values(request: RenderRequest | KeysRequest | PixelsRequest | RegionsRequest) -> Iterator[Mapping[str, Any]]:
    """Yield every set of values of a request, also those of single faces."""
    by_frame = request.frame_values.values() if isinstance(request, RenderRequest | KeysRequest) else ()
    for values in (request.values, *by_frame):
        yield values
        of_faces = values.get("faces")
        if isinstance(of_faces, Mapping):
            yield from (own for own in of_faces.values() if isinstance(own, Mapping))


def _places_of(pattern: str) -> tuple[Path, ...]:
    """Return the paths of a pattern to check: its folder, and for a still the file too, because it may be a link."""
    sequence = Sequence.parse(pattern)
    return (sequence.folder, sequence.path(0)) if sequence.is_still else (sequence.folder,)


def _is_path(target: str) -> bool:
    """Say whether a target names a picture, and not a face's place or a person."""
    return len(Path(target).parts) > 1 or bool(Path(target).suffix)
