"""The track file, field by field. `docs/track.schema.json` is generated from these classes.

Raw values are the observations, smoothed values are rendered; corrections are the artist's and change neither. A person's
frames lie in blocks, one frame a line; within a block every mesh is stored as its difference from the block's base mesh.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "VERSION",
    "Bad",
    "Block",
    "Corrections",
    "Delete",
    "Drag",
    "Edit",
    "Grain",
    "Join",
    "Key",
    "Person",
    "Plate",
    "RawLine",
    "Rename",
    "Shutter",
    "Sidecar",
    "SmoothLine",
    "Smoothing",
    "Span",
    "Split",
    "Unread",
    "ViewKey",
    "ViewPlan",
    "ViewRun",
]

VERSION = 6
"""Version of the track file."""


Frame = Annotated[int, Field(ge=-10_000_000, le=10_000_000)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Rectangle = tuple[int, int, int, int]
Variance = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
PersonId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
ViewName = Annotated[str, Field(min_length=1, max_length=500)]
Rigid = tuple[Finite, Finite, Positive, Finite]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Plate(_Part):
    """The plate that was tracked.

    `display` and `data` are x, y, width, height of the first frame's windows, y down. `space` is the plate's colour space
    where it was given, `working` the space in which levels and grain were measured, `search` the part of the picture that was
    searched (None: all). `state` identifies the tracked files by names, sizes and dates, to detect a changed plate.
    """

    pattern: str
    display: Rectangle
    data: Rectangle
    pixel_aspect: Positive = 1.0
    space: str | None = None
    layer: str | None = None
    working: str = ""
    search: Rectangle | None = None
    state: str = ""


class Unread(_Part):
    """A frame that could not be read."""

    frame: Frame
    why: str


class Smoothing(_Part):
    """Settings of the smoothing: `amount` 0 (as observed) to 4, and the longest `gap` in frames that is filled."""

    amount: Annotated[float, Field(ge=0.0, le=4.0)] = 1.0
    gap: Annotated[int, Field(ge=0, le=1000)] = 12


class Grain(_Part):
    """The plate's grain from `first` to `last`, one view.

    The variance of channel c at the scene-linear value x of the working space is slope[c] * max(x, 0) + floor[c], in R, G, B.
    `kernel`: each channel's spatial filter, 3 x 7 x 7, of unit energy; `mixing`: the symmetric root of the correlation between
    the channels, 3 x 3. `amounts`: (frame, factor on the variance) where it varies, linear in the logarithm between; empty
    where it does not.
    """

    first: Frame
    last: Frame
    slope: tuple[Variance, Variance, Variance]
    floor: tuple[Variance, Variance, Variance]
    kernel: Annotated[tuple[Finite, ...], Field(min_length=147, max_length=147)]
    mixing: Annotated[tuple[Finite, ...], Field(min_length=9, max_length=9)]
    amounts: tuple[tuple[Frame, Positive], ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Grain:
        if self.last < self.first:
            raise ValueError("last lies before first")
        frames = [frame for frame, _ in self.amounts]
        if sorted(set(frames)) != frames:
            raise ValueError("the frames of amounts do not rise")
        if any(not any(self.kernel[49 * c : 49 * c + 49]) for c in range(3)):
            raise ValueError("a channel of kernel is all 0")
        return self


class Shutter(_Part):
    """How long the plate's shutter is open from `first` to `last`, one view: a `fraction` of the time between two frames."""

    first: Frame
    last: Frame
    fraction: Part


class RawLine(_Part):
    """A face as it was observed.

    `rigid`: x, y (plate pixels), scale (projected pixels), rotation (radians) of the skull. `flow`: change of these since the
    frame before, measured by optical flow (x, y, log scale, rotation; projected pixels), and its error in pixels; null where it
    was not measured. `moved`: how far upper lids, eyes, brows, nose, mouth, jaw and the rest left that motion, in thousandths of
    the scale. `mesh` is packed (`docs/tracks.md`), and so are `look`, what hides the face, `tones`, its light and colour, and
    `features`, its sclera and teeth; null where they were not measured. So are `edges`, how steep its edges are. `lids`: how far
    the right and the left eye are open as their pixels show it, in widths of the eye. `teeth`: how far the open mouth is full of
    teeth, 0..1.
    """

    frame: Frame
    score: Part
    presence: Part
    level: Positive
    rigid: Rigid
    flow: tuple[Finite, Finite, Finite, Finite, Finite] | None = None
    moved: tuple[Annotated[int, Field(ge=0, le=999)], ...] = ()
    mesh: str
    look: str | None = None
    tones: str | None = None
    features: str | None = None
    edges: str | None = None
    lids: tuple[Part, Part] | None = None
    teeth: Part | None = None


