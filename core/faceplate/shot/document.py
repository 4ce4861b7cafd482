"""The fields of shot and show files; `docs/shot.schema.json` is printed from these classes.

Every key except the version is optional. Null means absent: the show's default applies. Parameters and their ranges come
from the list in `parameters.py`.
"""

from __future__ import annotations

import difflib
import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import from_json

from faceplate.errors import UsageError
from faceplate.plate import parse_frames
from faceplate.shot.curves import Curve
from faceplate.shot.parameters import PARAMETERS, Parameter, Parameters, current_names
from faceplate.shot.shot import Policy
from faceplate.system.atomic import write_bytes
from faceplate.system.user_paths import read_bytes

__all__ = [
    "VERSION",
    "DocumentFace",
    "DocumentOverride",
    "Host",
    "ShotDocument",
    "ShowDocument",
    "Take",
    "dump",
    "first_fault",
    "parse_document",
    "read_document",
    "schema",
    "write_document",
]

VERSION = 1

_TAGS = ("constant", "keyed")
_Document = TypeVar("_Document", "ShotDocument", "ShowDocument")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _field(parameter: Parameter) -> Any:
    """Return the type of a parameter in a file: a constant in its range or, if it can be keyed, a curve in that range."""
    declared = Parameters.model_fields[parameter.name]
    bounds = {"ge": parameter.minimum, "le": parameter.maximum} if parameter.minimum is not None else {}
    constant: Any = Annotated[declared.annotation, Field(**bounds, description=parameter.about.help)]
    if not parameter.about.animatable:
        return constant | None
    keyed: Any = Annotated[Curve, AfterValidator(partial(_inside, parameter.minimum, parameter.maximum))]
    either: Any = Union[Annotated[constant, Tag("constant")], Annotated[keyed, Tag("keyed")]]  # noqa: UP007  (made at run time)
    told_apart: Any = Annotated[either, Discriminator(_tag)]
    return told_apart | None


def _tag(value: Any) -> str:
    return "keyed" if isinstance(value, (dict, Curve)) else "constant"


def _inside(low: float | None, high: float | None, curve: Curve) -> Curve:
    for key in curve.keys:
        if (low is not None and key.value < low) or (high is not None and key.value > high):
            raise ValueError(f"the key at frame {key.frame} is {key.value:g}; it can be {low:g} to {high:g}")
    return curve


class _NamedValues(_Part):
    @model_validator(mode="before")
    @classmethod
    def _accept_former_names(cls, values: Any) -> Any:
        return current_names(values) if isinstance(values, dict) else values


ParameterValues: type[BaseModel] = create_model(
    "ParameterValues",
    __base__=_NamedValues,
    __doc__="Parameters by name, as constants or, where they can be keyed, as keys [frame, value, interpolation].",
    **{parameter.name: (_field(parameter), None) for parameter in PARAMETERS},  # type: ignore[call-overload]
)


def _frames(text: str) -> str:
    try:
        parse_frames(text)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return text


Frames = Annotated[str, AfterValidator(_frames)]


class DocumentOverride(_Part):
    """Values that apply to some frames only. `note` holds the reason or the author."""

    frames: Frames
    parameters: ParameterValues  # type: ignore[valid-type]
    note: str = ""


class DocumentFace(_Part):
    """One of several people of a shot: the name, and what differs from the shot's other faces.

    Source, track and parameters that are absent are the shot's. `head_size` is the size of the head relative to the others',
    for their order in depth.
    """

    name: Annotated[str, Field(min_length=1)]
    source: str | None = None
    source_space: str | None = None
    track: str | None = None
    head_size: Annotated[float, Field(gt=0, le=100)] | None = None
    parameters: ParameterValues | None = None  # type: ignore[valid-type]
    overrides: tuple[DocumentOverride, ...] | None = None
    notes: str | None = None


def _named_once(faces: tuple[DocumentFace, ...] | None) -> tuple[DocumentFace, ...] | None:
    names = [face.name for face in faces or ()]
    if len(set(names)) != len(names):
        raise ValueError("two faces have the same name")
    return faces


