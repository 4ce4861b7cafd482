"""Finds the viewer's pictures: the plate's, those of rendered files, and frames that are rendered when they are asked for."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from faceplate.errors import UsageError
from faceplate.render import Renderer
from faceplate.service.path_checks import check_request_paths
from faceplate.service.schema import KeysRequest
from faceplate.service.shots import OpenShot
from faceplate.system.user_paths import stat_or_none
from faceplate.workspace.desk import Desk
from faceplate.workspace.frame_states import FrameStates
from faceplate.workspace.kept_pictures import Picture
from faceplate.workspace.live import LiveFrames, LiveRequest
from faceplate.workspace.picture_kinds import OWN_KINDS, Pixels, encoded, file_layers, of_plate, of_rendered, of_take
from faceplate.workspace.takes import output_of_take

__all__ = ["Asked", "Found", "From", "Viewer"]

From = Literal["auto", "file", "live"]


@dataclass(frozen=True)
class Asked:
    """One picture that the viewer asks for."""

    shot: str
    frame: int
    show: str = "result"
    proxy: int = 1
    origin: From = "auto"
    take: int | None = None
    values: str = ""
    tab: str = ""

    def own_values(self) -> dict[str, Any]:
        """Return the values as a mapping. Raises `UsageError('bad-request')`."""
        if not self.values:
            return {}
        try:
            values = json.loads(self.values)
        except ValueError as error:
            raise UsageError("bad-request", f"The field values is not JSON: {error}.") from error
        if not isinstance(values, dict):
            raise UsageError("bad-request", "The field values is not an object.")
        return values


@dataclass(frozen=True)
class Found:
    """Where a picture comes from: its name among the kept ones, how its pixels are made, and what is said about it."""

    name: str
    make: Callable[[], Pixels]
    about: dict[str, Any]

    @property
    def etag(self) -> str:
        """A text that changes when the picture would."""
        return f'"{hashlib.sha256(self.name.encode()).hexdigest()[:32]}"'


class Viewer:
    """Finds pictures: the plate's, those of rendered files, and frames that are rendered now."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._live = LiveFrames(desk.service.queue)

    def find(self, asked: Asked) -> Found:
        """Return where a picture comes from; nothing is rendered or read yet. Raises what opening the shot raises."""
        found = self._found(asked)
        return replace(found, name=f"{found.name} {asked.show} {asked.proxy}")

    def picture(self, asked: Asked, found: Found) -> Picture:
        """Return a picture, encoded. Raises what rendering or reading it raises."""
        begun = time.perf_counter()

        def make() -> Picture:
            pixels = found.make()
            made = time.perf_counter()
            about = {"frame": asked.frame, "show": asked.show, "proxy": asked.proxy, **found.about}
            picture = encoded(pixels, about)
            spent = {"render": _milliseconds(made - begun), "encode": _milliseconds(time.perf_counter() - made)}
            return Picture(picture.data, {**picture.about, "ms": spent})

        return self._desk.pictures.get(found.name, make)

    def values_at(self, asked: Asked, x: int, y: int) -> dict[str, Any]:
        """Return the values of one plate pixel as float32; None outside the picture."""
        pixels = self._found(asked).make()
        across, down = x // asked.proxy - pixels.data.x, y // asked.proxy - pixels.data.y
        values = None
        if 0 <= across < pixels.data.width and 0 <= down < pixels.data.height:
            numbers = pixels.pixels[down, across].tolist()
            names = ("R", "G", "B", "A") if len(numbers) == 4 else ("Y",)
            values = dict(zip(names, numbers, strict=True))
        return {"x": x, "y": y, "values": values, "space": pixels.space}

    def _found(self, asked: Asked) -> Found:
        opened = self._desk.open(asked.shot)
        renderer = opened.renderer(opened.shot.output)
        if asked.show == "plate":
            return self._plate(renderer, asked)
        values = asked.own_values()
        if asked.origin == "file" or asked.take is not None:
            return self._file(opened, renderer, asked, "rendered")
        if asked.origin == "auto" and not values and opened.shot.output:
            state = FrameStates(renderer).of(asked.frame)
            if state == "rendered" and self._file_holds(renderer, asked):
                return self._file(opened, renderer, asked, state)
        return self._rendered(opened, renderer, asked, values)

    def _plate(self, renderer: Renderer, asked: Asked) -> Found:
        number = renderer.plate_frame(asked.frame)
        path = renderer.plate.path(asked.frame if number is None else number)
        self._desk.service.roots.check(path)
        space = renderer.shot.space or ""
        return Found(
            f"plate {path} {_mark(path)} {number} {space} {renderer.color.cache_id}",
            lambda: of_plate(renderer, asked.frame, asked.proxy),
            {"from": "plate", "state": "rendered", "key": None, "notes": []},
        )

    def _file(self, opened: OpenShot, renderer: Renderer, asked: Asked, state: str) -> Found:
        output = output_of_take(opened, asked.take)
        path = output.path(asked.frame)
        self._desk.service.roots.check(path)
        if stat_or_none(path) is None:
            raise UsageError("not-rendered", f"Frame {asked.frame} is not rendered yet: {path.name} is not there.")
        if asked.take is None and asked.origin == "file":
            state = FrameStates(renderer, self._desk.keys).of(asked.frame)  # said beside the picture, decides nothing
        plate = renderer.plate.path(asked.frame)
        self._desk.service.roots.check(plate)
        return Found(
            f"file {path} {_mark(path)} {plate} {_mark(plate)} {renderer.color.cache_id}",
            lambda: of_take(renderer, output, asked.frame, asked.show, asked.proxy),
            {"from": "file", "state": state, "key": None, "notes": []},
        )

    def _file_holds(self, renderer: Renderer, asked: Asked) -> bool:
        if asked.show in ("result", "patch"):
            return True
        if renderer.shot.mode == "over":
            return False
        if asked.show in OWN_KINDS:
            return True
        return asked.show in file_layers(renderer.output.path(asked.frame))

    def _rendered(self, opened: OpenShot, renderer: Renderer, asked: Asked, values: dict[str, Any]) -> Found:
        if asked.show not in OWN_KINDS:
            values = {**values, "layers": "all"}
        roots = self._desk.service.roots
        check_request_paths(roots, KeysRequest(shot=opened.key, frames=[asked.frame], values=values))
        roots.check(renderer.plate.path(asked.frame))  # it may be a link
        request = LiveRequest(asked.frame, values, asked.proxy, asked.tab)
        key = self._live.key(opened, renderer, request)
        about: dict[str, Any] = {"from": "live", "state": "live", "key": key.partition("/")[0], "notes": []}

        def make() -> Pixels:
            rendered = self._live.frame(renderer, request, key)
            about["notes"] = list(rendered.notes)
            return of_rendered(renderer, rendered, asked.show)

        return Found(f"live {key}", make, about)


def _mark(path: Path) -> str:
    found = stat_or_none(path)
    return "none" if found is None else f"{found.st_size} {found.st_mtime_ns}"


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
