"""Open shots: read once, kept while they are used, made ready again when a file behind them changes."""

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
from faceplate.color.reading import choice_of
from faceplate.consent import keyring_folder
from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.face import FaceFinder
from faceplate.models import Card, ModelStore, default_store
from faceplate.plate import Sequence, same_target
from faceplate.plate.movie import open_movie
from faceplate.render import Renderer
from faceplate.render.pool import ResourcePool
from faceplate.service.roots import Roots
from faceplate.service.schema import ShotRequest
from faceplate.shot import PathRule, Shot, load_shot
from faceplate.shot.parameters import PARAMETERS
from faceplate.source.analysis import analysis_path
from faceplate.source.pictures import source_files
from faceplate.track import Track

__all__ = [
    "PATHS",
    "OpenShot",
    "OpenShots",
    "describe",
    "is_path",
    "make_folder",
    "people",
    "places_of",
    "refuse_plate",
]

_MOST_RENDERERS = 16
# Parameters that name files.
PATHS = tuple(parameter.name for parameter in PARAMETERS if parameter.about.path)


def _loaded(request: ShotRequest) -> Shot:
    """The shot of a request, resolved with the variables of the host that asks."""
    what: Any = request.path if request.path is not None else request.document
    rules = tuple(PathRule(rule.source, rule.target) for rule in request.mapping)
    shot = load_shot(what, request.base, environ=request.environ, mapping=rules)
    # A track is made when a host asks for one, not on the way to a frame.
    own: dict[str, Any] = {"track_first": False}
    if not shot.ocio and request.environ.get("OCIO"):
        own["ocio"] = request.environ["OCIO"]
    return shot.model_copy(update=own)


@dataclass
class OpenShot:
    """A shot made ready. There is one renderer per output and mode; they share a pool of opened resources."""

    key: str
    request: ShotRequest
    shot: Shot
    store: ModelStore
    cache: StageCache
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _renderers: OrderedDict[tuple[str, str], Renderer] = field(default_factory=OrderedDict)
    _pool: ResourcePool = field(default_factory=ResourcePool)
    _seen: str = ""

    @cached_property
    def plate(self) -> Sequence:
        return Sequence.parse(self.shot.plate)

    @property
    def tracked(self) -> bool:
        """Whether the shot's track, if it names one, is there."""
        return self.shot.track is None or self.shot.track.exists()

    def renderer(self, output: str = "", mode: str | None = None) -> Renderer:
        """The renderer that writes `output` as `mode` says. One that was opened before a file behind the shot changed is
        not used again."""
        with self._lock:
            self._notice_changes()
            place = (output, mode or self.shot.mode)
            if place not in self._renderers:
                shot = self.shot.model_copy(update={"output": place[0], "mode": place[1]})
                self._renderers[place] = Renderer(shot, FaceFinder(self.store), cache=self.cache, pool=self._pool)
                while len(self._renderers) > _MOST_RENDERERS:
                    self._renderers.popitem(last=False)
            self._renderers.move_to_end(place)
            return self._renderers[place]

    def check(self, frames: Iterable[int], values_of: Callable[[int], dict[str, Any]], mode: str | None = None) -> None:
        """Opens what these frames need, each distinct set of values once. Raises what a wrong request deserves."""
        if not self.tracked:
            raise UsageError("no-track", f"The track {self.shot.track} is not there yet; track the shot.")
        renderer = self.renderer("", mode)
        seen: set[str] = set()
        for frame in frames:
            values = values_of(frame)
            name = json.dumps(values, sort_keys=True, default=str)
            if name not in seen:
                seen.add(name)
                self._prepare(renderer, frame, values)

    def frame_key(self, frame: int, values: Mapping[str, Any], proxy: int, mode: str | None) -> str:
        """What the frame's file depends on; "" when the plate's frame is not there, so that no file is up to date."""
        renderer = self.renderer("", mode)
        number = renderer.plate_frame(frame)
        if number is None or not renderer.plate.path(number).exists():
            return ""
        return renderer.key(frame, values, proxy)

    def _prepare(self, renderer: Renderer, frame: int, values: dict[str, Any]) -> None:
        if not values:
            renderer.prepare()
            return
        own = {"parameters": renderer.resources.values(frame, values), "curves": {}, "overrides": ()}
        Renderer(renderer.shot.model_copy(update=own), renderer.finder, pool=renderer.pool).prepare()

    def _notice_changes(self) -> None:
        now = self._fingerprint()
        if now != self._seen:
            self._renderers.clear()
            self._pool = ResourcePool()
            self._seen = now

    def _fingerprint(self) -> str:
        """Size and time of the source's pictures and its release, of the track and of the keyring; and the day, which a
        release may not outlast."""
        files = (self.shot.source, self.shot.track, keyring_folder())
        return "|".join([dt.datetime.now(dt.UTC).date().isoformat(), *(_identity(path) for path in files if path)])


def _identity(path: Path) -> str:
    try:
        beside = path.parent.glob("release*.json")
        files = sorted(path.iterdir()) if path.is_dir() else [*source_files(path), *sorted(beside)]
        # What is found in the pictures is kept beside them, in a file that a render itself may write.
        found = [(file.name, file.stat()) for file in files if file != analysis_path(path)]
    except (OSError, UsageError):
        return f"{path}: none"
    return f"{path}: " + ",".join(f"{name} {item.st_size} {item.st_mtime_ns}" for name, item in found)


