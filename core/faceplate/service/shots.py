"""Open shots: read once, kept while they are used, and prepared again when a file behind them changes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from faceplate.cache import NO_CACHE, StageCache
from faceplate.consent import keyring_folder
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.models import ModelStore
from faceplate.plate import Sequence, same_target
from faceplate.render import Renderer
from faceplate.render.pool import ResourcePool
from faceplate.service.path_checks import check_shot_paths
from faceplate.service.roots import Roots
from faceplate.service.schema import ShotRequest
from faceplate.service.watch import ConfigWatch, StoreWatch
from faceplate.shot import Parameters, PathRule, Shot, load_shot
from faceplate.source.analysis import analysis_path
from faceplate.source.pictures import source_files
from faceplate.system.user_paths import entries, exists, fingerprint_of, is_dir, make_folder, matches

__all__ = ["OpenShot", "OpenShots", "make_output_folder", "refuse_plate"]

_MOST_RENDERERS = 16


@dataclass
class OpenShot:
    """A shot made ready, with a renderer for each output and mode; the renderers share what takes long to open."""

    key: str
    request: ShotRequest
    shot: Shot
    stores: StoreWatch
    configs: ConfigWatch
    cache: StageCache
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _renderers: OrderedDict[tuple[str, str], Renderer] = field(default_factory=OrderedDict)
    _pool: ResourcePool = field(default_factory=ResourcePool)
    _state: str = ""

    @cached_property
    def plate(self) -> Sequence:
        """The plate's files."""
        return Sequence.parse(self.shot.plate)

    @property
    def tracked(self) -> bool:
        """Whether the tracks that the shot or its faces name are there."""
        return self.missing_track is None

    @property
    def missing_track(self) -> Path | None:
        """The first track that is named and not there."""
        named = (face.track for face in self.shot.face_shots)
        return next((path for path in named if path is not None and not exists(path)), None)

    def renderer(self, output: str = "", mode: str | None = None) -> Renderer:
        """Return the renderer that writes to `output` in `mode` (the shot's by default).

        After a change of a file behind the shot, every renderer is made anew.
        """
        with self._lock:
            store = self._discard_outdated()
            place = (output, mode or self.shot.mode)
            if place not in self._renderers:
                shot = self.shot.model_copy(update={"output": place[0], "mode": place[1]})
                self._renderers[place] = Renderer(shot, FaceFinder(store), cache=self.cache, pool=self._pool)
                while len(self._renderers) > _MOST_RENDERERS:
                    self._renderers.popitem(last=False)
            self._renderers.move_to_end(place)
            return self._renderers[place]

    def continue_from(self, other: OpenShot) -> None:
        """Take over what `other` has opened: a shot that differs in parameters alone need not read its source again."""
        with other._lock:
            self._pool, self._state = other._pool, other._state

    @cached_property
    def opens(self) -> str:
        """A text that is the same for shots that open the same files and networks to find faces."""
        return _without_parameters(self.shot)

    def check(self, frames: Iterable[int], values_of: Callable[[int], dict[str, Any]], mode: str | None = None) -> None:
        """Open what these frames need, once for each distinct set of values.

        Raises `UsageError` where the request is wrong, among them `no-track`, and what `Renderer.prepare` raises.
        """
        if not self.tracked:
            raise UsageError("no-track", f"The track {self.missing_track} is not there yet; track the shot.")
        renderer = self.renderer("", mode)
        seen: set[str] = set()
        for frame in frames:
            values = values_of(frame)
            name = json.dumps(values, sort_keys=True, default=str)
            if name not in seen:
                seen.add(name)
                self._prepare(renderer, frame, values)

    def frame_key(self, frame: int, values: Mapping[str, Any], proxy: int, mode: str | None) -> str:
        """Return the key of a frame; "" where the plate has no such frame, so that no file is up to date."""
        renderer = self.renderer("", mode)
        number = renderer.plate_frame(frame)
        if number is None or not exists(renderer.plate.path(number)):
            return ""
        return renderer.key(frame, values, proxy)

    def _prepare(self, renderer: Renderer, frame: int, values: dict[str, Any]) -> None:
        if not values:
            renderer.prepare()
            return
        if renderer.faces:
            renderer.prepare()
            renderer.key(frame, values)  # the faces' own values are settled here, and refused where they are wrong
            return
        own = {"parameters": renderer.resources.values(frame, values), "curves": {}, "overrides": ()}
        Renderer(renderer.shot.model_copy(update=own), renderer.finder, pool=renderer.pool).prepare()

    def _discard_outdated(self) -> ModelStore:
        """Discard the renderers where a file behind the shot has changed since they were made; the store as it is now.

        The files are the source's pictures and its release, the track, the keyring, the OCIO config with its LUTs, and
        the model store. The day counts too, because a release ends on one.
        """
        store, models = self.stores.current()
        files = (*(path for face in self.shot.face_shots for path in (face.source, face.track)), keyring_folder())
        state = "|".join(
            [
                dt.datetime.now(dt.UTC).date().isoformat(),
                *(_state_of(path) for path in files if path),
                self.configs.state(self.shot.ocio),
                models,
            ]
        )
        if state != self._state:
            self._renderers.clear()
            self._pool = ResourcePool()
            self._state = state
        return store


