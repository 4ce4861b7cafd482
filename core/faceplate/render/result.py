"""The states of one frame on its way from the plate's file to the rendered result, one class for each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faceplate.comp.grain import Grain
from faceplate.face import Face
from faceplate.plate import PlateFile
from faceplate.render.cache_keys import CacheKeys, FacesKeys
from faceplate.render.composite import CompositeResult
from faceplate.render.frame_cache import FrameCache
from faceplate.render.generate import GeneratorResult
from faceplate.render.lens import PlateLens, header_shutter
from faceplate.render.matte import InputMattes
from faceplate.render.prepare import PreparedPlate
from faceplate.render.request import FrameRequest
from faceplate.render.target import Target
from faceplate.shot.parameters import Parameters

__all__ = ["GeneratedFrame", "LoadedFrame", "LocatedFrame", "Rendered"]


@dataclass(frozen=True)
class LocatedFrame:
    """A frame whose target is known, before any pixel around it is read.

    `target` is in pixels of the full plate. `file` and `face` are those to render on: the same, or at a proxy the file with
    the proxy's windows and the face in its pixels. `face` is None for a frame without the face. `key` names everything
    that the frame's file depends on, `keys` are those of its stages. In a shot of several faces this is the first of them
    and `others` are the rest, in the shot's order; so it is in the classes below. `values` are then the host's for the frame.
    """

    request: FrameRequest
    target: Target
    file: PlateFile
    face: Face | None
    keys: CacheKeys
    key: str
    is_face_given: bool = False
    others: tuple[LocatedFrame, ...] = ()
    values: Mapping[str, Any] | None = None

    @property
    def lens(self) -> PlateLens:
        """What is known of the plate's lens and shutter, in pixels of the plate to render on."""
        target, scale = self.target, 1.0 / self.request.proxy
        movement = None if target.movement is None else target.movement * scale
        softness = None if target.look is None else target.look.softness
        return PlateLens(movement, target.shutter, header_shutter(self.request.file.attributes), softness, scale)

    @property
    def frame(self) -> int:
        """The number to render and write."""
        return self.request.frame

    @property
    def parameters(self) -> Parameters:
        """The frame's parameters."""
        return self.request.parameters


@dataclass(frozen=True)
class LoadedFrame:
    """A frame ready for its generator; `prepared` is None for a frame without the face.

    `grain` is the plate's on the pixels to render on, None until it is measured.
    """

    located: LocatedFrame
    prepared: PreparedPlate | None = None
    inputs: InputMattes = field(default_factory=InputMattes)
    grain: Grain | None = None
    cache: FrameCache = field(default_factory=FrameCache)
    others: tuple[LoadedFrame, ...] = ()


@dataclass(frozen=True)
class GeneratedFrame:
    """A loaded frame with the generator's result; None for a frame without the face."""

    loaded: LoadedFrame
    result: GeneratorResult | None = None
    others: tuple[GeneratedFrame, ...] = ()


@dataclass(frozen=True)
class Rendered:
    """One frame's result, made with `parameters`.

    `face` is None, and the result's window empty, when the frame shows no face and that was allowed. At a `proxy` above 1
    file, result and face are those of the reduced plate. `notes` name each fallback of a network since the last frame.
    `key` names everything that the pixels depend on; `keys` is None where a caller gave the face. In a shot of several faces
    `face` is the nearest, and `faces` are the results of each by itself, in the shot's order.
    """

    frame: int
    file: PlateFile
    result: CompositeResult
    face: Face | None
    parameters: Parameters
    notes: tuple[str, ...] = ()
    proxy: int = 1
    key: str = ""
    keys: CacheKeys | FacesKeys | None = field(default=None, repr=False, compare=False)
    faces: tuple[Rendered, ...] = ()
