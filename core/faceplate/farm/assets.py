"""Lists every file that a shot's job reads, so that a farm can send them to its nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faceplate.color.config_files import ocio_files
from faceplate.errors import FaceplateError, UsageError
from faceplate.farm.plan import FarmJob, script_files
from faceplate.models import ModelStore, embedded_store
from faceplate.models.card import CARD_SUFFIX
from faceplate.plate import Sequence
from faceplate.render import Renderer
from faceplate.shot.parameters import PARAMETERS
from faceplate.source.analysis import analysis_path
from faceplate.source.pictures import source_files
from faceplate.system.user_paths import entries, is_dir, is_file, matches

__all__ = ["Assets", "assets_of", "ocio_files"]


@dataclass(frozen=True)
class Assets:
    """The files of a job, as absolute paths. `missing` has one sentence for each file that is not there now."""

    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    models: Path | None
    missing: tuple[str, ...]


def assets_of(job: FarmJob, renderer: Renderer, variants: Iterable[Renderer] = ()) -> Assets:
    """Return what the job reads and where it writes.

    It reads the plate, matte files, the sources with their releases, the target's picture, the track, the OCIO config with
    every file that it names, the user's own weights with their cards, and the host's script. The embedded weights are
    part of the installation. `models` is the folder of the user's own weights, where any are used. `variants` are the
    renderers of a wedge, which may use other weights than the shot.
    """
    shot = job.shot
    plate = [renderer.plate.path(frame) for frame in (*job.track_frames, *job.frames)]
    found = [_weights(own) for own in (renderer, *variants)]
    weights = [path for files, _ in found for path in files]
    models = next((folder for _, folder in found if folder is not None), None)
    sources = [file for face in shot.face_shots for file in _source_files(face.source)]
    wanted = [*plate, *_matte_files(job), *sources, *_targets(job), *weights, *script_files(job)]
    tracks = {face.track for face in shot.face_shots} - {None, shot.track if job.tracking else None}
    wanted += [track for track in tracks if track is not None]
    if shot.ocio and "://" not in shot.ocio:
        wanted += ocio_files(Path(shot.ocio))
    unique = dict.fromkeys(path.absolute() for path in wanted)
    there = tuple(sorted(path for path in unique if is_file(path)))
    missing = tuple(f"{path} is not there." for path in sorted(set(unique) - set(there)))
    outputs = [Sequence.parse(shot.output).folder.absolute()]
    if job.tracking and shot.track is not None:
        outputs.append(shot.track.parent.absolute())
    return Assets(there, tuple(dict.fromkeys(outputs)), models, missing)


def _values(job: FarmJob, name: str) -> set[str]:
    """Return the values that a parameter has in any frame."""
    own = [
        values
        for face in job.shot.face_shots
        for values in (face.parameters.model_dump(), *(override.constants for override in face.overrides))
    ]
    return {str(values[name]) for values in own if values.get(name)}


def _matte_files(job: FarmJob) -> Iterable[Path]:
    for parameter in PARAMETERS:
        if parameter.about.path:
            for pattern in sorted(_values(job, parameter.name)):
                yield from (Sequence.parse(pattern).path(frame) for frame in job.frames)


def _targets(job: FarmJob) -> list[Path]:
    return [path for text in _values(job, "target") if (path := Path(text)).suffix and is_file(path)]


def _source_files(source: Path | None) -> list[Path]:
    """Return a source's pictures, its release, and the analysis file (`faceplate.source.json`)."""
    if source is None:
        return []
    if is_dir(source):
        return [path for path in entries(source) if is_file(path) and not path.name.startswith(".")]
    found = [path for path in (analysis_path(source),) if is_file(path)]
    try:
        pictures = source_files(source)
    except UsageError:  # the source is not there; the list of missing files names it
        pictures = [source]
    return [*pictures, *found, *matches(source.parent, "release*.json")]


def _weights(renderer: Renderer) -> tuple[list[Path], Path | None]:
    """Return the files of the user's own networks, and the folder to name in FACEPLATE_MODELS."""
    store: ModelStore = renderer.resources.store
    shipped = embedded_store().cards
    try:
        cards = [card for card in renderer.resources.cards() if card.name not in shipped and card.name in store.cards]
    except FaceplateError:  # source or weights are not there; rendering reports it
        return [], None
    folders = [store.folder(card.name) for card in cards]
    files = [
        folder / name
        for card, folder in zip(cards, folders, strict=True)
        for name in (f"{card.name}{CARD_SUFFIX}", card.file, *(outside.file for outside in card.external))
    ]
    return files, folders[0] if folders else None
