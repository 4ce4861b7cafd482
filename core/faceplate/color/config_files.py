"""Lists the files that an OCIO config reads: the config itself, its LUTs and its CDLs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PyOpenColorIO

ocio: Any = PyOpenColorIO  # a compiled module without stubs

__all__ = ["contents_mark", "forget_file_contents", "ocio_files"]


def ocio_files(config: Path) -> tuple[Path, ...]:
    """Return a config's own file and every file that one of its transforms reads, where its search path has them.

    A file that is not found is listed beside the config, so that the caller sees that it is missing. An archive
    (.ocioz) holds its files itself. Raises OCIO's own exceptions where the config cannot be read.
    """
    if config.suffix == ".ocioz":
        return (config,)
    return tuple(dict.fromkeys([config, *_read_files(ocio.Config.CreateFromFile(str(config)), config.parent)]))


def contents_mark(config: Any) -> str:
    """Return a hash of the LUTs and CDLs that a loaded OCIO config reads, 32 hexadecimal digits; "" where it reads none.

    OCIO's own hash of a config names these files by their inode, and does not change when one is rewritten in place.
    """
    files = _read_files(config, Path(config.getWorkingDir() or "."))
    state = hashlib.sha256()
    for path in files:
        try:
            state.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        except OSError:
            state.update(path.name.encode() + b"\0missing")
    return state.hexdigest()[:32] if files else ""


def _read_files(config: Any, folder: Path) -> list[Path]:
    """Return the files that a loaded config reads; one that is not found is taken to be in `folder`."""
    context = config.getCurrentContext()
    found: list[Path] = []
    for name in sorted({transform.getSrc() for transform in _file_transforms(config)}):
        try:
            found.append(Path(context.resolveFileLocation(name)))
        except (ocio.Exception, ocio.ExceptionMissingFile):
            found.append(folder / name)
    return found


def forget_file_contents() -> None:
    """Make OCIO read LUTs and CDLs again: it keeps their content by path for as long as the process lives."""
    ocio.ClearAllCaches()


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