class SmoothLine(_Part):
    """A face as it is rendered.

    `pose`: yaw, pitch, roll in degrees. `confidence` 0..1. A frame that was not `seen` is interpolated. `look`, `tones`,
    `features` and `teeth` are smoothed over time; null in a track without them. `softness` is the standard deviation of the
    face's edges, motion blur left out, as a fraction of its size; null where it was not measured.
    """

    frame: Frame
    seen: bool = True
    confidence: Part
    level: Positive
    pose: tuple[Finite, Finite, Finite]
    rigid: Rigid
    mesh: str
    look: str | None = None
    tones: str | None = None
    features: str | None = None
    softness: Positive | None = None
    teeth: Part | None = None


class Block(_Part):
    """Up to 24 frames of one span; spans are numbered, and nothing is smoothed or filled across two of them.

    The frames' meshes are stored as differences from the mesh `base`, and their tones as differences from `tones`.
    """

    span: Annotated[int, Field(ge=0)]
    base: str
    tones: str | None = None
    raw: tuple[RawLine, ...]
    smooth: tuple[SmoothLine, ...]


class Person(_Part):
    """One person as the tracker found them: a stable `id`, the identity embedding (packed), and the frames."""

    id: PersonId
    identity: str | None = None
    blocks: tuple[Block, ...]


class Rename(_Part):
    """Gives a person a name."""

    do: Literal["rename"] = "rename"
    person: PersonId
    name: Annotated[str, Field(min_length=1, max_length=200)]


class Delete(_Part):
    """Removes a person: everywhere, or from `first` to `last`."""

    do: Literal["delete"] = "delete"
    person: PersonId
    first: Frame | None = None
    last: Frame | None = None


class Split(_Part):
    """From `frame` on, `person` becomes another one with the id `new`."""

    do: Literal["split"] = "split"
    person: PersonId
    frame: Frame
    new: PersonId


class Join(_Part):
    """`person` becomes `into`; where both are present, `into` is used."""

    do: Literal["join"] = "join"
    person: PersonId
    into: PersonId


Edit = Annotated[Rename | Delete | Split | Join, Field(discriminator="do")]


class Key(_Part):
    """A keyframe of the whole face: `move` in plate pixels, `scale` a factor, `rotate` in degrees clockwise about its centre."""

    person: PersonId
    frame: Frame
    move: tuple[Finite, Finite] = (0.0, 0.0)
    scale: Annotated[float, Field(ge=0.05, le=20.0)] = 1.0
    rotate: Finite = 0.0


class Drag(_Part):
    """A keyframe of a region: `move` in fractions of the face's size along its own axes (x across the eyes, y down)."""

    person: PersonId
    region: Literal["brow-right", "brow-left", "eye-right", "eye-left", "brows", "eyes", "mouth", "jaw"]
    frame: Frame
    move: tuple[Annotated[float, Field(ge=-1, le=1)], Annotated[float, Field(ge=-1, le=1)]]


class Bad(_Part):
    """Frames with wrong values: interpolated from their neighbours, or left out."""

    person: PersonId
    first: Frame
    last: Frame
    use: Literal["interpolate", "exclude"] = "interpolate"

    @model_validator(mode="after")
    def _in_order(self) -> Bad:
        if self.last < self.first:
            raise ValueError("last lies before first")
        return self


class Span(_Part):
    """Where a person is replaced: from `first` to `last`, with fades of this many frames inside at either end."""

    person: PersonId
    first: Frame
    last: Frame
    fade_in: Annotated[int, Field(ge=0, le=100_000)] = 0
    fade_out: Annotated[int, Field(ge=0, le=100_000)] = 0

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.last < self.first:
            raise ValueError("last lies before first")
        return self