Faces = Annotated[tuple[DocumentFace, ...] | None, AfterValidator(_named_once)]


class Take(_Part):
    """A take: when it was made, its output, and the `parameters`, `overrides` and `faces` that restore it."""

    take: Annotated[int, Field(ge=1)]
    made: str
    output: str = ""
    frames: str | None = None
    parameters_sha256: str = ""
    note: str = ""
    parameters: ParameterValues | None = None  # type: ignore[valid-type]
    overrides: tuple[DocumentOverride, ...] | None = None
    faces: Faces = None


class Host(_Part):
    """The application that wrote the file."""

    app: str
    version: str = ""
    script: str = ""


class Defaults(_Part):
    """The keys that a show file can set for its shots: all but those that belong to one shot."""

    name: str | None = None
    production: str | None = None
    purpose: Literal["preview", "final"] | None = None
    use: str | None = None
    person: str | None = None
    plate: str | None = None
    layer: str | None = None
    missing: Literal["fail", "skip", "hold"] | None = None
    space: str | None = None
    search: tuple[int, int, int, int] | None = None
    source: str | None = None
    source_space: str | None = None
    track: str | None = None
    ocio: str | None = None
    working: str | None = None
    allow_noncommercial: bool | None = None
    output: str | None = None
    mode: Literal["element", "over"] | None = None
    compression: str | None = None
    multipart: bool | None = None
    frames: Frames | None = None
    parameters: ParameterValues | None = None  # type: ignore[valid-type]
    overrides: tuple[DocumentOverride, ...] | None = None
    notes: str | None = None


class ShotDocument(Defaults):
    """A shot file, `*.shot.json`."""

    faceplate_shot: Literal[1] = VERSION
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    faces: Faces = None
    takes: tuple[Take, ...] | None = None
    host: Host | None = None

    @field_validator("takes")
    @classmethod
    def _numbered(cls, takes: tuple[Take, ...] | None) -> tuple[Take, ...] | None:
        numbers = [take.take for take in takes or ()]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two takes have the same number")
        return takes


class Mapping(_Part):
    """A path prefix of another machine and its replacement on this one."""

    from_: Annotated[str, Field(alias="from", min_length=1)]
    to: Annotated[str, Field(min_length=1)]


class ShowDocument(_Part):
    """A show or sequence file, `faceplate.show.json`. With `root`, show files in folders above it are ignored."""

    faceplate_show: Literal[1] = VERSION
    root: bool = False
    defaults: Defaults = Defaults()
    policy: Policy = Policy()
    path_mapping: tuple[Mapping, ...] = ()


# The files ----------------------------------------------------------------------------------------------------------


def read_document(path: Path, kind: type[_Document]) -> _Document:
    """Read the document at `path`.

    Raises
    ------
    UsageError
        `no-shot` when the file cannot be read, and the codes of `parse_document`.
    """
    try:
        text = read_bytes(path)
    except OSError as error:
        raise UsageError("no-shot", f"The file {path} cannot be read: {error.strerror}.") from error
    return parse_document(text, kind, str(path))


def parse_document(text: bytes | str, kind: type[_Document], name: str = "the shot") -> _Document:
    """Parse the JSON `text` of a document; `name` stands at the start of an error message.

    Raises
    ------
    UsageError
        `newer-shot` for a newer version, `bad-shot` with the name of the first wrong field.
    """
    marker, word = ("faceplate_shot", "shot") if kind is ShotDocument else ("faceplate_show", "show")
    try:
        item = from_json(text)
    except ValueError as error:
        raise UsageError(
            "bad-shot", f"{name} is not valid JSON ({error}); restore the file or write it again."
        ) from error
    if not isinstance(item, dict) or marker not in item:
        raise UsageError("bad-shot", f"{name} is not a Faceplate {word} file: the field {marker} is missing.")
    version = item[marker]
    if type(version) is int and version > VERSION:
        raise UsageError(
            "newer-shot",
            f"{name} is a {word} file of version {version} (field {marker}); this Faceplate reads up to {VERSION}: use a "
            "newer Faceplate.",
        )
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise UsageError("bad-shot", f"{name} is not usable: {first_fault(error)}.") from error


