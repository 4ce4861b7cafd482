"""Loads a shot file, with the defaults of the show files above it, as a `Shot` for this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from faceplate.consent.audit import AUDIT_FILE
from faceplate.errors import UsageError
from faceplate.plate import parse_frames
from faceplate.shot.curves import Curve
from faceplate.shot.document import (
    Defaults,
    DocumentFace,
    DocumentOverride,
    ShotDocument,
    ShowDocument,
    parse_document,
    read_document,
)
from faceplate.shot.parameters import PARAMETERS, Parameters
from faceplate.shot.path_rules import PathRule, settle
from faceplate.shot.shot import Override, Policy, Shot, ShotFace
from faceplate.system.user_paths import exists, is_file

__all__ = ["SHOW_FILE", "Setting", "explain", "is_shot_file", "load_shot", "shows_above"]

SHOW_FILE = "faceplate.show.json"
_SUFFIX = ".shot.json"
_PATHS = ("plate", "source", "track", "ocio", "output")
_PARAMETER_PATHS = tuple(parameter.name for parameter in PARAMETERS if parameter.about.path)
# Descriptive keys of a document that do not affect the render.
_DESCRIPTIVE_KEYS = ("notes",)
_BUILT_IN = "built in"


@dataclass(frozen=True)
class Setting:
    """A value of a document, the file that sets it, and the base folder of its relative paths."""

    value: Any
    where: str
    base: Path


@dataclass(frozen=True)
class _Layer:
    """One document of the stack and its origin."""

    document: Defaults
    where: str
    base: Path


@dataclass(frozen=True)
class _Stack:
    """The documents that make a shot, the nearest first, with the policy and path rules of the shows above."""

    layers: tuple[_Layer, ...]
    policy: Policy
    rules: tuple[PathRule, ...]
    name: str
    take: int
    id: str
    audit: Path | None

    def setting(self, key: str) -> Setting | None:
        """Return the nearest value of a key, or None where no document sets it."""
        for layer in self.layers:
            value = getattr(layer.document, key, None)
            if value is not None:
                return Setting(value, layer.where, layer.base)
        return None

    def parameters(self) -> dict[str, Setting]:
        """Return the nearest value of every parameter that a document sets."""
        found: dict[str, Setting] = {}
        for layer in self.layers:
            for name, value in _values(layer.document.parameters):
                found.setdefault(name, Setting(value, layer.where, layer.base))
        return found


def is_shot_file(text: str | Path) -> bool:
    """Return whether a path names a shot file (`*.shot.json`)."""
    return str(text).endswith(_SUFFIX)


def load_shot(
    what: str | Path | Mapping[str, Any] | ShotDocument,
    base: str | Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    mapping: tuple[PathRule, ...] = (),
    changes: Mapping[str, Any] | None = None,
) -> Shot:
    """Load a shot with the defaults of the show files above it, its paths absolute and its variables replaced.

    Parameters
    ----------
    what
        A shot file, or a document as a mapping or `ShotDocument`.
    base
        Folder of a document's relative paths; the current folder by default. Paths of a file are relative to that file.
    environ
        Environment for variables in paths; `os.environ` by default.
    mapping
        Path rules that apply before the show's `path_mapping`.
    changes
        Keys that override the document; their paths are relative to the current folder.

    Raises
    ------
    UsageError
        `no-shot`, `bad-shot`, `newer-shot`, `no-plate`, `unset-variable`, `unmapped-path`.
    """
    stack = _stack(what, base, mapping, changes, environ)
    variables = os.environ if environ is None else environ
    fields: dict[str, Any] = {}
    for key in Defaults.model_fields:
        said = stack.setting(key)
        if said is not None and key not in ("parameters", "overrides", *_DESCRIPTIVE_KEYS):
            fields[key] = _settled(key, said, stack, variables)
    if not fields.get("plate"):
        raise UsageError("no-plate", f"The shot {stack.name} has no plate: give the key plate, such as plate.####.exr.")
    if stack.policy.allow_noncommercial is False:
        fields["allow_noncommercial"] = False
    constants, curves = _split(stack.parameters(), stack, variables)
    overrides, faces = stack.setting("overrides"), stack.setting("faces")
    fields.setdefault("name", stack.name)
    return Shot(
        **fields,
        parameters=Parameters.model_validate(constants),
        curves=curves,
        overrides=tuple(_override(item, overrides, stack, variables) for item in overrides.value) if overrides else (),
        faces=tuple(_face(item, faces, stack, variables) for item in faces.value) if faces else (),
        policy=stack.policy,
        id=stack.id,
        take=stack.take,
        audit=stack.audit,
    )


def explain(
    what: str | Path | Mapping[str, Any] | ShotDocument,
    base: str | Path | None = None,
    *,
    mapping: tuple[PathRule, ...] = (),
) -> list[tuple[str, Any, str]]:
    """Return each key that affects the render as (key, value as written, origin); parameters come last."""
    stack = _stack(what, base, mapping, None)
    rows: list[tuple[str, Any, str]] = []
    for key in Defaults.model_fields:
        if key == "parameters":
            continue
        said = stack.setting(key)
        if key == "allow_noncommercial" and stack.policy.allow_noncommercial is False:
            rows.append((key, False, "the show's policy"))
        elif said is not None:
            rows.append((key, _plain(said.value), said.where))
        elif key in Shot.model_fields and key != "overrides":
            default = stack.name if key == "name" else Shot.model_fields[key].get_default(call_default_factory=True)
            rows.append((key, None if key == "plate" else default, _BUILT_IN))
    given = stack.parameters()
    for parameter in PARAMETERS:
        said = given.get(parameter.name)
        value, where = (_plain(said.value), said.where) if said else (parameter.default, _BUILT_IN)
        rows.append((f"parameters.{parameter.name}", value, where))
    faces = stack.setting("faces")
    if faces is None:
        return rows
    for face in faces.value:
        own = {name: getattr(face, name) for name in ("source", "source_space", "track", "head_size")}
        own |= {f"parameters.{name}": value for name, value in _values(face.parameters)}
        rows += [
            (f"faces.{face.name}.{key}", _plain(value), faces.where) for key, value in own.items() if value is not None
        ]
    return rows


def shows_above(folder: Path) -> Iterator[tuple[Path, ShowDocument]]:
    """Yield the show files from `folder` upward, the nearest first, up to one that is marked as root."""
    for place in (folder, *folder.parents):
        path = place / SHOW_FILE
        if is_file(path):
            show = read_document(path, ShowDocument)
            yield path, show
            if show.root:
                return


def _stack(
    what: str | Path | Mapping[str, Any] | ShotDocument,
    base: str | Path | None,
    mapping: tuple[PathRule, ...],
    changes: Mapping[str, Any] | None,
    environ: Mapping[str, str] | None = None,
) -> _Stack:
    document, where, folder, name = _document(what, base)
    layers = [_Layer(document, where, folder)]
    if changes:
        text = json.dumps({"faceplate_shot": 1, **changes}, default=str)
        layers.insert(0, _Layer(parse_document(text, ShotDocument, "The request"), "command line", Path.cwd()))
    policies, rules = [], list(mapping)
    log = None
    for path, show in shows_above(folder):
        layers.append(_Layer(show.defaults, str(path), path.parent))
        policies.append((show.policy, path))
        log = path.parent / AUDIT_FILE
        rules += [PathRule(rule.from_, rule.to) for rule in show.path_mapping]
    take = max((take.take for take in document.takes or ()), default=1)
    sources = _folders_of_sources(policies, tuple(rules), os.environ if environ is None else environ)
    policy = _strictest([policy for policy, _ in policies]).model_copy(update={"sources_from": sources})
    return _Stack(tuple(layers), policy, tuple(rules), document.name or name, take, document.id or "", log)


def _document(
    what: str | Path | Mapping[str, Any] | ShotDocument, base: str | Path | None
) -> tuple[ShotDocument, str, Path, str]:
    """Return the document, the name of its origin, the base folder of its paths, and a name for an unnamed shot."""
    if isinstance(what, (str, Path)):
        path = Path(what).expanduser().absolute()
        return read_document(path, ShotDocument), str(path), path.parent, path.name.removesuffix(_SUFFIX)
    folder = Path(base).expanduser().absolute() if base is not None else Path.cwd()
    if isinstance(what, ShotDocument):
        return what, "the document", folder, "shot"
    try:
        text = json.dumps(dict(what), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError("bad-shot", f"The document holds a value that JSON cannot express: {error}.") from error
    return parse_document(text, ShotDocument, "The document"), "the document", folder, "shot"


def _strictest(policies: list[Policy]) -> Policy:
    """Combine the policies of all show files: a sequence can forbid more than its show, never less."""

    def settled(name: str, strict: bool) -> bool | None:
        said = {getattr(policy, name) for policy in policies} - {None}
        return (strict if strict in said else not strict) if said else None

    return Policy(
        allow_noncommercial=settled("allow_noncommercial", False),
        final_requires_release=settled("final_requires_release", True),
        preview_slate=settled("preview_slate", True),
        require_signatures=settled("require_signatures", True),
        always_slate=settled("always_slate", True),
        allow_finals=settled("allow_finals", False),
    )


def _folders_of_sources(
    policies: list[tuple[Policy, Path]], rules: tuple[PathRule, ...], environ: Mapping[str, str]
) -> tuple[str, ...] | None:
    """Return the folders that all show files name for sources, absolute; None where none names any."""
    found = [
        str(settle(folder, path.parent, rules, environ, f"sources_from in {path}"))
        for policy, path in policies
        for folder in policy.sources_from or ()
    ]
    return tuple(dict.fromkeys(found)) or None


def _settled(key: str, said: Setting, stack: _Stack, environ: Mapping[str, str]) -> Any:
    """Return a key's value in the form that `Shot` takes."""
    if key == "frames":
        return parse_frames(said.value)
    if key == "output":
        said = Setting(said.value.replace("{take}", f"{stack.take:03d}"), said.where, said.base)
    if key in _PATHS:
        return settle(said.value, said.base, stack.rules, environ, f"{key} in {said.where}")
    return said.value


