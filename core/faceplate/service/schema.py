"""What requests may say. A field that is not here is refused, so that a misspelt one is noticed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FacesRequest", "JobRequest", "KeysRequest", "PathPrefix", "RenderRequest", "ShotRequest", "TrackRequest"]

Frames = list[int]
Values = dict[str, Any]
_MOST = 200_000


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PathPrefix(_Request):
    """A prefix of another machine's paths (`from`), and what it is on this one (`to`)."""

    source: str = Field(alias="from", min_length=1)
    target: str = Field(alias="to", min_length=1)


class ShotRequest(_Request):
    """A shot file's path, or a document whose relative paths begin at `base`. `environ` fills in `$VARIABLES` and
    `$OCIO`, which are those of the host and not of the engine. `mapping` counts before the show's own."""

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
        """The values that win over the document's at `frame`."""
        return {**self.values, **self.frame_values.get(frame, {})}


class KeysRequest(_OfFrames):
    """What frames depend on."""


class RenderRequest(_OfFrames):
    """Frames to render. `pixels` "shared": float32 RGBA in shared memory; a file is then
    written only where `output` is given."""

    kind: Literal["render"]
    output: str | None = None
    hold_out: str | None = None
    priority: Literal["interactive", "batch"] = "interactive"
    supersede: str | None = None
    skip_current: bool = False
    pixels: Literal["file", "shared"] = "file"

    def of(self, frame: int) -> Values:
        held = {} if self.hold_out is None else {"holdout_matte": self.hold_out}
        return {**super().of(frame), **held}


class TrackRequest(_Request):
    """Tracks a shot into `output`, else into the track that it names."""

    kind: Literal["track"]
    shot: str
    output: str | None = None
    frames: Frames | None = None
    priority: Literal["interactive", "batch"] = "batch"
    supersede: str | None = None


class FacesRequest(_Request):
    """Finds the faces of one frame."""

    kind: Literal["faces"]
    shot: str
    frame: int
    priority: Literal["interactive", "batch"] = "interactive"
    supersede: str | None = None


JobRequest = RenderRequest | TrackRequest | FacesRequest