class OpenShots:
    """The shots that are open, at most `limit`: the one that was not used longest goes first."""

    def __init__(self, roots: Roots, limit: int = 8, cache: StageCache = NO_CACHE) -> None:
        self.roots = roots
        self.store = default_store()
        self.cache = cache
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
            opened = OpenShot(key, request, shot, self.store, self.cache)
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
        """Every path of a shot lies where requests may point. Raises `UsageError('outside-roots')`."""
        patterns = [shot.plate, shot.output]
        targets = [shot.parameters.target]
        for values in (shot.parameters.model_dump(), *(override.constants for override in shot.overrides)):
            patterns += [values.get(name, "") for name in PATHS]
            targets.append(values.get("target", ""))
        self.roots.check(
            *(path for pattern in patterns if pattern for path in places_of(pattern)),
            *(target for target in targets if is_path(target)),
            shot.source,
            shot.track,
            None if shot.ocio is None or "://" in shot.ocio else shot.ocio,
        )


def places_of(pattern: str) -> tuple[Path, ...]:
    """What must lie where requests may point: a sequence's folder, and a still itself, which may be a link."""
    sequence = Sequence.parse(pattern)
    return (sequence.folder, sequence.path(0)) if sequence.is_still else (sequence.folder,)


def is_path(target: str) -> bool:
    """Whether a target names a picture, and not a face's place or a person."""
    return len(Path(target).parts) > 1 or bool(Path(target).suffix)


def describe(opened: OpenShot) -> dict[str, Any]:
    """What `POST /v1/shots` answers. Raises what a wrong request deserves; what is only not there yet is a warning."""
    shot, renderer = opened.shot, opened.renderer()
    warnings: list[str] = []
    if not opened.tracked:
        warnings.append(f"The track {shot.track} is not there yet; track the shot.")
    frames = shot.frames or opened.plate.declared or opened.plate.on_disk()
    if not frames:
        warnings.append(f"No frame of {shot.plate} is there yet.")
    weights: list[Card] = []
    try:
        if opened.tracked:
            renderer.prepare()
            weights = renderer.resources.cards()
    except UsageError as error:
        # A person who has just made the shot chooses the source next; finding faces and tracking need none.
        if error.code != "no-source":
            raise
        warnings.append(str(error))
    track = Track.load(shot.track) if shot.track is not None and opened.tracked else None
    return {
        "shot": opened.key,
        "name": shot.name,
        "frames": list(frames),
        "person": shot.person,
        "people": people(track) if track else [],
        "weights": [{"name": card.name, "licence": card.licence, "commercial": card.commercial} for card in weights],
        "source_release": _release(renderer),
        "space": plate_space(renderer, tuple(frames)),
        "movie": movie_facts(renderer),
        "warnings": warnings + [f"Source: left out {line}" for line in renderer.resources.skipped_pictures],
    }


def plate_space(renderer: Renderer, frames: tuple[int, ...]) -> dict[str, Any] | None:
    """The colour space that the plate is read in and why, for a panel; None where it cannot be told yet."""
    if not frames or not renderer.plate.has(frames[0]):
        return None
    try:
        choice = choice_of(renderer.open(frames[0]), renderer.color, renderer.shot.space)
    except FaceplateError:  # rendering says so
        return None
    return {"name": choice.name, "reason": choice.reason, "assumed": choice.assumed}


def _release(renderer: Renderer) -> dict[str, str]:
    """What the source's release is worth for this shot: its state, one sentence, and the slate that pictures carry."""
    check, decision = renderer.resources.consent
    return {"state": str(check.state), "text": check.text, "id": check.id, "slate": decision.slate}


def movie_facts(renderer: Renderer) -> dict[str, Any] | None:
    """Of a plate that is a movie: how many frames a second, as a fraction, and whether they come steadily."""
    plate = renderer.plate
    if not plate.is_movie or not plate.has(0):
        return None
    movie = open_movie(plate.path(0))
    return {"rate": str(movie.rate), "steady": movie.steady}


def people(track: Track) -> list[dict[str, Any]]:
    """Who is in a track, for a panel's list."""
    return [
        {
            "id": person.id,
            "name": person.name,
            "number": person.number,
            "first": person.frames[0] if person.frames else None,
            "last": person.frames[-1] if person.frames else None,
            "frames": len(person.frames),
        }
        for person in track.people
    ]


def refuse_plate(opened: OpenShot, output: str, frames: tuple[int, ...]) -> None:
    """Raises `UsageError('output-is-plate')` when writing `output` would overwrite the plate."""
    if same_target(opened.plate, Sequence.parse(output), frames):
        raise UsageError("output-is-plate", f"The output {output} would overwrite the plate; give another name.")


def make_folder(output: str) -> None:
    """Makes the folder that `output` writes into. Raises `RenderError('output-unwritable')`."""
    folder = Sequence.parse(output).folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RenderError(
            "output-unwritable", f"The output folder {folder} cannot be made: {error.strerror}."
        ) from error