class ViewKey(_Part):
    """The view of the source that leads from `first` to `last`, whatever the view plan says there."""

    person: PersonId
    first: Frame
    last: Frame
    view: ViewName

    @model_validator(mode="after")
    def _in_order(self) -> ViewKey:
        if self.last < self.first:
            raise ValueError("last lies before first")
        return self


class ViewRun(_Part):
    """Frames `first` to `last`, which one view of the source leads.

    Over the first `fade` frames the view before it is mixed into this one; 0 changes the view at once. The other fields
    explain the choice, as means over the run: `turn`, the angle in degrees between the head in the picture and on the plate,
    roll left out; `seen` and `hidden`, the shares of the face visible on the plate that the picture shows, and that hair or
    glasses hide in it.
    """

    first: Frame
    last: Frame
    view: ViewName
    fade: Annotated[int, Field(ge=0, le=1000)] = 0
    turn: Annotated[float, Field(ge=0.0, le=180.0)] | None = None
    seen: Part | None = None
    hidden: Part | None = None

    @model_validator(mode="after")
    def _sound(self) -> ViewRun:
        if self.last < self.first:
            raise ValueError("last lies before first")
        if self.fade > self.last - self.first + 1:
            raise ValueError("fade is longer than the run")
        return self


class ViewPlan(_Part):
    """Which view of a source leads on which frames of a person.

    `source` identifies the source's pictures, whatever folder they lie in. `pictures` holds the first 16 digits of the hash
    of each picture that leads. `runs` lie in the order of their frames and do not overlap.
    """

    person: PersonId
    source: Annotated[str, Field(min_length=1, max_length=128)]
    pictures: dict[str, str] = {}
    runs: tuple[ViewRun, ...]

    @model_validator(mode="after")
    def _sound(self) -> ViewPlan:
        for before, after in itertools.pairwise(self.runs):
            if after.first <= before.last:
                raise ValueError(f"the run from frame {after.first} overlaps the one before it")
        return self


class Corrections(_Part):
    """The artist's corrections. `people` is applied in its order; all others name people as they are after that."""

    people: tuple[Edit, ...] = ()
    keys: tuple[Key, ...] = ()
    drags: tuple[Drag, ...] = ()
    bad: tuple[Bad, ...] = ()
    spans: tuple[Span, ...] = ()
    views: tuple[ViewKey, ...] = ()


class Sidecar(_Part):
    """A track file. `ranges` are the tracked frames as (first, last, step); `cuts` the frames that begin a new view.

    The people's blocks may hold frames beyond `ranges`: margins that steady the ends of a range and are not rendered.
    `plans` holds at most one view plan for each person and source.

    Version 1 had no `grain`, and its plate no `working`, `search` and `state`; version 2 had no `tones` and `features`,
    version 3 no `edges`, `softness` and `shutters`, version 4 no `lids`, version 5 no `teeth`. All are read as a version
    6 without them.
    """

    faceplate_track: Literal[6] = VERSION
    made_by: str = ""
    plate: Plate
    ranges: tuple[tuple[Frame, Frame, Annotated[int, Field(ge=1)]], ...]
    weights: dict[str, str] = {}
    cuts: tuple[Frame, ...] = ()
    unread: tuple[Unread, ...] = ()
    grain: tuple[Grain, ...] = ()
    shutters: tuple[Shutter, ...] = ()
    smoothing: Smoothing = Smoothing()
    people: tuple[Person, ...] = ()
    plans: tuple[ViewPlan, ...] = ()
    corrections: Corrections = Corrections()

    @model_validator(mode="after")
    def _sound(self) -> Sidecar:
        ids = [person.id for person in self.people]
        if len(set(ids)) != len(ids):
            raise ValueError("two people have the same id")
        plans = [(plan.person, plan.source) for plan in self.plans]
        if len(set(plans)) != len(plans):
            raise ValueError("two view plans are of the same person and source")
        for person in self.people:
            _rising(person.id, (line.frame for block in person.blocks for line in block.smooth))
            _rising(person.id, (line.frame for block in person.blocks for line in block.raw))
        return self

    def person(self, id_: str) -> Person | None:
        """Return the person with that id, or None."""
        return next((person for person in self.people if person.id == id_), None)


def _rising(person: str, frames: Iterator[int]) -> None:
    before: int | None = None
    for frame in frames:
        if before is not None and frame <= before:
            raise ValueError(f"frame {frame} of {person} comes after frame {before}")
        before = frame