def first_fault(error: ValidationError) -> str:
    """Describe the first validation error: the field, the expected value, and the most similar known name."""
    fault = error.errors(include_url=False)[0]
    steps = [step for step in fault["loc"] if step not in _TAGS and not str(step).startswith("tagged-union")]
    place = ""
    for step in steps:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
    reason = fault["msg"].removeprefix("Value error, ").rstrip(".")
    if fault["type"] == "extra_forbidden":
        among = Parameters.model_fields if "parameters" in steps else ShotDocument.model_fields
        near = difflib.get_close_matches(str(steps[-1]), list(among), 1)
        reason = "there is no such key" + (f"; did you mean {near[0]}" if near else "")
    more = error.error_count() - 1
    tail = f" (and {more} more fault{'s' if more > 1 else ''})" if more else ""
    return f"field {place or 'faceplate_shot'}: {reason[:1].lower()}{reason[1:]}{tail}"


def write_document(document: ShotDocument | ShowDocument, path: Path) -> None:
    """Write the document atomically.

    Raises
    ------
    RenderError
        `output-unwritable` or `disk-full`.
    """
    write_bytes(path, dump(document).encode("utf-8"))


def dump(document: ShotDocument | ShowDocument) -> str:
    """Return the document's JSON text, one key, parameter, override or take per line; equal documents give equal text."""
    plain = plain_document(document)
    marker = "faceplate_shot" if "faceplate_shot" in plain else "faceplate_show"
    ordered = {key: plain.pop(key) for key in (marker, "id", "name") if key in plain} | plain
    return _pretty(ordered, "") + "\n"


def plain_document(document: BaseModel) -> dict[str, Any]:
    """Return the document as plain JSON values without absent keys."""
    plain = document.model_dump(mode="json", exclude_none=True, exclude_defaults=True, by_alias=True)
    if isinstance(document, (ShotDocument, ShowDocument)):
        marker = "faceplate_shot" if isinstance(document, ShotDocument) else "faceplate_show"
        plain[marker] = VERSION
    return plain


def schema() -> str:
    """Return the JSON schema of shot and show files, as published in `docs/shot.schema.json`."""
    shot, show = ShotDocument.model_json_schema(by_alias=True), ShowDocument.model_json_schema(by_alias=True)
    definitions = {**shot.pop("$defs"), **show.pop("$defs"), "ShotDocument": shot, "ShowDocument": show}
    either = {"anyOf": [{"$ref": "#/$defs/ShotDocument"}, {"$ref": "#/$defs/ShowDocument"}]}
    for name, marker in (("ShotDocument", "faceplate_shot"), ("ShowDocument", "faceplate_show")):
        definitions[name]["required"] = [marker]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Faceplate shot and show files"}
    return json.dumps({**head, **either, "$defs": definitions}, indent=1, sort_keys=True) + "\n"


def check_values(values: dict[str, Any], where: str) -> dict[str, Any]:
    """Validate parameter values from a host, each a constant or a curve.

    Raises
    ------
    UsageError
        `bad-shot`; the sentence begins with `where`.
    """
    try:
        checked = ParameterValues.model_validate_json(json.dumps(values))
    except (ValidationError, TypeError) as error:
        reason = first_fault(error) if isinstance(error, ValidationError) else str(error)
        raise UsageError("bad-shot", f"{where}: {reason}.") from error
    return {name: getattr(checked, name) for name in current_names(values) if getattr(checked, name) is not None}


def _pretty(value: Any, indent: str) -> str:
    if isinstance(value, dict) and value and len(indent) < 4:
        inner = indent + "  "
        rows = [f"{inner}{_compact(name)}: {_pretty(item, inner)}" for name, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        inner = indent + "  "
        return "[\n" + ",\n".join(inner + _compact(item) for item in value) + f"\n{indent}]"
    return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
