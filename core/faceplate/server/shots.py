"""Open shots: read once, kept while they are used, made ready again when a file behind them changes."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from faceplate import __version__
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.models import ModelStore, default_store
from faceplate.params import Parameters
from faceplate.plate import Sequence, same_target
from faceplate.render import Renderer
from faceplate.server.roots import Roots
from faceplate.server.schema import ShotRequest
from faceplate.shot import Shot
from faceplate.shotfile import load_shot
from faceplate.track import Track

__all__ = ["OpenShot", "OpenShots"]


def _loaded(request: ShotRequest) -> Shot:
    """The shot of a request, resolved with the variables of the host that asks."""
    what: Any = request.path if request.path is not None else request.document
    shot = load_shot(what, request.base, environ=request.environ)
    ocio = request.environ.get("OCIO")
    return shot if shot.ocio or not ocio else shot.model_copy(update={"ocio": ocio})


@dataclass
class OpenShot:
    """A shot made ready. Renderers are kept by what differs between them, and share what is dear."""

    key: str
    request: ShotRequest
    shot: Shot
    store: ModelStore
    lock: threading.RLock = field(default_factory=threading.RLock)
    _renderers: OrderedDict[str, Renderer] = field(default_factory=OrderedDict)
    _seen: str = ""

    @cached_property
    def plate(self) -> Sequence:
        return Sequence.parse(self.shot.plate)

    def renderer(
        self, frame: int | None, values: Mapping[str, Any], output: str = "", mode: str | None = None
    ) -> Renderer:
        """A renderer for these values over those of the document at `frame`. Raises `UsageError`."""
        with self.lock:
            self._notice_changes()
            try:
                own = self.shot.parameters if frame is None else self.shot.at(frame)
                parameters = Parameters.model_validate({**own.model_dump(), **values})
            except ValueError as error:
                raise UsageError("bad-value", f"A value is not valid: {' '.join(str(error).split())}.") from error
            shot = self.shot.model_copy(
                update={
                    "parameters": parameters,
                    "curves": {},
                    "overrides": (),
                    "output": output,
                    "mode": mode or self.shot.mode,
                }
            )
            name = shot.model_dump_json()
            if name not in self._renderers:
                self._renderers[name] = self._like_others(Renderer(shot, FaceFinder(self.store)))
                while len(self._renderers) > 16:
                    self._renderers.popitem(last=False)
            self._renderers.move_to_end(name)
            return self._renderers[name]

    def frame_key(self, frame: int, values: Mapping[str, Any], proxy: int, mode: str | None) -> str:
        """What the frame's pixels depend on, as hexadecimal."""
        renderer = self.renderer(frame, values, "", mode)
        file = renderer.plate.path(frame)
        found = file.stat() if file.exists() else None
        plain = [
            __version__,
            renderer.shot.model_dump_json(exclude={"output", "frames"}),
            proxy,
            found and (found.st_size, found.st_mtime_ns),
            self._fingerprint(),
        ]
        return hashlib.sha256(json.dumps(plain).encode()).hexdigest()

    def _like_others(self, renderer: Renderer) -> Renderer:
        for other in self._renderers.values():
            for name in ("color", "source", "_track"):
                if name in other.__dict__:
                    renderer.__dict__.setdefault(name, other.__dict__[name])
        return renderer

    def _notice_changes(self) -> None:
        now = self._fingerprint()
        if now != self._seen:
            self._renderers.clear()
            self._seen = now

    def _fingerprint(self) -> str:
        """Size and time of the source's pictures and of the track."""
        return "|".join(_identity(path) for path in (self.shot.source, self.shot.track) if path is not None)


def _identity(path: Path) -> str:
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        # What is found in the pictures is kept beside them, in a file that a render itself may write.
        found = [(file.name, file.stat()) for file in files if file.name != "faceplate.source.json"]
    except OSError:
        return f"{path}: none"
    return f"{path}: " + ",".join(f"{name} {item.st_size} {item.st_mtime_ns}" for name, item in found)