def _split(
    values: Mapping[str, Setting], stack: _Stack, environ: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Curve]]:
    """Separate parameters into constants and curves, and resolve those that name files."""
    constants: dict[str, Any] = {}
    curves: dict[str, Curve] = {}
    for name, said in values.items():
        if isinstance(said.value, Curve):
            curves[name] = said.value
        elif name in _PARAMETER_PATHS and said.value:
            constants[name] = settle(said.value, said.base, stack.rules, environ, f"{name} in {said.where}")
        elif name == "target":
            constants[name] = _target(said, stack, environ)
        else:
            constants[name] = said.value
    return constants, curves


def _target(said: Setting, stack: _Stack, environ: Mapping[str, str]) -> str:
    """Return a target that is a picture as an absolute path; a word, a number or a person's name is unchanged."""
    if "/" not in said.value and "\\" not in said.value and "." not in said.value:
        return said.value
    path = settle(said.value, said.base, stack.rules, environ, f"target in {said.where}")
    return path if exists(path) or "/" in said.value else said.value


def _face(item: DocumentFace, said: Setting, stack: _Stack, environ: Mapping[str, str]) -> ShotFace:
    values = {name: Setting(value, said.where, said.base) for name, value in _values(item.parameters)}
    constants, curves = _split(values, stack, environ)
    paths = {name: getattr(item, name) for name in ("source", "track") if getattr(item, name)}
    settled = {
        name: settle(text, said.base, stack.rules, environ, f"{name} of the face {item.name} in {said.where}")
        for name, text in paths.items()
    }
    return ShotFace(
        name=item.name,
        source=Path(settled["source"]) if "source" in settled else None,
        source_space=item.source_space,
        track=Path(settled["track"]) if "track" in settled else None,
        head_size=1.0 if item.head_size is None else item.head_size,
        constants=constants,
        curves=curves,
        overrides=tuple(_override(override, said, stack, environ) for override in item.overrides or ()),
    )


def _override(item: DocumentOverride, said: Setting | None, stack: _Stack, environ: Mapping[str, str]) -> Override:
    assert said is not None
    values = {name: Setting(value, said.where, said.base) for name, value in _values(item.parameters)}
    constants, curves = _split(values, stack, environ)
    return Override(frames=frozenset(parse_frames(item.frames)), constants=constants, curves=curves)


def _values(parameters: BaseModel | None) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that a document sets, in the order of the list."""
    for name in Parameters.model_fields if parameters is not None else ():
        value = getattr(parameters, name)
        if value is not None:
            yield name, value


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, tuple):
        return [_plain(item) for item in cast(tuple[Any, ...], value)]
    return value
