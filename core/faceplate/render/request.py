"""One frame as it is asked for: where its plate lies and with which parameters it is rendered."""

from __future__ import annotations

from dataclasses import dataclass

from faceplate.plate import PlateFile
from faceplate.shot.parameters import Parameters

__all__ = ["FrameRequest"]


@dataclass(frozen=True)
class FrameRequest:
    """A frame of a shot, its numbers and values settled once (`RenderResources.request`).

    `frame` is the number to render and write; `plate_frame` the plate's frame that is read for it, an earlier one where the
    plate has a hole and the shot holds. `file` is the opened header of that plate frame, at full size whatever `proxy` says.
    """

    frame: int
    plate_frame: int
    file: PlateFile
    parameters: Parameters
    proxy: int = 1
