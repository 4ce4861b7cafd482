"""Every file that a shot's job reads, so that a farm can send them to its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PyOpenColorIO

from faceplate.errors import FaceplateError, UsageError
from faceplate.farm.plan import FarmJob, script_files
from faceplate.models import ModelStore, embedded_store
from faceplate.models.card import CARD_SUFFIX
from faceplate.plate import Sequence
from faceplate.render import Renderer
from faceplate.shot.parameters import PARAMETERS
from faceplate.source.analysis import analysis_path
from faceplate.source.pictures import source_files

# The binding carries no stubs that say what it has.
ocio: Any = PyOpenColorIO

__all__ = ["Assets", "assets_of", "ocio_files"]


@dataclass(frozen=True)
class Assets:
    """Absolute paths. `missing` are those that the job names and that are not here now, in words."""

    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    models: Path | None
    missing: tuple[str, ...]


def assets_of(job: FarmJob, renderer: Renderer) -> Assets:
    """What the job reads and where it writes: plate, mattes from outside, source with its release, target picture, track,
    OCIO config with every file that it names, the user's own weights with their cards, the host's script.

    The embedded weights are part of the installation. `models` is the folder of the user's own, where any are used.
    """
    shot = job.shot
    plate = [renderer.plate.path(frame) for frame in (*job.track_frames, *job.frames)]
    weights, models = _weights(renderer)
    wanted = [*plate, *_matte_files(job), *_source_files(shot.source), *_targets(job), *weights, *script_files(job)]
    if shot.track is not None and not job.tracking:
        wanted.append(shot.track)
    if shot.ocio and "://" not in shot.ocio:
        wanted += ocio_files(Path(shot.ocio))
    unique = dict.fromkeys(path.absolute() for path in wanted)
    there = tuple(sorted(path for path in unique if path.is_file()))
    missing = tuple(f"{path} is not there." for path in sorted(set(unique) - set(there)))
    outputs = [renderer.output.folder.absolute()]
    if job.tracking and shot.track is not None:
        outputs.append(shot.track.parent.absolute())
    return Assets(there, tuple(dict.fromkeys(outputs)), models, missing)


def ocio_files(config: Path) -> tuple[Path, ...]:
    """A config's own file and every file that one of its transforms reads (LUTs, CDLs), where its search path has them.

    An archive (.ocioz) holds them itself.
    """
    if config.suffix == ".ocioz":
        return (config,)
    loaded = ocio.Config.CreateFromFile(str(config))
    context = loaded.getCurrentContext()
    found = [config]
    for name in sorted({transform.getSrc() for transform in _file_transforms(loaded)}):
        try:
            found.append(Path(context.resolveFileLocation(name)))
        except (ocio.Exception, ocio.ExceptionMissingFile):
            found.append(config.parent / name)  # said to be missing
    return tuple(dict.fromkeys(found))


def _file_transforms(config: Any) -> Iterator[Any]:
    to_reference, from_reference = ocio.COLORSPACE_DIR_TO_REFERENCE, ocio.COLORSPACE_DIR_FROM_REFERENCE
    spaces = [
        config.getColorSpace(name)
        for name in config.getColorSpaceNames(ocio.SEARCH_REFERENCE_SPACE_ALL, ocio.COLORSPACE_ALL)
    ]
    views = [config.getViewTransform(name) for name in config.getViewTransformNames()]
    looks = [config.getLook(name) for name in config.getLookNames()]
    named = [config.getNamedTransform(name) for name in config.getNamedTransformNames(ocio.NAMEDTRANSFORM_ALL)]
    transforms: list[Any] = []
    for space in spaces:
        transforms += [space.getTransform(to_reference), space.getTransform(from_reference)]
    for view in views:
        transforms += [
            view.getTransform(ocio.VIEWTRANSFORM_DIR_TO_REFERENCE),
            view.getTransform(ocio.VIEWTRANSFORM_DIR_FROM_REFERENCE),
        ]
    for look in looks:
        transforms += [look.getTransform(), look.getInverseTransform()]
    for transform in named:
        transforms += [
            transform.getTransform(ocio.TRANSFORM_DIR_FORWARD),
            transform.getTransform(ocio.TRANSFORM_DIR_INVERSE),
        ]
    for transform in transforms:
        yield from _flat(transform)


def _flat(transform: Any) -> Iterator[Any]:
    if isinstance(transform, ocio.FileTransform):
        yield transform
    elif isinstance(transform, ocio.GroupTransform):
        for item in transform:
            yield from _flat(item)


def _values(job: FarmJob, name: str) -> set[str]:
    """Every value that a parameter has in some frame."""
    own = [job.shot.parameters.model_dump(), *(override.constants for override in job.shot.overrides)]
    return {str(values[name]) for values in own if values.get(name)}


def _matte_files(job: FarmJob) -> Iterable[Path]:
    for parameter in PARAMETERS:
        if parameter.about.path:
            for pattern in sorted(_values(job, parameter.name)):
                yield from (Sequence.parse(pattern).path(frame) for frame in job.frames)


def _targets(job: FarmJob) -> list[Path]:
    return [path for text in _values(job, "target") if (path := Path(text)).suffix and path.is_file()]


def _source_files(source: Path | None) -> list[Path]:
    """A source's pictures and what stands beside them: the release, and what was found in each picture."""
    if source is None:
        return []
    if source.is_dir():
        return sorted(path for path in source.iterdir() if path.is_file() and not path.name.startswith("."))
    found = [path for path in (analysis_path(source),) if path.is_file()]
    try:
        pictures = source_files(source)
    except UsageError:  # it is not there: the list says so
        pictures = [source]
    return [*pictures, *found, *sorted(source.parent.glob("release*.json"))]


def _weights(renderer: Renderer) -> tuple[list[Path], Path | None]:
    """The files of networks that are the user's own, and the folder to name in FACEPLATE_MODELS."""
    store: ModelStore = renderer.resources.store
    shipped = embedded_store().cards
    try:
        cards = [card for card in renderer.resources.cards() if card.name not in shipped and card.name in store.cards]
    except FaceplateError:  # a source or weights that are not here: the render says so
        return [], None
    folders = [store.folder(card.name) for card in cards]
    files = [
        folder / name
        for card, folder in zip(cards, folders, strict=True)
        for name in (f"{card.name}{CARD_SUFFIX}", card.file, *(outside.file for outside in card.external))
    ]
    return files, folders[0] if folders else None
