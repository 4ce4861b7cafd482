"""A connection to the engine: shots, frame keys and jobs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from . import paths
from .discovery import find_engine, start_engine
from .errors import EngineError
from .job import Job
from .transport import Address, LostError, request

__all__ = ["Engine", "Shot", "connect"]

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
# Seconds: opening a shot for the first time reads the source's pictures and finds their faces.
_PATIENCE = 300.0


def connect(start: bool = True, wait: float = 60.0, parent: bool = True, idle: float | None = None) -> Engine:
    """Connect to this user's engine.

    Parameters
    ----------
    start : bool
        Whether to start an engine when none runs.
    wait : float
        Seconds to wait for a started engine.
    parent : bool
        Whether an engine started here ends when this process has ended and nobody else uses it.
    idle : float, optional
        Seconds without work after which an engine started here ends.

    Raises
    ------
    EngineError
        ``engine-not-running``, ``engine-not-found``, ``engine-missing``, ``engine-not-started``, ``run-folder``.
    """
    engine = Engine(paths.run_folder(), start, wait, parent, idle)
    engine.reach()
    return engine


class Shot:
    """A shot that is open in the engine. `key` names it; `info` is what the engine reported when it opened the shot."""

    def __init__(self, request_: dict[str, Any], info: dict[str, Any]) -> None:
        self.request = request_
        self.info = info

    @property
    def key(self) -> str:
        """The shot's name in the engine."""
        return self.info["shot"]


