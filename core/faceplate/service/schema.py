"""The requests of the service. A field that is not listed here is refused, so that a misspelt one is noticed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

__all__ = [
    "MOST_PIXEL_BYTES",
    "FacesRequest",
    "JobRequest",
    "KeysRequest",
    "PathPrefix",
    "PeopleRequest",
    "PixelsRequest",
    "RegionsRequest",
    "RenderRequest",
    "ReserveRequest",
    "ShotRequest",
    "TrackRequest",
]

Frames = list[int]
Values = dict[str, Any]
_MOST = 200_000
MOST_PIXEL_BYTES = 1 << 30
"""Largest block for a host's pixels: an 8K frame of float RGBA is half as large."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PathPrefix(_Request):
    """A prefix of another machine's paths (`from`), and the same place on this machine (`to`)."""

    source: str = Field(alias="from", min_length=1)
    target: str = Field(alias="to", min_length=1)


class ShotRequest(_Request):
    """A shot file's path, or a document whose relative paths begin at `base`.

    `environ` gives the values of `$VARIABLES` and of `$OCIO`: those of the host, not of the engine. `mapping` wins over
    the show's own path mapping.
    """

    path: str | None = None
    document: dict[str, Any] | None = None
    base: str | None = None
    environ: dict[str, str] = Field(default_factory=dict)
    mapping: list[PathPrefix] = Field(default_factory=list)


class _OfFrames(_Request):
    shot: str
    frames: Frames = Field(min_length=1, max_length=_MOST)
    values: Values = Field(default_factory=dict)
    frame_values: dict[int, Values] = Field(default_factory=dict)
    proxy: Literal[1, 2, 4, 8] = 1
    mode: Literal["element", "over"] | None = None

    def of(self, frame: int) -> Values:
        """Return the values that win over the document's at `frame`."""
        return {**self.values, **self.frame_values.get(frame, {})}


class KeysRequest(_OfFrames):
    """Frames whose keys are wanted: a key names everything that a frame's pixels depend on."""


class RenderRequest(_OfFrames):
    """Frames to render.

    With `pixels` "shared" the picture is float32 RGBA in shared memory, and a file is written only where `output` is
    given. With "sheet" the result is the picture `sheet`, an 8-bit PNG of the first frame for a dialog: plate, result and
    matte around the face, side by side. `holdout_matte` is a matte file of the host's own; `hold_out` is its former name.
    Without `mix_tracks` a batch is refused beside frames of the output that were made with a track of other frames; hosts mark
    such frames as stale themselves.
    """

    kind: Literal["render"]
    output: str | None = None
    holdout_matte: str | None = Field(default=None, validation_alias=AliasChoices("holdout_matte", "hold_out"))
    priority: Literal["interactive", "batch"] = "interactive"
    supersede: str | None = None
    skip_current: bool = False
    mix_tracks: bool = True
    pixels: Literal["file", "shared", "sheet"] = "file"
    sheet: str | None = None

    def of(self, frame: int) -> Values:
        """Return the values that win over the document's at `frame`, the request's own matte among them."""
        held = {} if self.holdout_matte is None else {"holdout_matte": self.holdout_matte}
        return {**super().of(frame), **held}


class RegionsRequest(_Request):
    """A frame for which the part of the plate is wanted that its render reads."""

    shot: str
    frame: int
    values: Values = Field(default_factory=dict)


class ReserveRequest(_Request):
    """A block of shared memory that a host writes pixels into, of so many bytes."""

    bytes: int = Field(ge=1, le=MOST_PIXEL_BYTES)


class PixelsRequest(_Request):
    """One frame to render on a host's pixels, which lie in the shared `block`: RGBA in C order, the top row first.

    They cover `window` (x, y, width, height) of the host's picture, whose `size` (width, height) is the plate's, and are in the
    plate's colour space. The face is laid over them in the block itself; pixels without matte, and alpha, stay as they are.
    """

    kind: Literal["pixels"]
    shot: str
    frame: int
    block: str
    dtype: Literal["<f2", "<f4"]
    window: tuple[int, int, int, int]
    size: tuple[int, int]
    values: Values = Field(default_factory=dict)
    priority: Literal["interactive", "batch"] = "interactive"
    supersede: str | None = None


class PeopleRequest(_Request):
    """Pictures of a track's people, written as PNG into `folder`, `size` pixels high."""

    folder: str
    size: int = Field(default=96, ge=16, le=512)


class TrackRequest(_Request):
    """A shot to track into `output`, by default into the track that it names.

    Without `frames` the whole plate is tracked.
    """

    kind: Literal["track"]
    shot: str
    output: str | None = None
    frames: Frames | None = None
    priority: Literal["interactive", "batch"] = "batch"
    supersede: str | None = None


class FacesRequest(_Request):
    """A frame whose faces are to be found."""

    kind: Literal["faces"]
    shot: str
    frame: int
    priority: Literal["interactive", "batch"] = "interactive"
    supersede: str | None = None


JobRequest = RenderRequest | PixelsRequest | TrackRequest | FacesRequest
