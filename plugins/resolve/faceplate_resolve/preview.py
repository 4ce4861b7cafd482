"""One frame of a clip with the values of the moment: tracked, rendered and shown, the timeline untouched."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from faceplate_client import Engine, HostError, ShotCache, frame_path, new_id, parameters, shot_document

from .clip import Clip, plate_frame
from .deliver import deliver
from .dialog import SwapRequest
from .host import Host
from .interface import UserInterface
from .plates import choose_mode, plate_space
from .rollback import Rollback
from .shot_render import follow

if TYPE_CHECKING:
    from fusionscript import TimelineItem

__all__ = ["FramePreview"]

_PAUSE = 0.01


class FramePreview:
    """A `with` block for the previews of one frame: `picture` renders it, and the end removes what was written.

    `place` is the frame, counted in record frames from the clip's start. A clip that has to be rendered by Resolve is
    rendered at that one frame, once for each setting that changes it.
    """

    def __init__(self, host: Host, item: TimelineItem, clip: Clip, place: int, engine: Engine) -> None:
        self._host, self._item, self._clip, self._place = host, item, clip, place
        self._shots = ShotCache(lambda: engine)
        self._engine = engine
        self._id = new_id()
        self._folders: set[str] = set()
        self._rendered: dict[bool, tuple[str, int]] = {}

    def __enter__(self) -> FramePreview:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def picture(self, request: SwapRequest, interface: UserInterface) -> str:
        """Return the path of a PNG with plate, result and matte around the face. Raises ClientError."""
        mode = choose_mode(self._clip, request.mode).mode
        pattern, frame = self._plate(mode, request, interface)
        # No id: two previews of one clip are one shot, which the engine has open already.
        moving = {entry["name"] for entry in parameters() if entry["animatable"]}
        document = shot_document(
            pattern,
            {name: value for name, value in request.values.items() if name not in moving},
            source=request.source,
            purpose=request.purpose,
            mode="over",
            space=plate_space(self._host, self._clip, mode, request.space)[0],
        )
        shot = self._shots.open(document)
        sheet = os.path.join(self._folder(request), "preview.png")
        job = self._engine.render(
            shot,
            [frame],
            {name: value for name, value in request.values.items() if name in moving},
            pixels="sheet",
            sheet=sheet,
            supersede=f"preview {self._id}",
        )
        follow(job, interface, "preview of this frame", _PAUSE)
        if not os.path.isfile(sheet):
            raise HostError("not-rendered", "The engine wrote no picture of this frame.")
        return sheet

    def _plate(self, mode: str, request: SwapRequest, interface: UserInterface) -> tuple[str, int]:
        """Return the pattern and the number of the frame; in the mode render Resolve renders this one."""
        if mode == "source":
            return self._clip.files.pattern, plate_frame(self._clip, self._place)
        known = self._rendered.get(request.burn_grade)
        if known is not None and os.path.exists(frame_path(*known)):
            return known
        record = self._clip.start + self._place
        one = replace(self._clip, start=record, end=record + 1)
        folder = os.path.join(self._folder(request), "graded" if request.burn_grade else "plate")
        ungraded = None if request.burn_grade else self._item
        with Rollback() as rollback:
            pattern, first, _ = deliver(self._host, rollback, one, folder, "frame.", interface.follow, ungraded)
        self._rendered[request.burn_grade] = pattern, first
        return pattern, first

    def _folder(self, request: SwapRequest) -> str:
        """Return the folder of this preview inside the results, where the engine may write."""
        folder = os.path.join(request.folder, f".preview_{self._id[:8]}")
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise HostError("disk", f"{folder}: {error.strerror}.") from error
        self._folders.add(folder)
        return folder