class Engine:
    """A connection that restarts an engine that has ended, and opens shots again. Use `connect` to make one."""

    def __init__(self, folder: str, start: bool, wait: float, parent: bool | int, idle: float | None) -> None:
        self.folder = folder
        self._start = start
        self._wait = wait
        self._parent = parent
        self._idle = idle
        self._address: Address | None = None
        self._lock = threading.Lock()

    def reach(self, lost: Address | None = None) -> Address:
        """Return the engine's address, other than `lost`, which did not answer. Raises as `connect` does."""
        with self._lock:
            if self._address is None or self._address is lost:
                self._address = find_engine(self.folder, bool(self._parent))
            if self._address is None:
                if not self._start:
                    raise EngineError(
                        "engine-not-running", "No Faceplate engine is running; start it: faceplate serve."
                    )
                self._address = start_engine(self.folder, self._wait, self._parent, self._idle)
            return self._address

    def call(self, method: str, path: str, body: Any = None, timeout: float = 60.0) -> Any:
        """Send a request and return the answer; repeat it once when the engine has ended meanwhile. Raises `EngineError`."""
        address = self.reach()
        try:
            return request(address, method, path, body, timeout)
        except LostError:
            address = self.reach(lost=address)
        try:
            return request(address, method, path, body, timeout)
        except LostError as error:
            raise EngineError(
                "engine-lost", f"The engine does not answer ({error}); see {paths.log_file(self.folder)}."
            ) from None

    def status(self) -> dict[str, Any]:
        """Return the engine's status: version, device, jobs."""
        return self.call("GET", "/v1/status")

    def models(self) -> list[dict[str, Any]]:
        """Return the cards of the engine's networks: name, licence, commercial, present."""
        return self.call("GET", "/v1/models")["models"]

    def stop(self) -> None:
        """End the engine, if one runs."""
        address = find_engine(self.folder)
        if address is not None:
            with contextlib.suppress(LostError):
                request(address, "POST", "/v1/stop")
        self._address = None

    def open_shot(
        self,
        document: Mapping[str, Any] | str,
        base: str | None = None,
        mapping: Iterable[Mapping[str, str]] = (),
    ) -> Shot:
        """Open a shot.

        The environment variables that the shot names, and ``$OCIO``, are sent along, because the engine has an environment
        of its own.

        Parameters
        ----------
        document : mapping or str
            A shot document, or the path of a shot file.
        base : str, optional
            Folder at which a document's relative paths begin.
        mapping : iterable of mapping
            Path prefixes of other machines: ``{"from": …, "to": …}``.

        Raises
        ------
        EngineError
            The engine's own code when it refuses the shot.
        """
        if isinstance(document, (str, os.PathLike)):
            path = os.path.abspath(os.fspath(document))
            body: dict[str, Any] = {"path": path, "environ": variables(_texts(path))}
        else:
            folder = os.path.abspath(base) if base else None
            text = json.dumps(document)
            body = {"document": dict(document), "base": folder, "environ": variables([text, *_shows(folder)])}
        rules = [dict(rule) for rule in mapping]
        if rules:
            body["mapping"] = rules
        return Shot(body, self.call("POST", "/v1/shots", body, _PATIENCE))

    def keys(
        self,
        shot: Shot,
        frames: Iterable[int],
        values: Mapping[str, Any] | None = None,
        frame_values: Mapping[int, Mapping[str, Any]] | None = None,
        **more: Any,
    ) -> dict[int, str]:
        """Return the key of each frame: a hash of everything that its pixels depend on.

        The file of a frame that is up to date holds the same key in its attribute ``faceplate:key``. `more` holds other
        settings that change pixels: ``proxy``, ``mode``.
        """
        body = {"frames": list(frames), "values": dict(values or {}), "frame_values": _by_name(frame_values), **more}
        answer = self.with_shot(shot, lambda: self.call("POST", "/v1/keys", {**body, "shot": shot.key}, _PATIENCE))
        return {int(frame): key for frame, key in answer["keys"].items()}

    def issues(self, shot: Shot) -> list[dict[str, Any]]:
        """Return what is worth a look in the shot, by plate frame: `next_issue` steps through it.

        Each has ``kind``, ``face``, ``first``, ``last``, ``worst``, ``severity``, ``value``, ``threshold`` and ``text``.
        """
        return self.with_shot(shot, lambda: self.call("GET", f"/v1/shots/{shot.key}/issues", None, _PATIENCE))["issues"]

    def people_pictures(self, shot: Shot, folder: str) -> dict[str, str]:
        """Have a small PNG of each person of the track written into `folder`; return the files by the person's id."""
        body = {"folder": folder}
        return self.with_shot(shot, lambda: self.call("POST", f"/v1/shots/{shot.key}/people", body, _PATIENCE))[
            "pictures"
        ]

    def views(self, shot: Shot) -> list[dict[str, Any]]:
        """Return for each face of the shot which picture of the source leads at which plate frames.

        Each has ``face``, ``names`` of the source's views, and ``lane``, runs with ``first``, ``last``, ``view``, ``fade``,
        ``turn`` and ``pinned`` (by a key of the track). `leading_view` reads it.
        """
        return self.with_shot(shot, lambda: self.call("GET", f"/v1/shots/{shot.key}/views", None, _PATIENCE))["faces"]

    def render(
        self,
        shot: Shot,
        frames: Iterable[int],
        values: Mapping[str, Any] | None = None,
        frame_values: Mapping[int, Mapping[str, Any]] | None = None,
        proxy: int = 1,
        output: str | None = None,
        mode: str | None = None,
        priority: str = "interactive",
        supersede: str | None = None,
        skip_current: bool = False,
        pixels: str = "file",
        **more: Any,
    ) -> Job:
        """Request frames; return the job at once.

        Parameters
        ----------
        shot : Shot
        frames : iterable of int
            Plate frames.
        values, frame_values : mapping, optional
            Parameters for all frames and for single ones; they override the document's.
        proxy : int
            1, or the factor of a proxy.
        output : str, optional
            File pattern; by default the shot's own.
        mode : str, optional
            "element" or "over"; by default the shot's own.
        priority : str
            "interactive" or "batch".
        supersede : str, optional
            A newer job with the same name replaces this one.
        skip_current : bool
            Whether to leave frames alone whose file has the right key.
        pixels : str
            "file", or "shared" for shared memory (`take_pixels`).

        Raises
        ------
        EngineError
            When the request cannot be carried out.
        """
        return self.submit(
            shot,
            {
                "kind": "render",
                "frames": list(frames),
                "values": dict(values or {}),
                "frame_values": _by_name(frame_values),
                "proxy": proxy,
                "output": output,
                "mode": mode,
                "priority": priority,
                "supersede": supersede,
                "skip_current": skip_current,
                "pixels": pixels,
                **more,
            },
        )

    def track(self, shot: Shot, output: str | None = None, frames: Iterable[int] | None = None, **more: Any) -> Job:
        """Request a track of the shot, written to `output` or to the track file that the shot names."""
        wanted = None if frames is None else list(frames)
        return self.submit(shot, {"kind": "track", "output": output, "frames": wanted, "priority": "batch", **more})

    def faces(self, shot: Shot, frame: int, **more: Any) -> Job:
        """Request the faces of one frame; the job's result is ``{"faces": [{"number", "box", "score"}, …]}``."""
        return self.submit(shot, {"kind": "faces", "frame": frame, **more})

    def submit(self, shot: Shot, body: dict[str, Any]) -> Job:
        """Submit a job of any kind: the body of a request to ``/v1/jobs`` without its shot."""
        return Job(self, shot, body)

    def with_shot(self, shot: Shot, work: Any) -> Any:
        """Return `work()`; when the engine no longer knows the shot, open it again and repeat."""
        try:
            return work()
        except EngineError as error:
            if error.code != "unknown-shot":
                raise
        shot.info = self.call("POST", "/v1/shots", shot.request, _PATIENCE)
        return work()


def variables(texts: Iterable[str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return ``$OCIO`` and the environment variables that `texts` name, where they are set."""
    values = os.environ if environ is None else environ
    names = {"OCIO", "HOME", "USERPROFILE"}
    for text in texts:
        names.update(braced or plain for braced, plain in _VARIABLE.findall(text))
    return {name: values[name] for name in sorted(names) if name in values}


def _texts(path: str) -> list[str]:
    """Return the text of a shot file, and those of the show files in the folders above it."""
    return [*_read(path), *_shows(os.path.dirname(path))]


def _shows(folder: str | None) -> list[str]:
    texts: list[str] = []
    while folder:
        texts += _read(os.path.join(folder, "faceplate.show.json"))
        above = os.path.dirname(folder)
        folder = None if above == folder else above
    return texts


def _read(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return [file.read(1 << 20)]
    except (OSError, ValueError):
        return []


def _by_name(values: Mapping[int, Mapping[str, Any]] | None) -> dict[str, Any]:
    return {str(frame): dict(of_frame) for frame, of_frame in (values or {}).items()}