class OpenShots:
    """The shots that are open, at most `limit`: the one that was not used longest goes first."""

    def __init__(self, roots: Roots, limit: int = 8, store: ModelStore | None = None) -> None:
        self.roots = roots
        self.store = store or default_store()
        self._limit = limit
        self._open: OrderedDict[str, OpenShot] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, request: ShotRequest) -> OpenShot:
        """The open shot of a request: the same content is the same shot. Raises `FaceplateError`."""
        if (request.path is None) == (request.document is None):
            raise UsageError("bad-request", "Give the shot either as a path or as a document.")
        self.roots.check(request.path, request.base)
        shot = _loaded(request)
        self.check_paths(shot)
        key = hashlib.sha256(shot.model_dump_json().encode()).hexdigest()[:32]
        with self._lock:
            opened = self._open.get(key)
        if opened is None:
            opened = OpenShot(key, request, shot, self.store)
        with self._lock:
            opened = self._open.setdefault(key, opened)
            self._open.move_to_end(key)
            while len(self._open) > self._limit:
                self._open.popitem(last=False)
        return opened

    def get(self, key: str) -> OpenShot:
        """The shot called `key`; `UsageError('unknown-shot')` when it is not open, or no longer."""
        with self._lock:
            opened = self._open.get(key)
            if opened is not None:
                self._open.move_to_end(key)
        if opened is None:
            raise UsageError("unknown-shot", f"The shot '{key}' is not open; open it again.")
        return opened

    def names(self) -> int:
        with self._lock:
            return len(self._open)

    def check_paths(self, shot: Shot) -> None:
        """Every path of a shot lies where requests may point."""
        ocio = None if shot.ocio is None or shot.ocio.startswith("ocio://") else shot.ocio
        target = shot.parameters.target
        self.roots.check(
            *(Sequence.parse(pattern).folder for pattern in (shot.plate, shot.output) if pattern),
            shot.source,
            shot.track,
            ocio,
            target if Path(target).suffix else None,
            *(Sequence.parse(p).folder for p in (shot.parameters.hold_out, shot.parameters.garbage) if p),
        )


def describe(opened: OpenShot) -> dict[str, Any]:
    """What `POST /v1/shots` answers. Raises what a wrong request deserves; what is only not there yet is a warning."""
    shot = opened.shot
    warnings: list[str] = []
    track = None
    if shot.track is not None and not Path(shot.track).exists():
        warnings.append(f"The track {shot.track} is not there yet; track the shot.")
    elif shot.track is not None:
        track = Track.load(shot.track)
    frames = shot.frames or opened.plate.declared or opened.plate.on_disk()
    if not frames:
        warnings.append(f"No frame of {shot.plate} is there yet.")
    weights: list[dict[str, Any]] = []
    try:
        renderer = opened.renderer(None, {})
        if not warnings or track is not None or shot.track is None:
            renderer.prepare()
            weights = [
                {"name": card.name, "licence": card.licence, "commercial": card.commercial}
                for card in renderer._cards()
            ]
    except UsageError as error:
        if error.code != "no-source":
            raise
        warnings.append(str(error))
    return {
        "shot": opened.key,
        "name": shot.name,
        "frames": list(frames),
        "person": shot.person,
        "people": [{"id": person.id, "name": person.name, "number": person.number} for person in track.people]
        if track
        else [],
        "weights": weights,
        "source_release": None,
        "warnings": warnings,
    }


def refuse_plate(opened: OpenShot, output: str, frames: tuple[int, ...]) -> None:
    """Raises `UsageError('output-is-plate')` when writing `output` would overwrite the plate."""
    if same_target(opened.plate, Sequence.parse(output), frames):
        raise UsageError("output-is-plate", f"The output {output} would overwrite the plate; give another name.")
