"""The shot: plate, source, output and parameters of a render."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from faceplate.shot.curves import Curve
from faceplate.shot.parameters import Parameters, current_names

__all__ = ["Override", "Policy", "Shot", "ShotFace"]


class Override(BaseModel):
    """Constants or curves that apply to some frames only; a later override wins over an earlier one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: frozenset[int]
    constants: Mapping[str, Any] = {}
    curves: Mapping[str, Curve] = {}

    @field_validator("constants", "curves", mode="after")
    @classmethod
    def _accept_former_names(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return current_names(values)


class ShotFace(BaseModel):
    """One of several faces of a shot: the person's name, the source, and what differs from the shot's other faces.

    `source`, `source_space` and `track` take the place of the shot's; None keeps the shot's. `constants`, `curves` and
    `overrides` are the face's own parameters, which win over the shot's, whatever the shot has for them. `head_size` is the
    size of the person's head relative to the others' (0.8 for a child): with it the size in the picture gives the distance,
    by which faces are put in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    source: Path | None = None
    source_space: str | None = None
    track: Path | None = None
    head_size: Annotated[float, Field(gt=0)] = 1.0
    constants: Mapping[str, Any] = {}
    curves: Mapping[str, Curve] = {}
    overrides: tuple[Override, ...] = ()

    @field_validator("constants", "curves", mode="after")
    @classmethod
    def _accept_former_names(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return current_names(values)

    def at(self, frame: int) -> dict[str, Any]:
        """Return the parameters that the face itself sets at `frame`, by name."""
        values = {**self.constants, **{name: curve.at(frame) for name, curve in self.curves.items()}}
        for override in self.overrides:
            if frame in override.frames:
                values |= override.constants
                values |= {name: curve.at(frame) for name, curve in override.curves.items()}
        return values


class Policy(BaseModel):
    """The permissions of a show, None where it sets none. A shot cannot extend them.

    `sources_from` is one folder in a show file; of several show files every folder counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_noncommercial: bool | None = None
    final_requires_release: bool | None = None
    preview_slate: bool | None = None
    require_signatures: bool | None = None
    always_slate: bool | None = None
    allow_finals: bool | None = None
    sources_from: tuple[str, ...] | None = None

    @field_validator("sources_from", mode="before")
    @classmethod
    def _one_folder(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("sources_from")
    @classmethod
    def _named(cls, folders: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if folders is not None and not all(folders):
            raise ValueError("an empty folder; write . for the folder of the show file")
        return folders


class Shot(BaseModel):
    """A render request. File patterns are written as artists write them: `plate.####.exr`, `%04d`, `$F4`, `1001-1048`.

    `space`, `source_space` and `working` are colour spaces of the OCIO config (a name, alias, role or interop id); with None
    the files and the config decide. `search` (x, y, width, height in plate pixels, y down) limits face detection and what is
    read of the plate. `person` is the person's name in the id layer, `name` the shot's name.
    `track` is a track file. Without one, a range of frames is tracked first and the track is kept beside the output, unless
    `track_first` is off; in a single frame the face is detected. Weights whose licence forbids commercial use are refused
    unless `allow_noncommercial` is set.

    Without a release that covers the render, a `preview` carries a slate and a `final` is refused (`faceplate.consent`). The
    release is checked for `production`, `name`, today's date and, if given, `use`. `audit` is the show's audit log.

    `parameters` apply to every frame, `curves` replace them by keyed values, `overrides` replace either on some frames; `at`
    combines them. A shot file is read by `faceplate.shot.load_shot`.

    `faces` lists several people who are swapped in one pass; then `source`, `track`, `person` and the parameters are what
    the faces have in common, and `of_face` is the shot of one of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plate: str
    name: str = ""
    id: str = ""
    take: int = 1
    production: str = ""
    purpose: Literal["preview", "final"] = "preview"
    use: str = ""
    audit: Path | None = None
    person: str = "face"
    source: Path | None = None
    output: str = ""
    mode: Literal["element", "over"] = "element"
    frames: tuple[int, ...] | None = None
    missing: Literal["fail", "skip", "hold"] = "fail"
    layer: str | None = None
    space: str | None = None
    source_space: str | None = None
    working: str | None = None
    ocio: str | None = None
    track: Path | None = None
    track_first: bool = True
    allow_noncommercial: bool = False
    search: tuple[int, int, int, int] | None = None
    compression: str | None = None
    multipart: bool = False
    parameters: Parameters = Parameters()
    curves: Mapping[str, Curve] = {}
    overrides: tuple[Override, ...] = ()
    faces: tuple[ShotFace, ...] = ()
    policy: Policy = Policy()

    @field_validator("faces")
    @classmethod
    def _named_once(cls, faces: tuple[ShotFace, ...]) -> tuple[ShotFace, ...]:
        repeated = [name for name, count in Counter(face.name for face in faces).items() if count > 1]
        if repeated:
            raise ValueError(f"two faces are called '{repeated[0]}'")
        return faces

    @property
    def face_shots(self) -> tuple[Shot, ...]:
        """The shot of each face by itself, in the list's order; the shot itself where it lists no faces."""
        return tuple(self.of_face(face) for face in self.faces) or (self,)

    def of_face(self, face: ShotFace) -> Shot:
        """Return the shot that renders one of its faces alone."""
        own = {*face.constants, *face.curves}

        def common(values: Mapping[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in values.items() if name not in own}

        overrides = [
            item.model_copy(update={"constants": common(item.constants), "curves": common(item.curves)})
            for item in self.overrides
        ]
        changed: dict[str, Any] = {
            "person": face.name,
            "faces": (),
            "parameters": self.parameters.model_copy(update=dict(face.constants)),
            "curves": {**common(self.curves), **face.curves},
            "overrides": (*(item for item in overrides if item.constants or item.curves), *face.overrides),
        }
        for name in ("source", "source_space", "track"):
            if getattr(face, name) is not None:
                changed[name] = getattr(face, name)
        return self.model_copy(update=changed)

    def at(self, frame: int) -> Parameters:
        """Return the parameters of one frame: constants, curves, and the overrides that cover it."""
        changed: dict[str, Any] = {name: curve.at(frame) for name, curve in self.curves.items()}
        for override in self.overrides:
            if frame in override.frames:
                changed |= override.constants
                changed |= {name: curve.at(frame) for name, curve in override.curves.items()}
        return self.parameters.model_copy(update=changed) if changed else self.parameters