def _state_of(path: Path) -> str:
    """Return a text that changes when a file of a source, its release, a track or a keyring changes."""
    try:
        files = entries(path) if is_dir(path) else [*source_files(path), *matches(path.parent, "release*.json")]
    except UsageError:
        return f"{path}: none"
    # The analysis file is left out: a render may write it, and that is no change of the source.
    return f"{path}: " + fingerprint_of(file for file in files if file != analysis_path(path))


class OpenShots:
    """The shots that are open, at most `limit`; the least recently used one is closed first."""

    def __init__(self, roots: Roots, limit: int = 8, cache: StageCache = NO_CACHE) -> None:
        self.roots = roots
        self.cache = cache
        self.stores = StoreWatch()
        self.configs = ConfigWatch()
        self._limit = limit
        self._open: OrderedDict[str, OpenShot] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def store(self) -> ModelStore:
        """The model store as it is on disk now."""
        return self.stores.current()[0]

    def open(self, request: ShotRequest) -> OpenShot:
        """Return the open shot of a request; requests with the same content have the same shot. Raises `FaceplateError`."""
        if (request.path is None) == (request.document is None):
            raise UsageError("bad-request", "Give the shot either as a path or as a document.")
        self.roots.check(request.path, request.base)
        shot = _loaded(request)
        check_shot_paths(self.roots, shot)
        key = hashlib.sha256(shot.model_dump_json().encode()).hexdigest()[:32]
        with self._lock:
            opened = self._open.get(key)
            if opened is None:
                opened = OpenShot(key, request, shot, self.stores, self.configs, self.cache)
                like = next((old for old in reversed(self._open.values()) if old.opens == opened.opens), None)
                if like is not None:
                    opened.continue_from(like)
            self._open[key] = opened
            self._open.move_to_end(key)
            while len(self._open) > self._limit:
                self._open.popitem(last=False)
        return opened

    def get(self, key: str) -> OpenShot:
        """Return the shot called `key`. Raises `UsageError('unknown-shot')` where it is not open, or no longer."""
        with self._lock:
            opened = self._open.get(key)
            if opened is not None:
                self._open.move_to_end(key)
        if opened is None:
            raise UsageError("unknown-shot", f"The shot '{key}' is not open; open it again.")
        return opened

    def names(self) -> int:
        """Return how many shots are open."""
        with self._lock:
            return len(self._open)


def _without_parameters(shot: Shot) -> str:
    """Return a shot as text without the parameters that open nothing by themselves."""
    kept = [
        {name: getattr(face.parameters, name) for name in ("detector", "landmarker", "recogniser")}
        for face in shot.face_shots
    ]
    faces = tuple(face.model_copy(update={"constants": {}, "curves": {}, "overrides": ()}) for face in shot.faces)
    bare = shot.model_copy(
        update={
            "parameters": Parameters(),
            "curves": {},
            "overrides": (),
            "faces": faces,
            "take": 1,
            "output": "",
            "mode": "over",
        }
    )
    return f"{bare.model_dump_json()} {json.dumps(kept)}"


def _loaded(request: ShotRequest) -> Shot:
    """Return the shot of a request, resolved with the variables of the host that asks."""
    what: Any = request.path if request.path is not None else request.document
    rules = tuple(PathRule(rule.source, rule.target) for rule in request.mapping)
    shot = load_shot(what, request.base, environ=request.environ, mapping=rules)
    # A track is made when a host asks for one, not on the way to a frame.
    own: dict[str, Any] = {"track_first": False}
    if not shot.ocio and request.environ.get("OCIO"):
        own["ocio"] = request.environ["OCIO"]
    return shot.model_copy(update=own)


def refuse_plate(opened: OpenShot, output: str, frames: tuple[int, ...]) -> None:
    """Refuse an output that would overwrite the plate. Raises `UsageError('output-is-plate')`."""
    if same_target(opened.plate, Sequence.parse(output), frames):
        raise UsageError("output-is-plate", f"The output {output} would overwrite the plate; give another name.")


def make_output_folder(output: str) -> None:
    """Make the folder that `output` writes into. Raises `RenderError('output-unwritable')`."""
    make_folder(Sequence.parse(output).folder)
